"""The lease queue on SQLite and PostgreSQL: who may write, what is taken over, what is ended, whose turn it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.common.databases import create_database_engine
from services.common.errors import Conflict, NotFound, NotReady
from services.common.leases import (
    DRAIN,
    EVERY_KIND,
    MAX_ATTEMPTS_WITHOUT_PROGRESS,
    RESTORE,
    Holds,
    Lease,
    LeaseLost,
    LeaseQueue,
    job_table,
    refuse_half_restored,
)

LONG, GONE = 60.0, -1.0  # a lease that holds, and one that has already run out


METADATA = sa.MetaData()
TABLE = job_table(METADATA)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    on_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres").new_database() if on_postgres else f"sqlite:///{tmp_path}/q.db"
    engine = create_database_engine(url)
    METADATA.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def queue(engine: sa.Engine) -> LeaseQueue:
    return LeaseQueue(engine, TABLE)


@pytest.fixture
def holds(engine: sa.Engine) -> Holds:
    return Holds(engine, METADATA)


def add(queue: LeaseQueue, **values: Any) -> str:
    return queue.enqueue(**{"kind": "draw", "owner": "ann", "payload": {"n": 1}, **values}).id


def claim(queue: LeaseQueue, ttl_seconds: float = LONG) -> Lease:
    lease = queue.claim(["draw"], worker="w", ttl_seconds=ttl_seconds)
    assert lease is not None
    return lease


def test_jobs_are_claimed_in_order_and_once(queue: LeaseQueue) -> None:
    first, second = add(queue), add(queue, priority=50)
    assert [claim(queue).job.id, claim(queue).job.id] == [second, first]
    assert queue.claim(["draw"], worker="w", ttl_seconds=LONG) is None


def test_a_kind_that_was_not_asked_for_stays_queued(queue: LeaseQueue) -> None:
    add(queue, kind="train")
    assert queue.claim(["draw"], worker="w", ttl_seconds=LONG) is None


def test_the_same_key_gives_the_same_job(queue: LeaseQueue) -> None:
    assert add(queue, key="k") == add(queue, key="k")
    assert add(queue, key="k", owner="bob") != add(queue, key="k")


def test_the_same_key_with_another_payload_is_refused(queue: LeaseQueue) -> None:
    add(queue, key="k")
    with pytest.raises(Conflict):
        add(queue, key="k", payload={"n": 2})


def test_a_silent_workers_job_is_taken_over_and_its_writes_are_refused(queue: LeaseQueue) -> None:
    add(queue)
    silent, next_one = claim(queue, GONE), claim(queue)
    assert next_one.job.id == silent.job.id
    for write in (
        silent.heartbeat,
        silent.cancel,
        silent.release,
        lambda: silent.finish({}),
        lambda: silent.fail("X", "x"),
        lambda: silent.quarantine("it hangs"),
        lambda: silent.checkpoint({"step": 1}, reached=1),
    ):
        with pytest.raises(LeaseLost):
            write()
    next_one.finish({"by": "next"})
    found = queue.get(silent.job.id)
    assert found is not None
    assert found.result == {"by": "next"}


def test_a_lost_lease_rolls_back_what_it_would_have_written_with_the_end(queue: LeaseQueue) -> None:
    add(queue)
    silent = claim(queue, GONE)
    claim(queue)
    written: list[str] = []
    with pytest.raises(LeaseLost):
        silent.finish({}, also=lambda connection: written.append("row"))
    assert not written


def test_a_released_job_is_queued_again_and_its_attempt_is_not_counted(queue: LeaseQueue) -> None:
    add(queue)
    claim(queue).release()
    again = claim(queue)
    assert again.job.attempt == 1


def test_a_queued_job_is_cancelled_at_once_and_a_running_one_is_asked(queue: LeaseQueue) -> None:
    running, queued = add(queue), add(queue)
    lease = claim(queue)
    queue.request_cancel(running)
    queue.request_cancel(queued)
    ended = queue.get(queued)
    assert ended is not None
    assert ended.state == "cancelled"
    assert lease.heartbeat({"step": 1})
    lease.cancel()
    stopped = queue.get(running)
    assert stopped is not None
    assert stopped.ended


def test_a_cancelled_job_whose_worker_died_is_ended_by_the_next_claim(queue: LeaseQueue) -> None:
    job_id = add(queue)
    claim(queue, GONE)
    queue.request_cancel(job_id)
    assert queue.claim(["draw"], worker="w", ttl_seconds=LONG) is None
    found = queue.get(job_id)
    assert found is not None
    assert found.state == "cancelled"


def exhaust(queue: LeaseQueue) -> str:
    """A job that has just been set aside."""
    job_id = add(queue)
    for step in range(MAX_ATTEMPTS_WITHOUT_PROGRESS):
        claim(queue, GONE).heartbeat({"step": step})
    assert queue.claim(["draw"], worker="w", ttl_seconds=GONE) is None
    return job_id


def test_progress_that_was_only_shown_does_not_keep_a_job_from_quarantine(queue: LeaseQueue) -> None:
    job_id = exhaust(queue)
    found = queue.get(job_id)
    assert found is not None
    assert (found.state, found.attempt, found.worker) == ("failed", MAX_ATTEMPTS_WITHOUT_PROGRESS, "w")
    assert found.error is not None
    assert found.error["reason"] == "QUARANTINED"
    assert f"stopped {MAX_ATTEMPTS_WITHOUT_PROGRESS} times" in found.error["message"]
    assert "requeue" in found.error["message"]


def test_the_same_checkpoint_again_does_not_keep_a_job_from_quarantine(queue: LeaseQueue) -> None:
    add(queue)
    for _ in range(MAX_ATTEMPTS_WITHOUT_PROGRESS + 1):  # the first attempt does get further
        claim(queue, GONE).checkpoint({"step": 5}, reached=5)
    with_an_older_one = queue.claim(["draw"], worker="w", ttl_seconds=GONE)
    assert with_an_older_one is None
    assert len(queue.quarantined()) == 1


def test_a_further_checkpoint_forgives_earlier_attempts(queue: LeaseQueue) -> None:
    add(queue)
    for step in range(1, MAX_ATTEMPTS_WITHOUT_PROGRESS + 3):
        lease = claim(queue, GONE)
        lease.checkpoint({"step": step}, reached=step)
    assert lease.job.attempt == MAX_ATTEMPTS_WITHOUT_PROGRESS + 2


def test_a_job_can_be_requeued_from_quarantine_and_goes_on_from_its_checkpoint(queue: LeaseQueue) -> None:
    job_id = add(queue)
    claim(queue, GONE).checkpoint({"step": 5}, reached=5)
    for _ in range(MAX_ATTEMPTS_WITHOUT_PROGRESS):
        claim(queue, GONE)
    assert queue.claim(["draw"], worker="w", ttl_seconds=GONE) is None
    assert [job.id for job in queue.quarantined()] == [job_id]
    waiting = queue.requeue(job_id)
    assert (waiting.state, waiting.error, waiting.ended_at, queue.quarantined()) == ("queued", None, None, [])
    lease = claim(queue)
    assert lease.job.checkpoint == {"step": 5}
    lease.finish({"done": True})


def test_only_a_job_in_quarantine_can_be_requeued(queue: LeaseQueue) -> None:
    failed = add(queue)
    claim(queue).fail("NOT_A_PICTURE", "send another")
    with pytest.raises(Conflict):
        queue.requeue(failed)
    with pytest.raises(NotFound):
        queue.requeue("nobody knows")
    assert queue.quarantined() == []


def test_a_checkpoint_tells_of_the_wish_to_cancel(queue: LeaseQueue) -> None:
    job_id = add(queue)
    lease = claim(queue)
    assert not lease.checkpoint({"step": 1}, reached=1)
    queue.request_cancel(job_id)
    assert lease.checkpoint({"step": 2}, reached=2)


def test_reading_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    engine = create_database_engine(f"sqlite:///{tmp_path}/q.db")
    metadata = sa.MetaData()
    queue = LeaseQueue(engine, job_table(metadata))
    metadata.create_all(engine)
    job_id = add(queue)
    with engine.begin() as writer:  # holds the one lock that there is
        queue.delete(job_id, connection=writer)
        seen = queue.get(job_id)
        assert seen is not None
        assert queue.position(job_id) == 0
    assert queue.get(job_id) is None
    engine.dispose()


def test_every_change_grows_the_revision(queue: LeaseQueue) -> None:
    job_id = add(queue)
    seen = [queue.get(job_id)]
    lease = claim(queue)
    seen.append(queue.get(job_id))
    lease.heartbeat({"step": 1})
    seen.append(queue.get(job_id))
    lease.finish({})
    seen.append(queue.get(job_id))
    revisions = [job.revision for job in seen if job is not None]
    assert revisions == sorted(set(revisions))
    assert len(revisions) == 4


def test_position_counts_those_served_before(queue: LeaseQueue) -> None:
    first, second = add(queue), add(queue)
    assert [queue.position(first), queue.position(second)] == [0, 1]
    claim(queue)
    assert [queue.position(first), queue.position(second)] == [None, 0]


def test_a_long_queue_of_one_owner_delays_anothers_first_job_by_one_at_most(queue: LeaseQueue) -> None:
    for _ in range(50):
        add(queue, owner="ann")
    first_of_bob = add(queue, owner="bob")
    assert queue.position(first_of_bob) == 1
    assert claim(queue).job.owner == "ann"
    assert queue.position(first_of_bob) == 0
    assert claim(queue).job.id == first_of_bob


def test_owners_take_turns_while_their_jobs_run(queue: LeaseQueue) -> None:
    for owner in ("ann", "ann", "ann", "bob", "bob", "cho"):
        add(queue, owner=owner)
    assert [claim(queue).job.owner for _ in range(6)] == ["ann", "bob", "cho", "ann", "bob", "ann"]


def test_what_is_held_is_not_claimed_and_new_jobs_wait(queue: LeaseQueue, holds: Holds) -> None:
    running = claim(queue) if add(queue) else None
    holds.put("draw", DRAIN)
    waiting, other = add(queue), add(queue, kind="train")
    assert queue.claim(["draw"], worker="w", ttl_seconds=LONG) is None
    lease = queue.claim(["draw", "train"], worker="w", ttl_seconds=LONG)
    assert lease is not None
    assert lease.job.id == other
    assert running is not None
    running.finish({})  # what runs goes on to its end
    holds.put(EVERY_KIND, DRAIN)
    lease.release()
    assert queue.claim(["draw", "train"], worker="w", ttl_seconds=LONG) is None
    assert holds.lift(DRAIN) == 2
    assert {claim(queue).job.id} == {waiting}


def test_a_hold_has_one_reason(queue: LeaseQueue, holds: Holds) -> None:
    holds.put(EVERY_KIND, DRAIN)
    holds.put(EVERY_KIND, DRAIN)
    with pytest.raises(Conflict):
        holds.put(EVERY_KIND, f"{RESTORE} 1")
    assert holds.lift(f"{RESTORE} 1") == 0
    assert [(hold.kind, hold.reason) for hold in holds.all()] == [(EVERY_KIND, DRAIN)]


def test_a_service_does_not_start_on_a_database_that_was_restored_in_part(engine: sa.Engine, holds: Holds) -> None:
    refuse_half_restored(engine, METADATA)
    holds.put(EVERY_KIND, f"{RESTORE} 1")
    with pytest.raises(NotReady):
        refuse_half_restored(engine, METADATA)


def test_any_failed_job_is_requeued_when_that_was_asked_for(queue: LeaseQueue) -> None:
    job_id = add(queue)
    with pytest.raises(Conflict):
        queue.requeue(job_id, any_failure=True)
    claim(queue).fail("PEER_DOWN", "away")
    with pytest.raises(Conflict):
        queue.requeue(job_id)
    assert queue.requeue(job_id, any_failure=True).state == "queued"
    assert claim(queue).job.id == job_id


def test_as_many_are_counted_as_could_be_claimed(queue: LeaseQueue) -> None:
    assert queue.claimable(["draw"]) == 0
    held, silent, _ = add(queue), add(queue), add(queue)
    add(queue, kind="train")
    assert (claim(queue).job.id, claim(queue, ttl_seconds=GONE).job.id) == (held, silent)
    assert queue.claimable(["draw"]) == 2
    assert queue.claimable(["draw", "train"]) == 3
