"""What passes with time: the trash after thirty days, exports after a week, and what nobody can use any more."""

import asyncio
import contextlib
import datetime as dt
import logging
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from services.common.artifacts import ArtifactStore
from services.common.errors import ServiceError
from services.common.leases import END_STATES, LeaseQueue
from services.gateway.tables import Asset, DailyUse, Letter, MadeOnce, Rate, SignIn, jobs, utc_now
from services.gateway.trash import delete_assets

log = logging.getLogger(__name__)

EVERY_SECONDS = 600.0
AT_ONCE = 100
TRASH_LASTS = dt.timedelta(days=30)
EXPORTS_LAST = dt.timedelta(days=7)
KEYS_LAST = dt.timedelta(days=2)
COUNTS_LAST = dt.timedelta(days=40)
RATES_LAST = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Housekeeping:
    """Run by every worker; what one has removed, the next does not find."""

    engine: sa.Engine
    queue: LeaseQueue
    store: ArtifactStore

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                await asyncio.to_thread(self.sweep, utc_now())
            except (OperationalError, ServiceError) as error:
                log.warning("housekeeping goes on later", exc_info=error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), EVERY_SECONDS)

    def sweep(self, now: dt.datetime) -> None:
        while self._empty_trash(now - TRASH_LASTS):
            pass
        self._delete_exports(now - EXPORTS_LAST)
        stale = (
            sa.delete(SignIn).where(col(SignIn.expires_at) < now),
            sa.delete(Letter).where(col(Letter.expires_at) < now),
            sa.delete(MadeOnce).where(col(MadeOnce.created_at) < now - KEYS_LAST),
            sa.delete(DailyUse).where(col(DailyUse.day) < (now - COUNTS_LAST).date()),
            sa.delete(Rate).where(col(Rate.used_until) < (now - RATES_LAST).timestamp()),
        )
        for statement in stale:
            with self.engine.begin() as connection:
                connection.execute(statement)

    def _empty_trash(self, before: dt.datetime) -> int:
        with Session(self.engine, expire_on_commit=False) as db:
            rows = db.exec(select(Asset).where(col(Asset.deleted_at) < before).limit(AT_ONCE)).all()
            if rows:
                delete_assets(db, self.store, rows)
            return len(rows)

    def _delete_exports(self, before: dt.datetime) -> None:
        ended = (jobs.c.kind == "export", jobs.c.state.in_(END_STATES), jobs.c.ended_at < before.timestamp())
        with self.engine.connect() as connection:
            old = connection.execute(sa.select(jobs.c.id, jobs.c.result).where(*ended)).all()
        for job in old:
            if job.result:
                self.store.delete(job.result["key"])
            self.queue.delete(job.id)
