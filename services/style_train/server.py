"""Puts the parts of the API process together."""

import grpc
from oma.style.v1 import style_train_service_pb2 as pb
from oma.style.v1 import style_train_service_pb2_grpc as pb_grpc

from services.common.artifacts import open_store
from services.common.compute import ComputeLane
from services.common.databases import create_database_engine
from services.common.serving import serve
from services.common.telemetry.jobs import showing_queue
from services.style_train.servicer import StyleTrainServicer
from services.style_train.settings import StyleTrainSettings
from services.style_train.store import TrainingStore


async def run(settings: StyleTrainSettings) -> None:
    store = TrainingStore(create_database_engine(settings.database_url), max_queued=settings.max_queued)
    store.migrate()
    lane = ComputeLane(max_pending=settings.max_pending)
    servicer = StyleTrainServicer(
        store,
        open_store(settings.artifacts),
        lane,
        watch_seconds=settings.watch_seconds,
        watch_poll_seconds=settings.watch_poll_seconds,
    )

    def register(server: grpc.aio.Server) -> str:
        pb_grpc.add_StyleTrainServiceServicer_to_server(servicer, server)
        return str(pb.DESCRIPTOR.services_by_name["StyleTrainService"].full_name)

    try:
        with showing_queue("style_train", store.standings):
            await serve(settings.server, register)
    finally:
        lane.close()
