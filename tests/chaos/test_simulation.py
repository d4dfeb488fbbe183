"""No schedule loses a job or ends one twice; and without either guard, some schedule does."""

import pytest

from tests.chaos.simulation import NeverReclaimed, Simulation, Unfenced

QUICK, FULL = 150, 10_000


def check(seeds: range) -> int:
    simulation = Simulation()
    refused = 0
    for seed in seeds:
        outcome = simulation.run(seed)
        assert outcome.faults == [], f"replay with Simulation().run({seed})"
        refused += outcome.refused_writes
    return refused


def test_no_schedule_loses_a_job_or_ends_one_twice() -> None:
    assert check(range(QUICK)) > QUICK / 10, "the schedules no longer bring workers that lost their lease"


@pytest.mark.slow
def test_ten_thousand_schedules_are_clean() -> None:
    assert check(range(FULL)) > FULL / 10


def test_without_the_fence_a_job_ends_twice_or_wrong() -> None:
    simulation = Simulation(Unfenced)
    assert any(simulation.run(seed).ended_twice for seed in range(QUICK))


def test_without_reclaiming_a_job_is_lost() -> None:
    simulation = Simulation(NeverReclaimed)
    assert any(simulation.run(seed).lost for seed in range(QUICK))


def test_a_seed_replays_its_schedule() -> None:
    assert Simulation().run(7) == Simulation().run(7)
