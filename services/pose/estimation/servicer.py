"""PoseEstimationService on the wire."""

from typing import Any

from oma.pose.v1 import pose_estimation_service_pb2 as pb
from oma.pose.v1 import pose_estimation_service_pb2_grpc as pb_grpc

from services.common.admission import Places
from services.common.artifacts import ArtifactStore, check_owner
from services.common.compute import ComputeLane
from services.common.pictures import Pixels
from services.common.wire import picture_pixels
from services.pose.estimation.calls import Call
from services.pose.estimation.convert import draw_skeleton, read_skeleton, to_look_spec, to_response
from services.pose.estimation.engine import LookSpec
from services.pose.estimation.networks import Networks


class PoseEstimationServicer(pb_grpc.PoseEstimationServiceServicer):
    """`reading` decodes pictures and draws skeletons, `looking` runs the networks or waits for them."""

    def __init__(
        self,
        networks: Networks,
        store: ArtifactStore,
        *,
        places: Places,
        reading: ComputeLane,
        looking: ComputeLane,
    ) -> None:
        self._networks = networks
        self._store = store
        self._places = places
        self._reading = reading
        self._looking = looking

    async def EstimatePose(self, request: pb.EstimatePoseRequest, context: Any) -> pb.EstimatePoseResponse:
        self._places.take(context)
        call = Call(context)
        image_HWC, spec = await self._reading.run(self._read, request)
        return await self._looking.run(self._look, image_HWC, spec, call)

    async def DrawSkeleton(self, request: pb.DrawSkeletonRequest, context: Any) -> pb.DrawSkeletonResponse:
        self._places.take(context)
        return await self._reading.run(draw_skeleton, request)

    async def ReadSkeleton(self, request: pb.ReadSkeletonRequest, context: Any) -> pb.ReadSkeletonResponse:
        self._places.take(context)
        return await self._reading.run(read_skeleton, request)

    def _read(self, request: pb.EstimatePoseRequest) -> tuple[Pixels, LookSpec]:
        owner, spec = check_owner(request.owner), to_look_spec(request)
        return picture_pixels(request.picture, self._store, owner=owner), spec

    def _look(self, image_HWC: Pixels, spec: LookSpec, call: Call) -> pb.EstimatePoseResponse:
        found = self._networks.engine_for(call).estimate(image_HWC, spec)
        return to_response(found, (image_HWC.shape[1], image_HWC.shape[0]))
