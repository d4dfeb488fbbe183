"""A style training API, its workers, and what they share, as tests of the wire and of chaos start them."""

import io
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import safetensors.torch
import sqlalchemy as sa
import torch
from oma.image.v1 import image_pb2
from oma.style.v1 import style_train_service_pb2 as pb
from oma.style.v1 import style_train_service_pb2_grpc as pb_grpc
from PIL import Image

from services.common.artifacts import FolderStore
from services.common.compute import ComputeLane
from services.common.databases import create_database_engine
from services.common.serving import create_server
from services.style_train.lesson import Lesson
from services.style_train.records import Checkpoint, Method, Order, Report, Task
from services.style_train.servicer import StyleTrainServicer
from services.style_train.settings import StyleTrainSettings
from services.style_train.store import TrainingStore, jobs
from tests.fakes.owners import GATE, acting_for_owners

DEADLINE_SECONDS = 250
STEPS = 24
ENDED = (pb.Training.STATE_SUCCEEDED, pb.Training.STATE_FAILED, pb.Training.STATE_CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the API and the workers of one test share."""

    url: str
    folder: Path
    family: Path
    artifacts: FolderStore
    engine: sa.Engine
    store: TrainingStore

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "DATABASE_URL": self.url,
            "ARTIFACTS__FOLDER": str(self.folder / "artifacts"),
            "FAMILY": str(self.family),
            "TORCH_THREADS": "1",
            "LEASE_SECONDS": "3",
            "HEARTBEAT_SECONDS": "0.3",
            "CLAIM_SECONDS": "0.1",
            "CHECKPOINT_SECONDS": "0.2",
            "QUICK_SECONDS": "3",
            "SAMPLE_PICTURES": "1",
        }
        return {**os.environ, **{f"OMA_STYLE_TRAIN_{name}": value for name, value in own.items()}}

    def shorten(self, training: pb.Training, *, steps: int = STEPS) -> pb.Training:
        """Decide few steps before a worker would decide more; no worker may run yet."""
        decided = Checkpoint(steps=dict.fromkeys(Method, steps)).as_json()
        with self.engine.begin() as c:
            c.execute(sa.update(jobs).where(jobs.c.id == training.id).values(checkpoint=decided))
        return training

    def files(self) -> set[str]:
        return {path.name for path in (self.folder / "artifacts").rglob("*") if path.is_file()}


@contextmanager
def open_place(url: str, folder: Path, family: Path, *, max_queued: int = 4) -> Iterator[Place]:
    engine = create_database_engine(url)
    store = TrainingStore(engine, max_queued=max_queued)
    store.migrate()
    artifacts = FolderStore(folder / "artifacts")
    yield Place(url=url, folder=folder, family=family, artifacts=artifacts, engine=engine, store=store)
    engine.dispose()


@asynccontextmanager
async def open_stub(place: Place) -> AsyncIterator[Any]:
    lane = ComputeLane(max_pending=8)
    servicer = StyleTrainServicer(place.store, place.artifacts, lane, watch_seconds=240, watch_poll_seconds=0.05)
    server = create_server(GATE)
    pb_grpc.add_StyleTrainServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield acting_for_owners(pb_grpc.StyleTrainServiceStub(channel))
    await server.stop(None)
    lane.close()


class Workers:
    """Worker processes of one test; all are gone when it ends."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, **settings: str) -> subprocess.Popen[bytes]:
        """One more, with these settings of its own."""
        command = [sys.executable, "-m", "services.style_train.worker"]
        own = {f"OMA_STYLE_TRAIN_{name}": value for name, value in settings.items()}
        self._running.append(subprocess.Popen(command, env={**self._environment, **own}))
        return self._running[-1]

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(timeout=60)


def picture(seed: int = 0, size: tuple[int, int] = (48, 40)) -> image_pb2.Picture:
    rng = np.random.default_rng(seed)
    content = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)).save(content, "PNG")
    return image_pb2.Picture(inline=image_pb2.Image(content=content.getvalue(), media_type="image/png"))


def request(request_id: str = "r1", *, owner: str = "ann", **fields: Any) -> pb.CreateTrainingRequest:
    pictures = [pb.StylePicture(picture=picture(seed), caption="a beach at sunset") for seed in range(2)]
    given = {"name": "Ink", "pictures": pictures, "preset": pb.PRESET_QUICK, "seed": 5, **fields}
    return pb.CreateTrainingRequest(request_id=request_id, owner=owner, **given)


async def create(stub: Any, message: pb.CreateTrainingRequest) -> pb.Training:
    response: pb.CreateTrainingResponse = await stub.CreateTraining(message, timeout=DEADLINE_SECONDS)
    return response.training


async def watch(stub: Any, training: pb.Training, until: Any) -> pb.Training:
    """The first state for which `until` holds."""
    call = stub.WatchTraining(pb.WatchTrainingRequest(owner=training.owner, id=training.id), timeout=DEADLINE_SECONDS)
    async for response in call:
        if until(response.training):
            call.cancel()
            found: pb.Training = response.training
            return found
    raise AssertionError("the watch ended before that")


async def finish(stub: Any, training: pb.Training) -> pb.Training:
    return await watch(stub, training, lambda seen: seen.state in ENDED)


async def learned(stub: Any, place: Place, training: pb.Training) -> dict[str, Any]:
    ended = await finish(stub, training)
    assert (ended.state, ended.failure.reason) == (pb.Training.STATE_SUCCEEDED, "")
    return safetensors.torch.load(place.artifacts.get(ended.files[0].artifact.key))


def undisturbed(place: Place, training: pb.Training, *, checkpoint_samples: bool = False) -> dict[str, Any]:
    """What the first method of the training learns if nothing happens to it, on one thread as in a worker's child."""
    job = place.store.get(owner=training.owner, job_id=training.id)
    task = Task(
        job_id=job.id,
        owner=job.owner,
        order=Order.model_validate(job.payload),
        checkpoint=Checkpoint.model_validate(job.checkpoint),
        settings={},
    )
    settings = StyleTrainSettings(family=place.family, sample_pictures=0, checkpoint_samples=checkpoint_samples)
    copy = FolderStore(place.folder / "undisturbed")
    for picture_of in job.payload["pictures"]:
        key = f"{job.owner}/style/{job.id}/{picture_of['name']}"
        copy.put(key, place.artifacts.get(key), "image/png")
    reports: list[Report] = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        Lesson(task, settings, copy, report=reports.append, stopping=lambda: False).run()
    finally:
        torch.set_num_threads(threads)
    done = next(report.checkpoint for report in reversed(reports) if report.checkpoint is not None)
    return safetensors.torch.load(copy.get(done.learned[0].file.key))


def largest_difference(one: dict[str, Any], other: dict[str, Any]) -> float:
    """Between tensors of the same names."""
    assert one.keys() == other.keys()
    return max(float((tensor - other[name]).abs().max()) for name, tensor in one.items())


def half_learned(training: pb.Training) -> bool:
    return training.state == pb.Training.STATE_RUNNING and training.steps_done > 0


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    found = [int(word) for word in text.split()]
    assert found, "no training process was found; this test has gone blind"
    return found
