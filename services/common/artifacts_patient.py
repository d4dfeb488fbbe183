"""An artifact store that waits for one that is down: for work that is too long to be thrown away for a short outage."""

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from services.common.artifacts import ArtifactRef, ArtifactStore, Entry
from services.common.errors import Unavailable

log = logging.getLogger(__name__)

T = TypeVar("T")

_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.25, 4.0


class PatientStore:
    """Passes calls on, and repeats them while the store is down or full, for `patience_seconds` at most.

    Repeating is safe: a put gives the same object again. It blocks; keep it off event loops.
    """

    def __init__(
        self, store: ArtifactStore, *, patience_seconds: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._store = store
        self._patience_seconds = patience_seconds
        self._sleep = sleep

    def put(self, key: str, content: bytes, media_type: str) -> ArtifactRef:
        return self._persist(lambda: self._store.put(key, content, media_type))

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        return self._persist(lambda: self._store.get(key, max_bytes=max_bytes))

    def stat(self, key: str) -> Entry:
        return self._persist(lambda: self._store.stat(key))

    def entries(self, prefix: str) -> Iterator[Entry]:
        yield from self._persist(lambda: list(self._store.entries(prefix)))

    def keys(self, prefix: str) -> Iterator[str]:
        return (entry.key for entry in self.entries(prefix))

    def owners(self) -> list[str]:
        return self._persist(self._store.owners)

    def delete(self, key: str) -> None:
        self._persist(lambda: self._store.delete(key))

    def discard_unfinished(self, *, older_than: dt.datetime) -> int:
        return self._persist(lambda: self._store.discard_unfinished(older_than=older_than))

    def _persist(self, attempt: Callable[[], T]) -> T:
        wait, waited = _FIRST_WAIT_SECONDS, 0.0
        while True:
            try:
                return attempt()
            except Unavailable as error:
                if waited >= self._patience_seconds:
                    raise
                log.warning("waiting for the artifact store", extra={"reason": error.reason})
            self._sleep(wait)
            waited += wait
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
