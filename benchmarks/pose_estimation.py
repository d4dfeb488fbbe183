"""Pose estimation end to end against the bare runs of its two networks, and through Triton.

For pictures with 1, 4 and 12 people: the seconds of `PoseEngine.estimate`, from pixels to keypoints, and those of the
two `session.run` calls with the very same batches, in turn. `ratio` is bare / ours at 12 people; the wanted is 0.9.
The graphs are of full size (`dwpose_graphs.py`) and always find twelve people; a smaller number is asked for. With
`--family FOLDER` a family's own networks run, on `--picture`. CPU seconds of the process are compared: others on the
machine do not stretch them. `--rtmlib FOLDER` names an installation of rtmlib (pip install --no-deps --target FOLDER
rtmlib), which then does the same work on the same files, one person after the other.

`--triton` measures the small family through a real Triton (`.venv-triton`): the hop, which is a call's wall-clock
seconds less those that Triton spent on it, and how many pictures a second 1, 4 and 16 callers get through.

    python benchmarks/pose_estimation.py [--quick] [--rounds 2] [--threads 1] [--rtmlib FOLDER] [--triton]

The full size writes 350 MB into a temporary folder and needs about 2 GiB. `--quick` takes the small family.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tritonclient.grpc.aio import InferenceServerClient

from benchmarks.dwpose_graphs import write_graphs
from benchmarks.reporting import report
from services.pose.estimation.calls import Call
from services.pose.estimation.engine import LookSpec, PoseEngine
from services.pose.estimation.model import DETECTOR_FILE, POINTS_FILE, load_detector, load_point_network
from services.pose.estimation.triton import TritonNetworks

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "models/webtoon_tiny/weights"
PEOPLE = (1, 4, 12)
Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Recording:
    """A network that keeps the batch it was given last."""

    def __init__(self, network: Any) -> None:
        self.network = network
        self.batch: Floats = np.zeros(0, np.float32)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.network, name)

    def __call__(self, batch: Floats) -> Any:
        self.batch = batch
        return self.network(batch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A gRPC call's context with a minute left."""

    def time_remaining(self) -> float:
        return 60.0

    def add_done_callback(self, _: Callable[[Any], None], /) -> None:
        """It never leaves."""


def cpu_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def picture(width: int = 720, height: int = 720) -> Pixels:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def measure(family: Path, rounds: int, threads: int, image_HWC: Pixels, rtmlib: Path | None) -> dict[str, Any]:
    """CPU seconds for each number of people: ours, bare, and rtmlib's where there is one."""
    detector = Recording(load_detector(family, threads=threads))
    points = Recording(load_point_network(family, threads=threads))
    engine = PoseEngine(detector, points)
    peer = rtmlib_peer(family, rtmlib) if rtmlib is not None else None
    found: dict[str, Any] = {}
    for count in PEOPLE:
        look = partial(engine.estimate, image_HWC, LookSpec(max_people=count, whole_picture_if_nobody=True))
        people = len(look().score_PK)  # also warms up, and leaves the batches to run bare

        pairs = [(cpu_seconds(look), cpu_seconds(partial(run_bare, detector, points))) for _ in range(rounds)]
        ours, bare = (min(pair[index] for pair in pairs) for index in (0, 1))
        row = {"people": people, "ours": round(ours, 4), "bare": round(bare, 4)}
        if peer is not None:
            row["rtmlib"] = round(min(cpu_seconds(partial(peer, image_HWC, count)) for _ in range(rounds)), 4)
        found[str(count)] = {**row, "ratio": round(bare / ours, 3)}
    return found


def run_bare(*networks: Recording) -> None:
    for network in networks:
        network.network(network.batch)


def rtmlib_peer(family: Path, folder: Path) -> Callable[[Pixels, int], object]:
    """Rtmlib's detector and pose classes on the same files; it decides by itself how many threads it takes."""
    sys.path.append(str(folder))
    from rtmlib import YOLOX, RTMPose  # noqa: PLC0415 (in an environment of its own)

    detect = YOLOX(str(family / DETECTOR_FILE), model_input_size=(640, 640), score_thr=0.3)
    pose = RTMPose(str(family / POINTS_FILE), model_input_size=(288, 384))

    def look(image_HWC: Pixels, count: int) -> object:
        bgr_HWC = np.ascontiguousarray(image_HWC[..., ::-1])
        return pose(bgr_HWC, detect(bgr_HWC)[:count])

    return look


