"""Streams that go on through broken connections, full queues and restarted services."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import grpc
from oma.style.v1 import style_train_service_pb2 as pb

from oma_stubs.refusals import refusal

ENDED = (pb.Training.STATE_SUCCEEDED, pb.Training.STATE_FAILED, pb.Training.STATE_CANCELLED)
WATCH_SECONDS = 330.0  # the service ends a watch within five minutes

Event = TypeVar("Event")


class _Patience:
    """Waits between tries, longer with each; gives up after so long without any answer."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.heard()

    def heard(self) -> None:
        self._quiet_since, self._pause_seconds = time.monotonic(), 0.25

    def wait(self, error: grpc.RpcError) -> None:
        """Returns when it is time to try again; raises `error` where that is no use, or no more."""
        said = refusal(error)
        broken = said.code is grpc.StatusCode.CANCELLED and not said.reason  # by a server that stopped, not by us
        if not (said.passes or broken) or time.monotonic() - self._quiet_since > self._seconds:
            raise error
        time.sleep(max(self._pause_seconds, said.retry_after_seconds if said.reason else 0))
        self._pause_seconds = min(2 * self._pause_seconds, 5.0)


def watch_training(
    stub: Any, owner: str, training_id: str, *, patience_seconds: float = 300.0
) -> Iterator[pb.Training]:
    """The training now and whenever it changes, until it has ended.

    Goes on where it was after a watch that came to its end and after a connection that broke.

    Raises:
        grpc.RpcError: the service says no, or has not answered for `patience_seconds`.
    """
    token, patience = "", _Patience(patience_seconds)
    while True:
        request = pb.WatchTrainingRequest(owner=owner, id=training_id, resume_token=token)
        try:
            for response in stub.WatchTraining(request, timeout=WATCH_SECONDS):
                token = response.resume_token
                patience.heard()
                yield response.training
                if response.training.state in ENDED:
                    return
        except grpc.RpcError as error:
            patience.wait(error)


def draw(
    call: Callable[..., Iterable[Event]],
    request: Any,
    *,
    timeout_seconds: float = 1800.0,
    patience_seconds: float = 300.0,
) -> Iterator[Event]:
    """The events of a drawing, until it is done; `call` is the stub's method.

    A drawing that was interrupted begins again, and its events with it: the same request draws the same pictures and
    stores them in the same place. One that is refused because the service is full is asked for again.

    Raises:
        grpc.RpcError: the service says no, or has not answered for `patience_seconds`.
    """
    patience = _Patience(patience_seconds)
    while True:
        try:
            for event in call(request, timeout=timeout_seconds):
                patience.heard()
                yield event
        except grpc.RpcError as error:
            patience.wait(error)
        else:
            return
