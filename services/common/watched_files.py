"""A value that lies in files, read again when they change: keys and certificates are rotated without a restart."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")
Stamp = frozenset[tuple[str, int, int, int]]


class FromFiles(Generic[T]):
    """What `read` makes of `files`; callable from any thread.

    The files are looked at once in `look_seconds` at most. Where they cannot be read, as between the two halves of a
    rotation, the value before stays and the next look tries again.

    Raises:
        ValueError: at the start only, when there is nothing readable to begin with.
    """

    def __init__(
        self,
        files: Callable[[], Iterable[Path]],
        read: Callable[[], T],
        *,
        look_seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files = files
        self._read = read
        self._look_seconds = look_seconds
        self._clock = clock
        self._lock = threading.Lock()
        try:
            self._stamp, self._value = self._stamp_of(files()), read()
        except OSError as error:
            raise ValueError(f"{error.filename} cannot be read: {error.strerror}") from error
        self._looked = clock()

    def __call__(self) -> T:
        with self._lock:
            if self._clock() - self._looked >= self._look_seconds:
                self._look()
            return self._value

    def _look(self) -> None:
        self._looked = self._clock()
        try:
            stamp = self._stamp_of(self._files())
            if stamp == self._stamp:
                return
            self._value, self._stamp = self._read(), stamp
            log.info("read again", extra={"files": sorted(name for name, *_ in stamp)})
        except (OSError, ValueError) as error:
            log.error("files that changed cannot be read; what was read before stays", extra={"error": str(error)})  # noqa: TRY400

    @staticmethod
    def _stamp_of(files: Iterable[Path]) -> Stamp:
        found = [(path, path.stat()) for path in files]
        return frozenset((str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino) for path, stat in found)
