"""Trains the evaluation's classifier: `python -m models.webtoon_tiny.train_classifier`.

It sees the picture maker's output alone, and none of the withheld hands: grey, tinted, inverted and blurred copies
teach it to read places without relying on colour. Resumes from the weights in `judge/` where they exist; the optimiser
starts anew behind a warm-up.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.webtoon_tiny import manifest
from models.webtoon_tiny.classifier_network import HEADS, JUDGE, WIDTHS, Judge, SceneClassifier, to_batch
from models.webtoon_tiny.pictures.labels import OBJECTS, Labels, draw_labelled
from models.webtoon_tiny.training import RUNS, LossLog, run_course

SIZES_WH = ((128, 128), (160, 96), (96, 160))
VALIDATION_SEED, TEST_SEED = 880_001, 880_002


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierRecipe:
    """Everything that decides the run."""

    seed: int = 31
    widths: tuple[int, int, int, int] = WIDTHS
    sizes_wh: tuple[tuple[int, int], ...] = SIZES_WH
    batch: int = 32
    steps: int = 800
    peak_rate: float = 2e-3
    warmup: int = 60
    decay_from: float = 0.3
    weight_decay: float = 2e-2
    first_pool: int = 2500
    fresh_per_step: int = 8
    recoloured: float = 0.3
    blurred: float = 0.25
    save_every_seconds: float = 240.0


class LabelledPool:
    """Labelled pictures by size; grows by fresh ones and hands out batches of one size."""

    def __init__(self, recipe: ClassifierRecipe) -> None:
        self._recipe = recipe
        self._rng = np.random.default_rng(recipe.seed)
        self._kept: list[list[tuple[NDArray[np.uint8], Labels]]] = [[] for _ in recipe.sizes_wh]

    def grow(self, pictures: int) -> None:
        """Draws and keeps this many; half of them have the first size."""
        for _ in range(pictures):
            other = len(self._kept) > 1 and self._rng.random() < 0.5
            index = int(self._rng.integers(1, len(self._kept))) if other else 0
            self._kept[index].append(draw_labelled(self._rng, *self._recipe.sizes_wh[index]))

    def batch(self) -> tuple[Tensor, list[Labels], Tensor]:
        """Pictures (B, 3, H, W), their labels, and which (B,) kept their colours."""
        sizes = np.array([len(kept) for kept in self._kept], float)
        kept = self._kept[int(self._rng.choice(len(sizes), p=sizes / sizes.sum()))]
        chosen = [kept[int(index)] for index in self._rng.integers(len(kept), size=self._recipe.batch)]
        pictures = to_batch([picture for picture, _ in chosen])
        pictures = torch.where(
            torch.from_numpy(self._rng.random((len(chosen), 1, 1, 1)) < 0.5), pictures.flip(3), pictures
        )
        return (*self._worn(pictures, [labels for _, labels in chosen]),)

    def _worn(self, pictures: Tensor, labels: list[Labels]) -> tuple[Tensor, list[Labels], Tensor]:
        """Some pictures blurred and noisy, some with other colours."""
        rng, count = self._rng, len(labels)
        blurred = torch.from_numpy(rng.random((count, 1, 1, 1)) < self._recipe.blurred)
        soft = functional.avg_pool2d(functional.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)
        pictures = torch.where(blurred, soft, pictures)
        recoloured = rng.random(count) < self._recipe.recoloured
        for index in np.flatnonzero(recoloured):
            pictures[index] = _recolour(pictures[index], rng)
        amount = torch.from_numpy(rng.uniform(0, 0.08, (count, 1, 1, 1)).astype(np.float32))
        grain = torch.from_numpy(rng.standard_normal(pictures.shape, np.float32))
        return pictures + amount * grain, labels, torch.from_numpy(~recoloured)


def _recolour(picture_CHW: Tensor, rng: np.random.Generator) -> Tensor:
    """Other colours for the same shapes: greyer, tinted, more or less contrast, now and then a negative."""
    mixing = torch.from_numpy(rng.dirichlet([0.6] * 3, 3).astype(np.float32))
    mixed_CHW = torch.einsum("dc,chw->dhw", mixing, picture_CHW)
    gain = torch.from_numpy(rng.uniform(0.6, 1.6, (3, 1, 1)).astype(np.float32))
    shift = torch.from_numpy((rng.uniform(-0.4, 0.4) + rng.uniform(-0.2, 0.2, (3, 1, 1))).astype(np.float32))
    sign = -1.0 if rng.random() < 0.2 else 1.0
    return (sign * gain * mixed_CHW + shift).clamp(-1.0, 1.0)


def classifier_loss(network: SceneClassifier, batch: tuple[Tensor, Sequence[Labels], Tensor]) -> Tensor:
    """Cross entropies of place, time and weather and of each object; time is not asked of recoloured pictures."""
    pictures, labels, coloured = batch
    read = network(pictures.contiguous(memory_format=torch.channels_last))
    place = functional.cross_entropy(read["place"], torch.tensor([one.place for one in labels]))
    weather = functional.cross_entropy(read["weather"], torch.tensor([one.weather for one in labels]))
    time = functional.cross_entropy(read["time"], torch.tensor([one.time for one in labels]), reduction="none")
    wanted = torch.from_numpy(np.stack([one.objects for one in labels])).float()
    objects = functional.binary_cross_entropy_with_logits(read["objects"], wanted)
    timed = (time * coloured).sum() / coloured.sum().clamp(min=1)
    loss: Tensor = place + timed + 0.3 * weather + 6.0 * objects
    return loss


def held_out(seed: int, pictures: int) -> tuple[list[NDArray[np.uint8]], list[Labels]]:
    """Base-style renders of 128 pixels from a seed that no recipe trains on."""
    rng = np.random.default_rng(seed)
    drawn = [draw_labelled(rng, 128, 128) for _ in range(pictures)]
    return [picture for picture, _ in drawn], [labels for _, labels in drawn]


def choose_thresholds(chance_NO: NDArray[np.floating], present_NO: NDArray[np.bool_]) -> NDArray[np.float32]:
    """For every object the chance over which F1 is best."""
    grid = np.arange(0.1, 0.91, 0.02, dtype=np.float32)
    called_GNO = chance_NO[None] > grid[:, None, None]
    hits_GO = (called_GNO & present_NO).sum(1)
    f1_GO = 2 * hits_GO / np.maximum(called_GNO.sum(1) + present_NO.sum(0), 1)
    return np.asarray(grid[f1_GO.argmax(0)], np.float32)


def measure(judge: Judge, seed: int = TEST_SEED, pictures: int = 1500) -> dict[str, float]:
    """Accuracies of place, time and weather, and recall, precision of objects, on held-out base-style renders."""
    drawn, labels = held_out(seed, pictures)
    read = judge.read(drawn)
    present = np.stack([one.objects for one in labels])
    hits = (read.objects & present).sum()
    return {
        "place": float((read.place == [one.place for one in labels]).mean()),
        "time": float((read.time == [one.time for one in labels]).mean()),
        "weather": float((read.weather == [one.weather for one in labels]).mean()),
        "objects_recall": float(hits / present.sum()),
        "objects_precision": float(hits / read.objects.sum()),
    }


def with_thresholds(network: SceneClassifier, pictures: int) -> Judge:
    """The network with the thresholds that the validation pictures suggest."""
    judge = Judge(network, np.full(len(OBJECTS), 0.5, np.float32))
    drawn, labels = held_out(VALIDATION_SEED, pictures)
    chance = 1.0 / (1.0 + np.exp(-judge.logits(drawn)["objects"]))
    judge.thresholds = choose_thresholds(chance, np.stack([one.objects for one in labels]))
    return judge


def build(recipe: ClassifierRecipe) -> SceneClassifier:
    """An untrained network."""
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        return SceneClassifier(recipe.widths)


def train(recipe: ClassifierRecipe, folder: Path, log: LossLog, *, resume: bool, save: bool = True) -> list[float]:
    """Runs the recipe; returns the loss of every step."""
    network = build(recipe)
    if resume:
        network.load_state_dict(Judge.load(folder).network.state_dict())
    network.train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.peak_rate, weight_decay=recipe.weight_decay)
    pool = LabelledPool(recipe)
    pool.grow(recipe.first_pool)

    def loss_of_step() -> Tensor:
        pool.grow(recipe.fresh_per_step)
        return classifier_loss(network, pool.batch())

    def keep() -> None:
        Judge(network, np.full(HEADS["objects"], 0.5, np.float32)).save(folder)
        network.train()

    losses = run_course(recipe, optimiser, log, loss_of_step=loss_of_step, keep=keep if save else None)
    if save:
        with_thresholds(network, 1500).save(folder)
    return losses


def main() -> None:
    """Command line: `--steps N`, `--seed S`, `--rate R`, `--out FOLDER`, `--fresh` to start anew."""
    defaults = ClassifierRecipe()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=defaults.steps)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--rate", type=float, default=defaults.peak_rate)
    parser.add_argument("--out", type=Path, default=JUDGE)
    parser.add_argument("--fresh", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    recipe = ClassifierRecipe(steps=given.steps, seed=given.seed, peak_rate=given.rate)
    resume = not given.fresh and (given.out / "classifier.safetensors").exists()
    log = LossLog(RUNS / "classifier.jsonl")
    train(recipe, given.out, log, resume=resume)
    run = {
        "seed": recipe.seed,
        "steps": recipe.steps,
        "pictures": recipe.steps * recipe.batch,
        "seconds": round(log.seconds),
    }
    measured = {name: round(value, 4) for name, value in measure(Judge.load(given.out)).items()}
    manifest.add_run(given.out, "classifier", run, measured, fresh=not resume, about=manifest.JUDGE)


if __name__ == "__main__":
    main()
