"""Workers that die, are told to stop, lose their lease, or meet a service that stays away."""

import asyncio
from collections.abc import Callable

import pytest

from services.common.artifacts import FolderStore
from services.common.errors import Cancelled, InvalidInput, Overloaded, Unavailable
from services.common.leases import Lease
from services.gateway.gateway import Gateway
from services.gateway.worker.carry import Carrier
from services.gateway.worker.dispatch import Dispatcher
from services.gateway.worker.patience import Patience, persist
from services.gateway.worker.progress import Preview, Progress
from services.gateway.worker.work import Finish
from tests.fakes.artists import Artist
from tests.fakes.model_services import FakeServices
from tests.unit.gateway.conftest import Until

QUICK = Patience(down_seconds=0.2, busy_seconds=0.4, first_wait_seconds=0.01, longest_wait_seconds=0.02)
DOWN = Unavailable("down", reason="PEER_DOWN")


async def post(artist: Artist) -> str:
    project = await artist.project()
    job = await artist.call("POST", f"/projects/{project}/backgrounds", 202, json={"prompt": "노을", "seed": 3})
    return str(job["id"])


async def state_of(artist: Artist, job_id: str) -> str:
    return str((await artist.call("GET", f"/jobs/{job_id}", 200))["state"])


async def test_a_job_of_a_worker_that_died_is_taken_over(
    artist: Artist, services: FakeServices, gateway: Gateway, make_worker: Callable[..., Dispatcher], until: Until
) -> None:
    job_id = await post(artist)
    dead = await asyncio.to_thread(gateway.queue.claim, ["background"], worker="dead", ttl_seconds=0.5)
    assert dead is not None  # and it is never heard of again
    stopping = asyncio.Event()
    running = asyncio.create_task(make_worker().run(stopping))

    async def succeeded() -> bool:
        return await state_of(artist, job_id) == "succeeded"

    await until(succeeded)
    stopping.set()
    await running
    job = await artist.call("GET", f"/jobs/{job_id}", 200)
    assert [result["seed"] for result in job["results"]] == [3]


async def test_a_worker_told_to_stop_gives_its_jobs_back(
    artist: Artist, services: FakeServices, gateway: Gateway, make_worker: Callable[..., Dispatcher]
) -> None:
    script = services.background.script
    script.hold_at_step = 2
    job_id = await post(artist)
    stopping = asyncio.Event()
    running = asyncio.create_task(make_worker().run(stopping))
    await script.held.wait()
    stopping.set()
    await running
    await script.left.wait()
    assert await state_of(artist, job_id) == "queued"
    job = gateway.queue.get(job_id)
    assert job is not None
    assert job.attempt == 0


async def test_a_worker_that_lost_its_lease_writes_nothing(
    artist: Artist, services: FakeServices, gateway: Gateway, store: FolderStore, until: Until
) -> None:
    job_id = await post(artist)
    slow = await asyncio.to_thread(gateway.queue.claim, ["background"], worker="slow", ttl_seconds=0.01)
    assert slow is not None
    await until(lambda: asyncio.to_thread(_taken_again, gateway))
    stopped = asyncio.Event()
    await Carrier(queue=gateway.queue, store=store).carry(slow, Waits(stopped))
    assert stopped.is_set()
    assert await state_of(artist, job_id) == "running"


def _taken_again(gateway: Gateway) -> Lease | None:
    return gateway.queue.claim(["background"], worker="other", ttl_seconds=60)


async def test_a_bug_ends_the_job_without_telling_its_words(
    artist: Artist, gateway: Gateway, store: FolderStore
) -> None:
    job_id = await post(artist)
    lease = await asyncio.to_thread(gateway.queue.claim, ["background"], worker="w", ttl_seconds=30)
    assert lease is not None
    await Carrier(queue=gateway.queue, store=store).carry(lease, Breaks())
    job = await artist.call("GET", f"/jobs/{job_id}", 200)
    assert job["state"] == "failed"
    assert job["error"]["reason"] == "BUG"
    assert "hunter2" not in job["error"]["message"]


