"""PoseTransferService over a real channel: its events, its refusals, and callers who leave."""

import asyncio
import hashlib
import io
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np
import pytest
from oma.image.v1 import image_pb2
from oma.pose.v1 import pose_transfer_service_pb2 as pb
from oma.pose.v1 import pose_transfer_service_pb2_grpc as pb_grpc
from oma.style.v1 import style_pb2
from PIL import Image

from services.common.admission import Places
from services.common.artifacts import FolderStore
from services.common.clients import our_errors
from services.common.compute import ComputeLane
from services.common.errors import InvalidInput, Overloaded
from services.common.families import Family
from services.common.serving import create_server
from services.pose.transfer.engine import Networks, TransferEngine
from services.pose.transfer.servicer import PoseTransferServicer
from tests.fakes.owners import GATE, acting_for_owners
from tests.fakes.pose_messages import flat_picture, person, to_picture, transfer_request
from tests.fakes.pose_networks import ScriptedNetworks

if TYPE_CHECKING:
    Stub = pb_grpc.PoseTransferServiceAsyncStub

Serve = Callable[..., "AbstractAsyncContextManager[Stub]"]

DEADLINE_SECONDS = 20
FAMILY = Family(name="scripted", licence="Apache-2.0", resolution=64, size_step=16, files={})


class Gate:
    """Holds the denoiser at every step until the test lets it go on."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self._may_go = threading.Semaphore(0)

    def __call__(self, timestep: int) -> None:
        self.entered.release()
        assert self._may_go.acquire(timeout=DEADLINE_SECONDS)

    async def wait_for_step(self) -> None:
        assert await asyncio.to_thread(self.entered.acquire, timeout=DEADLINE_SECONDS)

    def go_on(self, steps: int = 1) -> None:
        self._may_go.release(steps)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


@pytest.fixture
def serve(store: FolderStore) -> Serve:
    @asynccontextmanager
    async def running(networks: Networks, *, max_pending: int = 4) -> "AsyncIterator[Stub]":
        reading, drawing = ComputeLane(max_pending=max_pending + 1), ComputeLane(max_pending=max_pending + 1)
        engine = TransferEngine(networks, cache_bytes=10**6)
        server = create_server(GATE)
        places = Places(max_pending)
        servicer = PoseTransferServicer(engine, FAMILY, store, places=places, reading=reading, drawing=drawing)
        pb_grpc.add_PoseTransferServiceServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield acting_for_owners(pb_grpc.PoseTransferServiceStub(channel))
        await server.stop(None)
        reading.close()
        drawing.close()

    return running


async def events_of(stub: "Stub", request: pb.TransferPoseRequest) -> list[pb.TransferPoseResponse]:
    return [event async for event in stub.TransferPose(request, timeout=DEADLINE_SECONDS)]


async def events_once_there_is_room(stub: "Stub") -> list[pb.TransferPoseResponse]:
    return await rest_of(await call_once_there_is_room(stub))


async def call_once_there_is_room(stub: "Stub") -> Any:
    """Asks until the one place is free; the test's own time limit bounds it. The call waits for its turn."""
    while True:
        call: Any = stub.TransferPose(transfer_request(request_id="next"), timeout=DEADLINE_SECONDS)
        try:
            first = await call.read()
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # noqa: PT017 (a refusal is part of the story)
        else:
            assert kinds([first]) == ["queued"]
            return call


async def rest_of(call: Any) -> list[pb.TransferPoseResponse]:
    events = []
    while (event := await call.read()) is not grpc.aio.EOF:  # type: ignore[attr-defined]
        events.append(event)
    return events


def kinds(events: list[pb.TransferPoseResponse]) -> list[str | None]:
    return [event.WhichOneof("event") for event in events]


async def test_a_drawing_is_queued_then_told_step_by_step_then_sent_then_done(serve: Serve) -> None:
    async with serve(ScriptedNetworks()) as stub:
        events = await events_of(stub, transfer_request(count=2))
    assert kinds(events) == ["queued", *["progress"] * 3, "image", *["progress"] * 3, "image", "done"]
    assert events[0].queued.position == 0
    steps = [event.progress.step for event in events if event.HasField("progress")]
    assert steps == [1, 2, 3, 4, 5, 6]
    assert {event.progress.steps for event in events if event.HasField("progress")} == {6}


