"""Watches over a training at its service, and records the style that it learned.

The training is durable where it runs; this job only follows it. A worker that takes over creates it again with the
same request id, and gets the same training.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa
from oma.style.v1 import style_train_service_pb2 as pb
from sqlmodel import col

from services.common.clients import our_errors
from services.common.errors import Expired, ServiceError
from services.common.leases import Lease
from services.gateway import convert
from services.gateway.clients import SHORT_SECONDS, TRAINING, Peers
from services.gateway.tables import Style, new_id
from services.gateway.worker.patience import Patience, persist
from services.gateway.worker.progress import Progress
from services.gateway.worker.work import Finish, JobFailed, JobStopped, seed_of

PEER = "style training"
WATCH_SECONDS = 330.0  # the service ends a watch within five minutes
STOPPING_SECONDS = 30.0
MOST_LOSSES = 200  # a curve as wide as a screen shows no more
END_STATES = (pb.Training.STATE_SUCCEEDED, pb.Training.STATE_FAILED, pb.Training.STATE_CANCELLED)


@dataclass(slots=True)
class _Seen:
    """What the service said last."""

    training: pb.Training | None = None
    resume_token: str = ""
    losses: list[dict[str, Any]] = field(default_factory=list)

    def take_loss(self) -> list[dict[str, Any]]:
        """The losses told so far, one for each step that told one; every other one goes when there are too many."""
        training = self.training
        assert training is not None
        last_step = self.losses[-1]["step"] if self.losses else 0
        method = convert.METHOD_NAMES.get(training.current_method)
        if training.HasField("loss") and method is not None and training.steps_done > last_step:
            self.losses.append({"method": method, "step": training.steps_done, "loss": round(training.loss, 5)})
        if len(self.losses) > MOST_LOSSES:
            self.losses = self.losses[1::2]
        return self.losses.copy()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingWork:
    """One training job."""

    lease: Lease
    peers: Peers
    creating: Patience
    watching: Patience
    seen: _Seen = field(default_factory=_Seen)

    async def run(self, progress: Progress) -> Finish:
        created = await persist(self._create, progress, self.creating)
        self.seen.training = created
        self.seen.losses = list(self.lease.job.progress.get("losses", []))  # of a worker before this one
        await asyncio.to_thread(self.lease.checkpoint, {"training_id": created.id}, reached=1)
        training = created
        while training.state not in END_STATES:
            training = await persist(lambda: self._watch(progress), progress, self.watching)
        return self._finish(training)

    async def stop(self) -> None:
        """Cancel the training, wait until it has ended, and remove what it made so far."""
        if self.seen.training is None:
            return
        until = time.monotonic() + STOPPING_SECONDS
        request = pb.CancelTrainingRequest(owner=self.lease.job.owner, id=self.seen.training.id)
        while time.monotonic() < until:
            with contextlib.suppress(ServiceError), our_errors(PEER):  # it may be down just now
                answer = await self.peers.style_train.CancelTraining(
                    request, timeout=SHORT_SECONDS, metadata=self._metadata()
                )
                if answer.training.state in END_STATES:
                    await self.peers.delete_training(request.owner, request.id)
                    return
            await asyncio.sleep(0.2)

    async def _create(self) -> pb.Training:
        job = self.lease.job
        request = convert.training_request(job.id, job.owner, job.payload, seed_of(job))
        with our_errors(PEER):
            answer = await self.peers.style_train.CreateTraining(
                request, timeout=SHORT_SECONDS, metadata=self._metadata()
            )
        return answer.training

    async def _watch(self, progress: Progress) -> pb.Training:
        """Follow until the watch ends: because the training did, or to be called again."""
        assert self.seen.training is not None
        asked: list[str] = self.lease.job.payload["request"]["picture_ids"]
        request = pb.WatchTrainingRequest(
            owner=self.lease.job.owner, id=self.seen.training.id, resume_token=self.seen.resume_token
        )
        with contextlib.suppress(Expired), our_errors(PEER):
            call = self.peers.style_train.WatchTraining(request, timeout=WATCH_SECONDS, metadata=self._metadata())
            try:
                async for response in call:
                    self.seen.training, self.seen.resume_token = response.training, response.resume_token
                    progress.report(**_values(response.training, asked), losses=self.seen.take_loss())
            finally:
                call.cancel()
        return self.seen.training

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return self.peers.acting_for(self.lease.job.owner, TRAINING)

    def _finish(self, training: pb.Training) -> Finish:
        if training.state == pb.Training.STATE_CANCELLED:
            raise JobStopped
        if training.state == pb.Training.STATE_FAILED:
            raise JobFailed(training.failure.reason or "TRAINING_FAILED", training.failure.message or "training failed")
        job = self.lease.job
        style = Style(
            id=new_id(),
            account_id=job.owner,
            project_id=job.payload["project_id"],
            name=training.name,
            job_id=job.id,
            training_id=training.id,
            files=convert.style_files(training),
            samples=convert.sample_refs(training),
        )
        if (lineage_id := job.payload.get("lineage_id")) is None:
            return Finish(result={"style_id": style.id}, rows=[style])
        make_next_version(style, lineage_id)
        return Finish(result={"style_id": style.id}, rows=[style], first=partial(take_turn, lineage_id))


def take_turn(lineage_id: str, connection: sa.Connection) -> None:
    """Two versions of one style that end at once are counted one after the other: until the transaction ends, nobody
    else gets past here. SQLite's writers take turns anyway.
    """
    same = sa.select(col(Style.id)).where(col(Style.lineage_id) == lineage_id).order_by(col(Style.id))
    connection.execute(same.with_for_update())


def make_next_version(style: Style, lineage_id: str) -> None:
    """Counted by the database when the row is written; the version in use stays, where there is one."""
    same = col(Style.lineage_id) == lineage_id
    newest, used = sa.func.coalesce(sa.func.max(Style.version), 0), sa.func.count().filter(col(Style.in_use))
    values: dict[str, Any] = {
        "lineage_id": lineage_id,
        "version": sa.select(newest + 1).where(same).scalar_subquery(),
        "in_use": sa.select(used == 0).where(same).scalar_subquery(),
    }
    for name, value in values.items():
        setattr(style, name, value)


def _values(training: pb.Training, picture_ids: Sequence[str]) -> dict[str, Any]:
    waiting = training.state == pb.Training.STATE_QUEUED
    values: dict[str, Any] = {
        "stage": "waiting" if waiting else convert.METHOD_NAMES.get(training.current_method, "preparing"),
        "queue_position": None,
        "steps_done": training.steps_done,
        "steps_total": training.steps_total,
        "seconds_left": round(training.seconds_left, 1) if training.HasField("seconds_left") else None,
        "findings": convert.findings(training, picture_ids),
        "checkpoint_samples": convert.checkpoint_refs(training),
    }
    being_learned = [one.image for one in training.checkpoint_samples if one.method == training.current_method]
    if drawn := being_learned or training.samples:
        newest = drawn[-1]
        values["preview"] = {"key": newest.key, "media_type": newest.media_type}
    return values
