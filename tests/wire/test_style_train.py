"""Style training over a real channel, with the real worker on a random tiny family."""

import asyncio
import io
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import safetensors.torch
import sqlalchemy as sa
from oma.image.v1 import image_pb2
from oma.style.v1 import style_pb2
from oma.style.v1 import style_train_service_pb2 as pb
from oma.style.v1 import style_train_service_pb2_grpc as pb_grpc
from PIL import Image

from services.common.artifacts import FolderStore
from services.common.clients import our_errors
from services.common.compute import ComputeLane
from services.common.databases import create_database_engine
from services.common.errors import Conflict, InvalidInput, NotFound, NotReady, Overloaded
from services.common.serving import create_server
from services.style_train.lesson import Lesson
from services.style_train.records import Checkpoint, Method, Order, Report, Task
from services.style_train.servicer import StyleTrainServicer
from services.style_train.settings import StyleTrainSettings
from services.style_train.store import TrainingStore, jobs
from tests.fakes.families import build_random_family
from tests.fakes.owners import GATE, acting_for_owners

DEADLINE_SECONDS = 250
STEPS = 24
ENDED = (pb.Training.STATE_SUCCEEDED, pb.Training.STATE_FAILED, pb.Training.STATE_CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the API and the workers of one test share."""

    folder: Path
    family: Path
    artifacts: FolderStore
    engine: sa.Engine
    store: TrainingStore

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "DATABASE_URL": f"sqlite:///{self.folder}/style.db",
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

    def shorten(self, training: pb.Training) -> pb.Training:
        """Decide few steps before a worker would decide more; no worker may run yet."""
        decided = Checkpoint(steps=dict.fromkeys(Method, STEPS)).as_json()
        with self.engine.begin() as c:
            c.execute(sa.update(jobs).where(jobs.c.id == training.id).values(checkpoint=decided))
        return training

    def files(self) -> set[str]:
        return {path.name for path in (self.folder / "artifacts").rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_random_family(tmp_path_factory.mktemp("family"))


@pytest.fixture
def place(tmp_path: Path, family: Path) -> Iterator[Place]:
    engine = create_database_engine(f"sqlite:///{tmp_path}/style.db")
    store = TrainingStore(engine, max_queued=4)
    store.migrate()
    yield Place(
        folder=tmp_path, family=family, artifacts=FolderStore(tmp_path / "artifacts"), engine=engine, store=store
    )
    engine.dispose()


@pytest.fixture
async def stub(place: Place) -> AsyncIterator["pb_grpc.StyleTrainServiceAsyncStub"]:
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

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "services.style_train.worker"]
        self._running.append(subprocess.Popen(command, env=self._environment))
        return self._running[-1]

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(timeout=60)


@pytest.fixture
def workers(place: Place) -> Iterator[Workers]:
    running = Workers(place.environment)
    yield running
    running.stop()


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


async def test_both_methods_are_learned_and_the_files_are_what_they_say(
    stub: Any, place: Place, workers: Workers
) -> None:
    training = await create(stub, request())
    assert training.state == pb.Training.STATE_QUEUED
    assert training.steps_total > 0
    place.shorten(training)
    workers.start()
    ended = await finish(stub, training)
    assert (ended.state, ended.failure.reason) == (pb.Training.STATE_SUCCEEDED, "")
    assert [file.method for file in ended.files] == [style_pb2.METHOD_LORA, style_pb2.METHOD_DREAMSTYLER]
    lora, dreamstyler = (safetensors.torch.load(place.artifacts.get(file.artifact.key)) for file in ended.files)
    assert all(name.startswith("lora_unet_") for name in lora)
    assert any(bool(tensor.any()) for name, tensor in lora.items() if name.endswith("lora_up.weight"))
    assert dreamstyler["embeddings"].shape == (6, 32)
    assert ended.files[1].trigger == f"<sks-{training.id[:8]}>"
    assert ended.steps_done == ended.steps_total
    for sample in ended.samples:
        assert Image.open(io.BytesIO(place.artifacts.get(sample.key))).size == (32, 32)
    assert len(ended.samples) == 2
    assert list(place.artifacts.keys(f"ann/style/{training.id}/checkpoints/")) == []


async def test_a_watch_tells_of_progress_and_its_token_resumes_it(stub: Any, place: Place, workers: Workers) -> None:
    training = place.shorten(await create(stub, request(methods=[style_pb2.METHOD_LORA])))
    workers.start()
    call = stub.WatchTraining(pb.WatchTrainingRequest(owner="ann", id=training.id), timeout=DEADLINE_SECONDS)
    seen = [response async for response in call]
    states = [response.training.state for response in seen]
    assert states == sorted(states)
    assert states[-1] == pb.Training.STATE_SUCCEEDED
    told = [response.training for response in seen if response.training.HasField("seconds_left")]
    assert told
    assert told[0].current_method == style_pb2.METHOD_LORA
    assert 0 < told[0].steps_done <= told[0].steps_total
    again = stub.WatchTraining(
        pb.WatchTrainingRequest(owner="ann", id=training.id, resume_token=seen[-1].resume_token),
        timeout=DEADLINE_SECONDS,
    )
    assert [response async for response in again] == []


async def learned(stub: Any, place: Place, training: pb.Training) -> dict[str, Any]:
    ended = await finish(stub, training)
    assert (ended.state, ended.failure.reason) == (pb.Training.STATE_SUCCEEDED, "")
    return safetensors.torch.load(place.artifacts.get(ended.files[0].artifact.key))


def undisturbed(place: Place, training: pb.Training) -> dict[str, Any]:
    """What the training would learn if nothing happened to it."""
    job = place.store.get(owner=training.owner, job_id=training.id)
    task = Task(
        job_id="undisturbed",
        owner=job.owner,
        order=Order.model_validate(job.payload),
        checkpoint=Checkpoint.model_validate(job.checkpoint),
        settings={},
    )
    settings = StyleTrainSettings(family=place.family, sample_pictures=0)
    copy = FolderStore(place.folder / "undisturbed")
    for picture_of in job.payload["pictures"]:
        content = place.artifacts.get(f"{job.owner}/style/{job.id}/{picture_of['name']}")
        copy.put(f"{job.owner}/style/undisturbed/{picture_of['name']}", content, "image/png")
    reports: list[Report] = []
    Lesson(task, settings, copy, report=reports.append, stopping=lambda: False).run()
    done = next(report.checkpoint for report in reversed(reports) if report.checkpoint is not None)
    return safetensors.torch.load(copy.get(done.learned[0].file.key))


def half_learned(training: pb.Training) -> bool:
    return training.state == pb.Training.STATE_RUNNING and training.steps_done > 0


async def test_a_killed_worker_s_training_is_taken_over_and_ends_with_the_same_weights(
    stub: Any, place: Place, workers: Workers
) -> None:
    training = place.shorten(await create(stub, request(methods=[style_pb2.METHOD_LORA])))
    expected = await asyncio.to_thread(undisturbed, place, training)
    worker = workers.start()
    await watch(stub, training, half_learned)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    workers.start()
    weights = await learned(stub, place, training)
    assert weights.keys() == expected.keys()
    for name, tensor in weights.items():
        assert (tensor - expected[name]).abs().max() < 1e-3, name


async def test_a_killed_training_process_goes_on_within_the_same_lease(
    stub: Any, place: Place, workers: Workers
) -> None:
    training = place.shorten(await create(stub, request(methods=[style_pb2.METHOD_DREAMSTYLER])))
    worker = workers.start()
    await watch(stub, training, half_learned)
    for child in children(worker.pid):
        os.kill(child, signal.SIGKILL)
    ended = await finish(stub, training)
    assert ended.state == pb.Training.STATE_SUCCEEDED


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    found = [int(word) for word in text.split()]
    assert found, "no training process was found; this test has gone blind"
    return found


async def test_a_stopped_worker_gives_its_training_back_with_its_place_kept(
    stub: Any, place: Place, workers: Workers
) -> None:
    training = place.shorten(await create(stub, request(methods=[style_pb2.METHOD_LORA])))
    worker = workers.start()
    await watch(stub, training, half_learned)
    worker.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(worker.wait, 60) == 0
    given_back = (await stub.GetTraining(pb.GetTrainingRequest(owner="ann", id=training.id), timeout=10)).training
    assert given_back.state == pb.Training.STATE_QUEUED
    assert len(list(place.artifacts.keys(f"ann/style/{training.id}/checkpoints/"))) == 1
    workers.start()
    assert (await finish(stub, training)).state == pb.Training.STATE_SUCCEEDED


async def test_a_running_training_can_be_cancelled_and_then_deleted_with_every_file(
    stub: Any, place: Place, workers: Workers
) -> None:
    workers.start()
    training = await create(stub, request())
    await watch(stub, training, half_learned)
    with pytest.raises(NotReady), our_errors("style"):
        await stub.DeleteTraining(pb.DeleteTrainingRequest(owner="ann", id=training.id), timeout=10)
    await stub.CancelTraining(pb.CancelTrainingRequest(owner="ann", id=training.id), timeout=10)
    ended = await finish(stub, training)
    assert ended.state == pb.Training.STATE_CANCELLED
    assert place.files() != set()
    await stub.DeleteTraining(pb.DeleteTrainingRequest(owner="ann", id=training.id), timeout=10)
    assert place.files() == set()
    with pytest.raises(NotFound), our_errors("style"):
        await stub.GetTraining(pb.GetTrainingRequest(owner="ann", id=training.id), timeout=10)


async def test_the_same_request_is_the_same_training_and_leaves_no_second_copy(stub: Any, place: Place) -> None:
    first = await create(stub, request())
    stored = place.files()
    second = await create(stub, request())
    assert first.id == second.id
    assert place.files() == stored
    assert list(place.artifacts.keys("ann/")) == list(place.artifacts.keys(f"ann/style/{first.id}/"))


async def test_a_request_id_with_another_content_is_refused(stub: Any, place: Place) -> None:
    await create(stub, request())
    stored = place.files()
    with pytest.raises(Conflict), our_errors("style"):
        await create(stub, request(seed=6))
    assert place.files() == stored


async def test_another_owner_s_training_does_not_exist(stub: Any) -> None:
    training = await create(stub, request(owner="ann"))
    calls = [
        (stub.GetTraining, pb.GetTrainingRequest(owner="bob", id=training.id)),
        (stub.CancelTraining, pb.CancelTrainingRequest(owner="bob", id=training.id)),
        (stub.DeleteTraining, pb.DeleteTrainingRequest(owner="bob", id=training.id)),
    ]
    for method, message in calls:
        with pytest.raises(NotFound), our_errors("style"):
            await method(message, timeout=10)
    watched = stub.WatchTraining(pb.WatchTrainingRequest(owner="bob", id=training.id), timeout=10)
    with pytest.raises(NotFound), our_errors("style"):
        await anext(aiter(watched))
    listed = await stub.ListTrainings(pb.ListTrainingsRequest(owner="bob"), timeout=10)
    assert list(listed.trainings) == []


async def test_a_queued_training_is_cancelled_at_once_and_again_without_harm(stub: Any) -> None:
    training = await create(stub, request())
    for _ in range(2):
        answer = await stub.CancelTraining(pb.CancelTrainingRequest(owner="ann", id=training.id), timeout=10)
        assert answer.training.state == pb.Training.STATE_CANCELLED


async def test_trainings_are_listed_newest_first_page_by_page(stub: Any) -> None:
    made = [(await create(stub, request(f"r{index}"))).id for index in range(3)]
    first = await stub.ListTrainings(pb.ListTrainingsRequest(owner="ann", page_size=2), timeout=10)
    rest = await stub.ListTrainings(
        pb.ListTrainingsRequest(owner="ann", page_size=2, page_token=first.next_page_token), timeout=10
    )
    assert [training.id for training in (*first.trainings, *rest.trainings)] == made[::-1]
    assert rest.next_page_token == ""


async def test_trainings_past_the_limit_are_refused_with_a_delay(stub: Any, place: Place) -> None:
    for index in range(4):
        await create(stub, request(f"r{index}"))
    stored = place.files()
    with pytest.raises(Overloaded) as caught, our_errors("style"):
        await create(stub, request("one too many"))
    assert caught.value.retry_after_seconds > 0
    assert place.files() == stored


async def test_an_accepted_request_is_answered_again_even_while_the_queue_is_full(stub: Any, place: Place) -> None:
    made = [await create(stub, request(f"r{index}")) for index in range(4)]
    assert (await create(stub, request("r2"))).id == made[2].id


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"pictures": []}, "PICTURE_COUNT"),
        ({"pictures": [pb.StylePicture(picture=picture())] * 31}, "PICTURE_COUNT"),
        ({"pictures": [pb.StylePicture()]}, "PICTURE_REQUIRED"),
        ({"name": " "}, "NAME"),
        ({"owner": "../bob"}, "OWNER"),
        ({"methods": [99]}, "METHODS"),
        ({"methods": [1, 1]}, "METHODS"),
        ({"preset": 99}, "PRESET"),
        ({"request_id": ""}, "REQUEST_ID"),
        (
            {
                "pictures": [
                    pb.StylePicture(picture=picture()),
                    pb.StylePicture(
                        picture=image_pb2.Picture(inline=image_pb2.Image(content=b"x", media_type="image/png"))
                    ),
                ]
            },
            "NOT_A_PICTURE",
        ),
    ],
)
async def test_a_wrong_request_is_refused_with_a_reason_and_leaves_nothing(
    stub: Any, place: Place, fields: dict[str, Any], reason: str
) -> None:
    given = {"request_id": "r1", "owner": "ann", **fields}
    with pytest.raises(InvalidInput) as caught, our_errors("style"):
        await create(stub, request(**given))
    assert caught.value.reason == reason
    assert place.files() == set()
