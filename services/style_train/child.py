"""The process of one training: `python -m services.style_train.child`, started by the worker.

It reads its task as one line from standard input and reports in lines of JSON on standard output. When standard input
closes, its worker is gone and it ends at once; on SIGTERM it stores where it stands and ends.
"""

import logging
import os
import signal
import sys
import threading

import structlog
import torch
from transformers.utils.logging import disable_progress_bar

from services.common.artifacts import open_store
from services.common.artifacts_patient import PatientStore
from services.common.errors import ServiceError
from services.common.logs import configure_logging
from services.common.telemetry.tracing import flush_traces, sending_traces, span
from services.style_train.lesson import Lesson, Stopped
from services.style_train.records import Failure, Report, Task
from services.style_train.settings import StyleTrainSettings

log = logging.getLogger(__name__)

STORE_PATIENCE_SECONDS = 120.0  # a training waits so long for its store; what it learned is in memory
_WORKER_GONE = 3


def main() -> None:
    stopping = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the worker decides
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    # Libraries print; only reports may reach the worker.
    reports = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    line = sys.stdin.readline()
    if not line:
        return  # the worker ended before it had a task
    task = Task.model_validate_json(line)
    threading.Thread(target=_end_with_worker, daemon=True).start()
    configure_logging("style-train-child", level=logging.WARNING)
    disable_progress_bar()  # of loading: standard error is for JSON lines
    structlog.contextvars.bind_contextvars(request_id=task.job_id, owner=task.owner)

    def report(one: Report) -> None:
        reports.write(one.model_dump_json(exclude_none=True) + "\n")
        reports.flush()

    settings = StyleTrainSettings.model_validate(task.settings)
    if settings.torch_threads:
        torch.set_num_threads(settings.torch_threads)
    artifacts = PatientStore(open_store(settings.artifacts), patience_seconds=STORE_PATIENCE_SECONDS)
    lesson = Lesson(task, settings, artifacts, report=report, stopping=stopping.is_set)
    with sending_traces("style-train-child", settings.telemetry):
        last = _learn(lesson, task)
        flush_traces()  # who reports its end is killed at once
        if last is not None:
            report(last)


def _learn(lesson: Lesson, task: Task) -> Report | None:
    """The last report; None where the training was asked to stop."""
    try:
        with span("learn", parent=task.traceparent):
            lesson.run()
    except Stopped:
        log.info("stopped")
        return None
    except ServiceError as error:
        return Report(failure=Failure(reason=error.reason, message=str(error)))
    except Exception:
        log.exception("unhandled error in a training")  # the interpreter would print its words
        raise SystemExit(1) from None
    return Report(finished=True)


def _end_with_worker() -> None:
    while sys.stdin.buffer.read(1):
        pass
    os._exit(_WORKER_GONE)


if __name__ == "__main__":
    main()
