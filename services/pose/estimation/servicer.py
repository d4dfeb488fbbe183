"""PoseEstimationService on the wire: each call hands one function to the lane, which decodes, computes and encodes."""

from typing import Any

from oma.pose.v1 import pose_estimation_service_pb2 as pb
from oma.pose.v1 import pose_estimation_service_pb2_grpc as pb_grpc

from services.common.artifacts import ArtifactStore, check_owner
from services.common.compute import ComputeLane
from services.common.wire import picture_pixels
from services.pose.estimation.convert import to_drawing_size, to_look_spec, to_response, to_skeleton
from services.pose.estimation.engine import PoseEngine
from services.pose.skeleton import people_picture
from services.pose.wire import read_people


class PoseEstimationServicer(pb_grpc.PoseEstimationServiceServicer):
    def __init__(self, engine: PoseEngine, lane: ComputeLane, store: ArtifactStore) -> None:
        self._engine = engine
        self._lane = lane
        self._store = store

    async def EstimatePose(self, request: pb.EstimatePoseRequest, context: Any) -> pb.EstimatePoseResponse:
        return await self._lane.run(self._estimate_pose, request)

    async def DrawSkeleton(self, request: pb.DrawSkeletonRequest, context: Any) -> pb.DrawSkeletonResponse:
        return await self._lane.run(self._draw_skeleton, request)

    def _estimate_pose(self, request: pb.EstimatePoseRequest) -> pb.EstimatePoseResponse:
        owner = check_owner(request.owner)
        spec = to_look_spec(request)
        image_HWC = picture_pixels(request.picture, self._store, owner=owner)
        found = self._engine.estimate(image_HWC, spec)
        return to_response(found, (image_HWC.shape[1], image_HWC.shape[0]))

    def _draw_skeleton(self, request: pb.DrawSkeletonRequest) -> pb.DrawSkeletonResponse:
        size_wh = to_drawing_size(request)
        xy_PK2, score_PK = read_people(request.people)
        return to_skeleton(people_picture(xy_PK2, score_PK, size_wh))
