"""More callers than there is room for, and callers who leave: the real drawing service on a random family."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from oma.background.v1 import background_service_pb2 as pb
from oma.background.v1 import background_service_pb2_grpc as pb_grpc

from services.common.artifacts import FolderStore
from tests.fakes.all_services import Networks
from tests.fakes.drawing_service import DrawingService, running_drawing_service
from tests.fakes.owners import acting_for_owners

CALL_SECONDS = 120
LEAVING_SECONDS = 2.0


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Networks:
    return Networks.load(tmp_path_factory.mktemp("networks"))


@pytest.fixture
async def small(networks: Networks, tmp_path: Path) -> AsyncIterator[DrawingService]:
    async with running_drawing_service(networks, FolderStore(tmp_path), places=8) as service:
        yield service


@pytest.fixture
async def large(networks: Networks, tmp_path: Path) -> AsyncIterator[DrawingService]:
    async with running_drawing_service(networks, FolderStore(tmp_path), places=100) as service:
        yield service


def drawing(number: int, **fields: Any) -> pb.GenerateBackgroundRequest:
    return pb.GenerateBackgroundRequest(
        **{"request_id": f"r{number}", "owner": f"owner{number % 5}", "prompt": "a beach", "steps": 3, **fields}
    )


async def outcome(stub: Any, request: pb.GenerateBackgroundRequest) -> str:
    """Its last event's name; or the reason of its refusal, with its retry delay checked."""
    try:
        last = [event async for event in stub.GenerateBackground(request, timeout=CALL_SECONDS)][-1]
    except grpc.aio.AioRpcError as error:
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # noqa: PT017 (a refusal is part of the story)
        status = rpc_status.from_call(error)  # type: ignore[arg-type]  # its stub knows the synchronous call only
        assert status is not None
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        assert status.details[0].Unpack(info)
        assert status.details[1].Unpack(retry)
        assert retry.retry_delay.ToMilliseconds() >= 500
        return str(info.reason)
    return str(last.WhichOneof("event"))


async def test_200_calls_at_a_queue_of_8_are_finished_or_refused_by_name(small: DrawingService) -> None:
    async with grpc.aio.insecure_channel(small.address) as channel:
        stub = acting_for_owners(pb_grpc.BackgroundServiceStub(channel))
        outcomes = Counter(await asyncio.gather(*(outcome(stub, drawing(number)) for number in range(200))))
        assert outcomes.keys() == {"done", "QUEUE_FULL"}
        assert outcomes["done"] >= 8
        assert await outcome(stub, drawing(200)) == "done"
    assert small.counter.rows == 2 * 3 * (outcomes["done"] + 1)  # no step was spent on one that was refused


async def test_100_cancelled_drawings_leave_no_running_work_within_two_seconds(large: DrawingService) -> None:
    async with grpc.aio.insecure_channel(large.address) as channel:
        stub = acting_for_owners(pb_grpc.BackgroundServiceStub(channel))
        calls = [stub.GenerateBackground(drawing(n, steps=150, count=8), timeout=CALL_SECONDS) for n in range(100)]
        await asyncio.gather(*(call.read() for call in calls))
        assert large.turns.pending == 100
        left = time.monotonic()
        for call in calls:
            call.cancel()
        async with asyncio.timeout(CALL_SECONDS):
            while large.at_work:  # noqa: ASYNC110 (the drawing thread has no event to wait for)
                await asyncio.sleep(0.01)
        assert time.monotonic() - left < LEAVING_SECONDS
        rows = large.counter.rows
        assert await outcome(stub, drawing(100)) == "done"
    assert large.counter.rows == rows + 2 * 3  # nothing else was drawn since


async def test_callers_who_leave_before_their_turn_to_be_prepared_leave_nothing(large: DrawingService) -> None:
    async with grpc.aio.insecure_channel(large.address) as channel:
        stub = acting_for_owners(pb_grpc.BackgroundServiceStub(channel))
        calls = [stub.GenerateBackground(drawing(n, steps=150, count=8), timeout=CALL_SECONDS) for n in range(100)]
        await calls[0].read()
        for call in calls:
            call.cancel()
        async with asyncio.timeout(CALL_SECONDS):
            while large.at_work:  # noqa: ASYNC110 (as above)
                await asyncio.sleep(0.01)
        assert await outcome(stub, drawing(100)) == "done"


async def test_a_caller_who_reads_nothing_holds_up_nobody(small: DrawingService) -> None:
    async with grpc.aio.insecure_channel(small.address) as channel:
        stub = acting_for_owners(pb_grpc.BackgroundServiceStub(channel))
        silent = stub.GenerateBackground(drawing(0, steps=150, count=2, previews=True), timeout=CALL_SECONDS)
        assert await outcome(stub, drawing(1)) == "done"
        async with asyncio.timeout(CALL_SECONDS):
            while small.turns.pending:  # noqa: ASYNC110 (as above)
                await asyncio.sleep(0.01)
        images = [event.image.index async for event in silent if event.HasField("image")]
        assert images == [0, 1]
