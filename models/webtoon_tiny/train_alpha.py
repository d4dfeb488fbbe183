"""Trains the character-alpha network: `python -m models.webtoon_tiny.train_alpha DATA_FOLDER [--steps N] [--fresh]`.

DATA_FOLDER holds `alpha_train_*.npz` and `alpha_held_out.npz`, made by `models.webtoon_tiny.alpha_data`. A run goes on
from the committed fp16 weights unless it is told to begin anew; at the end it writes them, and the family's manifest,
if the network tells held-out characters from their backdrops better than the one that is there.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from models.webtoon_tiny.alpha_data import compose
from models.webtoon_tiny.alpha_quality import alpha_iou
from models.webtoon_tiny.manifest import add_run
from models.webtoon_tiny.training import RUNS, WEIGHTS, LossLog, learning_rate
from services.pose.transfer.alpha import AlphaConfig, AlphaNetwork

FOLDER = Path("animate_anyone/alpha")
NAME = "diffusion_pytorch_model.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlphaTraining:
    """One run."""

    seed: int = 41
    steps: int = 600
    batch: int = 8
    rate: float = 2e-3
    warmup: int = 30
    decay: float = 0.02
    average: float = 0.99


def load_sets(folder: Path) -> dict[str, NDArray[np.uint8]]:
    """All training sets of a folder, joined."""
    sets = [np.load(path) for path in sorted(folder.glob("alpha_train_*.npz"))]
    return {name: np.concatenate([part[name] for part in sets]) for name in ("figures_NHW4", "backdrops_MHW3")}


def batches(folder: Path, config: AlphaTraining) -> Iterator[tuple[Tensor, Tensor]]:
    """Pictures (N, 3, H, W) in [0, 1] and coverage (N, 1, H, W), without end."""
    data, rng = load_sets(folder), np.random.default_rng(config.seed)
    while True:
        pictures_NHWC, alpha_NHW = compose(data["figures_NHW4"], data["backdrops_MHW3"], rng, count=config.batch)
        pictures = torch.from_numpy(pictures_NHWC / 255).permute(0, 3, 1, 2)
        yield pictures.contiguous(memory_format=torch.channels_last), torch.from_numpy(alpha_NHW)[:, None]


def alpha_loss(logits_N1HW: Tensor, alpha_N1HW: Tensor) -> Tensor:
    """Cross entropy of each pixel, and the share of the union that is missed, so that small figures count too."""
    entropy = functional.binary_cross_entropy_with_logits(logits_N1HW, alpha_N1HW)
    found_N1HW = logits_N1HW.sigmoid()
    shared = (found_N1HW * alpha_N1HW).sum(dim=(1, 2, 3))
    union = (found_N1HW + alpha_N1HW - found_N1HW * alpha_N1HW).sum(dim=(1, 2, 3))
    return entropy + (1 - shared / union.clamp_min(1.0)).mean()


def train_steps(
    network: AlphaNetwork, supply: Iterator[tuple[Tensor, Tensor]], config: AlphaTraining
) -> Iterator[tuple[int, float]]:
    """Yields (step, loss) after each update."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.rate, weight_decay=config.decay)
    for step in range(config.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(
                step, steps=config.steps, peak=config.rate, warmup=config.warmup, decay_from=0.3
            )
        pictures_N3HW, alpha_N1HW = next(supply)
        loss = alpha_loss(network(pictures_N3HW), alpha_N1HW)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        yield step, float(loss.detach())


def save_network(state: dict[str, Tensor], config: AlphaConfig, folder: Path) -> None:
    """Writes the weights as fp16, and what to build for them."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    save_file({name: value.contiguous() for name, value in kept.items()}, folder / NAME, {"format": "pt"})
    (folder / "config.json").write_text(json.dumps({"channels": asdict(config)["channels"]}) + "\n", encoding="utf-8")


def resume(network: AlphaNetwork, folder: Path) -> None:
    """Takes over the weights that `save_network` wrote."""
    network.load_state_dict({name: value.float() for name, value in load_file(folder / NAME).items()})


def main() -> None:
    """Trains, measures, and writes what became better."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--family", type=Path, default=WEIGHTS)
    parser.add_argument("--steps", type=int, default=AlphaTraining().steps)
    parser.add_argument("--rate", type=float, default=AlphaTraining().rate)
    parser.add_argument("--seed", type=int, default=AlphaTraining().seed)
    parser.add_argument("--fresh", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = AlphaTraining(steps=given.steps, seed=given.seed, rate=given.rate)
    torch.manual_seed(config.seed)
    network = AlphaNetwork(AlphaConfig()).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    held_out, before = np.load(given.folder / "alpha_held_out.npz"), 0.0
    if not given.fresh:
        resume(network, given.family / FOLDER)
        before = alpha_iou(network, held_out)
    network.train()
    average = {name: value.clone() for name, value in network.state_dict().items()}
    log = LossLog(RUNS / "alpha.jsonl")
    for step, loss in train_steps(network, batches(given.folder, config), config):
        keep = min(config.average, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            average[name] = keep * average[name] + (1 - keep) * value if value.is_floating_point() else value.clone()
        if step % 10 == 0 or step == config.steps - 1:
            log.write(step, loss=loss)
        if step % 100 == 99:
            save_network(average, network.config, given.folder / "alpha_so_far")
    save_network(average, network.config, given.folder / "alpha_so_far")
    resume(network, given.folder / "alpha_so_far")
    after = alpha_iou(network, held_out)
    print(json.dumps({"alpha_iou_before": before, "alpha_iou": after}))
    if after > before:
        save_network(average, network.config, given.family / FOLDER)
        run = {"seed": config.seed, "steps": config.steps, "pictures": config.steps * config.batch}
        add_run(given.family, "alpha", {**run, "seconds": round(log.seconds)}, {"alpha_iou": after}, fresh=given.fresh)


if __name__ == "__main__":
    main()
