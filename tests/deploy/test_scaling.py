"""Training from zero: by KEDA's rule, simulated over polls on the real queue, pods are neither missing nor too many."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from services.common.databases import create_database_engine
from services.common.leases import LeaseQueue
from services.style_train.records import Method, Order, OrderedPicture, Preset
from services.style_train.settings import StyleTrainSettings
from services.style_train.store import KIND, TrainingStore, jobs
from tests.deploy.cluster import BEAT_SECONDS, LEASE_SECONDS, Cluster, Scaling
from tests.deploy.manifests import environment, main_container, named, overlay, template
from tests.fakes.postgres import Postgres

ORDER = Order(
    name="Ink",
    pictures=(OrderedPicture(name="pictures/00.png", sha256="0" * 64, caption=""),),
    methods=(Method.LORA,),
    preset=Preset.QUICK,
    seed=1,
)
TRAINING_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A database with the service's tables, and what KEDA would ask it."""

    engine: sa.Engine
    store: TrainingStore
    ask: Callable[[], float]

    def order(self, count: int = 1) -> None:
        for number in range(count):
            self.store.create(owner=f"o{number}", request_id="r", job_id=f"j{number}", order=ORDER)

    def cluster(self, scaling: Scaling, *, start_seconds: int = 35, ask: Callable[[], float] | None = None) -> Cluster:
        return Cluster(
            store=self.store,
            engine=self.engine,
            scaling=scaling,
            ask=ask or self.ask,
            start_seconds=start_seconds,
            training_seconds=TRAINING_SECONDS,
        )

    def states(self) -> list[str]:
        with self.engine.connect() as c:
            return list(c.execute(sa.select(jobs.c.state).order_by(jobs.c.id)).scalars())


def scaled_job() -> dict[str, Any]:
    spec: dict[str, Any] = named(overlay("prod"), "ScaledJob", "style-train-worker")["spec"]
    return spec


def query() -> str:
    (trigger,) = scaled_job()["triggers"]
    asked: str = trigger["metadata"]["query"]
    return asked


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        engine = create_database_engine(server.new_database())
    else:
        engine = create_database_engine(f"sqlite:///{tmp_path}/style.db")
    store = TrainingStore(engine, max_queued=99)
    store.migrate()
    scaler = as_keda(engine) if request.param == "postgresql" else engine
    yield Site(engine=engine, store=store, ask=asking(engine, scaler))
    scaler.dispose()
    engine.dispose()


def as_keda(engine: sa.Engine) -> sa.Engine:
    """The same database for a role that owns nothing and was granted nothing."""
    with engine.begin() as c:
        if not c.execute(sa.text("SELECT 1 FROM pg_roles WHERE rolname = 'keda'")).scalar():
            c.execute(sa.text("CREATE ROLE keda LOGIN"))
    return sa.create_engine(engine.url.set(username="keda"))


def asking(engine: sa.Engine, scaler: sa.Engine) -> Callable[[], float]:
    """The manifest's own query; SQLite has no functions, and the queue counts what that one counts."""

    def ask() -> float:
        if engine.dialect.name == "sqlite":
            kind = re.fullmatch(r"SELECT oma_claimable\('(\w+)'\)", query())
            assert kind is not None
            return LeaseQueue(engine, jobs).claimable([kind[1]])
        with scaler.connect() as c:
            return float(c.execute(sa.text(query())).scalar_one())

    return ask


@pytest.fixture
def scaling() -> Scaling:
    spec = scaled_job()
    (trigger,) = spec["triggers"]
    container = main_container(named(overlay("prod"), "ScaledJob", "style-train-worker"))
    told, probe = environment({"kind": "ScaledJob", "spec": spec}), container["readinessProbe"]
    assert told["OMA_STYLE_TRAIN_MOST_TRAININGS"] == "1"
    assert probe["exec"]["command"] == ["test", "-f", told["OMA_STYLE_TRAIN_TAKEN_FILE"]]
    return Scaling(
        strategy=spec["scalingStrategy"]["strategy"],
        waits_for_ready=spec["scalingStrategy"]["pendingPodConditions"] == ["Ready"],
        most_pods=spec["maxReplicaCount"],
        poll_seconds=spec["pollingInterval"],
        target=float(trigger["metadata"]["targetQueryValue"]),
        idle_exit_seconds=float(told["OMA_STYLE_TRAIN_IDLE_EXIT_SECONDS"]),
        ready_after_seconds=probe["periodSeconds"] * (probe["successThreshold"] - 1),
    )


def test_the_simulation_beats_as_the_worker_does() -> None:
    settings = StyleTrainSettings()
    assert (settings.lease_seconds, settings.heartbeat_seconds) == (LEASE_SECONDS, BEAT_SECONDS)


