"""Puts the background service together."""

import threading

import grpc
from oma.background.v1 import background_service_pb2 as pb
from oma.background.v1 import background_service_pb2_grpc as pb_grpc

from services.background.engine.painter import Painter
from services.background.engine.turns import Turns
from services.background.korean.translator import Translator
from services.background.model import StyleTargets
from services.background.servicer import BackgroundServicer
from services.background.settings import BackgroundSettings
from services.background.styles import StyleShelf
from services.common.admission import Places
from services.common.artifacts import open_store
from services.common.compute import ComputeLane
from services.common.families import Family
from services.common.serving import serve


async def run(
    settings: BackgroundSettings, family: Family, painter: Painter, targets: StyleTargets, translator: Translator
) -> None:
    # Past the door there is room for those who left and whose last step is not over.
    turns = Turns(painter, max_rows=settings.max_rows, max_pending=settings.max_pending + settings.max_rows)
    drawing = threading.Thread(target=turns.run, name="drawing")
    lane = ComputeLane(max_pending=2 * settings.max_pending)
    store = open_store(settings.artifacts)
    shelf = StyleShelf(store, targets, max_bytes=settings.adapter_cache_mib * 2**20)
    servicer = BackgroundServicer(
        family=family,
        places=Places(settings.max_pending),
        turns=turns,
        lane=lane,
        store=store,
        shelf=shelf,
        translator=translator,
        settings_in_pictures=settings.settings_in_pictures,
    )

    def register(server: grpc.aio.Server) -> str:
        pb_grpc.add_BackgroundServiceServicer_to_server(servicer, server)
        return pb.DESCRIPTOR.services_by_name["BackgroundService"].full_name

    drawing.start()
    try:
        await serve(settings.server, register)
    finally:
        turns.close()
        drawing.join()
        lane.close()
