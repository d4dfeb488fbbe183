"""Which size a picture is trained at, and how it gets there: its shape is kept, nothing is mirrored."""

import math

import numpy as np
from PIL import Image

from services.common.pictures import Pixels

_WIDEST = 2.0  # longest side over shortest side of the widest bucket


def bucket_size(width: int, height: int, *, resolution: int, step: int) -> tuple[int, int]:
    """The size nearest in shape among multiples of `step` with at most `resolution` squared pixels.

    Of sizes equally near the larger wins. Shapes wider than 2:1 use the widest bucket.
    """
    shortest = max(step, math.ceil(resolution / math.sqrt(_WIDEST) / step) * step)
    longest = math.floor(resolution * math.sqrt(_WIDEST) / step) * step
    sides = range(shortest, longest + 1, step)
    fitting = [(w, h) for w in sides for h in sides if w * h <= resolution * resolution]
    wanted = math.log(width / height)
    return min(fitting, key=lambda size: (round(abs(math.log(size[0] / size[1]) - wanted), 9), -size[0] * size[1]))


def fit(image_HWC: Pixels, size_wh: tuple[int, int]) -> Pixels:
    """Scale to cover the size, then cut equally from both ends."""
    height, width = image_HWC.shape[:2]
    scale = max(size_wh[0] / width, size_wh[1] / height)
    cut_w, cut_h = size_wh[0] / scale, size_wh[1] / scale
    left, top = (width - cut_w) / 2, (height - cut_h) / 2
    box = (left, top, left + cut_w, top + cut_h)
    return np.asarray(Image.fromarray(image_HWC).resize(size_wh, Image.Resampling.LANCZOS, box=box))
