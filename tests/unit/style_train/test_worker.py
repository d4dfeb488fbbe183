"""What a worker writes to the row, for everything that a training process may do. The processes are scripted."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from services.common.artifacts import FolderStore
from services.common.databases import create_database_engine
from services.common.leases import Job, Lease, LeaseLost
from services.style_train.child_process import ChildEnded
from services.style_train.records import (
    Checkpoint,
    Failure,
    Method,
    Order,
    OrderedPicture,
    Position,
    Preset,
    Progress,
    Report,
    Task,
    folder,
)
from services.style_train.settings import StyleTrainSettings
from services.style_train.store import TrainingStore, jobs
from services.style_train.worker import MAX_CRASHES, Carrier, work

ORDER = Order(
    name="Ink",
    pictures=(OrderedPicture(name="pictures/00.png", sha256="0" * 64, caption=""),),
    methods=(Method.LORA,),
    preset=Preset.QUICK,
    seed=1,
)
HALF = Report(progress=Progress(method=Method.LORA, steps_done=5, steps_total=10, seconds_left=1.0, loss=0.5))
FINISHED = Report(finished=True)

Line = Report | Callable[[], None] | None  # a report, something that happens meanwhile, or silence


class ScriptedChild:
    """Says its lines, then ends. Asked to stop, it ends after its next line at the latest."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = iter(lines)
        self.task: Task | None = None
        self.asked = self.killed = self.closed = False

    def begin(self, task: Task) -> None:
        self.task = task

    def next_report(self, *, timeout_seconds: float) -> Report | None:
        if self.asked:
            raise ChildEnded
        try:
            line = next(self._lines)
        except StopIteration:
            raise ChildEnded from None
        if isinstance(line, Report) or line is None:
            return line
        line()
        return None

    def ask_to_stop(self) -> None:
        self.asked = True

    def kill(self) -> None:
        self.killed = True


class DeafChild(ScriptedChild):
    """Goes on after it was asked to stop, until it is killed."""

    def next_report(self, *, timeout_seconds: float) -> Report | None:
        self.asked = self.killed
        return super().next_report(timeout_seconds=timeout_seconds)


class ScriptedChildren:
    def __init__(self, *scripts: list[Line], kind: type[ScriptedChild] = ScriptedChild) -> None:
        self.all = [kind(script) for script in scripts]
        self._next = iter(self.all)

    def take(self) -> AbstractContextManager[ScriptedChild]:
        @contextmanager
        def opened() -> Iterator[ScriptedChild]:
            child = next(self._next)
            try:
                yield child
            finally:
                child.closed = True

        return opened()


class Desk:
    """One claimed training and everything around it."""

    def __init__(self, place: Path) -> None:
        self.engine = create_database_engine(f"sqlite:///{place}/style.db")
        self.store = TrainingStore(self.engine, max_queued=9)
        self.store.migrate()
        self.artifacts = FolderStore(place / "artifacts")
        self.stopping = threading.Event()
        self.store.create(owner="ann", request_id="r", job_id="j", order=ORDER)

    def claim(self) -> Lease:
        lease = self.store.claim(worker="w", lease_seconds=60)
        assert lease is not None
        return lease

    def carry(self, children: ScriptedChildren) -> Job:
        Carrier(self.claim(), self.artifacts, StyleTrainSettings(), self.stopping).run(children)
        assert all(child.closed for child in children.all if child.task is not None)
        return self.job()

    def job(self) -> Job:
        return self.store.get(owner="ann", job_id="j")

    def saved(self, step: int) -> Report:
        """A checkpoint whose object is stored, as a child reports it."""
        key = f"{folder('ann', 'j')}checkpoints/lora-{step:05d}.safetensors"
        ref = self.artifacts.put(key, b"state", "application/octet-stream")
        position = Position(method=Method.LORA, step=step, key=key, sha256=ref.sha256)
        return Report(checkpoint=Checkpoint(steps={Method.LORA: 10}, position=position))

    def checkpoints(self) -> list[str]:
        return list(self.artifacts.keys(f"{folder('ann', 'j')}checkpoints/"))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.engine.dispose()


