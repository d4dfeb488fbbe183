"""Puts the parts of pose estimation together and serves them."""

import asyncio

import grpc
from oma.pose.v1 import pose_estimation_service_pb2 as pb
from oma.pose.v1 import pose_estimation_service_pb2_grpc as pb_grpc

from services.common.admission import Places
from services.common.artifacts import open_store
from services.common.compute import ComputeLane
from services.common.serving import serve
from services.pose.estimation.networks import Networks
from services.pose.estimation.servicer import PoseEstimationServicer
from services.pose.estimation.settings import PoseEstimationSettings


async def run(settings: PoseEstimationSettings, networks: Networks) -> None:
    await networks.start()
    # One more than there are places: the work of one who left is finished, once it has begun.
    reading = ComputeLane(max_pending=settings.max_pending + 1)
    looking = ComputeLane(max_pending=settings.max_pending + 1, threads=networks.at_once)
    places, store = Places(settings.max_pending, door="pose_estimation"), open_store(settings.artifacts)
    servicer = PoseEstimationServicer(networks, store, places=places, reading=reading, looking=looking)

    def register(server: grpc.aio.Server) -> str:
        pb_grpc.add_PoseEstimationServiceServicer_to_server(servicer, server)
        return pb.DESCRIPTOR.services_by_name["PoseEstimationService"].full_name

    try:
        await serve(settings.server, register, until_ready=networks.until_ready)
    finally:
        reading.close()
        await asyncio.to_thread(looking.close)  # what it does may wait for this loop
        await networks.close()