async def test_kinds_do_not_take_each_others_room(
    artist: Artist, services: FakeServices, make_worker: Callable[..., Dispatcher], until: Until
) -> None:
    services.background.script.hold_at_step = 1
    drawings = [await post(artist) for _ in range(3)]
    project = await artist.project()
    character, pose = await artist.picture(project), await artist.pose(project)
    body = {"character_picture_id": character["id"], "pose_id": pose["id"]}
    transfer = await artist.call("POST", f"/projects/{project}/pose-transfers", 202, json=body)
    stopping = asyncio.Event()
    running = asyncio.create_task(make_worker(parallel_drawings=1).run(stopping))

    async def transferred() -> bool:
        return await state_of(artist, transfer["id"]) == "succeeded"

    await until(transferred)
    assert [await state_of(artist, job_id) for job_id in drawings] == ["running", "queued", "queued"]
    stopping.set()
    await running


class Waits:
    """Work without an end."""

    def __init__(self, stopped: asyncio.Event) -> None:
        self._stopped = stopped

    async def run(self, progress: Progress) -> Finish:
        try:
            await asyncio.Event().wait()
        finally:
            self._stopped.set()
        raise AssertionError

    async def stop(self) -> None:
        raise AssertionError("nobody asked to stop")


class Breaks:
    async def run(self, progress: Progress) -> Finish:
        raise RuntimeError("the password is hunter2")

    async def stop(self) -> None:
        raise AssertionError("nobody asked to stop")


class Attempts:
    """Fails as scripted, then answers "drawn"; may give signs of life before each failure."""

    def __init__(self, *failures: Exception, progress: Progress | None = None) -> None:
        self.made = 0
        self._failures = list(failures)
        self._progress = progress

    async def __call__(self) -> str:
        self.made += 1
        if self._progress is not None:
            self._progress.drawn(1, 4, None)
        if self._failures:
            raise self._failures.pop(0)
        return "drawn"


@pytest.mark.parametrize(
    "failure",
    [DOWN, Cancelled("drained", reason="CANCELLED"), Overloaded("full", reason="FULL", retry_after_seconds=0)],
)
async def test_what_passes_is_tried_again(failure: Exception) -> None:
    attempts = Attempts(*[failure] * 3)
    assert await persist(attempts, Progress(), QUICK) == "drawn"
    assert attempts.made == 4


@pytest.mark.parametrize(
    "failure", [InvalidInput("no", reason="NO"), Unavailable("broken", reason="BUG"), RuntimeError("no")]
)
async def test_what_does_not_pass_is_not_tried_again(failure: Exception) -> None:
    attempts = Attempts(failure)
    with pytest.raises(type(failure)):
        await persist(attempts, Progress(), QUICK)
    assert attempts.made == 1


async def test_a_service_that_stays_down_ends_the_patience() -> None:
    with pytest.raises(Unavailable):
        await persist(Attempts(*[DOWN] * 1000), Progress(), QUICK)


async def test_a_service_that_always_dies_in_the_middle_ends_the_patience_by_count() -> None:
    progress = Progress()
    attempts = Attempts(*[DOWN] * 1000, progress=progress)
    with pytest.raises(Unavailable):
        await persist(attempts, progress, QUICK)
    assert attempts.made == QUICK.max_interruptions


def test_time_left_is_told_only_after_a_measured_step() -> None:
    now = 100.0
    progress = Progress(clock=lambda: now)
    progress.drawn(1, 5, None)
    first = progress.take_changes()
    now = 102.0
    progress.drawn(2, 5, None)
    second = progress.take_changes()
    assert first is not None
    assert second is not None
    assert first["seconds_left"] is None
    assert second["seconds_left"] == pytest.approx(6.0)


def test_unchanged_progress_is_sent_once_and_each_preview_once() -> None:
    progress = Progress()
    preview = Preview(content=b"1", media_type="image/png")
    progress.drawn(1, 2, preview)
    assert progress.take_changes() is not None
    assert progress.take_changes() is None
    assert progress.take_preview() == preview
    assert progress.take_preview() is None
