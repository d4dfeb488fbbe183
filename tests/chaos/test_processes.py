"""Real workers that are killed, stopped and cut off from a real database lose no job and end none twice."""

import time
from collections.abc import Callable
from dataclasses import asdict

import pytest

from services.common.leases import MAX_ATTEMPTS_WITHOUT_PROGRESS
from tests.chaos.arena import Arena, Verdict
from tests.chaos.conftest import Measure, NewArena
from tests.chaos.faults import Trouble, plan
from tests.chaos.scenarios import (
    a_job_that_kills_its_workers,
    a_killed_holder_s_job,
    a_stalled_holder_wakes_after_its_job_has_ended,
    takeovers,
)
from tests.fakes.postgres import Postgres

UNCAPPED = 1_000_000


def restarter(database: str, request: pytest.FixtureRequest) -> Callable[[], None] | None:
    """Restarts PostgreSQL as a crash would; there is nothing to restart below SQLite."""
    if database == "sqlite":
        return None
    server: Postgres = request.getfixturevalue("postgres")
    return lambda: server.restart("immediate")


def trouble(arena: Arena, restart: Callable[[], None] | None, *, kills: int, stops: int, restarts: int) -> Verdict:
    """Replay with the arena's seed; processes are never the same twice, what is done to them is."""
    # Whoever holds a job is struck again and again: the cap on attempts has tests of its own.
    assert arena.max_attempts_without_progress == UNCAPPED
    Trouble(arena, restart).run(plan(arena.seed, kills=kills, stops=stops, restarts=restarts))
    return arena.verdict()


def test_killed_and_stopped_workers_lose_no_job_and_end_none_twice(
    new_arena: NewArena, database: str, request: pytest.FixtureRequest
) -> None:
    arena = new_arena(seed=7, ttl_seconds=1.0, max_attempts_without_progress=UNCAPPED)
    restarts = 1 if database == "postgresql" else 0
    verdict = trouble(arena, restarter(database, request), kills=6, stops=2, restarts=restarts)
    assert verdict.faults == [], f"replay with seed {arena.seed}"


@pytest.mark.chaos
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_many_killed_and_stopped_workers_lose_no_job_and_end_none_twice(
    new_arena: NewArena, database: str, request: pytest.FixtureRequest, measured: Measure, seed: int
) -> None:
    arena, began = new_arena(seed=seed, max_attempts_without_progress=UNCAPPED), time.monotonic()
    many = {"kills": 25, "stops": 5, "restarts": 2 if database == "postgresql" else 0}
    verdict = trouble(arena, restarter(database, request), **many)
    measured(database=database, **many, seconds=round(time.monotonic() - began, 1), **asdict(verdict))
    assert verdict.faults == [], f"replay with seed {arena.seed}"
    assert verdict.refused_writes > 0, "no stopped worker came back too late: the fence was not tried"


def test_a_dead_worker_s_job_is_taken_over(new_arena: NewArena) -> None:
    arena = new_arena(seed=7, ttl_seconds=1.0)
    delays = takeovers(arena, 1)
    assert arena.verdict().faults == []
    assert delays[0] > 0.5, "it was taken over while the lease still held"


@pytest.mark.chaos
def test_a_dead_worker_s_job_is_taken_over_within_the_lease_and_a_second(
    new_arena: NewArena, database: str, measured: Measure
) -> None:
    arena = new_arena(seed=7)
    delays = takeovers(arena, 12)
    measured(database=database, lease_seconds=arena.ttl_seconds, worst_seconds=round(max(delays), 2), delays=delays)
    assert arena.verdict().faults == []
    assert max(delays) <= arena.ttl_seconds + 1.0


def test_a_stalled_holder_that_wakes_late_changes_nothing(new_arena: NewArena) -> None:
    verdict = a_stalled_holder_wakes_after_its_job_has_ended(new_arena(seed=7, ttl_seconds=1.0))
    assert verdict.faults == []
    assert verdict.refused_writes == 1


def test_without_the_fence_a_stalled_holder_ends_its_job_again_and_it_shows(new_arena: NewArena) -> None:
    arena = new_arena(seed=7, ttl_seconds=1.0, queue_kind="Unfenced")
    assert a_stalled_holder_wakes_after_its_job_has_ended(arena).finished_twice != []


def test_without_reclaiming_a_killed_holder_s_job_is_lost_and_it_shows(new_arena: NewArena) -> None:
    assert a_killed_holder_s_job(new_arena(seed=7, ttl_seconds=1.0)).lost == []
    assert a_killed_holder_s_job(new_arena(seed=7, ttl_seconds=1.0, queue_kind="NeverReclaimed")).lost != []


def test_a_job_that_kills_its_workers_is_set_aside_and_can_be_requeued(new_arena: NewArena) -> None:
    found = a_job_that_kills_its_workers(new_arena(seed=7, ttl_seconds=0.3))
    assert found.deaths == MAX_ATTEMPTS_WITHOUT_PROGRESS
    assert found.after_requeue.faults == []
