"""What the databases and the store hold once the trouble is over, against what artists were promised."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from services.admin.check import check_mesh
from services.admin.places import GATEWAY, STYLE_TRAIN, Place, Whereabouts, open_places
from services.common.leases import END_STATES
from services.gateway.tables import JobRequest, Result, Style
from tests.chaos.whole_load import Accepted

NO_GRACE = dt.timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Each of the first six must be empty."""

    lost: list[str]  # accepted, and no row
    unfinished: list[str]
    twice: list[str]  # one request, two jobs
    results_wrong: list[str]  # fewer or more pictures or styles than a job that succeeded owes
    dangling: list[str]  # rows whose objects are not there or are others; references to rows that are gone
    orphans: list[str]  # objects that no row names after a sweep
    states: dict[str, int]
    reasons: dict[str, int]  # of those that failed
    swept: int  # objects of attempts that died between the object and its row

    def faults(self) -> dict[str, object]:
        empty = ("lost", "unfinished", "twice", "results_wrong", "dangling", "orphans")
        return {name: found for name, found in asdict(self).items() if name in empty and found}


def unfinished(where: dict[str, Whereabouts]) -> int:
    with open_places(where) as places:
        return sum(len([row for row in rows_of(place) if row.state not in END_STATES]) for place in places)


def rows_of(place: Place) -> Sequence[sa.Row[tuple[object, ...]]]:
    with place.engine.connect() as connection:
        return connection.execute(sa.select(place.jobs)).all()


def judge(where: dict[str, Whereabouts], accepted: Sequence[Accepted]) -> Verdict:
    """Read every row and object; sweep; read again."""
    with open_places(where) as places:
        by_name = {place.name: place for place in places}
        gateway, training = by_name[GATEWAY], by_name[STYLE_TRAIN]
        rows = {row.id: row for row in rows_of(gateway)}
        trained = rows_of(training)
        dangling = sorted(said for said in check_mesh(places).problems.values())
        now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
        swept = sum(place.sweep(place.engine, place.store, now, NO_GRACE, False).removed for place in places)  # noqa: FBT003
        after = check_mesh(places, grace=NO_GRACE)
        ended = [row for row in rows.values() if row.state in END_STATES]
        return Verdict(
            lost=[one.job_id for one in accepted if one.job_id not in rows],
            unfinished=sorted(rows.keys() - {row.id for row in ended}),
            twice=twice(accepted, rows) + again([row.key for row in trained]),
            results_wrong=wrong_results(gateway.engine, [one for one in accepted if one.job_id in rows], rows),
            dangling=dangling,
            orphans=sorted(after.problems.values()),
            states=dict(Counter(row.state for row in rows.values())),
            reasons=dict(Counter((row.error or {}).get("reason", "?") for row in ended if row.state == "failed")),
            swept=swept,
        )


def again(keys: Sequence[str]) -> list[str]:
    return [key for key, count in Counter(keys).items() if count > 1]


def twice(accepted: Sequence[Accepted], rows: Mapping[str, sa.Row[tuple[object, ...]]]) -> list[str]:
    """Jobs that nobody was told of, and two jobs of one key: each post was repeated until it was answered."""
    told = {one.job_id for one in accepted}
    return sorted(rows.keys() - told) + again([one.key for one in accepted]) + again([one.job_id for one in accepted])


def wrong_results(
    engine: sa.Engine, accepted: Sequence[Accepted], rows: Mapping[str, sa.Row[tuple[object, ...]]]
) -> list[str]:
    with engine.connect() as connection:
        drawn = Counter(connection.execute(sa.select(Result.job_id)).scalars())  # type: ignore[call-overload]
        learned = Counter(connection.execute(sa.select(Style.job_id)).scalars())  # type: ignore[call-overload]
        asked = Counter(connection.execute(sa.select(JobRequest.id)).scalars())  # type: ignore[call-overload]
    found = [f"{job_id}: {count} requests" for job_id, count in asked.items() if count != 1 or job_id not in rows]
    for one in accepted:
        owed = (one.pictures, int(one.kind == "training")) if rows[one.job_id].state == "succeeded" else None
        has = (drawn[one.job_id], learned[one.job_id])
        if owed is not None and has != owed:
            found.append(f"{one.kind} {one.job_id}: {has} instead of {owed}")
    return found
