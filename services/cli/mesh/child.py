"""Keeps one program running: starts it, asks whether it is ready, starts it again when it dies."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.cli.mesh.processes import ProcessId, identify, signal_group
from services.cli.mesh.programs import Program
from services.cli.mesh.state import ChildRecord, ChildState

LONGEST_LOG_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """How patient the supervisor is with a program that dies."""

    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 15.0
    steady_seconds: float = 30.0  # who lived this long starts again with a clean record
    quick_deaths: int = 6  # in a row; then it is left alone
    proof_seconds: float = 1.0  # a program that cannot be asked is up when it has lived this long

    def pause_seconds(self, deaths: int) -> float:
        """The wait before the next start: doubled with each death in a row."""
        return float(min(self.first_pause_seconds * 2 ** (deaths - 1), self.longest_pause_seconds))


class Child:
    """One program and the process that it is at the moment."""

    def __init__(
        self, program: Program, *, root: Path, log_folder: Path, policy: RestartPolicy, on_change: Callable[[], None]
    ) -> None:
        self.program = program
        self.state = ChildState.WAITING
        self.restarts = 0
        self.settled = asyncio.Event()  # up, or given up
        self._root = root
        self._log = log_folder / f"{program.name}.log"
        self._policy = policy
        self._on_change = on_change
        self._process: asyncio.subprocess.Process | None = None
        self._identity: ProcessId | None = None

    def record(self) -> ChildRecord:
        return ChildRecord(
            name=self.program.name,
            state=self.state,
            process=self._identity,
            address=self.program.address,
            restarts=self.restarts,
            log=self._log,
        )

    async def keep_running(self) -> None:
        """Run the program until cancelled, or until it has died too often in a row."""
        deaths = 0
        while True:
            started = time.monotonic()
            process = await self._start()
            announcing = asyncio.create_task(self._announce_when_ready())
            try:
                await process.wait()
            finally:
                announcing.cancel()
            signal_group(process.pid, signal.SIGKILL)  # what it had started itself
            deaths = 1 if time.monotonic() - started >= self._policy.steady_seconds else deaths + 1
            if deaths >= self._policy.quick_deaths:
                self._become(ChildState.GAVE_UP)
                return
            self._become(ChildState.RESTARTING)
            await asyncio.sleep(self._policy.pause_seconds(deaths))
            self.restarts += 1

    async def stop(self, *, grace_seconds: float) -> None:
        """End the process and all that it started. `keep_running` must have been cancelled."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()  # the leader only: it knows how to end what it started
            try:
                await asyncio.wait_for(self._process.wait(), timeout=grace_seconds)
            except TimeoutError:
                signal_group(self._process.pid, signal.SIGKILL)
                await self._process.wait()
            signal_group(self._process.pid, signal.SIGKILL)
        self._become(ChildState.STOPPED)

    async def _start(self) -> asyncio.subprocess.Process:
        self._become(ChildState.STARTING)
        if self._log.exists() and self._log.stat().st_size > LONGEST_LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "services.cli.mesh.launch", str(os.getpid())),
                *self.program.arguments,
                cwd=self._root,
                env={**self.program.environment, "PYTHONPATH": self._python_path()},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a process group of its own: Ctrl-C reaches the supervisor only
            )
        self._identity = identify(self._process.pid)
        self._on_change()
        return self._process

    def _python_path(self) -> str:
        inherited = self.program.environment.get("PYTHONPATH", "")
        return os.pathsep.join(filter(None, [str(self._root), str(self._root / "gen"), inherited]))

    async def _announce_when_ready(self) -> None:
        probe, address = self.program.probe, self.program.address
        if probe is not None and address is not None:
            while not await probe(address):  # noqa: ASYNC110 (another process sets no event of ours)
                await asyncio.sleep(0.2)
        else:
            await asyncio.sleep(self._policy.proof_seconds)
        self._become(ChildState.UP)

    def _become(self, state: ChildState) -> None:
        self.state = state
        if state in (ChildState.UP, ChildState.GAVE_UP):
            self.settled.set()
        elif state is not ChildState.STOPPED:
            self.settled.clear()
        self._on_change()
