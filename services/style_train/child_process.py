"""The worker's side of the process of one training."""

import queue
import subprocess
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from services.style_train.records import Report, Task


class ChildEnded(Exception):
    """The child is gone and everything that it reported has been read."""


class ChildProcess:
    """Started at once, so that its libraries are loaded by the time a task comes; surely gone on leaving."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        # exec, never fork: neither gRPC nor torch survives a fork.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.style_train.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def begin(self, task: Task) -> None:
        assert self._process.stdin is not None
        # One that died while it waited says so by its first report: there is none.
        with suppress(BrokenPipeError):
            self._process.stdin.write(task.model_dump_json() + "\n")
            self._process.stdin.flush()

    def next_report(self, *, timeout_seconds: float) -> Report | None:
        """The next line, or None when there is none in time.

        Raises:
            ChildEnded: there will be none.
        """
        try:
            line = self._lines.get(timeout=timeout_seconds)
        except queue.Empty:
            return None
        if line is None:
            raise ChildEnded
        return Report.model_validate_json(line)

    def ask_to_stop(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith("\n"):  # a killed child may leave half a line
                self._lines.put(line)
        self._lines.put(None)


class Nursery:
    """Keeps one child ready while there is nothing to do: loading its libraries takes as long as a short training."""

    def __init__(self) -> None:
        self._waiting: ChildProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._waiting is not None:
            self._waiting.close()

    def prepare(self) -> None:
        if self._waiting is None:
            self._waiting = ChildProcess()

    def take(self) -> ChildProcess:
        """The one that is ready, or one that will be; the caller's to close."""
        child, self._waiting = self._waiting or ChildProcess(), None
        return child
