"""The four model services as the gateway calls them: typed stubs, deadlines, and errors turned back into ours."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from oma.background.v1 import background_service_pb2 as background_pb
from oma.background.v1 import background_service_pb2_grpc as background_grpc
from oma.pose.v1 import pose_estimation_service_pb2 as estimation_pb
from oma.pose.v1 import pose_estimation_service_pb2_grpc as estimation_grpc
from oma.pose.v1 import pose_transfer_service_pb2_grpc as transfer_grpc
from oma.style.v1 import style_train_service_pb2 as training_pb
from oma.style.v1 import style_train_service_pb2_grpc as training_grpc

from services.common.affinity import Replicas, name_of
from services.common.clients import FreshChannels, call_metadata, open_channel, our_errors
from services.common.errors import NotFound, NotReady
from services.common.identity.assertions import Signer
from services.common.identity.certificates import Certificates, open_certificates
from services.common.identity.keys import signing_key

if TYPE_CHECKING:  # the asynchronous stubs exist in the type stubs only
    from oma.background.v1.background_service_pb2_grpc import BackgroundServiceAsyncStub
    from oma.pose.v1.pose_estimation_service_pb2_grpc import PoseEstimationServiceAsyncStub
    from oma.pose.v1.pose_transfer_service_pb2_grpc import PoseTransferServiceAsyncStub
    from oma.style.v1.style_train_service_pb2_grpc import StyleTrainServiceAsyncStub

from services.gateway.settings import GatewaySettings

SHORT_SECONDS = 20.0
HEALTH_SECONDS = 1.0

BACKGROUND = "oma.background.v1.BackgroundService"
ESTIMATION = "oma.pose.v1.PoseEstimationService"
TRANSFER = "oma.pose.v1.PoseTransferService"
TRAINING = "oma.style.v1.StyleTrainService"

_RETRIED = {  # reads, and writes that carry a request id
    "background": tuple(
        f"{BACKGROUND}/{method}" for method in ("TranslatePrompt", "SeparateLayers", "ReadStyle", "ConvertStyle")
    ),
    "pose_estimation": tuple(f"{ESTIMATION}/{method}" for method in ("EstimatePose", "DrawSkeleton", "ReadSkeleton")),
    "pose_transfer": (),
    "style_train": tuple(
        f"{TRAINING}/{method}" for method in ("CreateTraining", "GetTraining", "CancelTraining", "DeleteTraining")
    ),
}
_SERVICES = {
    "background": BACKGROUND,
    "pose_estimation": ESTIMATION,
    "pose_transfer": TRANSFER,
    "style_train": TRAINING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the model services listen: host:port, or any gRPC target."""

    background: str
    pose_estimation: str
    pose_transfer: str
    style_train: str


