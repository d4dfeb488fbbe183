"""What a caller has not read yet, held in bounded memory however slowly it reads."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Items from any thread for the event loop that made this. For who falls behind, what passes is merged.

    Args:
        merge: says with one item what an older unread one and a newer one say together, or None where both must be
            read. What is merged is read in the newer one's turn.
        most: so many items may be unread before any are merged; what cannot be merged is kept beyond it.
    """

    def __init__(self, *, merge: Callable[[T, T], T | None], most: int = 16) -> None:
        self._merge = merge
        self._most = most
        self._unread: deque[T] = deque()
        self._lock = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._unread)

    def put(self, item: T) -> None:
        """Never blocks."""
        with self._lock:
            if len(self._unread) >= self._most:
                item = self._merged(item)
            self._unread.append(item)
        self._loop.call_soon_threadsafe(self._filled.set)

    async def get(self) -> T:
        """The oldest unread item, as soon as there is one."""
        while True:
            await self._filled.wait()
            with self._lock:
                if self._unread:
                    return self._unread.popleft()
                self._filled.clear()  # under the lock: whoever puts next sets it again

    def _merged(self, item: T) -> T:
        """`item` with all that it can say for those before it, which are gone then."""
        kept: deque[T] = deque()
        for older in self._unread:
            merged = self._merge(older, item)
            if merged is None:
                kept.append(older)
            else:
                item = merged
        self._unread = kept
        return item