def test_a_training_that_ends_well_is_recorded_and_its_checkpoints_are_dropped(desk: Desk) -> None:
    job = desk.carry(ScriptedChildren([HALF, desk.saved(5), None, FINISHED]))
    assert job.state == "succeeded"
    assert job.progress["steps_done"] == 5
    assert desk.checkpoints() == []


def test_the_newest_checkpoint_and_the_one_before_are_kept(desk: Desk) -> None:
    seen: list[list[str]] = []
    saved = [desk.saved(step) for step in (3, 6, 9)]
    desk.carry(ScriptedChildren([*saved, lambda: seen.append(desk.checkpoints()), FINISHED]))
    assert [key.rsplit("/", 1)[1] for key in seen[0]] == ["lora-00006.safetensors", "lora-00009.safetensors"]
    assert desk.checkpoints() == []


def test_a_crash_is_followed_by_another_process_at_the_last_checkpoint(desk: Desk) -> None:
    children = ScriptedChildren([desk.saved(5)], [FINISHED])
    assert desk.carry(children).state == "succeeded"
    resumed = children.all[1].task
    assert resumed is not None
    assert resumed.checkpoint.position is not None
    assert resumed.checkpoint.position.step == 5


def test_crashes_at_the_same_place_put_the_training_into_quarantine(desk: Desk) -> None:
    crashes: list[list[Line]] = [[HALF] for _ in range(MAX_CRASHES)]
    job = desk.carry(ScriptedChildren(*crashes))
    assert job.state == "failed"
    assert job.error is not None
    assert job.error["reason"] == "QUARANTINED"
    assert "crashed or hung 3 times" in job.error["message"]
    assert [set_aside.id for set_aside in desk.store.quarantined()] == [job.id]
    assert desk.store.requeue(job.id).state == "queued"
    assert desk.carry(ScriptedChildren([desk.saved(5), FINISHED])).state == "succeeded"


def test_crashes_that_get_further_each_time_do_not_end_it(desk: Desk) -> None:
    scripts: list[list[Line]] = [[desk.saved(step)] for step in range(1, 2 * MAX_CRASHES)]
    assert desk.carry(ScriptedChildren(*scripts, [FINISHED])).state == "succeeded"


def test_what_cannot_end_well_is_recorded_with_its_reason_and_keeps_its_checkpoint(desk: Desk) -> None:
    failed = Report(failure=Failure(reason="LOSS_NOT_FINITE", message="try again"))
    job = desk.carry(ScriptedChildren([desk.saved(5), failed]))
    assert (job.state, job.error) == ("failed", {"reason": "LOSS_NOT_FINITE", "message": "try again"})
    assert len(desk.checkpoints()) == 1


def test_a_wish_to_cancel_stops_the_process(desk: Desk) -> None:
    children = ScriptedChildren([desk.saved(5), lambda: desk.store.request_cancel("j"), HALF, None, FINISHED])
    assert desk.carry(children).state == "cancelled"
    assert children.all[0].asked
    assert desk.checkpoints() == []


def test_a_worker_that_must_stop_gives_the_training_back(desk: Desk) -> None:
    job = desk.carry(ScriptedChildren([desk.saved(3), desk.saved(5), desk.stopping.set, None, FINISHED]))
    assert (job.state, job.attempt) == ("queued", 0)
    assert len(desk.checkpoints()) == 1


def test_a_process_that_does_not_stop_is_killed(desk: Desk) -> None:
    children = ScriptedChildren([desk.stopping.set, *[None] * 100], kind=DeafChild)
    settings = StyleTrainSettings(stop_seconds=1e-6)
    Carrier(desk.claim(), desk.artifacts, settings, desk.stopping).run(children)
    assert children.all[0].killed
    assert desk.job().state == "queued"


