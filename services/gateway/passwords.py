"""Passwords as argon2id hashes; how many are computed at once is bounded."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from services.common.errors import Overloaded

MIN_LENGTH = 10
MAX_LENGTH = 256


class Slots:
    """A bounded number of places for heavy work on request threads; who waits too long is refused."""

    def __init__(self, count: int, *, wait_seconds: float) -> None:
        self._free = threading.BoundedSemaphore(count)
        self._wait_seconds = wait_seconds

    @contextmanager
    def take(self) -> Iterator[None]:
        if not self._free.acquire(timeout=self._wait_seconds):
            raise Overloaded("too many requests at once; try again soon", reason="BUSY", retry_after_seconds=2.0)
        try:
            yield
        finally:
            self._free.release()


class Passwords:
    """Hashes and checks. Cost by OWASP's argon2id profile: 19 MiB, two passes, about 60 ms."""

    def __init__(self, *, memory_kib: int = 19_456, passes: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._slots = Slots(2, wait_seconds=5.0)
        self._nobody = self._hasher.hash("the password of nobody")

    def hash(self, password: str) -> str:
        with self._slots.take():
            return self._hasher.hash(password)

    def matches(self, password_hash: str | None, password: str) -> bool:
        """False for an unknown account too (None), at the same cost as for a wrong password."""
        with self._slots.take():
            try:
                self._hasher.verify(password_hash or self._nobody, password)
            except VerificationError:
                return False
        return password_hash is not None
