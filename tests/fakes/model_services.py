"""The four model services as scripts: real gRPC servers on free ports, whose answers a test decides."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from oma.background.v1 import background_service_pb2 as background_pb
from oma.background.v1 import background_service_pb2_grpc as background_grpc
from oma.image.v1 import drawing_pb2, image_pb2
from oma.pose.v1 import pose_estimation_service_pb2 as estimation_pb
from oma.pose.v1 import pose_estimation_service_pb2_grpc as estimation_grpc
from oma.pose.v1 import pose_pb2
from oma.pose.v1 import pose_transfer_service_pb2 as transfer_pb
from oma.pose.v1 import pose_transfer_service_pb2_grpc as transfer_grpc
from oma.style.v1 import style_pb2
from oma.style.v1 import style_train_service_pb2 as training_pb
from oma.style.v1 import style_train_service_pb2_grpc as training_grpc

from services.background.finished import Finished
from services.common.artifacts import ArtifactStore, get_checked
from services.common.errors import InvalidInput, NotFound, NotReady, ServiceError
from services.common.pictures import encode_jpeg, encode_png
from services.common.request_ids import current_request_id
from services.common.serving import create_server
from services.common.wire import picture_bytes, to_artifact
from services.pose.estimation.convert import draw_skeleton, read_skeleton
from tests.fakes.owners import GATE

STEPS = 4
NAMES = (
    "oma.background.v1.BackgroundService",
    "oma.pose.v1.PoseEstimationService",
    "oma.pose.v1.PoseTransferService",
    "oma.style.v1.StyleTrainService",
)


@dataclass
class Script:
    """What the next calls do, in turn; calls beyond the script just succeed."""

    failures: deque[ServiceError] = field(default_factory=deque)
    hold_at_step: int | None = None  # wait there until `go_on` is set
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)  # a caller went away in the middle
    requests: list[Any] = field(default_factory=list)

    async def begin(self, request: Any) -> None:
        self.requests.append(request)
        if self.failures:
            raise self.failures.popleft()

    async def step(self, step: int) -> None:
        if step == self.hold_at_step:
            self.held.set()
            try:
                await self.go_on.wait()
            except asyncio.CancelledError:
                self.left.set()
                raise


def colour(seed: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A small picture that only its seed decides."""
    return np.full((16, 24, 3), seed % 256, np.uint8)


def drawn(store: ArtifactStore, owner: str, request_id: str, index: int, seed: int) -> drawing_pb2.DrawnImage:
    ref = store.put(f"{owner}/out/{request_id}/{index}.png", encode_png(colour(seed)), "image/png")
    return drawing_pb2.DrawnImage(index=index, artifact=to_artifact(ref), width=24, height=16, seed=seed)


def progress(step: int) -> drawing_pb2.Progress:
    preview = image_pb2.Image(content=encode_jpeg(colour(step)), media_type="image/jpeg")
    return drawing_pb2.Progress(step=step, steps=STEPS, preview=preview)


class FakeBackground(background_grpc.BackgroundServiceServicer):
    def __init__(self, store: ArtifactStore) -> None:
        self.script = Script()
        self.seen_request_ids: list[str] = []
        self._store = store
        self._finished = Finished(store=store, find_sky=None)

    async def GenerateBackground(
        self, request: background_pb.GenerateBackgroundRequest, context: Any
    ) -> AsyncIterator[background_pb.GenerateBackgroundResponse]:
        await self.script.begin(request)
        if request.HasField("picture"):
            picture_bytes(request.picture, self._store, owner=request.owner)
        yield background_pb.GenerateBackgroundResponse(queued=drawing_pb2.Queued(position=0))
        for step in range(1, STEPS + 1):
            yield background_pb.GenerateBackgroundResponse(progress=progress(step))
            await self.script.step(step)
        for index in range(request.count or 1):
            image = drawn(self._store, request.owner, request.request_id, index, request.seed + index)
            yield background_pb.GenerateBackgroundResponse(image=image)
        done = background_pb.GenerateBackgroundDone(
            family="fake", prompt=request.prompt, english_prompt="sunset", steps=STEPS, seed=request.seed,
            strength=1, guidance=7.5, width=24, height=16, styles=request.styles,
            scheduler=request.scheduler,
        )  # fmt: skip
        yield background_pb.GenerateBackgroundResponse(done=done)

    async def TranslatePrompt(
        self, request: background_pb.TranslatePromptRequest, context: Any
    ) -> background_pb.TranslatePromptResponse:
        await self.script.begin(request)
        self.seen_request_ids.append(current_request_id())
        return background_pb.TranslatePromptResponse(english="sunset", unknown_words=["뷁"])

    async def SeparateLayers(
        self, request: background_pb.SeparateLayersRequest, context: Any
    ) -> background_pb.SeparateLayersResponse:
        await self.script.begin(request)
        return await asyncio.to_thread(self._finished.separate, request)

    async def ReadStyle(self, request: background_pb.ReadStyleRequest, context: Any) -> background_pb.ReadStyleResponse:
        await self.script.begin(request)
        return await asyncio.to_thread(self._finished.read, request)

    async def ConvertStyle(
        self, request: background_pb.ConvertStyleRequest, context: Any
    ) -> background_pb.ConvertStyleResponse:
        """A file of ours begins with "style" and its method's number; the words of the request are put after it."""
        await self.script.begin(request)
        content = get_checked(self._store, request.file.key, request.file.sha256, owner=request.owner)
        if not content.startswith(b"style"):
            raise InvalidInput("not a style file", reason="STYLE_DAMAGED")
        written = b"%s %d %d" % (content, request.dialect, request.precision)
        key = f"{request.owner}/out/{request.request_id}/lora.safetensors"
        ref = self._store.put(key, written, "application/octet-stream")
        return background_pb.ConvertStyleResponse(
            file=to_artifact(ref), method=style_pb2.METHOD_LORA, trigger="inkbird", modules=2
        )


