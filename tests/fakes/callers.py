"""A gRPC call's context as far as pose estimation looks at it."""

import asyncio
from collections.abc import Callable
from typing import Any


class Caller:
    """Waits for so long, or until it leaves."""

    def __init__(self, budget_seconds: float = 60.0) -> None:
        self._ends = asyncio.get_running_loop().time() + budget_seconds
        self._callbacks: list[Callable[[Any], None]] = []

    def time_remaining(self) -> float:
        return self._ends - asyncio.get_running_loop().time()

    def add_done_callback(self, callback: Callable[[Any], None], /) -> None:
        self._callbacks.append(callback)

    def leave(self) -> None:
        for callback in self._callbacks:
            callback(self)
