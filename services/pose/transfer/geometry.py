"""Sizes and places: how a character and a pose are fitted into a result. Nothing is ever squashed.

Axes: K keypoints, H W picture, C RGB.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

MARGIN = 0.04
"""Share of a side that a pose keeps free on each side, if its picture must be cut anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Where a whole picture lies inside a canvas when it is as large as fits, in the middle."""

    scale: float
    left: int
    top: int
    inner_wh: tuple[int, int]


def default_size(picture_wh: tuple[int, int], side: int, step: int) -> tuple[int, int]:
    """The size nearest to the picture's aspect with the area of a square of `side`, in multiples of `step`.

    A picture more than four times as long as wide gets the aspect 4; the rest of the result is padding.
    """
    root_aspect = float(np.clip((picture_wh[0] / picture_wh[1]) ** 0.5, 0.5, 2.0))
    return max(step, round(side * root_aspect / step) * step), max(step, round(side / root_aspect / step) * step)


def fit_inside(picture_wh: tuple[int, int], canvas_wh: tuple[int, int]) -> Fit:
    """The whole picture inside the canvas, its proportions kept."""
    scale = min(canvas_wh[0] / picture_wh[0], canvas_wh[1] / picture_wh[1])
    inner_wh = (
        min(canvas_wh[0], max(1, round(picture_wh[0] * scale))),
        min(canvas_wh[1], max(1, round(picture_wh[1] * scale))),
    )
    return Fit(
        scale=scale, left=(canvas_wh[0] - inner_wh[0]) // 2, top=(canvas_wh[1] - inner_wh[1]) // 2, inner_wh=inner_wh
    )


def cover_picture(image_HWC: Pixels, canvas_wh: tuple[int, int]) -> Pixels:
    """The picture over the whole canvas; what is left over of its height or width is cut off evenly."""
    height, width = image_HWC.shape[:2]
    scale = max(canvas_wh[0] / width, canvas_wh[1] / height)
    seen_wh = (canvas_wh[0] / scale, canvas_wh[1] / scale)
    left, top = (width - seen_wh[0]) / 2, (height - seen_wh[1]) / 2
    box = (left, top, min(width, left + seen_wh[0]), min(height, top + seen_wh[1]))
    return np.asarray(Image.fromarray(image_HWC).resize(canvas_wh, Image.Resampling.LANCZOS, box=box))


def fit_picture(image_HWC: Pixels, canvas_wh: tuple[int, int]) -> Pixels:
    """The picture inside a canvas of the usual colour of its border."""
    fit = fit_inside((image_HWC.shape[1], image_HWC.shape[0]), canvas_wh)
    inner = Image.fromarray(image_HWC).resize(fit.inner_wh, Image.Resampling.LANCZOS)
    if fit.inner_wh == canvas_wh:
        return np.asarray(inner)
    border_NC = np.concatenate([image_HWC[0], image_HWC[-1], image_HWC[:, 0], image_HWC[:, -1]])
    canvas_HWC = np.empty((canvas_wh[1], canvas_wh[0], 3), np.uint8)
    canvas_HWC[:] = np.median(border_NC, axis=0)
    canvas_HWC[fit.top : fit.top + fit.inner_wh[1], fit.left : fit.left + fit.inner_wh[0]] = np.asarray(inner)
    return canvas_HWC


def fit_points(
    xy_K2: Floats, seen_K: NDArray[np.bool_], picture_wh: tuple[int, int], canvas_wh: tuple[int, int]
) -> Floats:
    """Points of a picture as points of the canvas, their proportions kept.

    Where the aspects differ the picture covers the canvas, and what is cut off lies as evenly around the person as it
    can; but the picture is made smaller, at most until all of it is inside, while points that are seen would leave the
    canvas or touch its border. So a person standing in a wide photograph stays as tall in a narrow drawing.
    """
    picture_2, canvas_2 = np.array(picture_wh, np.float64), np.array(canvas_wh, np.float64)
    contain, cover = (canvas_2 / picture_2).min(), (canvas_2 / picture_2).max()
    inside_K2 = np.clip(xy_K2[seen_K], 0, picture_2) if seen_K.any() else np.array([[0, 0], picture_2])
    low_2, high_2 = inside_K2.min(axis=0), inside_K2.max(axis=0)
    room_2 = canvas_2 * (1 - 2 * MARGIN) / np.maximum(high_2 - low_2, 1)
    scale = float(np.clip(room_2.min(), contain, cover))
    spare_2 = picture_2 - canvas_2 / scale  # negative where the canvas is larger
    wanted_2 = (low_2 + high_2) / 2 - canvas_2 / scale / 2
    start_2 = np.where(spare_2 > 0, np.clip(wanted_2, 0, np.maximum(spare_2, 0)), spare_2 / 2)
    return np.asarray((xy_K2 - start_2) * scale, np.float64)