class FakeTransfer(transfer_grpc.PoseTransferServiceServicer):
    def __init__(self, store: ArtifactStore) -> None:
        self.script = Script()
        self._store = store

    async def TransferPose(
        self, request: transfer_pb.TransferPoseRequest, context: Any
    ) -> AsyncIterator[transfer_pb.TransferPoseResponse]:
        await self.script.begin(request)
        for step in range(1, STEPS + 1):
            yield transfer_pb.TransferPoseResponse(progress=progress(step))
            await self.script.step(step)
        image = drawn(self._store, request.owner, request.request_id, 0, request.seed)
        yield transfer_pb.TransferPoseResponse(image=image)
        yield transfer_pb.TransferPoseResponse(
            done=transfer_pb.TransferPoseDone(
                family="fake",
                steps=STEPS,
                pose=request.pose.person,
                character_fit=request.character_fit,
                transparent_background=request.transparent_background,
                styles=request.styles,
            )
        )


def somebody(x: float = 10.0) -> pose_pb2.Person:
    points = [pose_pb2.Keypoint(x=x, y=float(number), score=0.5) for number in range(133)]
    return pose_pb2.Person(keypoints=points, box=pose_pb2.Box(left=1, top=2, width=3, height=4, score=0.5))


class FakeEstimation(estimation_grpc.PoseEstimationServiceServicer):
    def __init__(self, store: ArtifactStore) -> None:
        self.script = Script()
        self.people = [somebody()]
        self.skeletons: list[estimation_pb.DrawSkeletonRequest] = []
        self._store = store

    async def EstimatePose(
        self, request: estimation_pb.EstimatePoseRequest, context: Any
    ) -> estimation_pb.EstimatePoseResponse:
        await self.script.begin(request)
        picture_bytes(request.picture, self._store, owner=request.owner)
        return estimation_pb.EstimatePoseResponse(people=self.people, width=64, height=48)

    async def DrawSkeleton(
        self, request: estimation_pb.DrawSkeletonRequest, context: Any
    ) -> estimation_pb.DrawSkeletonResponse:
        self.skeletons.append(request)
        if any(point.score > 1 for person in request.people for point in person.keypoints):
            raise InvalidInput("scores lie in [0, 1]", reason="SCORE")
        if request.format not in (estimation_pb.SKELETON_FORMAT_UNSPECIFIED, estimation_pb.SKELETON_FORMAT_PNG):
            return draw_skeleton(request)
        content = encode_png(colour(len(self.skeletons)))
        return estimation_pb.DrawSkeletonResponse(skeleton=image_pb2.Image(content=content, media_type="image/png"))

    async def ReadSkeleton(
        self, request: estimation_pb.ReadSkeletonRequest, context: Any
    ) -> estimation_pb.ReadSkeletonResponse:
        await self.script.begin(request)
        return read_skeleton(request)