@dataclass(frozen=True, slots=True)
class Peers:
    """Channels to the model services. Belongs to the event loop it is made on; close it there."""

    addresses: Addresses
    signer: Signer
    certificates: Callable[[], Certificates] | None = None
    channels: FreshChannels = field(init=False)
    painters: Replicas = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", FreshChannels(self._open, self.certificates))
        replicas = FreshChannels(self._open_painter, self.certificates)
        object.__setattr__(self, "painters", Replicas(self.addresses.background, replicas))

    def _open(self, name: str, certificates: Certificates | None) -> grpc.aio.Channel:
        return open_channel(getattr(self.addresses, name), retried=_RETRIED[name], certificates=certificates)

    def _open_painter(self, address: str, certificates: Certificates | None) -> grpc.aio.Channel:
        """To one replica of background generation, whose certificate has the name that all of them share."""
        return open_channel(address, certificates=certificates, server_name=name_of(self.addresses.background))

    @contextlib.asynccontextmanager
    async def background_near(self, style: str) -> AsyncIterator["BackgroundServiceAsyncStub"]:
        """Background generation for one call, at the replica that has drawn in this style lately."""
        async with self.painters.near(style) as channel:
            yield background_grpc.BackgroundServiceStub(channel)

    @property
    def background(self) -> "BackgroundServiceAsyncStub":
        return background_grpc.BackgroundServiceStub(self.channels["background"])

    @property
    def pose_estimation(self) -> "PoseEstimationServiceAsyncStub":
        return estimation_grpc.PoseEstimationServiceStub(self.channels["pose_estimation"])

    @property
    def pose_transfer(self) -> "PoseTransferServiceAsyncStub":
        return transfer_grpc.PoseTransferServiceStub(self.channels["pose_transfer"])

    @property
    def style_train(self) -> "StyleTrainServiceAsyncStub":
        return training_grpc.StyleTrainServiceStub(self.channels["style_train"])

    def acting_for(self, owner: str, service: str) -> tuple[tuple[str, str], ...]:
        """Metadata of one call to `service` for `owner`; made anew for each call, for it soon expires."""
        return call_metadata(self.signer, service=service, owner=owner)

    async def translate(self, owner: str, prompt: str) -> background_pb.TranslatePromptResponse:
        request = background_pb.TranslatePromptRequest(prompt=prompt)
        with our_errors("background generation"):
            metadata = self.acting_for(owner, BACKGROUND)
            return await self.background.TranslatePrompt(request, timeout=SHORT_SECONDS, metadata=metadata)

    async def separate_layers(
        self, request: background_pb.SeparateLayersRequest
    ) -> background_pb.SeparateLayersResponse:
        with our_errors("background generation"):
            metadata = self.acting_for(request.owner, BACKGROUND)
            return await self.background.SeparateLayers(request, timeout=3 * SHORT_SECONDS, metadata=metadata)

    async def read_style(self, request: background_pb.ReadStyleRequest) -> background_pb.ReadStyleResponse:
        with our_errors("background generation"):
            metadata = self.acting_for(request.owner, BACKGROUND)
            return await self.background.ReadStyle(request, timeout=3 * SHORT_SECONDS, metadata=metadata)

    async def convert_style(self, request: background_pb.ConvertStyleRequest) -> background_pb.ConvertStyleResponse:
        with our_errors("background generation"):
            metadata = self.acting_for(request.owner, BACKGROUND)
            return await self.background.ConvertStyle(request, timeout=3 * SHORT_SECONDS, metadata=metadata)

    async def estimate(self, request: estimation_pb.EstimatePoseRequest) -> estimation_pb.EstimatePoseResponse:
        with our_errors("pose estimation"):
            metadata = self.acting_for(request.owner, ESTIMATION)
            return await self.pose_estimation.EstimatePose(request, timeout=3 * SHORT_SECONDS, metadata=metadata)

    async def draw_skeleton(self, owner: str, request: estimation_pb.DrawSkeletonRequest) -> bytes:
        with our_errors("pose estimation"):
            metadata = self.acting_for(owner, ESTIMATION)
            answer = await self.pose_estimation.DrawSkeleton(request, timeout=SHORT_SECONDS, metadata=metadata)
        return answer.skeleton.content

    async def read_skeleton(self, owner: str, content: bytes) -> estimation_pb.ReadSkeletonResponse:
        request = estimation_pb.ReadSkeletonRequest(content=content)
        with our_errors("pose estimation"):
            metadata = self.acting_for(owner, ESTIMATION)
            return await self.pose_estimation.ReadSkeleton(request, timeout=SHORT_SECONDS, metadata=metadata)

    async def check_training(self, request: training_pb.CreateTrainingRequest) -> training_pb.Training:
        with our_errors("style training"):
            metadata = self.acting_for(request.owner, TRAINING)
            answer = await self.style_train.CreateTraining(request, timeout=3 * SHORT_SECONDS, metadata=metadata)
        return answer.training

    async def delete_training(self, owner: str, training_id: str) -> None:
        """Remove a training and its files; one that is gone already is fine.

        Raises:
            NotReady: it has not ended; it was asked to stop.
        """
        delete = training_pb.DeleteTrainingRequest(owner=owner, id=training_id)
        cancel = training_pb.CancelTrainingRequest(owner=owner, id=training_id)
        with contextlib.suppress(NotFound), our_errors("style training"):
            metadata = self.acting_for(owner, TRAINING)
            try:
                await self.style_train.DeleteTraining(delete, timeout=SHORT_SECONDS, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:
                    raise
                await self.style_train.CancelTraining(cancel, timeout=SHORT_SECONDS, metadata=metadata)
                raise NotReady("a training is stopping: try again in a moment", reason="TRAINING_STOPPING") from error

    async def trainings_of(self, owner: str) -> list[str]:
        """Ids of all trainings that the service has of an owner."""
        found: list[str] = []
        request = training_pb.ListTrainingsRequest(owner=owner, page_size=100)
        with our_errors("style training"):
            while True:
                metadata = self.acting_for(owner, TRAINING)
                page = await self.style_train.ListTrainings(request, timeout=SHORT_SECONDS, metadata=metadata)
                found += [training.id for training in page.trainings]
                if not page.next_page_token:
                    return found
                request.page_token = page.next_page_token

    async def serving(self) -> dict[str, bool]:
        """Which services say that they serve; silence for a second counts as down."""
        names = list(_SERVICES)
        answers = await asyncio.gather(*(self._serves(name) for name in names))
        return dict(zip(names, answers, strict=True))

    async def _serves(self, name: str) -> bool:
        stub = health_pb2_grpc.HealthStub(self.channels[name])
        request = health_pb2.HealthCheckRequest(service=_SERVICES[name])
        try:
            answer = await stub.Check(request, timeout=HEALTH_SECONDS)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def close(self) -> None:
        await self.channels.close()
        await self.painters.close()


def open_peers(settings: GatewaySettings) -> Peers:
    return Peers(
        Addresses(
            background=settings.background_address,
            pose_estimation=settings.pose_estimation_address,
            pose_transfer=settings.pose_transfer_address,
            style_train=settings.style_train_address,
        ),
        Signer(signing_key(settings.signing_key_file)),
        open_certificates(settings.tls),
    )
