"""What rows promise, counted: the objects that they name, and the rows that they stand on and that are not there."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.admin.places import Place, Words
from services.common.named import NamedObject, Row

ReadTable = Callable[[str], Iterator[dict[str, Any]]]


@dataclass(slots=True)
class Census:
    """Filled by `counted`, row by row."""

    words: Words
    named: dict[str, NamedObject] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    _there: dict[str, set[str]] = field(default_factory=dict)
    _sought: dict[tuple[str, str, str], dict[str, str | None]] = field(default_factory=dict)
    _leaving: set[str | None] = field(default_factory=set)

    def counted(self, table: str, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, noted in passing."""
        self.rows[table] = 0
        there = self._there.setdefault(table, set())
        for row in rows:
            self.rows[table] += 1
            if "id" in row:
                there.add(row["id"])
            self._note(table, row)
            yield row

    def _note(self, table: str, row: Row) -> None:
        for named in self.words.objects_of(table, row):
            known = self.named.get(named.key)
            self.named[named.key] = named if known is None or known.sha256 is None else known
        owner = self.words.owner_of(row)
        for column, target, row_id in self.words.references_of(table, row):
            self._sought.setdefault((table, column, target), {})[row_id] = owner
        if self.words.leaves(table, row):
            self._leaving.add(owner)

    def dangling(self) -> list[str]:
        """Pointers to rows that are not there; those of accounts that are being deleted do not count."""
        return [
            f"{table}.{column} names {target} {row_id}, which is not there"
            for (table, column, target), sought in sorted(self._sought.items())
            for row_id, owner in sorted(sought.items())
            if row_id not in self._there.get(target, set()) and owner not in self._leaving
        ]


def take_census(place: Place, tables: Iterable[str], read: ReadTable) -> Census:
    census = Census(place.words)
    for table in tables:
        for _ in census.counted(table, read(table)):
            pass
    return census


def dangling_rows(censuses: Mapping[str, Census]) -> list[str]:
    return [f"{service}: {said}" for service, census in censuses.items() for said in census.dangling()]


def part_of(key: str) -> str:
    """Which service an object belongs to: the second part of its key."""
    return key.split("/")[1]


def not_shared(places: list[Place], censuses: dict[str, Census]) -> dict[str, str]:
    """Objects that one service's rows name and that belong to another, whose rows do not: by key, who names them."""
    found: dict[str, str] = {}
    for place in places:
        for key in censuses[place.name].named:
            if part_of(key) in place.words.PARTS:
                continue
            owner = next((other for other in places if part_of(key) in other.words.PARTS), None)
            if owner is None or key not in censuses[owner.name].named:
                found[key] = place.name
    return found