class FakeTraining(training_grpc.StyleTrainServiceServicer):
    """Trains in steps of nothing; `trainings` is its database, and outlives a restart of its server."""

    def __init__(self, store: ArtifactStore) -> None:
        self.script = Script()
        self.trainings: dict[str, training_pb.Training] = {}
        self.fail_with: training_pb.Failure | None = None
        self.findings: list[training_pb.PictureFinding] = []
        self.watch_ends_early = False
        self.deleted: list[str] = []
        self._store = store

    async def CreateTraining(
        self, request: training_pb.CreateTrainingRequest, context: Any
    ) -> training_pb.CreateTrainingResponse:
        await self.script.begin(request)
        if request.validate_only:
            seen = training_pb.Training(owner=request.owner, findings=self.findings, steps_total=STEPS)
            return training_pb.CreateTrainingResponse(training=seen)
        training = self.trainings.setdefault(
            request.request_id,
            training_pb.Training(
                id=request.request_id, owner=request.owner, name=request.name, methods=request.methods,
                state=training_pb.Training.STATE_QUEUED, steps_total=STEPS, findings=self.findings,
            ),
        )  # fmt: skip
        return training_pb.CreateTrainingResponse(training=training)

    async def WatchTraining(
        self, request: training_pb.WatchTrainingRequest, context: Any
    ) -> AsyncIterator[training_pb.WatchTrainingResponse]:
        training = self._find(request.owner, request.id)
        while training.state in (training_pb.Training.STATE_QUEUED, training_pb.Training.STATE_RUNNING):
            self._advance(training)
            yield training_pb.WatchTrainingResponse(training=training, resume_token=str(training.steps_done))
            await self.script.step(training.steps_done)
            if self.watch_ends_early:
                return
        yield training_pb.WatchTrainingResponse(training=training, resume_token="end")

    async def CancelTraining(
        self, request: training_pb.CancelTrainingRequest, context: Any
    ) -> training_pb.CancelTrainingResponse:
        training = self._find(request.owner, request.id)
        training.state = training_pb.Training.STATE_CANCELLED
        return training_pb.CancelTrainingResponse(training=training)

    async def DeleteTraining(
        self, request: training_pb.DeleteTrainingRequest, context: Any
    ) -> training_pb.DeleteTrainingResponse:
        training = self._find(request.owner, request.id)
        if training.state in (training_pb.Training.STATE_QUEUED, training_pb.Training.STATE_RUNNING):
            raise NotReady("it has not ended: cancel it first", reason="NOT_ENDED")
        self.deleted.append(request.id)
        for file in training.files:
            self._store.delete(file.artifact.key)
        del self.trainings[request.id]
        return training_pb.DeleteTrainingResponse()

    async def GetTraining(self, request: Any, context: Any) -> training_pb.GetTrainingResponse:
        return training_pb.GetTrainingResponse(training=self._find(request.owner, request.id))

    async def ListTrainings(self, request: Any, context: Any) -> training_pb.ListTrainingsResponse:
        own = [training for training in self.trainings.values() if training.owner == request.owner]
        return training_pb.ListTrainingsResponse(trainings=own)

    def _find(self, owner: str, training_id: str) -> training_pb.Training:
        training = self.trainings.get(training_id)
        if training is None or training.owner != owner:
            raise NotFound("no such training", reason="NO_TRAINING")
        return training

    def _advance(self, training: training_pb.Training) -> None:
        training.state = training_pb.Training.STATE_RUNNING
        training.current_method = style_pb2.METHOD_LORA
        training.steps_done += 1
        prefix = f"{training.owner}/style/{training.id}"
        sample = self._store.put(f"{prefix}/{training.steps_done}.png", encode_png(colour(1)), "image/png")
        training.samples.append(to_artifact(sample))
        if training.steps_done == STEPS // 2:
            over = training_pb.CheckpointSample(
                method=style_pb2.METHOD_LORA, step=training.steps_done, image=to_artifact(sample)
            )
            training.checkpoint_samples.append(over)
        if training.steps_done < STEPS:
            return
        if self.fail_with is not None:
            training.state = training_pb.Training.STATE_FAILED
            training.failure.CopyFrom(self.fail_with)
            return
        for method in training.methods:
            ref = self._store.put(f"{prefix}/{method}.safetensors", b"style %d" % method, "application/octet-stream")
            training.files.append(training_pb.StyleFile(method=method, artifact=to_artifact(ref), trigger="inkbird"))
        training.state = training_pb.Training.STATE_SUCCEEDED


class FakeServices:
    """All four behind one server, which can be stopped and started again on the same port."""

    def __init__(self, store: ArtifactStore) -> None:
        self.background = FakeBackground(store)
        self.transfer = FakeTransfer(store)
        self.estimation = FakeEstimation(store)
        self.training = FakeTraining(store)
        self.port = 0
        self.seen_request_ids = self.background.seen_request_ids
        self._server: grpc.aio.Server | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        server = create_server(GATE)
        background_grpc.add_BackgroundServiceServicer_to_server(self.background, server)
        transfer_grpc.add_PoseTransferServiceServicer_to_server(self.transfer, server)
        estimation_grpc.add_PoseEstimationServiceServicer_to_server(self.estimation, server)
        training_grpc.add_StyleTrainServiceServicer_to_server(self.training, server)
        status = HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(status, server)
        for name in NAMES:
            await status.set(name, health_pb2.HealthCheckResponse.SERVING)
        self.port = server.add_insecure_port(f"127.0.0.1:{self.port}")
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """At once, as a killed process would: open calls break."""
        if self._server is not None:
            await self._server.stop(grace=None)
            self._server = None
