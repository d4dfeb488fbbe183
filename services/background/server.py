"""Puts the background service together."""

import asyncio
import logging
import os
import threading
from contextlib import suppress

import grpc
from oma.background.v1 import background_service_pb2 as pb
from oma.background.v1 import background_service_pb2_grpc as pb_grpc

from services.background.engine.painter import Painter
from services.background.engine.turns import Turns
from services.background.enlarger import find_enlarger
from services.background.finished import Finished
from services.background.korean.translator import Translates
from services.background.metrics import count_step
from services.background.model import StyleTargets, load_sky
from services.background.results import Results
from services.background.servicer import Afterwards, BackgroundServicer
from services.background.settings import BackgroundSettings
from services.background.styles import StyleShelf
from services.common.admission import Places
from services.common.artifacts import open_store
from services.common.compute import ComputeLane
from services.common.errors import ServiceError
from services.common.families import Family
from services.common.serving import serve

log = logging.getLogger(__name__)

FORGET_SECONDS = 60.0  # a deleted style stays in memory no longer than this


async def run(
    settings: BackgroundSettings, family: Family, painter: Painter, targets: StyleTargets, translator: Translates
) -> None:
    # Past the door there is room for those who left and whose last step is not over.
    turns = Turns(
        painter,
        max_rows=settings.max_rows,
        max_pending=settings.max_pending + settings.max_rows,
        on_step=count_step,
    )
    drawing = threading.Thread(target=turns.run, name="drawing")
    lane = ComputeLane(max_pending=2 * settings.max_pending)
    store = open_store(settings.artifacts)
    shelf = StyleShelf(store, targets, max_bytes=settings.adapter_cache_mib * 2**20)
    servicer = BackgroundServicer(
        family=family,
        places=Places(settings.max_pending, door="background"),
        turns=turns,
        lane=lane,
        store=store,
        shelf=shelf,
        translator=translator,
        afterwards=Afterwards(
            results=Results(
                store=store,
                family=family,
                enlarger=find_enlarger(threads=settings.torch_threads or os.cpu_count() or 1),
                settings_in_pictures=settings.settings_in_pictures,
            ),
            finished=Finished(store=store, find_sky=load_sky(family)),
            places=Places(settings.max_pending, door="finished_backgrounds"),
        ),
    )

    def register(server: grpc.aio.Server) -> str:
        pb_grpc.add_BackgroundServiceServicer_to_server(servicer, server)
        return pb.DESCRIPTOR.services_by_name["BackgroundService"].full_name

    drawing.start()
    forgetting = asyncio.create_task(_forget_deleted(shelf, lane))
    try:
        await serve(settings.server, register)
    finally:
        forgetting.cancel()
        await asyncio.wait({forgetting})
        turns.close()
        drawing.join()
        lane.close()


async def _forget_deleted(shelf: StyleShelf, lane: ComputeLane) -> None:
    while True:
        await asyncio.sleep(FORGET_SECONDS)
        with suppress(ServiceError):  # full, or the store is down: next time
            if forgotten := await lane.run(shelf.drop_deleted):
                log.info("deleted styles forgotten", extra={"styles": forgotten})
