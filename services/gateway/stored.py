"""What the gateway's rows name: objects in the artifact store, and each other."""

import json
from collections.abc import Iterable, Iterator

from services.common.leases import END_STATES
from services.common.named import NamedObject, Row, named_by_ref, pointers
from services.gateway.files import PREFIX
from services.gateway.tables import metadata

PARTS = frozenset({PREFIX, "out"})  # `<owner>/<part>/...` is for the gateway to sweep
FILE_TABLES = frozenset(
    table.name for table in metadata.sorted_tables if {"key", "sha256", "size_bytes"} <= set(table.c.keys())
)
_POINTS_TO = {"account_id": "account", "project_id": "project", "asset_id": "asset", "picture_id": "picture"}
_ALSO = {"result": {"job_id": "job"}, "job_request": {"id": "job"}, "job": {"owner": "account"}}


def objects_of(table: str, row: Row) -> Iterator[NamedObject]:
    """The objects that a row promises to be there. What an unfinished job has made so far is not promised."""
    if table in FILE_TABLES:
        yield NamedObject(
            key=row["key"], sha256=row["sha256"], size_bytes=row["size_bytes"], media_type=row["media_type"]
        )
    elif table == "pose" and row["skeleton_key"] is not None:
        yield NamedObject(key=row["skeleton_key"], media_type="image/png")
    elif table == "style":
        for ref in json.loads(row["files"]) + json.loads(row["samples"]):
            yield named_by_ref(ref)
    elif table == "job" and row["state"] == "succeeded":
        result = json.loads(row["result"] or "null") or {}
        if "key" in result:
            yield NamedObject(
                key=result["key"],
                sha256=result["sha256"],
                size_bytes=result["size_bytes"],
                media_type="application/zip",
            )


def references_of(table: str, row: Row) -> Iterable[tuple[str, str, str]]:
    """(column, table, id) of each row that this one stands on."""
    return pointers(row, _POINTS_TO | _ALSO.get(table, {}))


def owner_of(row: Row) -> str | None:
    owner: str | None = row.get("account_id") or row.get("owner")
    return owner


def leaves(table: str, row: Row) -> bool:
    """Whether this row says that its owner's rows are being deleted just now."""
    return table == "job" and row["kind"] == "deletion" and row["state"] not in END_STATES
