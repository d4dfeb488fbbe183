"""Trains the pose network on drawn characters: `python -m models.webtoon_tiny.train_pose DATA_FOLDER [--steps N]`.

DATA_FOLDER holds `pose_*.npz` sets made by `models.webtoon_tiny.pose_data`; new sets are picked up between passes; and
`pose_val.npz`, which no run learns from. A run goes on from the committed ONNX file unless it is told to begin anew,
or from a state that an interrupted run left. At the end it writes the file, and the family's manifest, if body joints
are found better than before.
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

from models.webtoon_tiny.export_figures import export_pose
from models.webtoon_tiny.figure_quality import POSE, pose_quality
from models.webtoon_tiny.import_figures import resume
from models.webtoon_tiny.manifest import add_run
from models.webtoon_tiny.pictures.characters_points import OCCLUDED, SEEN
from models.webtoon_tiny.pose_network import CELL, HEIGHT, MIRROR, WIDTH, PoseNetwork, PoseNetworkConfig
from models.webtoon_tiny.training import WEIGHTS

MEAN = torch.tensor([123.675, 116.28, 103.53])
STD = torch.tensor([58.395, 57.12, 57.375])
"""Applied to channels in BGR order, as the estimation service does for parity with the reference."""

POINT_WEIGHTS = torch.cat(
    [torch.full((17,), 4.0), torch.full((6,), 1.0), torch.full((68,), 0.15), torch.full((42,), 0.6)]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseTraining:
    """One run: seed, steps of the schedule, batch, peak learning rate, width of the target in cells, share of the
    visibility loss.
    """

    seed: int = 7
    steps: int = 1700
    batch: int = 24
    rate: float = 2.5e-3
    warmup: int = 60
    decay: float = 0.02
    sigma: float = 0.9
    seen_share: float = 1.5
    average: float = 0.995


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseBatch:
    """Half-size normalised crops (N, 3, 192, 144), points (N, 133, 2) in full crop pixels, visibility (N, 133)."""

    half_N3HW: Tensor
    points_NK2: Tensor
    visibility_NK: Tensor


def load_sets(folder: Path) -> dict[str, NDArray[np.generic]]:
    """All training sets in a folder, joined."""
    sets = [np.load(path) for path in sorted(folder.glob("pose_[0-9]*.npz"))]
    return {
        name: np.concatenate([part[name] for part in sets])
        for name in ("pixels_NHWC", "keypoints_NK2", "visibility_NK")
    }


def normalised(pixels_NHWC: NDArray[np.uint8]) -> Tensor:
    """RGB pictures to the network's input: channels swapped to BGR, then the reference's RGB constants."""
    bgr_NHWC = torch.from_numpy(np.ascontiguousarray(pixels_NHWC[..., ::-1])).float()
    return ((bgr_NHWC - MEAN) / STD).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def augmented(data: dict[str, NDArray[np.generic]], rows: NDArray[np.int64], rng: np.random.Generator) -> PoseBatch:
    """A batch with half of it mirrored, and colours, contrast, sharpness and grain varied."""
    pixels_NHWC = data["pixels_NHWC"][rows].astype(np.float32)
    points_NK2 = data["keypoints_NK2"][rows].astype(np.float32)
    visibility_NK = data["visibility_NK"][rows].astype(np.int64)
    for row in range(len(rows)):
        if rng.random() < 0.5:
            pixels_NHWC[row] = pixels_NHWC[row, :, ::-1]
            points_NK2[row] = points_NK2[row, MIRROR]
            points_NK2[row, :, 0] = WIDTH - points_NK2[row, :, 0]
            visibility_NK[row] = visibility_NK[row, MIRROR]
        kind = rng.random()
        if kind < 0.15:
            pixels_NHWC[row] = pixels_NHWC[row].mean(axis=-1, keepdims=True)
        elif kind < 0.35:
            pixels_NHWC[row] = pixels_NHWC[row][..., rng.permutation(3)]
        if rng.random() < 0.3:
            small = pixels_NHWC[row].reshape(96, 2, 72, 2, 3).mean(axis=(1, 3))
            pixels_NHWC[row] = small.repeat(2, axis=0).repeat(2, axis=1)
    gain = rng.uniform(0.75, 1.2, (len(rows), 1, 1, 3))
    grain = rng.normal(0, 1, pixels_NHWC.shape).astype(np.float32) * rng.choice([0.0, 0.0, 6.0], (len(rows), 1, 1, 1))
    mixed = np.clip(pixels_NHWC * gain + grain, 0, 255).astype(np.float32)
    return PoseBatch(
        half_N3HW=normalised(mixed),
        points_NK2=torch.from_numpy(points_NK2),
        visibility_NK=torch.from_numpy(visibility_NK),
    )


def batches(folder: Path, config: PoseTraining, first_step: int) -> Iterator[PoseBatch]:
    """Endless shuffled passes; the order depends on the seed, the step and the sets present."""
    rng = np.random.default_rng([config.seed, first_step])
    while True:
        data = load_sets(folder)
        order = rng.permutation(len(data["pixels_NHWC"]))
        for start in range(0, len(order) - config.batch + 1, config.batch):
            yield augmented(data, order[start : start + config.batch], rng)


def heat_targets(points_NK2: Tensor, sigma: float) -> Tensor:
    """Normalised Gaussians (N, 133, 48 * 36) about the points."""
    axes = []
    for axis, cells in ((0, WIDTH // CELL), (1, HEIGHT // CELL)):
        centre = points_NK2[..., axis : axis + 1] / CELL - 0.5
        bell = torch.exp(-0.5 * ((torch.arange(cells) - centre) / sigma) ** 2)
        axes.append(bell / bell.sum(dim=-1, keepdim=True).clamp_min(1e-6))
    return torch.einsum("nkx,nky->nkyx", axes[0], axes[1]).flatten(2)


def pose_loss(network: PoseNetwork, batch: PoseBatch, config: PoseTraining) -> Tensor:
    """Cross entropy of the heatmaps at points in the picture, plus that of the visibilities.

    Covered body and foot joints are still expected; covered hand and face points are not.
    """
    heat_NKHW, seen_NK = network.from_half(batch.half_N3HW)
    inside_NK = (batch.visibility_NK >= OCCLUDED).float() * POINT_WEIGHTS
    entropy_NK = -(
        heat_targets(batch.points_NK2, config.sigma) * functional.log_softmax(heat_NKHW.flatten(2), dim=-1)
    ).sum(dim=-1)
    expected_NK = (batch.visibility_NK == SEEN).float()
    expected_NK[:, :23] = (batch.visibility_NK[:, :23] >= OCCLUDED).float()
    seen = functional.binary_cross_entropy_with_logits(
        seen_NK, expected_NK, POINT_WEIGHTS.expand_as(seen_NK) / POINT_WEIGHTS.mean()
    )
    return (entropy_NK * inside_NK).sum() / inside_NK.sum().clamp_min(1.0) + config.seen_share * seen


def rate_at(step: int, config: PoseTraining) -> float:
    """Linear warm-up, then half a cosine down to 2 %."""
    if step < config.warmup:
        return config.rate * (step + 1) / config.warmup
    share = min(1.0, (step - config.warmup) / max(1, config.steps - config.warmup))
    return config.rate * (0.02 + 0.98 * 0.5 * (1 + float(np.cos(np.pi * share))))


def train_steps(
    network: PoseNetwork, supply: Iterator[PoseBatch], config: PoseTraining, *, first_step: int = 0
) -> Iterator[tuple[int, float]]:
    """Yields (step, loss) after each update."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.rate, weight_decay=config.decay)
    for step in range(first_step, config.steps):
        for group in optimiser.param_groups:
            group["lr"] = rate_at(step, config)
        loss = pose_loss(network, next(supply), config)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        yield step, float(loss.detach())


