"""Puts the parts of pose transfer together and serves them."""

import grpc
from oma.pose.v1 import pose_transfer_service_pb2 as pb
from oma.pose.v1 import pose_transfer_service_pb2_grpc as pb_grpc

from services.common.admission import Places
from services.common.artifacts import open_store
from services.common.compute import ComputeLane
from services.common.families import Family
from services.common.serving import serve
from services.pose.transfer.engine import Networks, TransferEngine
from services.pose.transfer.metrics import STEP_SECONDS, count_lookup
from services.pose.transfer.servicer import PoseTransferServicer
from services.pose.transfer.settings import PoseTransferSettings


async def run(settings: PoseTransferSettings, family: Family, networks: Networks) -> None:
    engine = TransferEngine(
        networks,
        cache_bytes=settings.reference_cache_mebibytes * 2**20,
        on_predicted=STEP_SECONDS.observe,
        on_lookup=count_lookup,
    )
    # One more than there are places: the work of one who left may still be at its last step.
    reading = ComputeLane(max_pending=settings.max_pending + 1)
    drawing = ComputeLane(max_pending=settings.max_pending + 1)
    store = open_store(settings.artifacts)
    places = Places(settings.max_pending, door="pose_transfer")
    servicer = PoseTransferServicer(engine, family, store, places=places, reading=reading, drawing=drawing)

    def register(server: grpc.aio.Server) -> str:
        pb_grpc.add_PoseTransferServiceServicer_to_server(servicer, server)
        return pb.DESCRIPTOR.services_by_name["PoseTransferService"].full_name

    try:
        await serve(settings.server, register)
    finally:
        reading.close()
        drawing.close()
