"""The client of Triton against its own protocol, answers by script."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2_grpc as pb_grpc
from tritonclient.grpc.model_config_pb2 import ModelConfig

from services.common.errors import Cancelled, Expired, NotReady, Overloaded, Unavailable
from services.pose.estimation.calls import Call
from services.pose.estimation.engine import LookSpec, People
from services.pose.estimation.model import read_signature
from services.pose.estimation.triton import TritonNetworks
from services.pose.estimation.triton_repository import MODELS, Placement, to_config
from tests.fakes.callers import Caller
from tests.fakes.pose_families import write_dwpose
from tests.fakes.postgres import free_port
from tests.fakes.triton.scripted import ScriptedTriton, refusal, zeros

DOWN = refusal(grpc.StatusCode.UNAVAILABLE, "Server is stopping, scheduler for model has stopped accepting requests")
FULL = refusal(grpc.StatusCode.UNAVAILABLE, "[request id: <id_unknown>] Exceeds maximum queue size")
WAITED = refusal(grpc.StatusCode.UNAVAILABLE, "Request timeout expired")
ILL = refusal(grpc.StatusCode.INTERNAL, "Stub process 'pose_0_0' is not healthy.")
OTHER = refusal(grpc.StatusCode.INVALID_ARGUMENT, "unexpected shape for input 'images' for model 'detector'")
WHOLE = LookSpec(whole_picture_if_nobody=True)


def configs(folder: Path) -> list[ModelConfig]:
    write_dwpose(folder / "dwpose")
    return [to_config(model, read_signature(folder / model.file), Placement()) for model in MODELS]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> list[ModelConfig]:
    return configs(tmp_path_factory.mktemp("family"))


@pytest.fixture
def script(served: list[ModelConfig]) -> ScriptedTriton:
    return ScriptedTriton(*served)


@pytest.fixture
async def address(script: ScriptedTriton) -> AsyncIterator[str]:
    server = grpc.aio.server()
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(script, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


@pytest.fixture
async def networks(address: str) -> AsyncIterator[TritonNetworks]:
    client = TritonNetworks(address, at_once=4, rng=random.Random(0))
    await client.start()
    yield client
    await client.close()


async def look(networks: TritonNetworks, caller: Caller | None = None) -> People:
    image_HWC = np.full((100, 80, 3), 10, np.uint8)
    call = Call(caller or Caller())
    return await asyncio.to_thread(lambda: networks.engine_for(call).estimate(image_HWC, WHOLE))


async def test_a_server_that_is_down_is_asked_again(script: ScriptedTriton, networks: TritonNetworks) -> None:
    script.answers = [DOWN, DOWN, DOWN, zeros]
    assert (await look(networks)).used_whole_picture
    assert [request.model_name for request in script.requests] == ["detector"] * 4 + ["pose"]


@pytest.mark.parametrize(("answer", "reason"), [(FULL, "TRITON_QUEUE_FULL"), (WAITED, "TRITON_QUEUE_TIMEOUT")])
async def test_a_queue_that_refuses_is_not_asked_again(
    script: ScriptedTriton, networks: TritonNetworks, answer: object, reason: str
) -> None:
    script.answers = [answer]  # type: ignore[list-item]  # parameters have no types
    with pytest.raises(Overloaded) as caught:
        await look(networks)
    assert (caught.value.reason, caught.value.retry_after_seconds) == (reason, 1.0)
    assert len(script.requests) == 1


async def test_a_server_that_fails_is_not_asked_again(script: ScriptedTriton, networks: TritonNetworks) -> None:
    script.answers = [ILL]
    with pytest.raises(Unavailable) as caught:
        await look(networks)
    assert caught.value.reason == "TRITON_FAILED"
    assert len(script.requests) == 1


async def test_it_is_asked_again_no_longer_than_the_caller_waits(
    script: ScriptedTriton, networks: TritonNetworks
) -> None:
    script.answers = [DOWN]
    with pytest.raises((Unavailable, Expired)) as caught:
        await look(networks, Caller(0.8))
    assert caught.value.reason in ("TRITON_DOWN", "DEADLINE")
    assert len(script.requests) > 1


async def test_the_deadline_goes_along_and_ends_the_call(script: ScriptedTriton, networks: TritonNetworks) -> None:
    async def never(context: object) -> None:
        await asyncio.Event().wait()

    script.answers = [never]
    with pytest.raises(Expired) as caught:
        await look(networks, Caller(0.5))
    assert caught.value.reason == "TRITON_SLOW"
    (request,) = script.requests
    assert 0 < request.parameters["timeout"].int64_param <= 500_000


async def test_a_caller_who_leaves_takes_the_call_along(script: ScriptedTriton, networks: TritonNetworks) -> None:
    caller, began, ended = Caller(), asyncio.Event(), asyncio.Event()

    async def wait(context: object) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    script.answers = [wait]
    work = asyncio.create_task(look(networks, caller))
    async with asyncio.timeout(30):
        await began.wait()
        caller.leave()
        with pytest.raises(Cancelled):
            await work
        await ended.wait()
    assert len(script.requests) == 1


async def test_a_server_without_a_model_is_refused_at_start(address: str, script: ScriptedTriton) -> None:
    del script.configs["pose"]
    with pytest.raises(NotReady, match="triton_repository") as caught:
        await TritonNetworks(address, at_once=4, rng=random.Random(0)).start()
    assert caught.value.reason == "TRITON_MODEL"


async def test_a_model_of_other_shapes_is_refused_at_start(address: str, script: ScriptedTriton) -> None:
    script.configs["pose"].output[0].dims[0] = 17
    with pytest.raises(NotReady, match=r"17.*triton_repository"):
        await TritonNetworks(address, at_once=4, rng=random.Random(0)).start()
    script.configs["pose"].output[0].dims[0] = 133


async def test_other_networks_under_the_same_names_are_learned_anew(
    script: ScriptedTriton, networks: TritonNetworks
) -> None:
    script.answers = [OTHER, zeros]
    detector = ModelConfig()
    detector.CopyFrom(script.configs["detector"])
    detector.input[0].dims[:] = [1, 3, 128, 128]
    detector.output[0].dims[:] = [1, 16 * 16 + 8 * 8 + 4 * 4, 85]
    script.configs["detector"] = detector
    with pytest.raises(NotReady):
        await look(networks)
    await look(networks)
    assert list(script.requests[1].inputs[0].shape) == [1, 3, 128, 128]


async def test_a_server_that_is_not_ready_is_waited_for(address: str, script: ScriptedTriton) -> None:
    script.ready = False
    networks = TritonNetworks(address, at_once=4, rng=random.Random(0))
    await networks.start()
    waiting, asked = asyncio.create_task(networks.until_ready()), asyncio.create_task(look(networks))
    done, _ = await asyncio.wait([waiting, asked], timeout=0.3)
    assert not done
    script.ready = True
    async with asyncio.timeout(30):
        await waiting
        await asked
    await networks.close()


async def test_a_server_that_is_not_there_is_said_when_the_callers_time_is_over() -> None:
    networks = TritonNetworks(f"127.0.0.1:{free_port()}", at_once=4, rng=random.Random(0))
    await networks.start()
    with pytest.raises(Unavailable) as caught:
        await look(networks, Caller(1.0))
    assert caught.value.reason == "TRITON_DOWN"
    await networks.close()
