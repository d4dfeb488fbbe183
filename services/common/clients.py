"""Channels to our own services, and their errors turned back into ours."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.common.errors import Code, Overloaded, ServiceError, Unavailable
from services.common.identity import assertions
from services.common.identity.assertions import Signer
from services.common.identity.certificates import Certificates, channel_credentials
from services.common.interceptors import ERROR_DOMAIN
from services.common.request_ids import METADATA_KEY, current_request_id
from services.common.serving import LONGEST_CONNECTION_SECONDS, MAX_MESSAGE_BYTES
from services.common.telemetry.calls import calling
from services.common.telemetry.tracing import TRACEPARENT, current_traceparent

log = logging.getLogger(__name__)

KEEPALIVE_SECONDS = 20.0


def open_channel(
    address: str,
    *,
    retried: tuple[str, ...] = (),
    certificates: Certificates | None = None,
    server_name: str | None = None,
    keepalive_seconds: float = KEEPALIVE_SECONDS,
) -> grpc.aio.Channel:
    """A channel that spreads calls over all addresses of a name.

    Args:
        address: host:port, or any gRPC target such as dns:///name:port.
        retried: "package.Service/Method" of reads and of writes with a request id: only these are repeated when the
            server cannot be reached.
        certificates: what this process shows, and whom it believes; without, plaintext.
        server_name: the name in the server's certificate, where it is not the host of `address`.
        keepalive_seconds: silence after which a server with calls of ours is asked whether it still is there; one that
            does not answer within 5 s is given up with UNAVAILABLE. Our servers allow 10 s and more.
    """
    config = {
        "loadBalancingConfig": [{"round_robin": {}}],
        "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
        "methodConfig": [
            {
                "name": [dict(zip(("service", "method"), name.split("/"), strict=True)) for name in retried],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "2s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
        if retried
        else [],
    }
    options = [
        ("grpc.service_config", json.dumps(config)),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        # A machine that vanishes closes nothing: calls that only listen would wait for it to the end of their time.
        ("grpc.keepalive_time_ms", round(1_000 * keepalive_seconds)),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.http2.ping_timeout_ms", 5_000),
        ("grpc.http2.max_pings_without_data", 0),  # no bound: servers say how often they may be asked
    ]
    if server_name is not None:
        options.append(("grpc.ssl_target_name_override", server_name))
    if certificates is None:
        return grpc.aio.insecure_channel(address, options=options)
    return grpc.aio.secure_channel(address, channel_credentials(certificates), options=options)


class FreshChannels:
    """Channels by name, opened when first used and again when the certificates have changed.

    What runs on an older channel goes on there; it is closed when no server keeps its connections any longer.
    Belongs to one event loop.
    """

    def __init__(
        self,
        opened_by: Callable[[str, Certificates | None], grpc.aio.Channel],
        certificates: Callable[[], Certificates] | None,
    ) -> None:
        self._opened_by = opened_by
        self._certificates = certificates
        self._open: dict[str, tuple[grpc.aio.Channel, Certificates | None]] = {}
        self._retiring: set[asyncio.Task[None]] = set()

    def __getitem__(self, name: str) -> grpc.aio.Channel:
        newest = self._certificates() if self._certificates is not None else None
        if name in self._open:
            channel, used = self._open[name]
            if used is newest:
                return channel
            self.retire(name)
        self._open[name] = (self._opened_by(name, newest), newest)
        return self._open[name][0]

    def retire(self, name: str) -> None:
        """Let the channel go when what runs on it has ended; a name that was not used is fine."""
        if name in self._open:
            task = asyncio.create_task(_close_later(self._open.pop(name)[0]))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)

    async def close(self) -> None:
        for task in list(self._retiring):
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        for channel, _ in self._open.values():
            await channel.close(None)


async def _close_later(channel: grpc.aio.Channel) -> None:
    try:
        await asyncio.sleep(LONGEST_CONNECTION_SECONDS)
    finally:
        await channel.close(None)


def call_metadata(signer: Signer, *, service: str, owner: str) -> tuple[tuple[str, str], ...]:
    """What every call carries beside its deadline: the request's id, the owner that it acts for, and its trace, if any.

    Made anew for each call, within `our_errors`: it is valid for a short time, for this one service and this one call.
    """
    assertion = signer.sign(owner, audience=service)
    trace = ((TRACEPARENT, traceparent),) if (traceparent := current_traceparent()) else ()
    return ((METADATA_KEY, current_request_id()), (assertions.METADATA_KEY, assertion), *trace)


@contextmanager
def our_errors(peer: str) -> Iterator[None]:
    """Around one call: raise a peer's status as the ServiceError that it began as, its reason kept; measure and trace.

    A status that is not one of ours, a bug of the peer included, becomes `Unavailable`.
    """
    with calling(peer):
        try:
            yield
        except grpc.aio.AioRpcError as error:
            raise to_service_error(error, peer) from error


def to_service_error(error: grpc.aio.AioRpcError, peer: str) -> ServiceError:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # its stub knows the synchronous call only
    reason, retry_after_seconds = _unpack(status) if status is not None else ("", 1.0)
    message = error.details() or error.code().name
    kinds = {kind.code: kind for kind in ServiceError.__subclasses__()}
    kind = kinds.get(Code(error.code().name)) if error.code().name in Code.__members__ else None
    if kind is Overloaded:
        return Overloaded(message, reason=reason or "PEER_BUSY", retry_after_seconds=retry_after_seconds)
    if error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        # It is us whom the peer does not let in, not the person whom we work for.
        log.error("refused by a peer", extra={"peer": peer, "reason": reason, "said": message})
        return Unavailable(f"{peer} does not let this service in; ask its operator", reason=reason or "PEER_REFUSED")
    if kind is None:
        return Unavailable(f"{peer} failed; try again", reason=reason or "PEER_FAILED")
    if kind is Unavailable:
        return Unavailable(f"{peer} cannot be reached; try again soon", reason=reason or "PEER_DOWN")
    return kind(message, reason=reason or error.code().name)


def _unpack(status: status_pb2.Status) -> tuple[str, float]:
    reason, retry_after_seconds = "", 1.0
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in status.details:
        if detail.Unpack(info) and info.domain == ERROR_DOMAIN:
            reason = info.reason
        if detail.Unpack(retry):
            retry_after_seconds = retry.retry_delay.ToNanoseconds() / 1e9
    return reason, retry_after_seconds
