"""Both homes of DWPose's networks, this process and a real Triton, behind one contract; and Triton's own troubles."""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from PIL import Image

from services.common.compute import ComputeLane
from services.common.errors import Expired, Overloaded, Unavailable
from services.common.pictures import Pixels
from services.pose.estimation.calls import Call
from services.pose.estimation.engine import LookSpec, People
from services.pose.estimation.model import load_networks
from services.pose.estimation.networks import Networks
from services.pose.estimation.triton import TritonNetworks
from services.pose.estimation.triton_repository import MODELS, Queue
from tests.fakes.callers import Caller
from tests.fakes.pose_families import write_dwpose
from tests.fakes.triton.server import Triton, missing

T = TypeVar("T")
log = logging.getLogger(__name__)

PATIENT, HASTY, RECOVERY_SECONDS = 20.0, 2.0, 5.0

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / "models/webtoon_tiny/weights"
PICTURES = [ROOT / "samples/characters/two.png", ROOT / "samples/photos/astronaut.jpg"]
EVERYBODY = LookSpec(min_score=0.01, max_people=10)
DETECTOR, POSE = MODELS

if (why := missing()) is not None:
    pytest.skip(why, allow_module_level=True)


@pytest.fixture(scope="module")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    server = Triton(tmp_path_factory.mktemp("triton"), WEIGHTS)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small random networks: a person in the middle of a dark picture."""
    folder = tmp_path_factory.mktemp("family")
    write_dwpose(folder / "dwpose")
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, family: Path) -> Iterator[Triton]:
    server = Triton(tmp_path_factory.mktemp("small"), family)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory, family: Path) -> Iterator[Triton]:
    """Takes 0.4 s for a run; three pictures may wait for their turn, and a second at most."""
    models = (replace(DETECTOR, queue=Queue(most_waiting=3, longest_wait_seconds=1.0)), POSE)
    server = Triton(tmp_path_factory.mktemp("slow"), family, models=models, delay_seconds=0.4)
    yield server
    server.stop()


@pytest.fixture
def lane() -> Iterator[ComputeLane]:
    lane = ComputeLane(max_pending=16, threads=16)
    yield lane
    lane.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one caller got, and when, on the monotonic clock."""

    deadline: float
    asked: float
    ended: float
    found: People | BaseException


def grown(before: dict[str, float], after: dict[str, float]) -> float:
    """By how much a metric grew, over all of its labels."""
    return sum(after.values()) - sum(before.values())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not condition():  # noqa: ASYNC110 (what is awaited happens in many tasks)
            await asyncio.sleep(0.05)


@asynccontextmanager
async def started(networks: Networks) -> AsyncIterator[Networks]:
    await networks.start()
    yield networks
    await networks.close()


def through(server: Triton) -> TritonNetworks:
    return TritonNetworks(server.address, at_once=16, rng=random.Random(0))


def look_now(networks: Networks, call: Call, image_HWC: Pixels, spec: LookSpec = EVERYBODY) -> People:
    return networks.engine_for(call).estimate(image_HWC, spec)


async def look(networks: Networks, image_HWC: Pixels, spec: LookSpec = EVERYBODY) -> People:
    return await asyncio.to_thread(look_now, networks, Call(Caller()), image_HWC, spec)


def dark() -> Pixels:
    return np.full((100, 80, 3), 10, np.uint8)


def same(found: People, expected: People) -> bool:
    points = np.array_equal(found.xy_PK2, expected.xy_PK2) and np.array_equal(found.score_PK, expected.score_PK)
    boxes = np.array_equal(found.box_P4, expected.box_P4) and np.array_equal(found.box_score_P, expected.box_score_P)
    return points and boxes


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
async def test_triton_gives_the_very_bits_that_this_process_gives(triton: Triton, picture: Path) -> None:
    image_HWC = np.asarray(Image.open(picture).convert("RGB"))
    local = load_networks(WEIGHTS, threads=1)
    async with started(through(triton)) as networks:
        for spec in (LookSpec(), EVERYBODY, LookSpec(min_score=1.0, whole_picture_if_nobody=True)):
            expected = await look(local, image_HWC, spec)
            assert same(await look(networks, image_HWC, spec), expected)


