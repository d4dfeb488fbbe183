"""Carries a drawing to its service and keeps what comes back."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from oma.background.v1 import background_service_pb2 as background_pb
from oma.image.v1 import drawing_pb2
from oma.pose.v1 import pose_estimation_service_pb2 as estimation_pb
from oma.pose.v1 import pose_pb2
from oma.pose.v1 import pose_transfer_service_pb2 as transfer_pb

from services.common.artifacts import ArtifactStore, get_checked
from services.common.clients import our_errors
from services.common.errors import NotReady, Unavailable
from services.common.leases import Job
from services.gateway import convert
from services.gateway.clients import BACKGROUND, TRANSFER, Peers
from services.gateway.files import results_prefix
from services.gateway.tables import Result
from services.gateway.worker.patience import Patience, persist
from services.gateway.worker.progress import Preview, Progress
from services.gateway.worker.work import Finish, seed_of

Event = background_pb.GenerateBackgroundResponse | transfer_pb.TransferPoseResponse
Done = background_pb.GenerateBackgroundDone | transfer_pb.TransferPoseDone


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One drawing job; `open_stream` calls its service."""

    job: Job
    peer: str
    open_stream: Callable[[], AsyncGenerator[Event, None]]
    store: ArtifactStore
    patience: Patience
    images: dict[int, drawing_pb2.DrawnImage] = field(default_factory=dict)

    async def run(self, progress: Progress) -> Finish:
        done = await persist(lambda: self._draw(progress), progress, self.patience)
        used = convert.settings_used(done)
        rows = await persist(lambda: asyncio.to_thread(self._keep, used), progress, self.patience)
        return Finish(rows=list(rows))

    async def stop(self) -> None:
        """The stream was closed when `run` was cancelled; the service notices within a step."""

    async def _draw(self, progress: Progress) -> Done:
        self.images.clear()
        with our_errors(self.peer):
            async with aclosing(self.open_stream()) as events:
                async for event in events:
                    done = self._take(event, progress)
                    if done is not None:
                        return done
        raise Unavailable(f"{self.peer} stopped before the end; try again", reason="STREAM_ENDED")

    def _take(self, event: Event, progress: Progress) -> Done | None:
        match event.WhichOneof("event"):
            case "queued":
                progress.waiting(event.queued.position)
            case "progress":
                step = event.progress
                shown = step.preview if step.HasField("preview") else None
                preview = Preview(content=shown.content, media_type=shown.media_type) if shown else None
                progress.drawn(step.step, step.steps, preview)
            case "image":
                self.images[event.image.index] = event.image
            case "done":
                return event.done
        return None

    def _keep(self, settings: dict[str, Any]) -> list[Result]:
        """Copy the results to our own prefix: where they are now, they lie for a day only."""
        return [self._keep_one(image, settings) for _, image in sorted(self.images.items())]

    def _keep_one(self, image: drawing_pb2.DrawnImage, settings: dict[str, Any]) -> Result:
        drawn, owner = image.artifact, self.job.owner
        content = get_checked(self.store, drawn.key, drawn.sha256, owner=owner)
        ref = self.store.put(f"{results_prefix(owner, self.job.id)}{image.index:02d}.png", content, drawn.media_type)
        return Result(
            account_id=owner,
            project_id=self.job.payload["project_id"],
            job_id=self.job.id,
            kind=self.job.kind,
            index=image.index,
            key=ref.key,
            sha256=ref.sha256,
            size_bytes=ref.size_bytes,
            media_type=ref.media_type,
            width=image.width,
            height=image.height,
            seed=image.seed,
            settings=settings,
        )


def background(job: Job, peers: Peers, store: ArtifactStore, patience: Patience, timeout_seconds: float) -> Drawing:
    request = convert.background_request(job.id, job.owner, job.payload, seed_of(job))

    async def stream() -> AsyncGenerator[Event, None]:
        metadata = peers.acting_for(job.owner, BACKGROUND)
        async with peers.background_near(strongest_style(request) or job.id) as service:
            call = service.GenerateBackground(request, timeout=timeout_seconds, metadata=metadata)
            try:
                async for event in call:
                    yield event
            finally:
                call.cancel()

    return Drawing(job=job, peer="background generation", open_stream=stream, store=store, patience=patience)


def strongest_style(request: background_pb.GenerateBackgroundRequest) -> str:
    """By what a drawing's replica is chosen: the style that it has most of, or ""."""
    return max(request.styles, key=lambda style: style.weight).sha256 if request.styles else ""


def pose_transfer(job: Job, peers: Peers, store: ArtifactStore, patience: Patience, timeout_seconds: float) -> Drawing:
    request = convert.transfer_request(job.id, job.owner, job.payload, seed_of(job))
    look = convert.character_request(job.owner, job.payload)

    async def stream() -> AsyncGenerator[Event, None]:
        if look is not None and not request.HasField("character_skeleton"):
            request.character_skeleton.CopyFrom(await _character(peers, look))
        metadata = peers.acting_for(job.owner, TRANSFER)
        call = peers.pose_transfer.TransferPose(request, timeout=timeout_seconds, metadata=metadata)
        try:
            async for event in call:
                yield event
        finally:
            call.cancel()

    return Drawing(job=job, peer="pose transfer", open_stream=stream, store=store, patience=patience)


async def _character(peers: Peers, look: estimation_pb.EstimatePoseRequest) -> pose_pb2.Person:
    found = await peers.estimate(look)
    if not found.people:
        raise NotReady(
            "nobody was found in the character's picture: say where it stands, or draw without its own proportions",
            reason="NO_CHARACTER_FOUND",
        )
    return found.people[0]
