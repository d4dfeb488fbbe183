"""DWPose's two networks in a Triton server; nothing else here knows that client.

Axes as in `engine`.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from services.common.errors import Expired, NotReady, Overloaded, ServiceError, Unavailable
from services.common.telemetry.tracing import TRACEPARENT, current_traceparent
from services.pose.estimation.calls import Call
from services.pose.estimation.engine import PoseEngine
from services.pose.estimation.metrics import TRITON, running
from services.pose.estimation.triton_contract import (
    DETECTOR,
    POSE,
    REMEDY,
    Contract,
    ModelContract,
    check_detector,
    check_pose,
)

log = logging.getLogger(__name__)

R = TypeVar("R")
Floats = NDArray[np.float32]

_LARGEST_MESSAGE_BYTES = 128 * 1024 * 1024
_OPTIONS = [
    ("grpc.max_send_message_length", _LARGEST_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # gRPC's own steps reach two minutes, and a server that is back must be found at once.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 2_000),  # how long one attempt may take
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.lb_policy_name", "round_robin"),  # over every replica that a dns:/// name gives
    ("grpc.enable_retries", 0),  # ours alone: only they know a full queue from a server that is down
]

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.05, 0.5
_LOOK_SECONDS = 5.0

# Triton says both as UNAVAILABLE, like a server that is down; only the words differ.
_QUEUE_WORDS = {"exceeds maximum queue size": "TRITON_QUEUE_FULL", "request timeout expired": "TRITON_QUEUE_TIMEOUT"}
_QUEUE_RETRY_SECONDS = 1.0


class TritonNetworks:
    """Both networks of one server. Belongs to the event loop; only the engines that it gives work in threads.

    A server that cannot be reached is asked again, in growing steps, for as long as the caller waits: looking at a
    picture changes nothing, so it may be repeated. A full queue is not: that would only make it fuller.
    """

    def __init__(self, address: str, *, at_once: int, rng: random.Random) -> None:
        self.at_once = at_once
        self._address = address
        self._rng = rng
        self._opened: InferenceServerClient | None = None
        self._contract: Contract | None = None

    async def start(self) -> None:
        """Look at the server's models, if it is there; it may also come later.

        Raises:
            NotReady: it is there, and a model is missing or of other shapes.
        """
        self._opened = InferenceServerClient(self._address, channel_args=_OPTIONS)
        try:
            await self.connect()
        except (Unavailable, Expired) as error:
            log.warning("Triton is not there yet", extra={"address": self._address, "why": str(error)})

    async def close(self) -> None:
        await self._client.close()

    @property
    def _client(self) -> InferenceServerClient:
        if self._opened is None:
            raise RuntimeError("start comes first: a channel belongs to a running event loop")
        return self._opened

    async def connect(self) -> Contract:
        """What the server offers; asked once, and again after it has refused a request's shape.

        Raises:
            Unavailable: it cannot be reached, or is not ready yet.
            NotReady: a model is missing or of other shapes; the message says what to do.
        """
        if self._contract is None:
            self._contract = await self._translated(self._read_contract())
        return self._contract

    async def until_ready(self) -> None:
        """Return when the server is ready and has both models as they must be."""
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            try:
                await self.connect()
            except ServiceError as error:
                log.warning("waiting for Triton", extra={"address": self._address, "why": str(error)})
            else:
                return
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LOOK_SECONDS)

    def engine_for(self, call: Call) -> PoseEngine:
        """An engine that works for this caller, in a thread, for as long as it waits."""
        contract = call.wait_for(self._persist(call, lambda _: self.connect()))
        return PoseEngine(
            _TritonDetector(self, contract.detector, call),
            _TritonPointNetwork(self, contract.pose, call),
        )

    async def infer(self, model: ModelContract, rows: Floats, call: Call) -> list[Floats]:
        """The model's outputs for `rows`, in as many requests as its largest batch wants, all at once."""
        size = model.most_rows
        parts = [
            asyncio.create_task(self._infer_part(model, rows[start : start + size], call))
            for start in range(0, len(rows), size)
        ]
        try:
            answers = await asyncio.gather(*parts)
        finally:
            for part in parts:
                part.cancel()  # where one has failed, nobody waits for the others
        return [np.concatenate(columns) for columns in zip(*answers, strict=True)]

    async def _infer_part(self, model: ModelContract, rows: Floats, call: Call) -> list[Floats]:
        asked = InferInput(model.input_name, list(rows.shape), "FP32")
        asked.set_data_from_numpy(rows)

        async def attempt(remaining_seconds: float) -> list[Floats]:
            answer = await self._client.infer(
                model.name,
                [asked],
                timeout=max(1, round(remaining_seconds * 1e6)),  # microseconds that it may wait in Triton's queue
                client_timeout=remaining_seconds,
                headers={TRACEPARENT: traceparent} if (traceparent := current_traceparent()) else None,
            )
            return [np.asarray(answer.as_numpy(name), np.float32) for name in model.output_names]

        async def observed(remaining_seconds: float) -> list[Floats]:
            with running(model.name, TRITON, rows=len(rows)):
                return await self._translated(attempt(remaining_seconds))

        return await self._persist(call, observed)

    async def _persist(self, call: Call, attempt: Callable[[float], Awaitable[R]]) -> R:
        """Try until it works, fails for another reason than an unreachable server, or the caller's time is over."""
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            if not (remaining_seconds := call.remaining_seconds()):
                raise Expired("no time is left to ask Triton", reason="DEADLINE")
            try:
                return await attempt(remaining_seconds)
            except Unavailable as error:
                wait_seconds = pause_seconds * self._rng.uniform(0.5, 1.0)
                if error.reason != "TRITON_DOWN" or wait_seconds >= call.remaining_seconds():
                    raise
            await asyncio.sleep(wait_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)

    async def _translated(self, work: Awaitable[R]) -> R:
        try:
            return await work
        except InferenceServerException as error:
            translated = to_service_error(error)
            if isinstance(translated, NotReady):
                self._contract = None  # the models may have been replaced
            raise translated from error

    async def _read_contract(self) -> Contract:
        if not await self._client.is_server_ready(client_timeout=_LOOK_SECONDS):
            raise Unavailable("Triton is not ready yet; try again soon", reason="TRITON_DOWN")
        answers = [await self._client.get_model_config(name, client_timeout=_LOOK_SECONDS) for name in (DETECTOR, POSE)]
        return Contract(
            detector=check_detector(answers[0].config),
            pose=check_pose(answers[1].config),
        )