async def test_results_are_stored_under_their_owner_and_request(serve: Serve, store: FolderStore) -> None:
    async with serve(ScriptedNetworks()) as stub:
        events = await events_of(stub, transfer_request(count=2, inline_results=True))
    images = [event.image for event in events if event.HasField("image")]
    assert [image.artifact.key for image in images] == ["mina/out/r1/00.png", "mina/out/r1/01.png"]
    assert [image.seed for image in images] == [7, 8]
    for image in images:
        content = store.get(image.artifact.key)
        assert hashlib.sha256(content).hexdigest() == image.artifact.sha256
        assert image.inline.content == content
        assert Image.open(io.BytesIO(content)).size == (image.width, image.height)


async def test_the_end_names_the_settings_used_and_the_fitted_pose(serve: Serve) -> None:
    request = transfer_request()
    request.ClearField("steps")
    async with serve(ScriptedNetworks()) as stub:
        done = (await events_of(stub, request))[-1].done
    assert (done.family, done.steps, done.guidance, done.seed) == ("scripted", 30, 3.5, 7)
    # The character is 80 x 100; nearest to its aspect with the family's area, in steps of 16:
    assert (done.width, done.height) == (64, 64)
    first, asked = done.pose.keypoints[0], request.pose.person.keypoints[0]
    assert (first.x, first.y) == pytest.approx((asked.x * 0.64, asked.y * 0.64), rel=1e-4)


async def test_previews_come_only_when_asked_for(serve: Serve) -> None:
    async with serve(ScriptedNetworks()) as stub:
        without = await events_of(stub, transfer_request())
        shown = await events_of(stub, transfer_request(previews=True))
    assert not any(event.progress.HasField("preview") for event in without)
    previews = [event.progress.preview for event in shown if event.progress.HasField("preview")]
    assert previews
    assert {preview.media_type for preview in previews} == {"image/jpeg"}


async def test_the_same_request_draws_the_same_picture(serve: Serve) -> None:
    async with serve(ScriptedNetworks()) as stub:
        hashes = [
            event.image.artifact.sha256
            for _ in range(2)
            for event in await events_of(stub, transfer_request())
            if event.HasField("image")
        ]
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"steps": 61}, "STEPS"),
        ({"guidance": 0.5}, "GUIDANCE"),
        ({"guidance": float("nan")}, "GUIDANCE"),
        ({"count": 5}, "COUNT"),
        ({"seed": 2**64 - 1, "count": 2}, "SEED"),
        ({"width": 64}, "SIZE_PAIR"),
        ({"width": 64, "height": 72}, "SIZE_STEP"),
        ({"width": 64, "height": 4096}, "HEIGHT"),
        ({"request_id": "a/b"}, "REQUEST_ID"),
        ({"request_id": "..a"}, "ARTIFACT_KEY"),
        ({"owner": "mina/juno"}, "OWNER"),
        ({"character": image_pb2.Picture(inline=image_pb2.Image(content=b"x", media_type="image/gif"))}, "MEDIA_TYPE"),
        ({"character": flat_picture(9, width=8)}, "PICTURE_TOO_SMALL"),
    ],
)
async def test_what_is_wrong_with_a_request_is_said(serve: Serve, changes: dict[str, object], reason: str) -> None:
    networks = ScriptedNetworks()
    async with serve(networks) as stub:
        with pytest.raises(InvalidInput) as caught, our_errors("pose"):
            await events_of(stub, transfer_request(**changes))
    assert caught.value.reason == reason
    assert networks.predictions == []


async def test_a_pose_is_required(serve: Serve) -> None:
    request = transfer_request()
    request.ClearField("pose")
    async with serve(ScriptedNetworks()) as stub:
        with pytest.raises(InvalidInput) as caught, our_errors("pose"):
            await events_of(stub, request)
    assert caught.value.reason == "POSE_REQUIRED"


async def test_a_full_queue_refuses_at_once(serve: Serve) -> None:
    gate = Gate()
    async with serve(ScriptedNetworks(gate), max_pending=2) as stub:
        first = asyncio.create_task(events_of(stub, transfer_request(request_id="a")))
        await gate.wait_for_step()
        second = stub.TransferPose(transfer_request(request_id="b"), timeout=DEADLINE_SECONDS)
        queued = await second.read()
        assert isinstance(queued, pb.TransferPoseResponse)
        assert queued.queued.position == 1
        with pytest.raises(Overloaded) as caught, our_errors("pose"):
            await events_of(stub, transfer_request(request_id="c"))
        assert caught.value.reason == "QUEUE_FULL"
        gate.go_on(6)
        assert kinds(await first)[-1] == "done"
        assert kinds(await rest_of(second))[-1] == "done"


