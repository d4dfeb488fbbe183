"""What is done to the workers, decided by a seed before anything is started."""

import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.arena import Arena

KILL, STOP, RESTART = "kill", "stop", "restart"
WORKERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, this long after the one before, to one of those that hold a job then."""

    kind: str
    pause_seconds: float
    rank: float  # in [0, 1): which holder, by name
    leases: float  # how long a stopped one stays stopped, in leases


def plan(seed: int, *, kills: int, stops: int, restarts: int) -> list[Fault]:
    dice = random.Random(seed)
    kinds = [KILL] * kills + [STOP] * stops + [RESTART] * restarts
    dice.shuffle(kinds)
    return [
        Fault(
            kind=kind,
            pause_seconds=dice.uniform(0.02, 0.3),
            rank=dice.random(),
            leases=dice.uniform(1.2, 2.0),
        )
        for kind in kinds
    ]


@dataclass
class Trouble:
    """Carries a plan out while there is always something to do; leaves everybody awake and everything ended."""

    arena: Arena
    restart_database: Callable[[], None] | None = None
    alarms: dict[str, threading.Timer] = field(default_factory=dict)  # of each worker that was stopped

    def run(self, faults: list[Fault]) -> None:
        for _ in range(WORKERS):
            self.arena.start_worker()
        for fault in faults:
            self._keep_busy()
            time.sleep(fault.pause_seconds)
            if fault.kind == RESTART:
                assert self.restart_database is not None
                self.restart_database()
            else:
                self._strike(fault)
        for alarm in self.alarms.values():
            alarm.join()
        self.arena.until(lambda: self.arena.unfinished() == 0 or None, "every job to end")

    def _keep_busy(self) -> None:
        for _ in range(2 * WORKERS - self.arena.unfinished()):
            self.arena.add()

    def _strike(self, fault: Fault) -> None:
        def victims() -> list[str]:
            asleep = {name for name, alarm in self.alarms.items() if alarm.is_alive()}
            return [name for name in self.arena.holders() if name not in asleep]

        choice = self.arena.until(lambda: victims() or None, "somebody who holds a job")
        victim = choice[int(fault.rank * len(choice))]
        if fault.kind == KILL:
            self.arena.send(victim, signal.SIGKILL)
            self.arena.start_worker()
        else:
            self.arena.send(victim, signal.SIGSTOP)
            # Woken by a clock of its own: stopped within a transaction it holds up SQLite, and so us.
            wake = threading.Timer(fault.leases * self.arena.ttl_seconds, self.arena.send, (victim, signal.SIGCONT))
            self.alarms[victim] = wake
            wake.start()
