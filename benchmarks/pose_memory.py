"""Whether resident memory stays flat over many pose estimations and transfers in a row, in one process.

Runs the small family's engines, as the services do, on pictures and poses that differ each time, and fits a line to the
resident memory after the first fifth. Prints the slopes; `ours` is that of the estimations.

    python benchmarks/pose_memory.py [--estimations 10000] [--transfers 200] [--steps 4] [--quick]
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.reporting import report
from services.pose.estimation.engine import LookSpec, PoseEngine
from services.pose.estimation.model import load_detector, load_point_network
from services.pose.transfer.engine import TransferEngine, TransferSpec
from services.pose.transfer.model import load_networks

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "models/webtoon_tiny/weights"
CACHE_BYTES = 8 * 2**20  # full within the first fifth, which does not count: filling it is no leak
SAMPLES = 100


def resident_kilobytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def slope_bytes(count: int, work: Callable[[int], object]) -> dict[str, float]:
    """Bytes of resident memory gained per call, by least squares over the last four fifths."""
    every, measured = max(1, count // SAMPLES), list[tuple[int, int]]()
    for index in range(count):
        work(index)
        if index % every == 0 and index >= count // 5:
            measured.append((index, resident_kilobytes()))
    calls, kilobytes = np.array(measured, np.float64).T
    return {
        "calls": count,
        "bytes_per_call": round(1024 * float(np.polyfit(calls, kilobytes, 1)[0]), 1),
        "first_megabytes": round(float(kilobytes[0]) / 1024, 1),
        "last_megabytes": round(float(kilobytes[-1]) / 1024, 1),
    }


def estimations(count: int) -> dict[str, float]:
    engine = PoseEngine(load_detector(WEIGHTS, threads=1), load_point_network(WEIGHTS, threads=1))
    drawing = Image.open(ROOT / "samples/characters/two.png").convert("RGB")
    rng = np.random.default_rng(0)

    def look(_: int) -> object:
        size_wh = (int(rng.integers(128, 513)), int(rng.integers(128, 513)))
        return engine.estimate(np.asarray(drawing.resize(size_wh)), LookSpec(whole_picture_if_nobody=True))

    return slope_bytes(count, look)


def transfers(count: int, steps: int) -> dict[str, float]:
    torch.set_num_threads(1)
    engine = TransferEngine(load_networks(WEIGHTS, device_name="cpu"), cache_bytes=CACHE_BYTES)
    rng = np.random.default_rng(0)

    def draw(index: int) -> object:
        spec = TransferSpec(
            character_HWC=rng.integers(0, 256, (128, 128, 3), np.uint8),
            xy_K2=rng.uniform(0, 128, (133, 2)),
            score_K=np.ones(133),
            size_wh=(128, 128),
            steps=steps,
        )
        return engine.draw(spec, engine.prepare(spec), index, lambda *_: None, previews=False)

    return slope_bytes(count, draw)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--estimations", type=int, default=10_000)
    parser.add_argument("--transfers", type=int, default=200)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="a twentieth of both")
    given = parser.parse_args()
    share = 20 if given.quick else 1
    looked = estimations(given.estimations // share)
    drawn = transfers(given.transfers // share, given.steps)
    report(
        "pose_memory",
        ours=looked["bytes_per_call"],
        peer=0.0,
        ratio=looked["last_megabytes"] / looked["first_megabytes"],
        unit="bytes per estimation; the ratio is the last over the first resident memory",
        detail={"estimations": looked, "transfers": drawn, "steps": given.steps},
    )


if __name__ == "__main__":
    main()
