"""Sizes of pictures: which are allowed, and which one a photograph gets. Pixels throughout."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from services.common.errors import InvalidInput
from services.common.pictures import Pixels

LARGEST_AREA = 16  # times the area that the family was trained at


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRule:
    """What a family can draw."""

    resolution: int  # side of the pictures it was trained on
    step: int  # widths and heights are multiples of this


def choose_size(
    rule: SizeRule, *, width: int | None, height: int | None, picture_wh: tuple[int, int] | None
) -> tuple[int, int]:
    """Width and height of a drawing; what is not given keeps the picture's aspect at the family's size.

    Raises:
        InvalidInput: a side that is not a multiple of the step, or more pixels than the family can draw.
    """
    for name, side in (("width", width), ("height", height)):
        if side is not None:
            _check_side(rule, name, side)
    aspect = picture_wh[0] / picture_wh[1] if picture_wh else 1.0
    if width is None and height is None:
        area = rule.resolution**2
        size = (_snap(rule, math.sqrt(area * aspect)), _snap(rule, math.sqrt(area / aspect)))
    elif width is None:
        size = (_snap(rule, (height or 0) * aspect), height or 0)
    else:
        size = (width, height if height is not None else _snap(rule, width / aspect))
    most = LARGEST_AREA * rule.resolution**2
    if size[0] * size[1] > most:
        raise InvalidInput(
            f"{size[0]} x {size[1]} is more than {most} pixels: choose a smaller width and height", reason="SIZE_RANGE"
        )
    return size


def fit_picture(image_HWC: Pixels, *, width: int, height: int) -> Pixels:
    """The picture at this size: scaled to cover it, what sticks out cut off evenly, never squashed."""
    image = Image.fromarray(image_HWC)
    if image.size == (width, height):
        return image_HWC
    return np.array(ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS))


def _check_side(rule: SizeRule, name: str, side: int) -> None:
    if side < rule.step or side % rule.step:
        below = max(rule.step, side // rule.step * rule.step)
        raise InvalidInput(
            f"{name} must be a multiple of {rule.step}, got {side}: use {below} or {below + rule.step}",
            reason="SIZE_STEP",
        )


def _snap(rule: SizeRule, side: float) -> int:
    return max(rule.step, round(side / rule.step) * rule.step)
