"""Measures the whole family with the services' own engines: `python -m models.webtoon_tiny.evaluate`.

Prints one table, then all measures as one JSON object on the last line; writes contact sheets and `evaluation.json`
(everything behind the table) into `--out`. `--quick` takes fewer pictures and one hand; its figures scatter more.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from models.webtoon_tiny import train_classifier
from models.webtoon_tiny.classifier_network import Judge
from models.webtoon_tiny.evaluation.figures import measure_figure_half
from models.webtoon_tiny.evaluation.from_pictures import (
    draw_photos,
    measure_autoencoder,
    measure_strengths,
    photo_crops,
    reconstruct,
)
from models.webtoon_tiny.evaluation.product import Fast, Product
from models.webtoon_tiny.evaluation.styles import Hand, Outcome, learn_hand, nearest_seen, prepare_hands
from models.webtoon_tiny.evaluation.table import ROWS, table
from models.webtoon_tiny.evaluation.text_to_image import measure_fast, measure_text_to_image
from models.webtoon_tiny.measure_vae import ROOT
from models.webtoon_tiny.pictures.styles import HANDS
from models.webtoon_tiny.training import WEIGHTS
from services.style_train.records import Method

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is looked at."""

    captions: int = 500
    distance: int = 2000
    fast: int = 140
    renders: int = 200
    photos: int = 50
    strengths: int = 100
    hands: tuple[str, ...] = tuple(HANDS)
    in_hand: int = 40
    seen_styles: int = 60
    classifier: int = 1500


QUICK = Extent(
    captions=48, distance=48, fast=28, renders=24, photos=8, strengths=8, hands=("hatched-ink",), in_hand=16,
    seen_styles=16, classifier=300,
)  # fmt: skip


class Evaluation:
    """One run over one family; each part adds to `measures` and `details` and may leave a sheet."""

    def __init__(self, family: Path, out: Path, extent: Extent, *, seed: int) -> None:
        self.product, self.judge = Product(family), Judge.load()
        self._out, self._extent, self._seed = out, extent, seed
        self.measures: dict[str, float | None] = {}
        self.details: dict[str, object] = {}
        out.mkdir(parents=True, exist_ok=True)

    def text_to_image(self) -> None:
        """Place, time, objects, distance, and the speed of both settings."""
        extent = self._extent
        own = train_classifier.measure(self.judge, self._seed + 9_000, extent.classifier)
        drawn = measure_text_to_image(
            self.product, self.judge, seed=self._seed, captions=extent.captions, distance=extent.distance
        )
        seconds, fast_place = measure_fast(self.product, self.judge, Fast(), seed=self._seed, captions=extent.fast)
        self.measures |= {"classifier": own["place"], **drawn.measures, **seconds}
        self.details |= {"classifier": own, "text_to_image": drawn.details, "place_in_fast_setting": fast_place}
        self._sheet("text-to-image", drawn.pictures[:48], columns=12)

    def from_pictures(self) -> None:
        """The autoencoder and what strength does."""
        self.measures |= measure_autoencoder(self.product, seed=self._seed, renders=self._extent.renders)
        rising, shown = measure_strengths(self.product, seed=self._seed, inputs=self._extent.strengths, steps=10)
        self.measures["img2img_monotone"] = rising
        self._sheet("strengths", shown, columns=6)

    def styles(self) -> None:
        """LoRA, DreamStyler, and photographs in the learned hands."""
        extent, seed = self._extent, self._seed
        hands = prepare_hands(self.product, extent.hands, seed=seed, pictures=extent.in_hand)
        bounds = {hand.name: nearest_seen(self.judge, hand, seed=seed, styles=extent.seen_styles) for hand in hands}
        lora = [learn_hand(self.product, self.judge, hand, Method.LORA, seed=seed) for hand in hands]
        dreamstyler = [learn_hand(self.product, self.judge, hand, Method.DREAMSTYLER, seed=seed) for hand in hands]
        self.measures |= {
            "lora_style_drop": min(one.drop for one in lora),
            "lora_place": min(one.place for one in lora),
            "dreamstyler_style_drop": min(one.drop for one in dreamstyler),
            "seconds_lora": max(one.style.seconds for one in lora),
            "seconds_dreamstyler": max(one.style.seconds for one in dreamstyler),
        }
        self.details["hands"] = {
            hand.name: {"seen": bounds[hand.name], "lora": _told(a), "dreamstyler": _told(b)}
            for hand, a, b in zip(hands, lora, dreamstyler, strict=True)
        }
        for hand, a, b in zip(hands, lora, dreamstyler, strict=True):
            rows = [[one for one, _ in hand.lessons], hand.plain[:8], a.pictures[:8], b.pictures[:8], hand.true[:8]]
            self._sheet(f"hand-{hand.name}", [picture for row in rows for picture in row], columns=8)
        self._photographs(list(zip(hands, lora, strict=True)))

    def _photographs(self, learned: Sequence[tuple[Hand, Outcome]]) -> None:
        crops = photo_crops(self._extent.photos, seed=self._seed)
        found, shown, details = draw_photos(self.product, self.judge, crops, learned, seed=self._seed)
        self.measures |= found
        self.details |= details
        self._sheet("photographs", [*crops[:6], *reconstruct(self.product, crops[:6]), *shown], columns=6)

    def _sheet(self, name: str, pictures: Sequence[Pixels], *, columns: int) -> None:
        kept = pictures[: len(pictures) // columns * columns]
        rows = [np.hstack(kept[start : start + columns]) for start in range(0, len(kept), columns)]
        if rows:
            Image.fromarray(np.vstack(rows)).save(self._out / f"evaluation-{name}.png", optimize=True)


def _told(outcome: Outcome) -> dict[str, float]:
    return {
        "drop": round(outcome.drop, 4),
        "place": outcome.place,
        "seconds": round(outcome.style.seconds, 1),
        "steps": outcome.style.steps,
    }


def evaluate(family: Path, out: Path, extent: Extent, *, seed: int, quick: bool) -> dict[str, float | bool | None]:
    """All measures in the table's order; the table is printed, sheets and details are written to `out`."""
    began = time.perf_counter()
    run = Evaluation(family, out, extent, seed=seed)
    spent: dict[str, float] = {}
    for part in (run.text_to_image, run.from_pictures, run.styles):
        started = time.perf_counter()
        part()
        spent[part.__name__] = round(time.perf_counter() - started, 1)
        print(f"{part.__name__}: {spent[part.__name__]} s, {json.dumps(run.measures)}", file=sys.stderr, flush=True)
    figures, reasons = measure_figure_half(family, seed=seed, quick=quick)
    run.product.close()
    measures = {**run.measures, **figures}
    print(table(measures, reasons))
    ordered: dict[str, float | bool | None] = {
        row.key: None if (value := measures[row.key]) is None else round(float(value), 4) for row in ROWS
    }
    if quick:
        ordered["quick"] = True
    about = {"seed": seed, "seconds": round(time.perf_counter() - began), "parts": spent, "cores": os.cpu_count()}
    load = [round(one, 1) for one in os.getloadavg()]
    record = {"measures": ordered, "about": {**about, "load_average": load}, "details": run.details, "null": reasons}
    (out / "evaluation.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return ordered


def main() -> None:
    """Command line: `--quick`, `--family FOLDER`, `--out FOLDER`, `--seed S`, `--threads N`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--family", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "models")
    parser.add_argument("--seed", type=int, default=990_000)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    extent = QUICK if given.quick else Extent()
    print(json.dumps(evaluate(given.family, given.out, extent, seed=given.seed, quick=given.quick)))


if __name__ == "__main__":
    main()