def test_a_training_gets_one_pod_and_never_a_second(site: Site, scaling: Scaling) -> None:
    site.order()
    cluster = site.cluster(scaling)
    cluster.run(260, phase=3)
    assert len(cluster.made_at) == 1
    assert site.states() == ["succeeded"]
    assert cluster.alive() == []


@pytest.mark.slow
@pytest.mark.parametrize("phase", range(10))
@pytest.mark.parametrize("start_seconds", [1, 7, 90])
def test_a_training_gets_one_pod_however_long_it_takes_to_start(
    site: Site, scaling: Scaling, phase: int, start_seconds: int
) -> None:
    site.order()
    cluster = site.cluster(scaling, start_seconds=start_seconds)
    cluster.run(start_seconds + TRAINING_SECONDS + 30, phase=phase)
    assert len(cluster.made_at) == 1
    assert site.states() == ["succeeded"]


def test_when_the_only_worker_was_killed_one_pod_is_made_after_the_lease(site: Site, scaling: Scaling) -> None:
    site.order()
    cluster = site.cluster(scaling)
    cluster.run(80)
    cluster.kill()
    killed_at = cluster.now
    cluster.run(240)
    first, again = cluster.made_at
    assert first < killed_at < again
    assert LEASE_SECONDS - BEAT_SECONDS <= again - killed_at <= LEASE_SECONDS + 2 * scaling.poll_seconds
    assert site.states() == ["succeeded"]


def test_a_burst_gets_as_many_pods_as_there_may_be_and_all_of_it_is_learned(site: Site, scaling: Scaling) -> None:
    site.order(6)
    cluster = site.cluster(scaling)
    most = 0
    for _ in range(45):
        cluster.run(10)
        most = max(most, len(cluster.alive()))
    assert most == scaling.most_pods
    assert set(site.states()) == {"succeeded"}
    assert len(cluster.made_at) == 6


def test_a_pod_that_finds_nothing_ends(site: Site, scaling: Scaling) -> None:
    site.order()
    cluster = site.cluster(scaling)
    cluster.run(20)
    site.store.request_cancel("j0")
    cluster.run(120)
    assert (len(cluster.made_at), cluster.alive()) == (1, [])


class TestControls:
    """Each part is needed: without it, the same simulation shows pods that are missing or too many."""

    def test_without_readiness_a_slow_start_makes_a_second_pod(self, site: Site, scaling: Scaling) -> None:
        site.order()
        cluster = site.cluster(replace(scaling, waits_for_ready=False))
        cluster.run(100)
        assert len(cluster.made_at) > 1

    def test_ready_at_once_would_race_with_what_was_asked_before(self, site: Site, scaling: Scaling) -> None:
        site.order()
        cluster = site.cluster(replace(scaling, ready_after_seconds=0), start_seconds=9)
        cluster.run(100, phase=0)
        assert len(cluster.made_at) > 1

    def test_a_query_for_queued_ones_alone_never_replaces_a_killed_worker(self, site: Site, scaling: Scaling) -> None:
        site.order()
        cluster = site.cluster(scaling, ask=lambda: float(site.states().count("queued")))
        cluster.run(80)
        cluster.kill()
        cluster.run(200)
        assert (len(cluster.made_at), site.states()) == (1, ["running"])

    def test_by_the_default_strategy_the_second_training_would_wait_for_the_first(
        self, site: Site, scaling: Scaling
    ) -> None:
        site.order()
        cluster = site.cluster(replace(scaling, strategy="default"))
        cluster.run(60)
        site.store.create(owner="b", request_id="r", job_id="k", order=ORDER)
        cluster.run(60)
        assert len(cluster.made_at) == 1


def test_who_scales_may_count_and_read_nothing(postgres: Postgres) -> None:
    engine = create_database_engine(postgres.new_database())
    TrainingStore(engine, max_queued=9).migrate()
    scaler = as_keda(engine)
    with scaler.connect() as c:
        assert c.execute(sa.text(query())).scalar_one() == 0
    with scaler.connect() as c, pytest.raises(ProgrammingError, match="permission denied"):
        c.execute(sa.text("SELECT payload FROM job"))
    scaler.dispose()
    engine.dispose()


def test_nothing_else_scales_or_runs_the_training_workers() -> None:
    others = [
        (one["kind"], one["metadata"]["name"])
        for one in overlay("prod")
        if one["kind"] in ("Deployment", "ScaledObject", "HorizontalPodAutoscaler")
        and "style-train-worker" in (one["metadata"]["name"], one["spec"].get("scaleTargetRef", {}).get("name"))
    ]
    assert others == []
    made = template(named(overlay("prod"), "ScaledJob", "style-train-worker"))
    assert made is not None
    assert made["spec"]["restartPolicy"] == "Never"
    assert scaled_job()["jobTargetRef"]["backoffLimit"] == 0
    assert scaled_job()["rollout"]["strategy"] == "gradual"
    assert query() == f"SELECT oma_claimable('{KIND}')"
