"""A simulated cluster for the training workers: KEDA's polls, the pods that follow, and the real queue between them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import sqlalchemy as sa

from services.common.leases import Lease
from services.style_train.store import TrainingStore, jobs

STEP_SECONDS = 1
LEASE_SECONDS, BEAT_SECONDS = 30.0, 10.0
LAG_SECONDS = 2  # between KEDA's query and its count of jobs: metrics of all triggers, then its cache of the cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """What the ScaledJob says."""

    strategy: str
    waits_for_ready: bool
    most_pods: int
    poll_seconds: int
    target: float
    idle_exit_seconds: float
    ready_after_seconds: float  # from the claim, at the least


def pods_to_make(scaling: Scaling, *, value: float, running: int, pending: int) -> int:
    """KEDA's rule, as its documentation and `pkg/scaling/executor/scale_jobs.go` (2.18) state it.

    `running` are the jobs that have not finished, the pending ones among them.
    """
    if value <= 0:
        return 0
    wanted = math.ceil(value / scaling.target)
    most = min(wanted, scaling.most_pods)
    if scaling.strategy == "default":
        more = most - running
    elif most + running - pending > scaling.most_pods:
        more = scaling.most_pods - running
    else:
        more = most - pending
    return max(min(wanted, more), 0)


@dataclass(slots=True, kw_only=True)
class Pod:
    """A job's one pod: it starts, takes a training, works on it under its lease, and ends."""

    started_at: int  # when its worker looks for the first time
    lease: Lease | None = None
    took_at: int | None = None
    beaten_at: int = 0
    ended: bool = False

    def is_ready(self, now: int, after_seconds: float) -> bool:
        return self.took_at is not None and now >= self.took_at + after_seconds


@dataclass(slots=True, kw_only=True)
class Cluster:
    """Runs in steps of a second. Time passes in the database by moving every lease back."""

    store: TrainingStore
    engine: sa.Engine
    scaling: Scaling
    ask: Callable[[], float]
    start_seconds: int  # from a job to a worker that looks: a node, an image, libraries
    training_seconds: int
    now: int = 0
    pods: list[Pod] = field(default_factory=list)
    made_at: list[int] = field(default_factory=list)
    _asked: tuple[int, float] | None = None

    def run(self, seconds: int, *, phase: int = 0) -> None:
        """`phase`: when KEDA first polls."""
        for _ in range(0, seconds, STEP_SECONDS):
            self.now += STEP_SECONDS
            with self.engine.begin() as c:
                c.execute(sa.update(jobs).values(lease_until=jobs.c.lease_until - STEP_SECONDS))
            for pod in self.alive():
                self._live(pod)
            if self.now % self.scaling.poll_seconds == phase:
                self._asked = (self.now, self.ask())
            if self._asked is not None and self.now == self._asked[0] + LAG_SECONDS:
                self._scale(self._asked[1])

    def alive(self) -> list[Pod]:
        return [pod for pod in self.pods if not pod.ended]

    def kill(self) -> None:
        """Every pod is gone at once; what they held stays held until their leases are over."""
        for pod in self.alive():
            pod.ended = True

    def _scale(self, value: float) -> None:
        running = self.alive()
        if self.scaling.waits_for_ready:
            pending = [one for one in running if not one.is_ready(self.now, self.scaling.ready_after_seconds)]
        else:  # KEDA's own rule: until the pod runs, whether or not its worker has looked
            pending = [one for one in running if self.now < one.started_at - self.start_seconds // 2]
        for _ in range(pods_to_make(self.scaling, value=value, running=len(running), pending=len(pending))):
            self.pods.append(Pod(started_at=self.now + self.start_seconds))
            self.made_at.append(self.now)

    def _live(self, pod: Pod) -> None:
        if self.now < pod.started_at:
            return
        if pod.lease is None:
            pod.lease = self.store.claim(worker=f"pod{self.pods.index(pod)}", lease_seconds=LEASE_SECONDS)
            if pod.lease is not None:
                pod.took_at = pod.beaten_at = self.now
            elif self.now >= pod.started_at + self.scaling.idle_exit_seconds:
                pod.ended = True
        elif self.now >= (pod.took_at or 0) + self.training_seconds:
            pod.lease.finish({})
            pod.ended = True
        elif self.now >= pod.beaten_at + BEAT_SECONDS:
            pod.lease.heartbeat()
            pod.beaten_at = self.now