def _averaged(average: dict[str, Tensor], network: PoseNetwork, keep: float) -> None:
    """Moves the running average of the weights, in place."""
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            average[name].mul_(keep).add_(value, alpha=1 - keep)
        else:
            average[name].copy_(value)


def main() -> None:
    """Trains; leaves `pose_state.safetensors` (averaged weights) and `pose_log.jsonl` in the data folder, and
    what became better in the family.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=PoseTraining().steps)
    parser.add_argument("--first-step", type=int, default=0)
    parser.add_argument("--state", type=Path, default=None, help="averaged weights of a run that was interrupted")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--seed", type=int, default=PoseTraining().seed)
    parser.add_argument("--rate", type=float, default=PoseTraining().rate)
    parser.add_argument("--family", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = PoseTraining(steps=arguments.steps, seed=arguments.seed, rate=arguments.rate)
    torch.manual_seed(config.seed)
    network = PoseNetwork(PoseNetworkConfig()).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    if arguments.state is not None:
        network.load_state_dict(load_file(arguments.state))
    elif not arguments.fresh:
        some = next(batches(arguments.folder, config, 0)).half_N3HW
        resume(network, arguments.family / POSE, some, call="from_half")
    average = {name: value.clone() for name, value in network.state_dict().items()}
    begun = time.monotonic()
    supply = batches(arguments.folder, config, arguments.first_step)
    with (arguments.folder / "pose_log.jsonl").open("a") as log:
        for step, loss in train_steps(network, supply, config, first_step=arguments.first_step):
            _averaged(average, network, min(config.average, (1 + step) / (10 + step)))
            log.write(
                json.dumps({"step": step, "loss": round(loss, 4), "seconds": round(time.monotonic() - begun, 1)}) + "\n"
            )
            log.flush()
            if step % 100 == 99 or step == config.steps - 1:
                save_file(
                    {name: value.contiguous() for name, value in average.items()},
                    arguments.folder / "pose_state.safetensors",
                )
    network.load_state_dict(average)
    run = {
        "seed": config.seed,
        "steps": config.steps - arguments.first_step,
        "pictures": (config.steps - arguments.first_step) * config.batch,
        "seconds": round(time.monotonic() - begun),
    }
    keep_if_better(network, np.load(arguments.folder / "pose_val.npz"), arguments.family, run, fresh=arguments.fresh)


def keep_if_better(
    network: PoseNetwork, held_out: Mapping[str, NDArray[Any]], family: Path, run: Mapping[str, float], *, fresh: bool
) -> None:
    """Exports the network, measures it, and puts it into the family with its record if it finds more body joints."""
    with TemporaryDirectory() as folder:
        exported = Path(folder) / POSE.name
        export_pose(network.eval().to(memory_format=torch.contiguous_format), exported)  # type: ignore[call-overload]
        after = pose_quality(exported, held_out)
        before = 0.0 if fresh else pose_quality(family / POSE, held_out)["pck_body"]
        print(json.dumps({"pck_body_before": before, **after}))
        if after["pck_body"] > before:
            shutil.copyfile(exported, family / POSE)
            kept = {name: value for name, value in after.items() if name.startswith("pck_")}
            add_run(family, "pose", run, kept, fresh=fresh)


if __name__ == "__main__":
    main()
