"""Training pictures of pose transfer: one character in one style on white, several poses each, with the skeletons as
inference draws them.

Run as `python -m models.webtoon_tiny.transfer_data OUT.npz COUNT SEED` to draw a set once and reuse it.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.webtoon_tiny.pictures.characters import Drawn, draw_character
from models.webtoon_tiny.pictures.characters_looks import sample_look, sample_pose
from models.webtoon_tiny.pictures.characters_points import OCCLUDED, SEEN
from models.webtoon_tiny.pictures.styles import Style, sample_style
from services.pose.skeleton import pose_picture

SIDE = 128
POSES = 4


def scores(drawn: Drawn) -> NDArray[np.float64]:
    """Scores (133,) a perfect estimator would give: covered body joints count, covered hands and faces do not."""
    seen = drawn.visibility_K == SEEN
    seen[:23] = drawn.visibility_K[:23] >= OCCLUDED
    return np.asarray(seen, np.float64)


def skeleton_picture(drawn: Drawn, side: int = SIDE) -> NDArray[np.uint8]:
    """The skeleton (side, side, 3) of a character drawn on a picture of this size."""
    return pose_picture(drawn.keypoints_K2.astype(np.float64), scores(drawn), (side, side))


def draw_character_set(rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pictures and skeletons (4, 128, 128, 3) of one character."""
    look = sample_look(rng)
    style = Style() if rng.random() < 0.3 else sample_style(rng)
    pictures, skeletons = [], []
    for _ in range(POSES):
        picture, drawn = draw_character(
            look, sample_pose(rng, roll=3.0), style, width=SIDE, height=SIDE, seed=int(rng.integers(1 << 31))
        )
        pictures.append(picture)
        skeletons.append(skeleton_picture(drawn))
    return np.stack(pictures), np.stack(skeletons)


def draw_set(count: int, seed: int) -> dict[str, NDArray[np.generic]]:
    """`count` characters stacked: pictures_NPHWC and skeletons_NPHWC."""
    rng = np.random.default_rng(seed)
    sets = [draw_character_set(rng) for _ in range(count)]
    return {
        "pictures_NPHWC": np.stack([pictures for pictures, _ in sets]),
        "skeletons_NPHWC": np.stack([skeletons for _, skeletons in sets]),
    }


if __name__ == "__main__":
    drawn_set: dict[str, Any] = draw_set(int(sys.argv[2]), int(sys.argv[3]))
    np.savez(Path(sys.argv[1]), **drawn_set)
