"""What is counted of jobs, and the trace that their rows carry."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.common.databases import create_database_engine
from services.common.leases import LeaseLost, LeaseQueue, job_table
from services.common.telemetry.metrics import REGISTRY
from services.common.telemetry.tracing import span

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
STATES = ("succeeded", "failed", "cancelled", "quarantined")


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[LeaseQueue]:
    metadata = sa.MetaData()
    table = job_table(metadata, queue="counted")
    engine = create_database_engine(f"sqlite:///{tmp_path}/jobs.db")
    metadata.create_all(engine)
    yield LeaseQueue(engine, table, max_attempts_without_progress=1)
    engine.dispose()


def ask(queue: LeaseQueue, kind: str) -> str:
    return queue.enqueue(kind=kind, owner="ann", payload={}).id


def ends(kind: str, state: str) -> float:
    labels = {"queue": "counted", "kind": kind, "state": state}
    return REGISTRY.get_sample_value("oma_jobs_ended_total", labels) or 0.0


def test_every_way_to_end_is_counted_once(queue: LeaseQueue) -> None:
    ask(queue, "good")
    good = queue.claim(["good"], worker="w", ttl_seconds=60)
    ask(queue, "bad")
    bad = queue.claim(["bad"], worker="w", ttl_seconds=60)
    assert good is not None
    assert bad is not None
    good.finish({})
    bad.fail("BROKEN", "it broke")
    waiting = ask(queue, "unwanted")
    queue.request_cancel(waiting)
    queue.request_cancel(waiting)
    stubborn = ask(queue, "stubborn")
    assert queue.claim(["stubborn"], worker="w", ttl_seconds=-1) is not None  # and it falls silent
    assert queue.claim(["stubborn"], worker="w", ttl_seconds=60) is None
    assert queue.quarantined()[0].id == stubborn
    counted = {(kind, state): ends(kind, state) for kind in ("good", "bad", "unwanted", "stubborn") for state in STATES}
    assert {key: count for key, count in counted.items() if count} == {
        ("good", "succeeded"): 1,
        ("bad", "failed"): 1,
        ("unwanted", "cancelled"): 1,
        ("stubborn", "quarantined"): 1,
    }


def test_an_end_that_was_rolled_back_is_not_counted(queue: LeaseQueue) -> None:
    ask(queue, "undone")
    lease = queue.claim(["undone"], worker="w", ttl_seconds=60)
    assert lease is not None

    def fail(_: sa.Connection) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        lease.finish({}, also=fail)
    assert ends("undone", "succeeded") == 0


def test_a_lease_that_is_lost_is_counted(queue: LeaseQueue) -> None:
    before = REGISTRY.get_sample_value("oma_leases_lost_total", {"queue": "counted"}) or 0.0
    job = ask(queue, "lost")
    lease = queue.claim(["lost"], worker="w", ttl_seconds=60)
    assert lease is not None
    queue.delete(job)
    with pytest.raises(LeaseLost):
        lease.heartbeat()
    assert REGISTRY.get_sample_value("oma_leases_lost_total", {"queue": "counted"}) == before + 1


def test_standings_tell_the_abandoned_from_those_that_run(queue: LeaseQueue) -> None:
    for _ in range(3):
        ask(queue, "drawing")
    assert queue.claim(["drawing"], worker="silent", ttl_seconds=-1) is not None
    assert queue.standings(["drawing", "other"])["drawing"].counts == {"queued": 2, "abandoned": 1}
    assert queue.standings(["drawing", "other"])["other"].counts == {}


def test_a_row_carries_the_trace_that_it_was_asked_for_in_and_a_retry_does_not_change_it(queue: LeaseQueue) -> None:
    with span("request", parent=PARENT):
        first = queue.enqueue(kind="traced", owner="ann", key="k", payload={"a": 1})
    again = queue.enqueue(kind="traced", owner="ann", key="k", payload={"a": 1})
    assert first.traceparent.split("-")[1] == PARENT.split("-")[1]
    assert again.traceparent == first.traceparent
    lease = queue.claim(["traced"], worker="w", ttl_seconds=60)
    assert lease is not None
    assert lease.job.traceparent == first.traceparent
