"""The worker's side of the process of one training."""

import queue
import subprocess
import sys
import threading
from types import TracebackType
from typing import Self

from services.style_train.records import Report, Task


class ChildEnded(Exception):
    """The child is gone and everything that it reported has been read."""


class ChildProcess:
    """Started on entering, surely gone on leaving."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        # exec, never fork: neither gRPC nor torch survives a fork.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.style_train.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(self._task.model_dump_json() + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # gone already; the reader says so
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    @property
    def pid(self) -> int:
        return self._process.pid

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
