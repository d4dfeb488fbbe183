"""Trains the person detector on drawn pictures: `python -m models.webtoon_tiny.train_detector DATA_FOLDER [--steps N]`.

DATA_FOLDER holds `detector_*.npz` sets made by `models.webtoon_tiny.detector_data`, and `detector_val.npz`, which no
run learns from. A run goes on from the committed ONNX file unless it is told to begin anew, or from a state that an
interrupted run left. At the end it writes the file, and the family's manifest, if people are found better than before.
"""

import argparse
import json
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from models.webtoon_tiny.detector_network import SIDE, DetectorNetwork, DetectorNetworkConfig, decoded, grid
from models.webtoon_tiny.export_figures import export_detector
from models.webtoon_tiny.figure_quality import DETECTOR, detector_quality
from models.webtoon_tiny.import_figures import resume
from models.webtoon_tiny.manifest import add_run
from models.webtoon_tiny.training import WEIGHTS

LEVEL_REACH = (104.0, 260.0)
"""Longer box side up to which stride 8, then stride 16 is used, in detector pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorTraining:
    """One run: seed, steps, batch, peak rate, radius in cells about a box's centre that answers for it."""

    seed: int = 11
    steps: int = 600
    batch: int = 16
    rate: float = 2e-3
    warmup: int = 60
    decay: float = 0.02
    radius: float = 1.5
    average: float = 0.995


def load_sets(folder: Path) -> dict[str, NDArray[np.generic]]:
    """All training sets in a folder, joined."""
    sets = [np.load(path) for path in sorted(folder.glob("detector_[0-9]*.npz"))]
    return {name: np.concatenate([part[name] for part in sets]) for name in ("pixels_NHWC", "boxes_NM4")}


def augmented(
    data: dict[str, NDArray[np.generic]], rows: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Pictures (N, 3, 160, 160) in BGR order and boxes (N, M, 4); colours, contrast and grain varied, half mirrored
    where nothing is padded.
    """
    pixels_NHWC = data["pixels_NHWC"][rows].astype(np.float32)
    boxes_NM4 = data["boxes_NM4"][rows].astype(np.float32)
    for row in range(len(rows)):
        unpadded = not (pixels_NHWC[row, :, -1] == 114).all()
        if unpadded and rng.random() < 0.5:
            pixels_NHWC[row] = pixels_NHWC[row, :, ::-1]
            boxes_NM4[row][:, [0, 2]] = SIDE - boxes_NM4[row][:, [2, 0]]
        kind = rng.random()
        if kind < 0.15:
            pixels_NHWC[row] = pixels_NHWC[row].mean(axis=-1, keepdims=True)
        elif kind < 0.35:
            pixels_NHWC[row] = pixels_NHWC[row][..., rng.permutation(3)]
    gain = rng.uniform(0.75, 1.15, (len(rows), 1, 1, 3))
    grain = rng.normal(0, 1, pixels_NHWC.shape).astype(np.float32) * rng.choice([0.0, 0.0, 6.0], (len(rows), 1, 1, 1))
    inside = ~(pixels_NHWC == 114).all(axis=-1, keepdims=True)
    mixed = np.where(inside, np.clip(pixels_NHWC * gain + grain, 0, 255), pixels_NHWC).astype(np.float32)
    pictures = (
        torch.from_numpy(np.ascontiguousarray(mixed[..., ::-1]))
        .permute(0, 3, 1, 2)
        .contiguous(memory_format=torch.channels_last)
    )
    return pictures, torch.from_numpy(boxes_NM4)


def batches(folder: Path, config: DetectorTraining, first_step: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless shuffled passes over the sets present."""
    rng = np.random.default_rng([config.seed, first_step])
    while True:
        data = load_sets(folder)
        order = rng.permutation(len(data["pixels_NHWC"]))
        for start in range(0, len(order) - config.batch + 1, config.batch):
            yield augmented(data, order[start : start + config.batch], rng)


def assigned(boxes_M4: Tensor, corners_A2: Tensor, strides_A1: Tensor, radius: float) -> tuple[Tensor, Tensor]:
    """Index of the box each cell answers for (A,), -1 for none, and which cells are left out of the objectness loss
    (A,).
    """
    owner = torch.full((len(corners_A2),), -1)
    ignored = torch.zeros(len(corners_A2), dtype=torch.bool)
    centres_A2 = (corners_A2 + 0.5) * strides_A1
    for index, box in enumerate(boxes_M4):
        if bool(box.isnan().any()):
            continue
        middle, longer = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max())
        level = 8.0 if longer < LEVEL_REACH[0] else 16.0 if longer < LEVEL_REACH[1] else 32.0
        near = ((centres_A2 - middle).abs() < radius * strides_A1).all(dim=1)
        mine = near & (strides_A1[:, 0] == level)
        owner[mine] = index
        ignored |= near & ~mine
    return owner, ignored & (owner < 0)


