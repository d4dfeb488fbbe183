"""No schedule loses a job or ends one twice; and without any guard, some schedule does."""

import os
import time

import pytest

from tests.chaos.conftest import Measure
from tests.chaos.simulation import Outcome, Simulation
from tests.chaos.tables import Forgiving, NeverReclaimed, Unfenced

QUICK, FULL, PIECES = 150, 10_000, 8


def check(seeds: range) -> list[Outcome]:
    simulation = Simulation()
    outcomes = []
    for seed in seeds:
        outcomes.append(simulation.run(seed))
        assert outcomes[-1].faults == [], f"replay with Simulation().run({seed})"
    return outcomes


def test_no_schedule_loses_a_job_or_ends_one_twice() -> None:
    outcomes = check(range(QUICK))
    refused = sum(outcome.refused_writes for outcome in outcomes)
    assert refused > QUICK / 10, "the schedules no longer bring workers that lost their lease"
    assert sum(outcome.set_aside for outcome in outcomes) > 0, "the schedules no longer bring poison"


@pytest.mark.chaos
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("piece", range(PIECES))
def test_ten_thousand_schedules_are_clean(piece: int, measured: Measure) -> None:
    began, cpu = time.monotonic(), os.times()
    outcomes = check(range(piece * FULL // PIECES, (piece + 1) * FULL // PIECES))
    spent = os.times()
    measured(
        schedules=len(outcomes),
        refused_writes=sum(outcome.refused_writes for outcome in outcomes),
        set_aside=sum(outcome.set_aside for outcome in outcomes),
        faults=0,
        seconds=round(time.monotonic() - began, 1),
        cpu_seconds=round(spent.user + spent.system - cpu.user - cpu.system, 1),
    )


def test_without_the_fence_a_job_ends_twice_or_wrong() -> None:
    simulation = Simulation(Unfenced)
    assert any(simulation.run(seed).ended_twice for seed in range(QUICK))


def test_without_reclaiming_a_job_is_lost() -> None:
    simulation = Simulation(NeverReclaimed)
    assert any(simulation.run(seed).lost for seed in range(QUICK))


def test_when_shown_progress_counts_poison_is_tried_for_ever() -> None:
    simulation = Simulation(Forgiving)
    assert any(simulation.run(seed).lost for seed in range(QUICK))


def test_a_seed_replays_its_schedule() -> None:
    assert Simulation().run(7) == Simulation().run(7)
