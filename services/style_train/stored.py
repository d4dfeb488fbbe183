"""What the rows of trainings name in the artifact store."""

import json
from collections.abc import Iterable, Iterator

from services.common.artifacts import ArtifactRef
from services.common.leases import END_STATES, QUARANTINED
from services.common.named import NamedObject, Row
from services.style_train.records import PREFIX, Checkpoint, Order, folder

PARTS = frozenset({PREFIX})


def objects_of(table: str, row: Row) -> Iterator[NamedObject]:
    """The objects that a training promises to be there: its pictures, what was learned, and where it goes on."""
    if table != "job":
        return
    place = folder(row["owner"], row["id"])
    for picture in Order.model_validate_json(row["payload"]).pictures:
        yield NamedObject(key=place + picture.name, sha256=picture.sha256, media_type="image/png")
    checkpoint = Checkpoint.model_validate_json(row["checkpoint"])
    for learned in checkpoint.learned:
        yield _named(learned.file)
        yield from map(_named, learned.samples)
    yield from (_named(sample.file) for sample in checkpoint.samples)
    if checkpoint.position is not None and _may_go_on(row):
        yield NamedObject(key=checkpoint.position.key, sha256=checkpoint.position.sha256)


def references_of(table: str, row: Row) -> Iterable[tuple[str, str, str]]:  # noqa: ARG001 (the gateway's has some)
    """A training stands on no other row."""
    return ()


def owner_of(row: Row) -> str | None:
    owner: str | None = row.get("owner")
    return owner


def leaves(table: str, row: Row) -> bool:  # noqa: ARG001 (the gateway's has some)
    """A training is deleted at once."""
    return False


def _may_go_on(row: Row) -> bool:
    """Whether its checkpoint may be needed; the objects of others' were dropped when they ended."""
    error = json.loads(row["error"] or "null") or {}
    return row["state"] not in END_STATES or error.get("reason") == QUARANTINED


def _named(ref: ArtifactRef) -> NamedObject:
    return NamedObject(key=ref.key, sha256=ref.sha256, size_bytes=ref.size_bytes, media_type=ref.media_type)
