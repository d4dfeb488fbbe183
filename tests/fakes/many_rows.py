"""An account with very many things, written straight into a database."""

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from services.gateway.tables import (
    Account,
    Asset,
    AssetFile,
    JobRequest,
    Project,
    jobs,
    metadata,
    name_order,
    search_text,
)

AT_ONCE = 5000
STATES = ("succeeded", "queued", "succeeded", "cancelled")
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def fill(engine: sa.Engine, *, assets: int, job_count: int, owner: str, project: str) -> None:
    """One asset in 100 is starred, one in 50 in the trash; one job in 1000 has failed, a quarter is queued."""
    account = {
        "id": owner, "email": f"{owner}@example.com", "name": "x", "locale": "ko", "password_hash": "",
        "created_at": START,
    }  # fmt: skip
    _insert(engine, Account.__tablename__, [account])
    own = {"account_id": owner, "project_id": project}
    _insert(engine, Project.__tablename__, [{"id": project, "account_id": owner, "created_at": START, "name": "x"}])
    for begin in range(0, assets, AT_ONCE):
        made = [_asset(number, own) for number in range(begin, min(begin + AT_ONCE, assets))]
        _insert(engine, Asset.__tablename__, made)
        _insert(engine, AssetFile.__tablename__, [_file(asset, own) for asset in made])
    for begin in range(0, job_count, AT_ONCE):
        requests, rows = zip(*_jobs(range(begin, min(begin + AT_ONCE, job_count)), own), strict=True)
        _insert(engine, JobRequest.__tablename__, list(requests))
        _insert(engine, jobs.name, list(rows))
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")


def _asset(number: int, own: dict[str, str]) -> dict[str, Any]:
    name = f"달빛 골목 {number:06d}"
    moment = START + dt.timedelta(seconds=number)
    return {
        **own, "id": uuid.uuid4().hex, "created_at": moment, "name": name, "description": "밤", "kind": "background",
        "starred": number % 100 == 0, "deleted_at": moment if number % 50 == 7 else None,
        "search_text": search_text(name, ["밤"], "밤", "노을"), "name_order": name_order(name),
        "folder": f"{number % 200}화" if number % 3 else "", "tags": ["밤"],
    }  # fmt: skip


def _file(asset: dict[str, Any], own: dict[str, str]) -> dict[str, Any]:
    return {
        **own, "id": uuid.uuid4().hex, "created_at": asset["created_at"], "asset_id": asset["id"], "index": 0,
        "key": f"{own['account_id']}/gateway/assets/{asset['id']}/00.png", "sha256": "0" * 64, "size_bytes": 500_000,
        "media_type": "image/png", "width": 512, "height": 512, "settings": {"prompt": "노을"},
    }  # fmt: skip


def _jobs(numbers: range, own: dict[str, str]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for number in numbers:
        moment = START + dt.timedelta(seconds=number)
        job_id, seconds = uuid.uuid4().hex, moment.timestamp()
        state = "failed" if number % 1000 == 500 else STATES[number % 4]
        request = {**own, "id": job_id, "created_at": moment, "kind": "background", "request": {"prompt": "노을"}}
        row = {
            "id": job_id, "kind": "background", "owner": own["account_id"], "key": None, "payload": request["request"],
            "state": state, "priority": 100, "attempt": 1, "fruitless": 0, "token": 1, "lease_until": 0.0,
            "run_after": 0.0, "cancel_requested": False, "progress": {}, "checkpoint": {}, "revision": 3,
            "created_at": seconds,
        }  # fmt: skip
        yield request, row


def _insert(engine: sa.Engine, table: Any, rows: list[dict[str, Any]]) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(metadata.tables[table]), rows)