async def through_triton(seconds_each: float) -> dict[str, Any]:
    """The hop, and throughput by the number of callers."""
    from tests.fakes.triton.server import Triton, missing  # noqa: PLC0415 (needs .venv-triton)

    if (why := missing()) is not None:
        return {"not_measured": why}
    with tempfile.TemporaryDirectory() as folder:
        server = await asyncio.to_thread(Triton, Path(folder), WEIGHTS)
        networks = TritonNetworks(server.address, at_once=16, rng=random.Random(0))
        try:
            await networks.start()
            hop = await hop_milliseconds(networks, server.address)
            image_HWC = np.asarray(Image.open(ROOT / "samples/characters/two.png").convert("RGB"))
            rates = {str(n): await pictures_a_second(networks, image_HWC, n, seconds_each) for n in (1, 4, 16)}
        finally:
            await networks.close()
            await asyncio.to_thread(server.stop)
    return {"hop_milliseconds": hop, "pictures_a_second": rates}


async def hop_milliseconds(networks: TritonNetworks, address: str) -> dict[str, float]:
    """Median of what calls of the detector take on top of what Triton computes."""
    contract, client = await networks.connect(), InferenceServerClient(address)
    square = np.full((1, 3, *contract.detector.size_hw), 114, np.float32)
    hops = []
    for _ in range(40):
        before = await computed_seconds(client, contract.detector.name)
        began = time.perf_counter()
        await networks.infer(contract.detector, square, Call(Caller()))
        wall = time.perf_counter() - began
        hops.append(1000 * (wall - (await computed_seconds(client, contract.detector.name) - before)))
    await client.close()
    return {"median": round(statistics.median(hops), 1), "least": round(min(hops), 1)}


async def computed_seconds(client: InferenceServerClient, model: str) -> float:
    told = await client.get_inference_statistics(model)
    return float(told.model_stats[0].inference_stats.compute_infer.ns) / 1e9


def look_through(networks: TritonNetworks, call: Call, image_HWC: Pixels) -> None:
    networks.engine_for(call).estimate(image_HWC, LookSpec())


async def pictures_a_second(networks: TritonNetworks, image_HWC: Pixels, callers: int, seconds: float) -> float:
    ends, done = time.perf_counter() + seconds, 0

    async def keep_looking() -> None:
        nonlocal done
        while time.perf_counter() < ends:
            await asyncio.to_thread(look_through, networks, Call(Caller()), image_HWC)
            done += 1

    began = time.perf_counter()
    await asyncio.gather(*(keep_looking() for _ in range(callers)))
    return round(done / (time.perf_counter() - began), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", type=Path, help="a family's folder in place of the full-size graphs")
    parser.add_argument("--picture", type=Path, default=ROOT / "samples/characters/two.png")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rtmlib", type=Path)
    parser.add_argument("--triton", action="store_true")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        family = given.family or (WEIGHTS if given.quick else Path(folder))
        full = family == Path(folder)
        costs = write_graphs(family) if full else {}
        image_HWC = picture() if full else np.asarray(Image.open(given.picture).convert("RGB"))
        rows = measure(family, given.rounds, given.threads, image_HWC, given.rtmlib)
    triton = asyncio.run(through_triton(2.0 if given.quick else 10.0)) if given.triton else "not asked for"
    most = rows[str(PEOPLE[-1])]
    report(
        f"pose_estimation_{'full_size' if full else 'family'}",
        ours=most["ours"],
        peer=most["bare"],
        ratio=most["ratio"],
        unit="CPU seconds per picture with the most people",
        detail={"by_people": rows, "graphs": costs, "threads": given.threads, "triton": triton},
    )


if __name__ == "__main__":
    main()
