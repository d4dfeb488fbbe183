"""What is done to the whole mesh, drawn from a seed before anything is struck, and how each is done."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from services.cli.mesh.programs import MODEL_SERVICES
from tests.chaos.whole_place import WholeMesh, fill, step_clock, training_process

OUTAGE_SECONDS = 10
FULL_SECONDS = 12
STEP_SECONDS = 420  # further than an assertion lives, less than an S3 server forgives
STEPPED_SECONDS = 12
TRAINING = "training"
STRUCK = (*MODEL_SERVICES, "gateway", "style-train-worker", "gateway-worker", TRAINING, "triton", "seaweedfs")
WHOLE = ("database", "outage", "full disk", "clock step")
MOST_DOWN = 2  # further strikes wait until no more are starting


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    what: str
    pause_seconds: float


def plan(seed: int, *, kills: int, rounds: int) -> list[Strike]:
    """So many kills, evenly among all that can be killed, and every other fault in each of the rounds."""
    dice = random.Random(seed)
    victims = [STRUCK[number % len(STRUCK)] for number in range(kills)]
    everything = [*victims, *WHOLE * rounds]
    dice.shuffle(everything)
    return [Strike(what=what, pause_seconds=dice.uniform(0.2, 1.5)) for what in everything]


@dataclass(slots=True)
class Trouble:
    """Carries a plan out until a time; counts what was done."""

    mesh: WholeMesh
    done: Counter[str] = field(default_factory=Counter)
    _mending: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, strikes: Sequence[Strike], *, seconds: float) -> None:
        """Leaves every server up again and the clock right; the processes may still be starting."""
        ends_at = time.monotonic() + seconds
        for strike in strikes:
            await asyncio.sleep(strike.pause_seconds)
            with suppress(TimeoutError):  # then it is struck all the same
                await self.mesh.until_up(MOST_DOWN, seconds=60)
            if time.monotonic() > ends_at:
                break
            await self._strike(strike.what)
        await asyncio.gather(*self._mending)

    async def _strike(self, what: str) -> None:
        match what:
            case "triton" | "seaweedfs":
                await self._kill_server(what)
            case "database":
                await asyncio.to_thread(self.mesh.postgres.restart, "immediate")
            case "outage":
                await self._outage()
            case "full disk":
                if self.mesh.disk is None:
                    return
                await self._full_disk()
            case "clock step":
                if self.mesh.clock is None:
                    return
                await self._step_clock()
            case _:
                if not await self._kill_process(what):
                    return
        self.done["kill" if what in STRUCK else what] += 1
        if what in STRUCK:
            self.done[f"kill {what}"] += 1

    async def _kill_process(self, name: str) -> bool:
        """Whether somebody died. A training has a process for seconds only: wait a little for one."""
        for _ in range(100):
            pid = self.mesh.pid("style-train-worker" if name == TRAINING else name)
            if name == TRAINING and pid is not None:
                pid = training_process(pid)
            with suppress(ProcessLookupError):
                if pid is not None:
                    os.kill(pid, signal.SIGKILL)
                    return True
            await asyncio.sleep(0.2)
        return False

    async def _kill_server(self, name: str) -> None:
        """Mended at once, as a platform does, while others are struck."""
        await self._settle()
        await asyncio.to_thread(self.mesh.triton.kill if name == "triton" else self.mesh.seaweedfs.stop)
        start = self.mesh.triton.start if name == "triton" else self.mesh.seaweedfs.start
        self._mending.add(asyncio.create_task(asyncio.to_thread(start)))

    async def _settle(self) -> None:
        """No server is struck while it is mended: its start would fail, not the mesh."""
        await asyncio.gather(*self._mending)
        self._mending.clear()

    async def _outage(self) -> None:
        await self._settle()
        await asyncio.to_thread(self.mesh.seaweedfs.stop)
        await asyncio.sleep(OUTAGE_SECONDS)
        await asyncio.to_thread(self.mesh.seaweedfs.start)

    async def _full_disk(self) -> None:
        await self._settle()
        assert self.mesh.disk is not None
        ballast = await asyncio.to_thread(fill, self.mesh.disk)
        await asyncio.sleep(FULL_SECONDS)
        ballast.unlink()

    async def _step_clock(self) -> None:
        """Forward, and back again."""
        assert self.mesh.clock is not None
        for step in (STEP_SECONDS, 0):
            step_clock(self.mesh.clock, step)
            await asyncio.sleep(STEPPED_SECONDS)
