"""How much is allowed: rates, shared by all replicas through the database, and quotas that an operator sets.

A rate is a bucket that runs empty evenly (GCRA): one row says until when it is used up, and one statement both asks
and takes, so that two replicas never give the same place twice.
"""

import datetime as dt
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from services.common.errors import Overloaded
from services.gateway.tables import AssetFile, DailyUse, Picture, Quota, Rate, Result, StyleUpload, utc_now

LARGEST_BATCH = 20
KNOWN_CALLERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """At most `count` at once, and again as many in the course of `seconds`."""

    name: str
    count: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The rules of one gateway."""

    sign_ins: Rule = Rule(name="sign-in", count=10, seconds=600)  # for each e-mail
    sign_ins_from: Rule = Rule(name="sign-in-from", count=100, seconds=600)  # for each address
    sign_ups_from: Rule = Rule(name="sign-up-from", count=60, seconds=3600)
    letters: Rule = Rule(name="letter", count=5, seconds=3600)  # for each e-mail
    letters_from: Rule = Rule(name="letter-from", count=30, seconds=3600)
    requests: Rule = Rule(name="request", count=1200, seconds=60)  # for each account
    uploads: Rule = Rule(name="upload", count=120, seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What an account may keep and make; None: as much as it likes."""

    storage_bytes: int | None = None
    trainings_a_day: int | None = None
    drawings_a_day: int | None = None


def take(engine: sa.Engine, rule: Rule, who: str, *, cost: int = 1) -> None:
    """Take `cost` places.

    Raises:
        Overloaded: none is free; it says for how long.
    """
    postgres = engine.dialect.name == "postgresql"
    now_sql = "extract(epoch from clock_timestamp())" if postgres else "(julianday('now')-2440587.5)*86400.0"
    now: sa.ColumnElement[float] = sa.literal_column(now_sql, sa.Double)
    insert = postgresql.insert if postgres else sqlite.insert
    name, taken = f"{rule.name}:{who}", cost * rule.seconds / rule.count
    used = col(Rate.used_until)
    begins = sa.case((used > now, used), else_=now)
    statement = (
        insert(Rate)
        .values(name=name, used_until=now + taken)
        .on_conflict_do_update(
            index_elements=["name"], set_={"used_until": begins + taken}, where=begins + taken - now <= rule.seconds
        )
        .returning(used)
    )
    with engine.begin() as connection:
        if connection.execute(statement).first() is None:
            ahead = sa.select(used - now).where(col(Rate.name) == name)
            wait = connection.execute(ahead).scalar_one() + taken - rule.seconds
            raise too_many(rule, max(1, math.ceil(wait)))


def too_many(rule: Rule, wait_seconds: int) -> Overloaded:
    return Overloaded(
        f"too many requests of this kind: try again in {wait_seconds} seconds",
        reason=f"TOO_MANY_{rule.name.removesuffix('-from').upper().replace('-', '_')}S",
        retry_after_seconds=wait_seconds,
    )


def forget(db: Session, who: str) -> None:
    """Remove what is known of somebody's rates."""
    rules = Rates()
    names = [f"{rule.name}:{who}" for rule in (rules.requests, rules.uploads, rules.sign_ins, rules.letters)]
    db.connection().execute(sa.delete(Rate).where(col(Rate.name).in_(names)))


@dataclass(slots=True)
class RequestTally:
    """Places in the request rate, fetched a batch at a time: reading a page must not cost a write each time."""

    engine: sa.Engine
    rule: Rule
    clock: Callable[[], float] = time.monotonic
    _left: dict[str, tuple[int, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, account_id: str) -> None:
        """Raises Overloaded, like `take`."""
        with self._lock:
            left, until = self._left.get(account_id, (0, 0.0))
            if left > 0 and self.clock() < until:
                self._left[account_id] = (left - 1, until)
                return
        batch = max(1, min(LARGEST_BATCH, self.rule.count // 10))
        take(self.engine, self.rule, account_id, cost=batch)
        with self._lock:
            if len(self._left) >= KNOWN_CALLERS:
                self._left.clear()  # they fetch again
            self._left[account_id] = (batch - 1, self.clock() + self.rule.seconds)


def allowance(db: Session, everybody: Allowance, account_id: str) -> Allowance:
    """What this account may: as everybody, but for what an operator has set."""
    own = db.get(Quota, account_id)
    if own is None:
        return everybody
    names = ("storage_bytes", "trainings_a_day", "drawings_a_day")
    return Allowance(**{name: _either(getattr(own, name), getattr(everybody, name)) for name in names})


def _either(own: int | None, everybody: int | None) -> int | None:
    return everybody if own is None else own


def stored_bytes(db: Session, account_id: str) -> int:
    """Bytes of an account's pictures, drawings, assets and uploaded styles."""
    total = 0
    for table in (Picture, Result, AssetFile, StyleUpload):
        query = sa.select(sa.func.coalesce(sa.func.sum(table.size_bytes), 0)).where(col(table.account_id) == account_id)
        total += int(db.connection().execute(query).scalar_one())
    return total


def refuse_full_storage(db: Session, everybody: Allowance, account_id: str, more_bytes: int = 0) -> None:
    """Raises Overloaded when what an account stores, and `more_bytes`, is more than it may."""
    limit = allowance(db, everybody, account_id).storage_bytes
    if limit is not None and stored_bytes(db, account_id) + more_bytes > limit:
        raise Overloaded(
            f"your storage of {limit:,} bytes is full: delete pictures, or empty the trash",
            reason="STORAGE_FULL",
            retry_after_seconds=3600,
        )


def used_today(db: Session, account_id: str, kind: str) -> int:
    found = db.get(DailyUse, (account_id, utc_now().date(), kind))
    return found.count if found is not None else 0


def count_use(db: Session, account_id: str, kind: str, limit: int | None) -> None:
    """Count one use today, in the caller's transaction.

    Raises:
        Overloaded: the day's uses are used up; there are new ones from midnight (UTC) on.
    """
    now = utc_now()
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = (
        insert(DailyUse)
        .values(account_id=account_id, day=now.date(), kind=kind, count=1)
        .on_conflict_do_update(
            index_elements=["account_id", "day", "kind"],
            set_={"count": col(DailyUse.count) + 1},
            where=sa.true() if limit is None else col(DailyUse.count) < limit,
        )
        .returning(col(DailyUse.count))
    )
    if limit == 0 or db.connection().execute(statement).first() is None:
        midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), dt.UTC)
        raise Overloaded(
            f"you have used today's {limit} {kind}s: there are new ones from 00:00 UTC on",
            reason=f"{kind.upper()}S_USED_UP",
            retry_after_seconds=math.ceil((midnight - now).total_seconds()),
        )
