"""Removes objects that no row names: what a crash between an object and its row leaves behind.

A row is written after its object, so an object without one may only be early. It is swept when it has been there for
longer than any writer waits (the grace), was not named by any row when it was looked for after that, and has not been
written again since. The store's clock decides.
"""

import datetime as dt
import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice

from sqlalchemy.exc import DBAPIError

from services.common.artifacts import ArtifactStore, Entry
from services.common.errors import NotFound, ServiceError

log = logging.getLogger(__name__)

FIRST_SECONDS = 600.0  # after the start, which is busy enough
EVERY_SECONDS = 6 * 3600.0
GRACE = dt.timedelta(hours=24)
_AT_ONCE = 500

Named = Callable[[Collection[str]], set[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep saw and did; in a dry run, what it would have done."""

    seen: int = 0
    young: int = 0  # within the grace
    named: int = 0  # by a row
    removed: int = 0
    removed_bytes: int = 0

    def __add__(self, other: "Swept") -> "Swept":
        return Swept(
            seen=self.seen + other.seen,
            young=self.young + other.young,
            named=self.named + other.named,
            removed=self.removed + other.removed,
            removed_bytes=self.removed_bytes + other.removed_bytes,
        )


def sweep_prefix(
    store: ArtifactStore, prefix: str, *, named: Named, older_than: dt.datetime, dry_run: bool = False
) -> Swept:
    """Remove what is below `prefix`, was there before `older_than` (UTC), and is not named; a dry run only counts.

    `named` says which of some keys a row names, or soon may. It is asked after the objects were listed, never before:
    a row that was written meanwhile counts.

    Raises:
        Unavailable: the store cannot be reached. What was swept until then stays swept.
    """
    total = Swept()
    for batch in _batches(store.entries(prefix)):
        old = {entry.key: entry for entry in batch if entry.modified_at < older_than}
        kept = named(old.keys()) if old else set()
        free = [entry for key, entry in old.items() if key not in kept]
        removed = free if dry_run else [entry for entry in free if _remove(store, entry)]
        total += Swept(
            seen=len(batch),
            young=len(batch) - len(old),
            named=len(kept),
            removed=len(removed),
            removed_bytes=sum(entry.size_bytes for entry in removed),
        )
    return total


def _remove(store: ArtifactStore, entry: Entry) -> bool:
    """Unless it is gone, or was written again since it was listed."""
    try:
        if store.stat(entry.key).modified_at != entry.modified_at:
            return False
    except NotFound:
        return False
    store.delete(entry.key)
    return True


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    rest = iter(entries)
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch


@contextmanager
def sweeping_now_and_then(
    sweep: Callable[[dt.datetime], Swept],
    *,
    first_seconds: float = FIRST_SECONDS,
    every_seconds: float = EVERY_SECONDS,
) -> Iterator[None]:
    """Sweep in a thread of its own until the context ends; `sweep` is given the time. What fails is tried next time."""
    ending = threading.Event()

    def run() -> None:
        pause = first_seconds
        while not ending.wait(pause):
            pause = every_seconds
            try:
                log.info("swept", extra=asdict(sweep(dt.datetime.now(dt.UTC))))
            except (ServiceError, DBAPIError) as error:
                log.warning("the sweep goes on next time", exc_info=error)

    thread = threading.Thread(target=run, name="sweeping", daemon=True)  # a long listing holds up no stop
    thread.start()
    try:
        yield
    finally:
        ending.set()
