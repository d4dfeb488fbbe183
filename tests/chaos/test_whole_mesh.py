"""All services on real servers, under load, struck by whatever may happen: nothing accepted is lost or done twice."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.conftest import Measure
from tests.chaos.whole_faults import STRUCK, Trouble, plan
from tests.chaos.whole_load import Worked, desk
from tests.chaos.whole_place import WholeMesh, step_clock, whole_mesh, wrong_clock
from tests.chaos.whole_verdict import Verdict, judge, unfinished
from tests.fakes.postgres import Postgres
from tests.fakes.triton.server import missing

ARTISTS = 3
SETTLE_SECONDS = 240
SEED = int(os.environ.get("OMA_CHAOS_SEED", "1"))
NO_TRITON = missing()
pytestmark = pytest.mark.timeout(1500)
needs_triton = pytest.mark.skipif(NO_TRITON is not None, reason=NO_TRITON or "")


def test_a_plan_strikes_everything_and_is_the_same_again() -> None:
    struck = [strike.what for strike in plan(3, kills=55, rounds=2)]
    assert struck == [strike.what for strike in plan(3, kills=55, rounds=2)]
    assert all(struck.count(what) >= 5 for what in STRUCK)
    assert struck.count("database") == 2


def test_a_stepped_clock_is_seen_at_once_and_moves_no_timer(tmp_path: Path) -> None:
    clock, told = wrong_clock(tmp_path)
    if clock is None:
        pytest.skip("no C compiler on this system")
    said = "import time; a = time.monotonic(); time.sleep(0.01); print(time.time(), time.monotonic() - a)"
    environment = {**os.environ, **told}
    step_clock(clock, 3600)
    done = subprocess.run([sys.executable, "-c", said], env=environment, capture_output=True, text=True, check=True)
    now, slept = (float(word) for word in done.stdout.split())
    assert 3500 < now - time.time() < 3700
    assert slept < 600


async def settled(mesh: WholeMesh) -> float:
    """Seconds until nothing was left to do."""
    began = time.monotonic()
    await mesh.until_up(seconds=SETTLE_SECONDS)
    async with asyncio.timeout(SETTLE_SECONDS):
        while await asyncio.to_thread(unfinished, mesh.where):  # noqa: ASYNC110 (other processes)
            await asyncio.sleep(1)
    return time.monotonic() - began


async def strike(mesh: WholeMesh, *, kills: int, rounds: int, seconds: float) -> tuple[Worked, Trouble, float]:
    worked, trouble, stopping = Worked(), Trouble(mesh), asyncio.Event()
    async with asyncio.TaskGroup() as working:
        clients = [httpx.AsyncClient(base_url=mesh.url, timeout=60) for _ in range(ARTISTS)]
        desks = [await desk(http, worked, number, SEED) for number, http in enumerate(clients)]
        for one in desks:
            working.create_task(one.work(stopping))
        working.create_task(desks[0].dawdle(stopping))
        await trouble.run(plan(SEED, kills=kills, rounds=rounds), seconds=seconds)
        stopping.set()
    took = await settled(mesh)
    for http in clients:
        await http.aclose()
    return worked, trouble, took


def figures(verdict: Verdict, worked: Worked, trouble: Trouble, **times: float) -> dict[str, Any]:
    counted: Sequence[str] = ("lost", "unfinished", "twice", "results_wrong", "dangling", "orphans")
    return {
        "whole_mesh": True,
        "seed": SEED,
        **{name: round(value, 1) for name, value in times.items()},
        "struck": dict(sorted(trouble.done.items())),
        "accepted": len(worked.accepted),
        **{name: len(getattr(verdict, name)) for name in counted},
        "states": verdict.states,
        "failed_because": verdict.reasons,
        "swept_objects": verdict.swept,
        "poses_through_triton": worked.drafts,
        "slow_clients": worked.slow_clients,
        "vanished_clients": worked.vanished_clients,
        "answers_other_than_hoped_for": dict(worked.answers),
        "restarts": sum(child.restarts for child in trouble.mesh.supervisor.children()),
    }


async def trial(
    folder: Path, postgres: Postgres, measured: Measure, *, kills: int, rounds: int, seconds: float
) -> Trouble:
    async with whole_mesh(folder, postgres) as mesh:
        began = time.monotonic()
        worked, trouble, settling = await strike(mesh, kills=kills, rounds=rounds, seconds=seconds)
        verdict = await asyncio.to_thread(judge, mesh.where, worked.accepted)
        async with httpx.AsyncClient(base_url=mesh.url, timeout=60) as http:
            services = (await http.get("/api/v1/status")).json()["services"]
        measured(**figures(verdict, worked, trouble, seconds=time.monotonic() - began, settling_seconds=settling))
    assert verdict.faults() == {}, f"replay with OMA_CHAOS_SEED={SEED}"
    assert set(services.values()) == {"serving"}
    assert {answer.partition(" ")[0] for answer in worked.answers} <= {"429", "503"}, worked.answers
    assert verdict.states.get("succeeded", 0) > 0
    return trouble


@needs_triton
@pytest.mark.chaos
async def test_nothing_accepted_is_lost_or_done_twice(tmp_path: Path, postgres: Postgres, measured: Measure) -> None:
    trouble = await trial(tmp_path, postgres, measured, kills=55, rounds=2, seconds=600)
    assert trouble.done["kill"] >= 50


@needs_triton
@pytest.mark.slow
async def test_a_few_strikes_lose_nothing(tmp_path: Path, postgres: Postgres, measured: Measure) -> None:
    """The same in a minute or two."""
    trouble = await trial(tmp_path, postgres, measured, kills=11, rounds=1, seconds=150)
    assert trouble.done["kill"] >= 3