@pytest.mark.parametrize("rows", [1, 9, 20])
async def test_more_people_than_fit_in_a_batch_are_split(triton: Triton, rows: int) -> None:
    rng = np.random.default_rng(rows)
    local = load_networks(WEIGHTS, threads=1)
    async with started(through(triton)) as networks:
        call = Call(Caller())
        crop_wh = local.engine_for(call).point_network.crop_wh
        crops_NCHW = rng.normal(size=(rows, 3, crop_wh[1], crop_wh[0])).astype(np.float32)
        far = await asyncio.to_thread(lambda: networks.engine_for(call).point_network(crops_NCHW))
        near = local.engine_for(call).point_network(crops_NCHW)
    np.testing.assert_array_equal(far[0], near[0])
    np.testing.assert_array_equal(far[1], near[1])


async def all_at_once(lane: ComputeLane, works: list[Callable[[], T]]) -> list[T | BaseException]:
    return await asyncio.gather(*(lane.run(work) for work in works), return_exceptions=True)


async def test_callers_of_one_moment_share_a_run(slow: Triton, lane: ComputeLane) -> None:
    async with started(through(slow)) as networks:
        call = Call(Caller())
        engine = await lane.run(networks.engine_for, call)
        crops_NCHW = np.zeros((1, 3, engine.point_network.crop_wh[1], engine.point_network.crop_wh[0]), np.float32)
        engines = [await lane.run(networks.engine_for, Call(Caller())) for _ in range(8)]
        before = slow.counts("nv_inference_exec_count")
        answered = slow.counts("nv_inference_request_success")
        found = await all_at_once(lane, [partial(one.point_network, crops_NCHW) for one in engines])
        await until(lambda: grown(answered, slow.counts("nv_inference_request_success")) == 8)  # it counts afterwards
        after = slow.counts("nv_inference_exec_count")
    assert not [one for one in found if isinstance(one, BaseException)]
    runs = {name.split('"')[1]: after[name] - before[name] for name in after}
    assert 1 <= runs["pose"] < 8


async def test_a_full_queue_and_a_long_wait_are_told_apart(slow: Triton, lane: ComputeLane) -> None:
    async with started(through(slow)) as networks:
        engines = [await lane.run(networks.engine_for, Call(Caller())) for _ in range(14)]
        found = await all_at_once(lane, [partial(one.estimate, dark(), EVERYBODY) for one in engines])
    refused = [one for one in found if isinstance(one, Overloaded)]
    served = [one for one in found if isinstance(one, People)]
    assert len(refused) + len(served) == 14
    assert served
    assert {one.reason for one in refused} == {"TRITON_QUEUE_FULL", "TRITON_QUEUE_TIMEOUT"}
    assert all(one.retry_after_seconds > 0 for one in refused)


async def test_a_triton_killed_under_load_is_not_noticed_by_callers_with_time(small: Triton, lane: ComputeLane) -> None:
    """Twelve callers; half of them wait 20 s, half only 2 s. The server dies and comes back."""
    expected = await look(load_networks(small.family, threads=1), dark())
    results: list[Outcome] = []
    stopping = asyncio.Event()

    async def keep_asking(networks: Networks, budget_seconds: float) -> None:
        while not stopping.is_set():
            call, asked = Call(Caller(budget_seconds)), time.monotonic()
            (found,) = await all_at_once(lane, [partial(look_now, networks, call, dark())])
            results.append(Outcome(deadline=asked + budget_seconds, asked=asked, ended=time.monotonic(), found=found))

    async with started(through(small)) as networks:
        asking = [asyncio.create_task(keep_asking(networks, PATIENT if number % 2 else HASTY)) for number in range(12)]
        await until(lambda: len(results) >= 48)
        small.kill()
        killed = time.monotonic()
        await asyncio.to_thread(small.start)
        back = time.monotonic()
        await until(lambda: sum(one.asked > back and isinstance(one.found, People) for one in results) >= 48)
        stopping.set()
        await asyncio.gather(*asking)
    failed = [one for one in results if not isinstance(one.found, People)]
    answered_seconds = min(one.ended for one in results if one.ended > back and isinstance(one.found, People)) - back
    log.info(
        "%d calls, %d failed: %s; away for %.1f s, first answer %.2f s after it was ready, longest call %.1f s",
        len(results), len(failed), Counter(str(getattr(one.found, "reason", one.found)) for one in failed),
        back - killed, answered_seconds, max(one.ended - one.asked for one in results),
    )  # fmt: skip
    assert {type(one.found) for one in failed} <= {Unavailable, Expired}
    assert failed, "the server was not away for long enough to be noticed by anybody"
    assert max(one.deadline for one in failed) < back + RECOVERY_SECONDS  # so nobody who could wait longer failed
    assert answered_seconds < RECOVERY_SECONDS
    assert all(same(one.found, expected) for one in results if isinstance(one.found, People))
