"""Channels that say for whom each call acts, and that repeat the calls which may be repeated."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from oma.background.v1 import background_service_pb2
from oma.pose.v1 import pose_estimation_service_pb2, pose_transfer_service_pb2
from oma.style.v1 import style_train_service_pb2

ASSERTION_KEY = "oma-owner-assertion"
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
KEEPALIVE_SECONDS = 20.0

Assertion = Callable[[str, str], str]
"""Makes an assertion, for an owner and the full name of a service. Asked before each call: keep it for a minute."""

_MODULES = (
    background_service_pb2,
    pose_estimation_service_pb2,
    pose_transfer_service_pb2,
    style_train_service_pb2,
)


def open_channel(
    address: str,
    *,
    owner: str,
    assertion: Assertion,
    credentials: grpc.ChannelCredentials | None = None,
    keepalive_seconds: float = KEEPALIVE_SECONDS,
) -> grpc.Channel:
    """A channel whose every call acts for `owner`.

    Calls without side effects, and those with a request id, are repeated while the service cannot be reached; all
    addresses of a name take turns.

    Args:
        address: host:port, or any gRPC target such as dns:///name:port.
        owner: whose work the calls read and write.
        assertion: proves it; see `Assertion`.
        credentials: mutual TLS (`grpc.ssl_channel_credentials`); without, plaintext.
        keepalive_seconds: silence after which a service with calls of ours is asked whether it still is there; one
            that does not answer within 5 s is given up with UNAVAILABLE. The services allow 10 s and more.
    """
    options: list[tuple[str, Any]] = [
        ("grpc.service_config", json.dumps(_service_config())),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        # A machine that vanishes closes nothing: calls that only listen would wait for it to the end of their time.
        ("grpc.keepalive_time_ms", round(1_000 * keepalive_seconds)),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.http2.ping_timeout_ms", 5_000),
        ("grpc.http2.max_pings_without_data", 0),  # no bound: servers say how often they may be asked
    ]
    if credentials is None:
        channel = grpc.insecure_channel(address, options=options)
    else:
        channel = grpc.secure_channel(address, credentials, options=options)
    return grpc.intercept_channel(channel, _ActsFor(owner, assertion))


def _service_config() -> dict[str, Any]:
    repeated = [
        {"service": method.containing_service.full_name, "method": method.name}
        for method in _methods()
        if method.GetOptions().idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN
    ]
    policy = {
        "maxAttempts": 5,
        "initialBackoff": "0.2s",
        "maxBackoff": "3s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    return {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [{"name": repeated, "retryPolicy": policy}],
    }


def _methods() -> Iterator[MethodDescriptor]:
    for module in _MODULES:
        for service in module.DESCRIPTOR.services_by_name.values():
            yield from service.methods


@dataclass(frozen=True, slots=True, kw_only=True)
class _Details(grpc.ClientCallDetails):
    """A call, described anew."""

    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: Any
    compression: Any


class _ActsFor(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):  # type: ignore[type-arg]
    """Adds the assertion to each call's metadata."""

    def __init__(self, owner: str, assertion: Assertion) -> None:
        self._owner = owner
        self._assertion = assertion

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(self._signed(client_call_details), request)

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(self._signed(client_call_details), request)

    def _signed(self, call: Any) -> _Details:
        method = call.method if isinstance(call.method, str) else call.method.decode()
        proof = (ASSERTION_KEY, self._assertion(self._owner, method.split("/")[1]))
        return _Details(
            method=call.method,
            timeout=call.timeout,
            metadata=(*(call.metadata or ()), proof),
            credentials=call.credentials,
            wait_for_ready=getattr(call, "wait_for_ready", None),
            compression=getattr(call, "compression", None),
        )