async def test_a_caller_who_leaves_frees_the_place_within_one_step(serve: Serve, store: FolderStore) -> None:
    gate = Gate()
    networks = ScriptedNetworks(gate)
    async with serve(networks, max_pending=1) as stub:
        left = stub.TransferPose(transfer_request(request_id="a", steps=60), timeout=DEADLINE_SECONDS)
        await left.read()
        await gate.wait_for_step()
        left.cancel()
        following = await call_once_there_is_room(stub)  # while the step is still held
        gate.go_on(60)
        assert kinds(await rest_of(following))[-1] == "done"
    assert len(networks.predictions) < 60
    assert list(store.keys("mina/out/a/")) == []


async def test_a_waiting_caller_who_leaves_is_never_drawn(serve: Serve) -> None:
    gate = Gate()
    networks = ScriptedNetworks(gate)
    async with serve(networks, max_pending=2) as stub:
        first = asyncio.create_task(events_of(stub, transfer_request(request_id="a")))
        await gate.wait_for_step()
        waiting = stub.TransferPose(transfer_request(request_id="b"), timeout=DEADLINE_SECONDS)
        await waiting.read()
        waiting.cancel()
        gate.go_on(3)
        assert kinds(await first)[-1] == "done"
        gate.go_on(3)
        assert kinds(await events_of(stub, transfer_request(request_id="c")))[-1] == "done"
    assert len(networks.predictions) == 6


async def test_a_deadline_that_passes_ends_the_drawing(serve: Serve) -> None:
    gate = Gate()
    networks = ScriptedNetworks(gate)
    async with serve(networks, max_pending=1) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in stub.TransferPose(transfer_request(steps=60), timeout=0.5):
                pass
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        gate.go_on(60)
        assert kinds(await events_once_there_is_room(stub))[-1] == "done"
    assert len(networks.predictions) < 60


async def test_two_callers_with_different_characters_get_what_each_would_get_alone(serve: Serve) -> None:
    def request(name: str, seed: int) -> pb.TransferPoseRequest:
        pixels_HWC = np.random.default_rng(seed).integers(0, 256, (90, 70, 3), np.uint8)
        pose = pb.TargetPose(person=person(seed=seed), width=100, height=100)
        return transfer_request(request_id=name, character=to_picture(pixels_HWC), pose=pose, seed=seed)

    def digest(events: list[pb.TransferPoseResponse]) -> list[str]:
        return [event.image.artifact.sha256 for event in events if event.HasField("image")]

    async with serve(ScriptedNetworks()) as stub:
        alone = [digest(await events_of(stub, request("a", 1))), digest(await events_of(stub, request("b", 2)))]
        together = await asyncio.gather(events_of(stub, request("a", 1)), events_of(stub, request("b", 2)))
    assert [digest(events) for events in together] == alone
    assert alone[0] != alone[1]


async def test_styles_are_read_from_their_files_and_named_at_the_end(serve: Serve, store: FolderStore) -> None:
    ref = store.put("mina/style/ink.safetensors", b"style", "application/octet-stream")
    use = style_pb2.StyleUse(key=ref.key, sha256=ref.sha256, method=style_pb2.METHOD_LORA)
    async with serve(ScriptedNetworks()) as stub:
        done = (await events_of(stub, transfer_request(styles=[use])))[-1].done
    assert [(used.key, used.sha256, used.weight) for used in done.styles] == [(ref.key, ref.sha256, 1.0)]


@pytest.mark.parametrize(
    ("styles", "reason"),
    [
        ([{"method": style_pb2.METHOD_DREAMSTYLER}], "STYLE_METHOD"),
        ([{}], "STYLE_METHOD"),
        ([{"method": style_pb2.METHOD_LORA, "weight": 2.5}], "WEIGHT"),
        ([{"method": style_pb2.METHOD_LORA}] * 2, "STYLE_TWICE"),
        ([{"method": style_pb2.METHOD_LORA}] * 9, "TOO_MANY_STYLES"),
        ([{"method": style_pb2.METHOD_LORA, "sha256": "0" * 64}], "ARTIFACT_CHANGED"),
    ],
)
async def test_a_style_that_cannot_be_used_is_refused(
    serve: Serve, store: FolderStore, styles: list[dict[str, Any]], reason: str
) -> None:
    key = store.put("mina/style/ink.safetensors", b"style", "application/octet-stream").key
    networks = ScriptedNetworks()
    async with serve(networks) as stub:
        with pytest.raises(InvalidInput) as told, our_errors("transfer"):
            await events_of(stub, transfer_request(styles=[style_pb2.StyleUse(key=key, **one) for one in styles]))
    assert told.value.reason == reason
    assert networks.predictions == []