def overlap(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU of paired boxes (P, 4)."""
    shared = (
        (torch.minimum(first[:, 2:], second[:, 2:]) - torch.maximum(first[:, :2], second[:, :2]))
        .clamp_min(0)
        .prod(dim=1)
    )
    hull = (torch.maximum(first[:, 2:], second[:, 2:]) - torch.minimum(first[:, :2], second[:, :2])).prod(dim=1)
    union = (first[:, 2:] - first[:, :2]).prod(dim=1) + (second[:, 2:] - second[:, :2]).prod(dim=1) - shared
    iou = shared / union.clamp_min(1e-6)
    return iou, iou - (hull - union) / hull.clamp_min(1e-6)


def detector_loss(
    network: DetectorNetwork, pictures_N3HW: Tensor, boxes_NM4: Tensor, config: DetectorTraining
) -> Tensor:
    """Objectness and class cross entropies plus generalised IoU and a little L1 of the raw boxes, over the number of
    positive cells.
    """
    rows = network(pictures_N3HW)
    corners, strides = grid()
    pairs = [assigned(boxes, corners, strides, config.radius) for boxes in boxes_NM4]
    owner = torch.stack([pair[0] for pair in pairs])
    ignored = torch.stack([pair[1] for pair in pairs])
    positive = owner >= 0
    count = positive.sum().clamp_min(1)
    weight = (~ignored).float()
    objectness = functional.binary_cross_entropy_with_logits(rows[..., 4], positive.float(), weight, reduction="sum")
    picture, cell = positive.nonzero(as_tuple=True)
    wanted = boxes_NM4[picture, owner[picture, cell]]
    found = decoded(rows[picture, cell], corners[cell], strides[cell])
    _, generalised = overlap(found, wanted)
    raw_wanted = torch.cat(
        [
            (wanted[:, :2] + wanted[:, 2:]) / 2 / strides[cell] - corners[cell],
            torch.log((wanted[:, 2:] - wanted[:, :2]) / strides[cell]),
        ],
        dim=1,
    )
    distance = functional.smooth_l1_loss(rows[picture, cell, :4], raw_wanted, reduction="sum")
    person = functional.binary_cross_entropy_with_logits(rows[picture, cell, 5], torch.ones(len(cell)), reduction="sum")
    return (objectness + 3.0 * (1 - generalised).sum() + 0.5 * distance + 0.5 * person) / count


def rate_at(step: int, config: DetectorTraining) -> float:
    """Linear warm-up, then half a cosine down to 2 %."""
    if step < config.warmup:
        return config.rate * (step + 1) / config.warmup
    share = min(1.0, (step - config.warmup) / max(1, config.steps - config.warmup))
    return config.rate * (0.02 + 0.98 * 0.5 * (1 + float(np.cos(np.pi * share))))


def train_steps(
    network: DetectorNetwork, supply: Iterator[tuple[Tensor, Tensor]], config: DetectorTraining, *, first_step: int = 0
) -> Iterator[tuple[int, float]]:
    """Yields (step, loss) after each update."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.rate, weight_decay=config.decay)
    for step in range(first_step, config.steps):
        for group in optimiser.param_groups:
            group["lr"] = rate_at(step, config)
        pictures, boxes = next(supply)
        loss = detector_loss(network, pictures, boxes, config)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimiser.step()
        yield step, float(loss.detach())


def main() -> None:
    """Trains; leaves `detector_state.safetensors` (averaged weights) and `detector_log.jsonl` in the data folder, and
    what became better in the family.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=DetectorTraining().steps)
    parser.add_argument("--first-step", type=int, default=0)
    parser.add_argument("--state", type=Path, default=None, help="averaged weights of a run that was interrupted")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--seed", type=int, default=DetectorTraining().seed)
    parser.add_argument("--rate", type=float, default=DetectorTraining().rate)
    parser.add_argument("--family", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = DetectorTraining(steps=arguments.steps, seed=arguments.seed, rate=arguments.rate)
    torch.manual_seed(config.seed)
    network = DetectorNetwork(DetectorNetworkConfig()).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    if arguments.state is not None:
        network.load_state_dict(load_file(arguments.state))
    elif not arguments.fresh:
        resume(network, arguments.family / DETECTOR, next(batches(arguments.folder, config, 0))[0])
    average = {name: value.clone() for name, value in network.state_dict().items()}
    begun = time.monotonic()
    supply = batches(arguments.folder, config, arguments.first_step)
    with (arguments.folder / "detector_log.jsonl").open("a") as log:
        for step, loss in train_steps(network, supply, config, first_step=arguments.first_step):
            keep = min(config.average, (1 + step) / (10 + step))
            for name, value in network.state_dict().items():
                average[name] = (
                    keep * average[name] + (1 - keep) * value if value.is_floating_point() else value.clone()
                )
            log.write(
                json.dumps({"step": step, "loss": round(loss, 4), "seconds": round(time.monotonic() - begun, 1)}) + "\n"
            )
            log.flush()
            if step % 100 == 99 or step == config.steps - 1:
                save_file(
                    {name: value.contiguous() for name, value in average.items()},
                    arguments.folder / "detector_state.safetensors",
                )
    network.load_state_dict(average)
    run = {
        "seed": config.seed,
        "steps": config.steps - arguments.first_step,
        "pictures": (config.steps - arguments.first_step) * config.batch,
        "seconds": round(time.monotonic() - begun),
    }
    held_out = np.load(arguments.folder / "detector_val.npz")
    keep_if_better(network, held_out, arguments.family, run, fresh=arguments.fresh)


def keep_if_better(
    network: DetectorNetwork,
    held_out: Mapping[str, NDArray[Any]],
    family: Path,
    run: Mapping[str, float],
    *,
    fresh: bool,
) -> None:
    """Exports the network, measures it, and puts it into the family with its record if its precision is higher."""
    with TemporaryDirectory() as folder:
        exported = Path(folder) / DETECTOR.name
        export_detector(network.eval().to(memory_format=torch.contiguous_format), exported)  # type: ignore[call-overload]
        after = detector_quality(exported, held_out)
        before = 0.0 if fresh else detector_quality(family / DETECTOR, held_out)["ap50"]
        print(json.dumps({"ap50_before": before, **after}))
        if after["ap50"] > before:
            shutil.copyfile(exported, family / DETECTOR)
            kept = {name: value for name, value in after.items() if name != "people"}
            add_run(family, "detector", run, kept, fresh=fresh)


if __name__ == "__main__":
    main()
