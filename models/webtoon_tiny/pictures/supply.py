"""Captioned pictures for training, without end."""

import numpy as np
from numpy.typing import NDArray

from models.webtoon_tiny.pictures.captions import caption
from models.webtoon_tiny.pictures.scenes import draw_scene, sample_scene
from models.webtoon_tiny.pictures.styles import sample_style


def draw_captioned(rng: np.random.Generator, width: int, height: int) -> tuple[NDArray[np.uint8], str]:
    """One random scene in a random base style: the picture (height, width, 3) and its caption."""
    scene, style = sample_scene(rng), sample_style(rng)
    return draw_scene(scene, style, width, height, rng), caption(scene, style, rng)
