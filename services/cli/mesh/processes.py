"""Processes by number and time of birth, because numbers are used again."""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress

import psutil
from pydantic import BaseModel, ConfigDict

# Some systems round the time of birth, or move it when the clock is set.
BIRTH_TOLERANCE_SECONDS = 2.0


class ProcessId(BaseModel):
    """One process, once."""

    model_config = ConfigDict(frozen=True)

    pid: int
    born: float


def identify(pid: int) -> ProcessId:
    """The process that has this number now. A child that was not waited for has one, dead or alive."""
    return ProcessId(pid=pid, born=psutil.Process(pid).create_time())


def find(process: ProcessId) -> psutil.Process | None:
    """The process if it still lives and is the same one."""
    try:
        found = psutil.Process(process.pid)
        same = abs(found.create_time() - process.born) < BIRTH_TOLERANCE_SECONDS
        return found if same and found.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def signal_group(leader_pid: int, number: signal.Signals) -> None:
    """Signal a child and all that it started; gone already is fine."""
    try:
        os.killpg(leader_pid, number)
    except (ProcessLookupError, PermissionError):  # macOS says "not permitted" of a group of zombies
        return


def end_groups(leaders: Iterable[ProcessId], *, grace_seconds: float) -> int:
    """Ask processes to end; after the grace, end them and all that they started. Returns how many lived."""
    living = [found for leader in leaders if (found := find(leader)) is not None]
    for process in living:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    psutil.wait_procs(living, timeout=grace_seconds)
    for process in living:
        signal_group(process.pid, signal.SIGKILL)
    return len(living)
