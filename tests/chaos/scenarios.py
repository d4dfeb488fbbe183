"""Single stories with one outcome: a holder that dies, one that stalls, a job that kills whoever works on it."""

import signal
import time
from dataclasses import dataclass

import psutil

from services.common.leases import MAX_ATTEMPTS_WITHOUT_PROGRESS, QUARANTINED, Job
from tests.chaos.arena import Arena, Verdict

LONG_STEPS = 40


def takeovers(arena: Arena, count: int) -> list[float]:
    """Seconds from killing the holder of a job to its next claim, while others have nothing to do."""
    for _ in range(2):
        arena.start_worker()
    found = []
    for _ in range(count):
        job_id = arena.add(steps=LONG_STEPS)
        holder = arena.until(lambda: next(iter(arena.holders()), None), "somebody who holds it")
        time.sleep(arena.dice.uniform(0.0, 0.3))
        arena.send(holder, signal.SIGKILL)
        killed_at = time.time()
        arena.start_worker()

        def next_claim(job_id: str = job_id, killed_at: float = killed_at) -> float | None:
            claims = [one.at_seconds for one in arena.events() if one.what == "claim" and one.job == job_id]
            return next((at for at in claims if at > killed_at), None)

        found.append(arena.until(next_claim, "another to take it over") - killed_at)
        arena.until(lambda: arena.unfinished() == 0 or None, "its end")
    return found


def a_stalled_holder_wakes_after_its_job_has_ended(arena: Arena) -> Verdict:
    """Stopped in the middle, woken when another has finished the job, and left to go on as it likes."""
    job_id = arena.add(stall=7)
    holder = arena.start_worker()
    arena.until(lambda: arena.workers_that_are(psutil.STATUS_STOPPED) or None, "it to stall")
    arena.start_worker()
    arena.until(lambda: arena.unfinished() == 0 or None, "the other to end it")
    seen = len(arena.events())
    arena.send(holder, signal.SIGCONT)
    after = ("refused", "finish")  # either it notices, or it does not
    arena.until(lambda: _heard(arena, holder, job_id, after, since=seen), "what the stalled one does")
    return arena.verdict()


def a_killed_holder_s_job(arena: Arena) -> Verdict:
    """The verdict when its lease has run out, and the only worker has done a younger job since."""
    arena.add(steps=LONG_STEPS, priority=100)
    holder = arena.start_worker()
    arena.until(lambda: holder in arena.holders() or None, "its claim")
    arena.send(holder, signal.SIGKILL)
    arena.until(lambda: not arena.leases() or None, "the lease to run out")
    younger = arena.add(steps=1, priority=100)
    arena.start_worker()

    def younger_ended() -> bool | None:
        found = arena.queue.get(younger)
        return (found is not None and found.ended) or None

    arena.until(younger_ended, "the younger job to end")
    return arena.verdict()


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisoned:
    """A job that kills its workers, and one beside it that does not."""

    set_aside: Job
    deaths: int
    after_requeue: Verdict


def a_job_that_kills_its_workers(arena: Arena) -> Poisoned:
    """Tried until it is set aside, healed, and requeued."""
    poison = arena.add(steps=20, poison=3)
    arena.add(steps=20)
    deaths = 0
    for _ in range(2):
        arena.start_worker()

    def set_aside() -> Job | None:
        nonlocal deaths
        deaths += arena.replace_dead()
        assert deaths <= 3 * MAX_ATTEMPTS_WITHOUT_PROGRESS, "it kills one worker after another without an end"
        found = arena.queue.get(poison)
        return found if found is not None and found.ended else None

    found = arena.until(set_aside, "the quarantine")
    assert found.error is not None
    assert found.error["reason"] == QUARANTINED
    arena.heal()
    arena.queue.requeue(poison)
    arena.until(lambda: arena.unfinished() == 0 or None, "both to end")
    return Poisoned(set_aside=found, deaths=deaths, after_requeue=arena.verdict())


def _heard(arena: Arena, worker: str, job_id: str, what: tuple[str, ...], *, since: int) -> bool | None:
    said = (one for one in arena.events()[since:] if one.worker == worker and one.job == job_id)
    return any(one.what in what for one in said) or None
