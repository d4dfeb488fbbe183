"""Contact sheets of the figure half: `python -m models.webtoon_tiny.draw_figure_sheets characters found`."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from models.webtoon_tiny.draw_characters import CLEAN
from models.webtoon_tiny.pictures.characters import draw_character
from models.webtoon_tiny.pictures.characters_looks import sample_look, sample_pose
from models.webtoon_tiny.pictures.styles import HANDS, sample_style
from models.webtoon_tiny.training import WEIGHTS
from services.pose.estimation.engine import LookSpec, PoseEngine
from services.pose.estimation.model import load_detector, load_point_network
from services.pose.skeleton import people_picture

ROOT = Path(__file__).parents[2]
SHEETS = ROOT / "docs" / "models"
SEED = 777_000


def characters_sheet() -> Image.Image:
    """Characters, poses and views: two rows in the clean style, one in base styles, one in the unseen hands."""
    rows = []
    for row in range(4):
        pictures = []
        for column in range(10):
            rng = np.random.default_rng([SEED, row, column])
            hand = list(HANDS.values())[column % len(HANDS)]
            style = CLEAN if row < 2 else sample_style(rng) if row == 2 else hand(rng)
            look, pose = sample_look(rng), sample_pose(rng)
            pictures.append(draw_character(look, pose, style, width=128, height=192, seed=column)[0])
        rows.append(np.hstack(pictures))
    return Image.fromarray(np.vstack(rows))


def found_sheet() -> Image.Image:
    """What the shipped networks see in the sample characters: each picture with its skeletons below."""
    engine = PoseEngine(load_detector(WEIGHTS, threads=1), load_point_network(WEIGHTS, threads=1))
    columns = []
    for path in sorted((ROOT / "samples" / "characters").glob("*.png")):
        picture = np.asarray(Image.open(path).convert("RGB"))
        people = engine.estimate(picture, LookSpec())
        size_wh = (picture.shape[1], picture.shape[0])
        columns.append(np.vstack([picture, people_picture(people.xy_PK2, people.score_PK, size_wh)]))
    return Image.fromarray(np.hstack(columns))


SHEET_MAKERS: Mapping[str, Callable[[], Image.Image]] = {"characters": characters_sheet, "found": found_sheet}


def main(names: list[str]) -> None:
    """Draws the named sheets."""
    SHEETS.mkdir(parents=True, exist_ok=True)
    for name in names:
        SHEET_MAKERS[name]().save(SHEETS / f"figures-{name}.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(SHEET_MAKERS))
