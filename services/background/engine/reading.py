"""Reads how near a drawing is to an artist's own pages: line, palette, texture and sharpness, each for itself.

Classical picture statistics only. What is near is told by the pages themselves: how far they are from one another.
"""

from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from services.background.engine.layers import thin_lines
from services.common.pictures import Pixels

SIDE_PX = 256  # of the shorter side when it is read, so that strokes of different scans compare
CLOSE, NEAR = 1.35, 2.2  # times as far as the pages are from one another
_LEVELS = 4
_QUANTILES = np.linspace(0.02, 0.98, 25)

Vector = NDArray[np.float64]


class Aspect(Enum):
    """What is compared."""

    LINE = "line"
    PALETTE = "palette"
    TEXTURE = "texture"
    SHARPNESS = "sharpness"


# The distance that counts as one where the pages agree better than that, or where there is only one of them.
_LEAST = {Aspect.LINE: 0.25, Aspect.PALETTE: 6.0, Aspect.TEXTURE: 0.2, Aspect.SHARPNESS: 0.2}


class Verdict(Enum):
    """In a word."""

    CLOSE = "close"
    NEAR = "near"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`times` is how many times as far from the nearest pages as they are from one another, for each aspect."""

    times: dict[Aspect, float]

    @property
    def overall(self) -> float:
        """The geometric mean over the aspects, none of them counted as better than the pages themselves."""
        return float(np.exp(np.mean([np.log(max(times, 1.0)) for times in self.times.values()])))

    @property
    def verdict(self) -> Verdict:
        return verdict(self.overall)


def verdict(times: float) -> Verdict:
    if times <= CLOSE:
        return Verdict.CLOSE
    return Verdict.NEAR if times <= NEAR else Verdict.OFF


def read_style(image_HWC: Pixels, pages: list[Pixels]) -> Reading:
    """Compare a drawing (H, W, 3) with one or more pages of the artist's."""
    own, others = features(image_HWC), [features(page) for page in pages]
    times = {}
    for aspect in Aspect:
        usual = _LEAST[aspect]
        if len(others) > 1:
            between = [_nearest(page, [other for other in others if other is not page], aspect) for page in others]
            usual = max(usual, float(np.median(between)))
        times[aspect] = _nearest(own, others, aspect) / usual
    return Reading(times=times)


def features(image_HWC: Pixels) -> dict[Aspect, Vector]:
    """One vector for each aspect; their mean absolute difference is the distance of two pictures."""
    scale = SIDE_PX / min(image_HWC.shape[:2])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small_HWC = np.asarray(cv2.resize(image_HWC, None, fx=scale, fy=scale, interpolation=way), np.uint8)
    gray_HW = np.asarray(cv2.cvtColor(small_HWC, cv2.COLOR_RGB2GRAY), np.uint8)
    return {
        Aspect.LINE: _line(gray_HW),
        Aspect.PALETTE: _palette(small_HWC),
        Aspect.TEXTURE: _texture(gray_HW),
        Aspect.SHARPNESS: _sharpness(gray_HW),
    }


def _nearest(own: dict[Aspect, Vector], others: list[dict[Aspect, Vector]], aspect: Aspect) -> float:
    """Mean distance to the two nearest: one page alone may be a chance."""
    distances = sorted(float(np.abs(own[aspect] - other[aspect]).mean()) for other in others)
    return float(np.mean(distances[:2]))


def _line(gray_HW: NDArray[np.uint8]) -> Vector:
    """Share of the picture, width and darkness of dark and of light strokes, as logarithms."""
    found: list[float] = []
    for one_HW in (gray_HW, np.asarray(255 - gray_HW, np.uint8)):
        lines_HW = thin_lines(one_HW)
        share = float(lines_HW.mean())
        inside_HW = cv2.distanceTransform(lines_HW.astype(np.uint8), cv2.DIST_L2, 3)
        width_px = float(2 * inside_HW[lines_HW].mean()) if share else 0.0
        found += [np.log(share + 0.01), np.log(width_px + 0.5), float(one_HW[lines_HW].mean()) / 64 if share else 4.0]
    return np.array(found)


def _palette(image_HWC: Pixels) -> Vector:
    """Quantiles of lightness, of the two colour axes and of chroma, in CIELAB units."""
    lab_HWC = cv2.cvtColor(image_HWC.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    chroma_HW = np.hypot(lab_HWC[..., 1], lab_HWC[..., 2])
    planes = [lab_HWC[..., 0], lab_HWC[..., 1], lab_HWC[..., 2], chroma_HW]
    return np.concatenate([np.quantile(plane_HW, _QUANTILES) for plane_HW in planes]).astype(np.float64)


def _texture(gray_HW: NDArray[np.uint8]) -> Vector:
    """How strong each octave of detail is, and how much of it is in few places, as logarithms."""
    level_HW, found = np.asarray(gray_HW, np.float32), list[float]()
    for _ in range(_LEVELS):
        below_HW = np.asarray(cv2.pyrDown(level_HW), np.float32)
        detail_HW = level_HW - cv2.pyrUp(below_HW, dstsize=level_HW.shape[::-1])
        spread = float(detail_HW.std()) + 0.5
        found += [np.log(spread), np.log(float(np.abs(detail_HW).mean()) / spread + 0.05)]
        level_HW = below_HW
    return np.array(found)


def _sharpness(gray_HW: NDArray[np.uint8]) -> Vector:
    """How steep the steepest edges are, as logarithms of levels a pixel."""
    across_HW, down_HW = (cv2.Sobel(gray_HW, cv2.CV_32F, dx, 1 - dx, scale=0.25) for dx in (1, 0))
    steep_HW = np.hypot(across_HW, down_HW)
    return np.asarray(np.log(np.quantile(steep_HW, [0.8, 0.9, 0.95, 0.99]) + 2), np.float64)
