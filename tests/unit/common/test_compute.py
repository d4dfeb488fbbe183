import asyncio
import threading

import pytest

from services.common.compute import ComputeLane
from services.common.errors import Overloaded


async def test_refuses_past_max_pending() -> None:
    gate = threading.Event()
    lane = ComputeLane(max_pending=1)
    first = asyncio.create_task(lane.run(gate.wait))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await lane.run(gate.wait)
    gate.set()
    assert await first
    lane.close()


async def test_a_started_job_keeps_its_place_when_its_caller_leaves() -> None:
    gate, started = threading.Event(), threading.Event()
    lane = ComputeLane(max_pending=1)

    def work() -> None:
        started.set()
        gate.wait()

    caller = asyncio.create_task(lane.run(work))
    await asyncio.to_thread(started.wait)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    with pytest.raises(Overloaded):
        await lane.run(work)
    gate.set()
    lane.close()


async def test_a_waiting_job_is_dropped_when_its_caller_leaves() -> None:
    gate, ran = threading.Event(), threading.Event()
    lane = ComputeLane(max_pending=2)
    first = asyncio.create_task(lane.run(gate.wait))
    await asyncio.sleep(0)
    second = asyncio.create_task(lane.run(ran.set))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    gate.set()
    await first
    lane.close()
    assert not ran.is_set()
