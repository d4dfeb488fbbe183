"""What the rows of a service say of the artifact store, in words that a backup and a consistency check share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]  # by column; columns of JSON as text


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedObject:
    """An object that a row promises to be there; None where the row does not say."""

    key: str
    sha256: str | None = None
    size_bytes: int | None = None
    media_type: str = "application/octet-stream"


def named_by_ref(ref: Mapping[str, Any]) -> NamedObject:
    """From a reference that was written as JSON."""
    return NamedObject(key=ref["key"], sha256=ref["sha256"], size_bytes=ref["size_bytes"], media_type=ref["media_type"])


def pointers(row: Row, columns: Mapping[str, str]) -> Iterable[tuple[str, str, str]]:
    """(column, table it points into, id) for each column of the row that points to a row of another table."""
    return [(column, target, row[column]) for column, target in columns.items() if row.get(column) is not None]
