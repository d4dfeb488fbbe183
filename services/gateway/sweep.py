"""Sweeps the gateway's part of the artifact store, and the results that nobody kept: see `services.common.sweeping`.

Results that services drew lie under `<owner>/out/<request>/`; whoever wants one copies it within the grace.
"""

import datetime as dt
from collections.abc import Collection

import sqlalchemy as sa

from services.common.artifacts import ArtifactStore
from services.common.databases import reading
from services.common.leases import END_STATES
from services.common.sweeping import GRACE, Swept, sweep_prefix
from services.gateway.files import PREFIX
from services.gateway.tables import jobs, metadata

# Every column that names an object: `key` and `..._key`, in whatever table.
KEY_COLUMNS = tuple(
    column
    for table in metadata.sorted_tables
    for column in table.c
    if table is not jobs and (column.name == "key" or column.name.endswith("_key"))
)


def sweep_files(
    engine: sa.Engine,
    store: ArtifactStore,
    *,
    now: dt.datetime,
    grace: dt.timedelta = GRACE,
    dry_run: bool = False,
) -> Swept:
    """Remove the objects of `<owner>/gateway/` and `<owner>/out/` that nothing names and that are older than the grace.

    Raises:
        Unavailable: the store cannot be reached.
        sqlalchemy.exc.OperationalError: the database cannot; nothing was removed since it was last asked.
    """

    def named(keys: Collection[str]) -> set[str]:
        with reading(engine).connect() as connection:
            return _in_rows(connection, keys) | _of_jobs(connection, keys)

    older_than = now - grace
    total = Swept()
    for owner in store.owners():
        for part in (PREFIX, "out"):
            total += sweep_prefix(store, f"{owner}/{part}/", named=named, older_than=older_than, dry_run=dry_run)
    if not dry_run:
        store.discard_unfinished(older_than=older_than)
    return total


def _in_rows(connection: sa.Connection, keys: Collection[str]) -> set[str]:
    found: set[str] = set()
    for column in KEY_COLUMNS:
        found |= set(connection.execute(sa.select(column).where(column.in_(keys))).scalars())
    return found


def _of_jobs(connection: sa.Connection, keys: Collection[str]) -> set[str]:
    """Whatever an unfinished job has made so far, and what an ended one names as its result."""
    by_id: dict[str, list[str]] = {}
    for key in keys:
        for part in key.split("/")[2:]:
            by_id.setdefault(part.partition(".")[0], []).append(key)
    query = sa.select(jobs.c.id, jobs.c.state, jobs.c.result).where(jobs.c.id.in_(by_id))
    found: set[str] = set()
    for job_id, state, result in connection.execute(query):
        result_key = (result or {}).get("key")
        found |= {key for key in by_id[job_id] if state not in END_STATES or key == result_key}
    return found