def test_a_process_that_hangs_is_killed_and_another_goes_on_from_the_checkpoint(desk: Desk) -> None:
    children = ScriptedChildren([desk.saved(5), *[None] * 100], [FINISHED], kind=DeafChild)
    settings = StyleTrainSettings(stall_seconds=1e-6)
    Carrier(desk.claim(), desk.artifacts, settings, desk.stopping).run(children)
    assert [child.killed for child in children.all] == [True, False]
    resumed = children.all[1].task
    assert resumed is not None
    assert resumed.checkpoint.reached == 5
    assert desk.job().state == "succeeded"


def test_a_process_that_says_that_it_gets_on_does_not_hang(desk: Desk) -> None:
    children = ScriptedChildren([*[Report()] * 100, FINISHED], kind=DeafChild)
    settings = StyleTrainSettings(stall_seconds=1e-6)
    Carrier(desk.claim(), desk.artifacts, settings, desk.stopping).run(children)
    assert not children.all[0].killed


def test_a_worker_writes_to_the_row_when_there_is_news_or_a_beat_is_due(desk: Desk) -> None:
    before = desk.job().revision
    desk.carry(ScriptedChildren([None, Report(), HALF, None, FINISHED]))
    assert desk.job().revision - before == 3  # the claim, the news and the end


def test_a_lease_is_beaten_at_least_twice() -> None:
    with pytest.raises(ValidationError, match="HEARTBEAT_SECONDS"):
        StyleTrainSettings(lease_seconds=10, heartbeat_seconds=6)


def test_a_worker_that_lost_its_lease_writes_nothing_more(desk: Desk) -> None:
    def somebody_else_takes_it() -> None:
        with desk.engine.begin() as c:
            c.execute(sa.update(jobs).values(lease_until=0.0))
        desk.claim()

    children = ScriptedChildren([somebody_else_takes_it, desk.saved(9), FINISHED])
    with pytest.raises(LeaseLost):
        desk.carry(children)
    assert children.all[0].closed
    job = desk.job()
    assert (job.state, job.checkpoint) == ("running", {})


class Shift:
    """Everything that one worker process does, its training processes scripted. It stops itself after a while idle."""

    def __init__(self, desk: Desk, children: ScriptedChildren) -> None:
        self._desk = desk
        self._children = children
        self.idle = 0

    def take(self) -> AbstractContextManager[ScriptedChild]:
        return self._children.take()

    def prepare(self) -> None:
        self.idle += 1
        if self.idle > 3:
            self._desk.stopping.set()

    def run(self, **settings: object) -> None:
        told = StyleTrainSettings.model_validate({"claim_seconds": 1e-6, **settings})
        work(self._desk.store, self._desk.artifacts, told, self._desk.stopping, self)


def test_a_worker_that_is_started_for_one_training_ends_after_it_and_shows_that_it_took_it(
    desk: Desk, tmp_path: Path
) -> None:
    desk.store.create(owner="ann", request_id="another", job_id="k", order=ORDER)
    taken = tmp_path / "taken"
    shift = Shift(desk, ScriptedChildren([lambda: seen.append(taken.exists()), FINISHED]))
    seen: list[bool] = []
    shift.run(most_trainings=1, taken_file=taken)
    assert seen == [True]
    assert (desk.job().state, desk.store.get(owner="ann", job_id="k").state) == ("succeeded", "queued")
    assert not desk.stopping.is_set()


def test_a_training_that_was_lost_is_one_that_was_taken(desk: Desk) -> None:
    def somebody_else_takes_it() -> None:
        with desk.engine.begin() as c:
            c.execute(sa.update(jobs).values(lease_until=0.0))
        desk.claim()

    shift = Shift(desk, ScriptedChildren([somebody_else_takes_it, desk.saved(9), FINISHED]))
    shift.run(most_trainings=1)
    assert (shift.idle, desk.job().state) == (0, "running")


def test_a_worker_with_nothing_to_do_ends_when_it_was_told_how_long_to_wait(desk: Desk) -> None:
    desk.claim()
    patient, hasty = Shift(desk, ScriptedChildren()), Shift(desk, ScriptedChildren())
    hasty.run(idle_exit_seconds=1e-9)
    assert hasty.idle == 0
    patient.run()
    assert patient.idle == 4
