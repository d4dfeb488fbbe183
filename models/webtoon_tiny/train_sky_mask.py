"""Trains the sky-mask network on the picture maker's exact masks: `python -m models.webtoon_tiny.train_sky_mask`.

Resumes from the family's weights where they exist; the optimiser starts anew behind a warm-up.
"""

import argparse
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from models.webtoon_tiny import manifest
from models.webtoon_tiny.pictures.layers import draw_sky_mask
from models.webtoon_tiny.pictures.scenes import draw_scene, sample_scene
from models.webtoon_tiny.pictures.styles import HANDS, Style, sample_style
from models.webtoon_tiny.training import RUNS, WEIGHTS, LossLog, run_course
from services.background.engine.sky import SkyFinder, SkyNetwork

FILE = Path("sky/model.safetensors")
TEST_SEED = 880_051


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyMaskRecipe:
    """Everything that decides the run."""

    seed: int = 51
    widths: tuple[int, int, int, int] = (12, 24, 40, 64)
    sizes_wh: tuple[tuple[int, int], ...] = ((128, 128), (160, 96), (96, 160))
    batch: int = 16
    steps: int = 500
    peak_rate: float = 3e-3
    warmup: int = 40
    decay_from: float = 0.3
    first_pool: int = 600
    fresh_per_step: int = 6
    save_every_seconds: float = 240.0


def draw_example(
    rng: np.random.Generator, size_wh: tuple[int, int], style: Style | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A random scene in a base style, or in the given one, and where its sky is."""
    scene = sample_scene(rng)
    picture_HWC = draw_scene(scene, sample_style(rng) if style is None else style, *size_wh, rng)
    return picture_HWC, draw_sky_mask(scene, *size_wh)


class SkyPool:
    """Pictures with their masks by size; grows by fresh ones and hands out batches of one size."""

    def __init__(self, recipe: SkyMaskRecipe) -> None:
        self._recipe, self._rng = recipe, np.random.default_rng(recipe.seed)
        self._kept: list[list[tuple[NDArray[np.uint8], NDArray[np.bool_]]]] = [[] for _ in recipe.sizes_wh]

    def grow(self, pictures: int) -> None:
        """Draws and keeps this many."""
        for _ in range(pictures):
            index = int(self._rng.integers(len(self._kept)))
            self._kept[index].append(draw_example(self._rng, self._recipe.sizes_wh[index]))

    def batch(self) -> tuple[Tensor, Tensor]:
        """Pictures (B, 3, H, W) in 0..1, their contrast and colours changed a little, and masks (B, 1, H, W)."""
        sizes = np.array([len(kept) for kept in self._kept], float)
        kept = self._kept[int(self._rng.choice(len(sizes), p=sizes / sizes.sum()))]
        chosen = [kept[int(index)] for index in self._rng.integers(len(kept), size=self._recipe.batch)]
        pictures = torch.from_numpy(np.stack([picture for picture, _ in chosen])).permute(0, 3, 1, 2).float() / 255
        gain = torch.from_numpy(self._rng.uniform(0.7, 1.3, (len(chosen), 3, 1, 1)).astype(np.float32))
        shift = torch.from_numpy(self._rng.uniform(-0.15, 0.15, (len(chosen), 1, 1, 1)).astype(np.float32))
        masks = torch.from_numpy(np.stack([mask for _, mask in chosen]))[:, None].float()
        turned = torch.from_numpy(self._rng.random((len(chosen), 1, 1, 1)) < 0.5)
        pictures = ((pictures - 0.5) * gain + 0.5 + shift).clamp(0, 1)
        return torch.where(turned, pictures.flip(3), pictures), torch.where(turned, masks.flip(3), masks)


def sky_loss(network: SkyNetwork, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Cross entropy of each pixel, and one minus the soft overlap of each picture that has sky."""
    pictures, masks = batch
    logits = network(pictures)
    chance = logits.sigmoid()
    shared, both = (chance * masks).sum((1, 2, 3)), (chance + masks - chance * masks).sum((1, 2, 3))
    overlap = (1 - (shared + 1) / (both + 1)).mean()
    loss: Tensor = functional.binary_cross_entropy_with_logits(logits, masks) + overlap
    return loss


def build(recipe: SkyMaskRecipe) -> SkyNetwork:
    """An untrained network."""
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        return SkyNetwork(recipe.widths)


def save(network: SkyNetwork, folder: Path) -> None:
    """fp16 weights in the family's folder."""
    (folder / FILE).parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in network.state_dict().items()}, folder / FILE)


def load(folder: Path) -> SkyNetwork:
    """The family's network."""
    network = SkyNetwork()
    network.load_state_dict({name: value.float() for name, value in load_file(folder / FILE).items()})
    return network


def train(recipe: SkyMaskRecipe, folder: Path, log: LossLog, *, resume: bool, keep: bool = True) -> list[float]:
    """Runs the recipe; returns the loss of every step."""
    network = load(folder) if resume else build(recipe)
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.peak_rate, weight_decay=1e-2)
    pool = SkyPool(recipe)
    pool.grow(recipe.first_pool)

    def loss_of_step() -> Tensor:
        pool.grow(recipe.fresh_per_step)
        return sky_loss(network, pool.batch())

    save_now = partial(save, network, folder)
    losses = run_course(recipe, optimiser, log, loss_of_step=loss_of_step, keep=save_now if keep else None)
    if keep:
        save(network, folder)
    return losses


def measure(network: SkyNetwork, *, pictures: int = 200) -> dict[str, float]:
    """Mean overlap (IoU) on held-out scenes with sky, in base styles and in unseen hands; and false sky in rooms."""
    finder, measured = SkyFinder(network), {}
    hands = {hand: make(np.random.default_rng(0)) for hand, make in HANDS.items()}
    for name, style in {"base": None, **hands}.items():
        rng = np.random.default_rng(TEST_SEED)
        overlaps, false_shares = [], []
        for _ in range(pictures if style is None else pictures // 4):
            picture_HWC, true_HW = draw_example(rng, (128, 128), style)
            found_HW = finder(picture_HWC)
            if true_HW.mean() > 0.01:
                overlaps.append((found_HW & true_HW).sum() / (found_HW | true_HW).sum())
            else:
                false_shares.append(found_HW.mean())
        measured[f"iou_{name}"] = round(float(np.mean(overlaps)), 4)
        measured[f"false_sky_{name}"] = round(float(np.mean(false_shares)), 4)
    return measured


def main() -> None:
    """Command line: `--steps N`, `--seed S`, `--out FOLDER`, `--fresh` to start anew."""
    defaults = SkyMaskRecipe()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=defaults.steps)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--fresh", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    recipe = SkyMaskRecipe(steps=given.steps, seed=given.seed)
    resume = not given.fresh and (given.out / FILE).exists()
    log = LossLog(RUNS / "sky-mask.jsonl")
    train(recipe, given.out, log, resume=resume)
    run = {
        "seed": recipe.seed,
        "steps": recipe.steps,
        "pictures": recipe.steps * recipe.batch,
        "seconds": round(log.seconds),
    }
    manifest.add_run(given.out, "sky_mask", run, measure(load(given.out)), fresh=not resume)


if __name__ == "__main__":
    main()
