"""How soon the drawing service refuses when 200 callers come at once and it has 8 places.

Runs the real service with a small random family in this process and 200 callers in another, and measures each refusal
inside the server, from the call's arrival at the outermost interceptor to its last byte given to gRPC. Prints one line
of JSON: `ours` is the 99th percentile in milliseconds, `peer` the bar that was promised.

    python benchmarks/overload.py            # from the root of the repository
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from oma.background.v1 import background_service_pb2 as pb
from oma.background.v1 import background_service_pb2_grpc as pb_grpc

from services.common.artifacts import FolderStore
from services.common.identity.assertions import METADATA_KEY, Signer
from tests.fakes.all_services import Networks
from tests.fakes.drawing_service import running_drawing_service
from tests.fakes.owners import KEY

CALLERS, PLACES, BAR_MILLISECONDS = 200, 8, 50.0
CALL_SECONDS = 240


class Stopwatch(grpc.aio.ServerInterceptor):  # type: ignore[misc,type-arg]
    """Notes how long each call was inside, by its code."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        came = time.perf_counter()
        handler = await continuation(handler_call_details)

        async def timed(request: Any, context: Any) -> Any:
            try:
                async for response in handler.unary_stream(request, context):
                    yield response
            finally:
                name = "OK" if context.code() in (None, 0, grpc.StatusCode.OK) else str(context.code())
                self.seconds.setdefault(name, []).append(time.perf_counter() - came)

        return grpc.unary_stream_rpc_method_handler(timed, handler.request_deserializer, handler.response_serializer)


async def call(stub: Any, signer: Signer, number: int) -> str:
    owner = f"owner{number % 5}"
    request = pb.GenerateBackgroundRequest(request_id=f"r{number}", owner=owner, prompt="a beach at sunset", steps=20)
    metadata = ((METADATA_KEY, signer.sign(owner, audience="oma.background.v1.BackgroundService")),)
    try:
        events = stub.GenerateBackground(request, timeout=CALL_SECONDS, metadata=metadata)
        last = [event async for event in events][-1]
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return str(last.WhichOneof("event"))


async def call_all(address: str, key: Ed25519PrivateKey) -> None:
    """In the callers' process: prints how many calls ended how."""
    signer = Signer(lambda: key)
    async with grpc.aio.insecure_channel(address) as channel:
        stub = pb_grpc.BackgroundServiceStub(channel)
        outcomes = Counter(await asyncio.gather(*(call(stub, signer, number) for number in range(CALLERS))))
    print(json.dumps(outcomes))


async def main() -> None:
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        networks = Networks.load(Path(folder))
        store = FolderStore(Path(folder) / "artifacts")
        async with running_drawing_service(networks, store, places=PLACES, outermost=[watch]) as service:
            callers = await asyncio.create_subprocess_exec(
                sys.executable, __file__, service.address, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
            )
            said, _ = await callers.communicate(KEY.private_bytes_raw())
    outcomes = json.loads(said)
    refused = sorted(seconds for code, stays in watch.seconds.items() if code != "OK" for seconds in stays)
    p99 = 1000 * statistics.quantiles(refused, n=100)[98]
    print(
        json.dumps(
            {
                "name": "overload.refusal_p99",
                "ours": round(p99, 2),
                "peer": BAR_MILLISECONDS,
                "ratio": round(p99 / BAR_MILLISECONDS, 3),
                "unit": "ms",
                "detail": f"{CALLERS} callers, {PLACES} places, {outcomes}, {len(refused)} refusals measured in the "
                f"server, median {1000 * statistics.median(refused):.2f} ms, worst {1000 * refused[-1]:.2f} ms, "
                f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
            }
        )
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(call_all(sys.argv[1], Ed25519PrivateKey.from_private_bytes(sys.stdin.buffer.read())))
    else:
        asyncio.run(main())
