"""What was promised of a card: a style learned within 20 minutes, a picture drawn within one; memory and throughput.

Without an NVIDIA card it says so and measures nothing. Prints a line of JSON for each promise, the drawing's last.

    python benchmarks/gpu.py --family models/sd15 [--quick] [--pictures 8]
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.reporting import report
from services.background.engine.records import DrawingSpec
from services.background.model import load_painter
from services.common.families import load_family
from services.style_train.engine.dreamstyler import DreamStylerTrainer
from services.style_train.engine.lora import LoraTrainer, StylePicture
from services.style_train.engine.training import Trainer, train
from services.style_train.model import load_networks
from services.style_train.presets import dreamstyler_recipe, lora_recipe
from services.style_train.records import Preset

ROOT = Path(__file__).parents[1]
LEARN_SECONDS, DRAW_SECONDS = 20 * 60, 60
CARD = torch.device("cuda")


def learn(folder: Path, pictures: list[StylePicture], *, quick: bool) -> dict[str, object]:
    """Both methods at the standard preset; seconds of all steps and the most memory."""
    found: dict[str, object] = {}
    count = len(pictures)
    for method in ("lora", "dreamstyler"):
        torch.cuda.reset_peak_memory_stats()
        networks = load_networks(folder, CARD)
        trainer: Trainer
        if method == "lora":
            trainer = LoraTrainer(networks, pictures, lora_recipe(Preset.STANDARD, pictures=count, seed=1))
        else:
            trainer = DreamStylerTrainer(networks, pictures[:1], dreamstyler_recipe(Preset.STANDARD, seed=1))
        planned = trainer.steps
        trainer.try_step()
        trainer.plan(20 if quick else planned, batch=trainer.batch)
        began = time.perf_counter()
        train(trainer, lambda _step, _loss: None)
        torch.cuda.synchronize()
        seconds = (time.perf_counter() - began) / trainer.step_done * planned
        peak = round(torch.cuda.max_memory_allocated() / 2**30, 2)
        found[method] = {"seconds": round(seconds, 1), "steps": planned, "peak_GiB": peak}
    return found


def draw(folder: Path, *, together: int) -> tuple[float, int]:
    """Seconds until so many pictures of the family's own size and steps are drawn, and the pixels of one side."""
    family = load_family(folder)
    painter, _ = load_painter(family, device=CARD)
    side = family.resolution
    began = 0.0
    for seed in (0, 1):  # the first warms up
        began = time.perf_counter()
        spec = DrawingSpec(prompt="a street at night", steps=family.default_steps, seed=seed, width=side, height=side)
        canvases = [painter.begin(spec)[0] for _ in range(together)]
        while not canvases[0].finished:
            painter.step(canvases)
        for canvas in canvases:
            painter.finish(canvas)
    return time.perf_counter() - began, side


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", type=Path, default=ROOT / "models/webtoon_tiny/weights")
    parser.add_argument("--quick", action="store_true", help="20 training steps, scaled to all of them")
    parser.add_argument("--pictures", type=int, default=8)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print(json.dumps({"name": "gpu", "skipped": "no NVIDIA card here: torch.cuda.is_available() is false"}))
        return
    rng = np.random.default_rng(0)
    side = load_family(options.family).resolution
    pictures = [
        StylePicture(image_HWC=rng.integers(0, 256, (side, side, 3), dtype=np.uint8), caption="a street")
        for _ in range(options.pictures)
    ]
    detail: dict[str, object] = {"card": torch.cuda.get_device_name(), "family": options.family.name}
    learned = learn(options.family, pictures, quick=options.quick)
    seconds = sum(float(one["seconds"]) for one in learned.values() if isinstance(one, dict))
    report(
        "gpu.learn",
        ours=seconds,
        peer=LEARN_SECONDS,
        ratio=LEARN_SECONDS / seconds,
        unit="s for both methods",
        detail={**detail, **learned},
    )
    eight, _ = draw(options.family, together=8)
    one, side = draw(options.family, together=1)
    peak = round(torch.cuda.max_memory_allocated() / 2**30, 2)
    told = {**detail, "side": side, "pictures_per_second_of_8": round(8 / eight, 3), "peak_GiB": peak}
    report("gpu.draw", ours=one, peer=DRAW_SECONDS, ratio=DRAW_SECONDS / one, unit="s a picture", detail=told)


if __name__ == "__main__":
    main()