class _TritonDetector:
    """As `model.OnnxDetector`."""

    def __init__(self, networks: TritonNetworks, model: ModelContract, call: Call) -> None:
        self.side = model.size_hw[1]
        self._networks, self._model, self._call = networks, model, call

    def __call__(self, square_1CHW: Floats, /) -> Floats:
        raw_1AR, *_ = self._call.wait_for(self._networks.infer(self._model, square_1CHW, self._call))
        return raw_1AR


class _TritonPointNetwork:
    """As `model.OnnxPointNetwork`."""

    def __init__(self, networks: TritonNetworks, model: ModelContract, call: Call) -> None:
        self.crop_wh = (model.size_hw[1], model.size_hw[0])
        self._networks, self._model, self._call = networks, model, call

    def __call__(self, crops_NCHW: Floats, /) -> tuple[Floats, Floats]:
        simcc_NKX, simcc_NKY, *_ = self._call.wait_for(self._networks.infer(self._model, crops_NCHW, self._call))
        return simcc_NKX, simcc_NKY


def to_service_error(error: InferenceServerException) -> ServiceError:
    """What a Triton's status means for our caller."""
    said = (error.message() or "").lower()
    match str(error.status() or "").removeprefix("StatusCode."):
        case "UNAVAILABLE" | "RESOURCE_EXHAUSTED" if reason := _queue_reason(said):
            return Overloaded(
                "Triton has more to do than it can; try again soon",
                reason=reason,
                retry_after_seconds=_QUEUE_RETRY_SECONDS,
            )
        case "UNAVAILABLE":
            return Unavailable("Triton cannot be reached; try again soon", reason="TRITON_DOWN")
        case "DEADLINE_EXCEEDED":
            return Expired("Triton did not answer in time", reason="TRITON_SLOW")
        case "NOT_FOUND" | "INVALID_ARGUMENT":
            return NotReady(f"Triton does not take our request ({error.message()}): {REMEDY}", reason="TRITON_MODEL")
        case _:
            return Unavailable("Triton failed; try again", reason="TRITON_FAILED")


def _queue_reason(said: str) -> str:
    return next((reason for words, reason in _QUEUE_WORDS.items() if words in said), "")
