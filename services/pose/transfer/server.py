"""Puts the parts of pose transfer together and serves them."""

import grpc
from oma.pose.v1 import pose_transfer_service_pb2 as pb
from oma.pose.v1 import pose_transfer_service_pb2_grpc as pb_grpc

from services.common.artifacts import open_store
from services.common.compute import ComputeLane
from services.common.families import Family
from services.common.serving import serve
from services.pose.transfer.engine import Networks, TransferEngine
from services.pose.transfer.servicer import PoseTransferServicer
from services.pose.transfer.settings import PoseTransferSettings


async def run(settings: PoseTransferSettings, family: Family, networks: Networks) -> None:
    engine = TransferEngine(networks, cache_bytes=settings.reference_cache_mebibytes * 2**20)
    reading = ComputeLane(max_pending=2 * settings.max_pending)
    drawing = ComputeLane(max_pending=settings.max_pending)
    store = open_store(settings.artifacts)
    servicer = PoseTransferServicer(engine, family, store, reading=reading, drawing=drawing)

    def register(server: grpc.aio.Server) -> str:
        pb_grpc.add_PoseTransferServiceServicer_to_server(servicer, server)
        return pb.DESCRIPTOR.services_by_name["PoseTransferService"].full_name

    try:
        await serve(settings.server, register)
    finally:
        reading.close()
        drawing.close()
