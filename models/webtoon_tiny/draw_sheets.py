"""Contact sheets for the documentation: `python -m models.webtoon_tiny.draw_sheets scenes hands prompts`."""

import argparse
from pathlib import Path

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline
from numpy.typing import NDArray
from PIL import Image

from models.webtoon_tiny.pictures.scenes import PLACES, TIMES, draw_scene, sample_scene
from models.webtoon_tiny.pictures.styles import HANDS, sample_style
from models.webtoon_tiny.training import WEIGHTS

SHEETS = Path(__file__).parents[2] / "docs" / "models"
PROMPTS = (
    "a city street by day, with two cars",
    "a street at night, with street lamps",
    "a city skyline at sunset",
    "a city skyline at night with the moon",
    "an alley in the rain",
    "mountains in the morning, with pine trees",
    "snowy mountains at night",
    "the sea at sunset, with two boats",
    "the ocean by day, with white clouds",
    "a beach by day, with beach umbrellas",
    "a forest by day",
    "a village in the snow",
    "a park with a bench, in the afternoon",
    "a bridge over a river at night, with a full moon",
    "a classroom by day, with a clock",
    "a bedroom at night, with a floor lamp",
    "a cafe in the evening",
    "the front of a school, in the fog",
)


def scenes_sheet() -> Image.Image:
    """Every place in base styles: a row a place, four times of day twice."""
    rows = []
    for row, place in enumerate(PLACES):
        pictures = []
        for column in range(8):
            rng = np.random.default_rng([41, row, column])
            scene = sample_scene(rng, place=place, time=TIMES[column % 4])
            pictures.append(draw_scene(scene, sample_style(rng), 112, 112, rng))
        rows.append(np.hstack(pictures))
    half = len(rows) // 2
    return Image.fromarray(np.hstack([np.vstack(rows[:half]), np.vstack(rows[half:])]))


def hands_sheet() -> Image.Image:
    """The unseen hands: a row a hand, the same eight scenes."""
    rows = []
    for hand in HANDS.values():
        pictures = []
        for column in range(8):
            rng = np.random.default_rng([42, column])
            scene = sample_scene(rng, place=list(PLACES)[column + 1], time=TIMES[column % 4])
            pictures.append(draw_scene(scene, hand(np.random.default_rng(1)), 128, 128, rng))
        rows.append(np.hstack(pictures))
    return Image.fromarray(np.vstack(rows))


def draw_prompts(
    pipeline: StableDiffusionPipeline, prompts: tuple[str, ...], *, width: int = 128, height: int = 128, steps: int = 25
) -> list[NDArray[np.uint8]]:
    """One picture a prompt, all in one batch, seeds 0, 1, 2 ..."""
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    generators = [torch.Generator().manual_seed(index) for index in range(len(prompts))]
    drawn = pipeline(
        list(prompts), width=width, height=height, num_inference_steps=steps, guidance_scale=4.0, generator=generators
    )
    return [np.asarray(picture) for picture in drawn.images]


def prompts_sheet(folder: Path) -> Image.Image:
    """The trained family on prompts of our own wording, nine a row, in the order of `PROMPTS`."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None, dtype=torch.float32)
    pictures = draw_prompts(pipeline, PROMPTS)
    return Image.fromarray(np.vstack([np.hstack(pictures[:9]), np.hstack(pictures[9:])]))


SHEETS_DRAWN = {"scenes": scenes_sheet, "hands": hands_sheet}


def main() -> None:
    """Command line: which sheets, `--weights FOLDER`, `--out FOLDER`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sheets", nargs="+", choices=["scenes", "hands", "prompts"])
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, default=SHEETS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.sheets:
        sheet = prompts_sheet(given.weights) if name == "prompts" else SHEETS_DRAWN[name]()
        sheet.quantize(192).save(given.out / f"{name}.png", optimize=True)
        print(f"{name}: {sheet.width} x {sheet.height}")


if __name__ == "__main__":
    main()
