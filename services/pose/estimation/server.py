"""Puts the parts of pose estimation together and serves them."""

import grpc
from oma.pose.v1 import pose_estimation_service_pb2 as pb
from oma.pose.v1 import pose_estimation_service_pb2_grpc as pb_grpc

from services.common.artifacts import open_store
from services.common.compute import ComputeLane
from services.common.serving import serve
from services.pose.estimation.engine import Detector, PointNetwork, PoseEngine
from services.pose.estimation.servicer import PoseEstimationServicer
from services.pose.estimation.settings import PoseEstimationSettings


async def run(settings: PoseEstimationSettings, detector: Detector, point_network: PointNetwork) -> None:
    engine = PoseEngine(detector, point_network)
    reading = ComputeLane(max_pending=settings.max_pending)
    looking = ComputeLane(max_pending=settings.max_pending)
    servicer = PoseEstimationServicer(engine, open_store(settings.artifacts), reading=reading, looking=looking)

    def register(server: grpc.aio.Server) -> str:
        pb_grpc.add_PoseEstimationServiceServicer_to_server(servicer, server)
        return pb.DESCRIPTOR.services_by_name["PoseEstimationService"].full_name

    try:
        await serve(settings.server, register)
    finally:
        reading.close()
        looking.close()
