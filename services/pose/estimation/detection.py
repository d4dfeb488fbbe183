"""Looking for people as DWPose does with its YOLOX detector: pure functions from pixels to boxes.

Axes: H W picture, C channels in the order BGR, A anchors of the detector's three grids, N boxes.
A box is x0, y0, x1, y1 in pixels. The anchors' rows: centre, size, one objectness, one probability per class.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from services.pose.sizes import DRAWING_SIDE, working_size

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

STRIDES = (8, 16, 32)
PERSON_CLASS = 0
CANDIDATE_SCORE = 0.1
MAX_OVERLAP = 0.45

_GREY = 114


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """People found, the most certain first."""

    xyxy_N4: Floats
    score_N: Floats


def to_working_picture(image_HWC: Pixels, *, short_side: int = DRAWING_SIDE) -> Pixels:
    """An RGB picture as BGR at the size that the detector and the pose network look at."""
    size_wh = working_size((image_HWC.shape[1], image_HWC.shape[0]), short_side=short_side)
    grows = min(size_wh) > min(image_HWC.shape[:2])
    bgr_HWC = cv2.cvtColor(image_HWC, cv2.COLOR_RGB2BGR)
    resized = cv2.resize(bgr_HWC, size_wh, interpolation=cv2.INTER_LANCZOS4 if grows else cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)


def letterbox(bgr_HWC: Pixels, side: int) -> tuple[Floats, float]:
    """The picture in the upper left of a grey square, as the network's input (1, 3, side, side), and the scale."""
    height, width = bgr_HWC.shape[:2]
    scale = min(side / height, side / width)
    size_wh = (max(1, int(width * scale)), max(1, int(height * scale)))
    square_HWC = np.full((side, side, 3), _GREY, np.uint8)
    square_HWC[: size_wh[1], : size_wh[0]] = cv2.resize(bgr_HWC, size_wh, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(square_HWC.transpose(2, 0, 1)[None], np.float32), scale


@lru_cache(maxsize=4)
def anchor_grid(side: int) -> NDArray[np.float64]:
    """Column, row and stride of every anchor (A, 3): finest grid first, row by row."""
    grids = []
    for stride in STRIDES:
        cells = side // stride
        ys, xs = np.mgrid[:cells, :cells]
        grids.append(np.stack([xs, ys, np.full_like(xs, stride)], axis=-1).reshape(-1, 3))
    return np.concatenate(grids).astype(np.float64)


def decode_anchors(raw_NR: Floats, anchor_N3: NDArray[np.float64]) -> Floats:
    """Centre and size, x y w h in pixels of the square (N, 4), of rows of the detector's output."""
    stride_N1 = anchor_N3[:, 2:]
    centre_N2 = (raw_NR[:, :2] + anchor_N3[:, :2]) * stride_N1
    size_N2 = np.exp(raw_NR[:, 2:4]) * stride_N1
    return np.concatenate([centre_N2, size_N2], axis=1).astype(np.float32)


def find_people(raw_1AR: Floats, scale: float, side: int, *, min_score: float) -> Boxes:
    """Boxes of class "person" with a score above `min_score`, in pixels of the picture that was letterboxed.

    The original suppresses overlaps class by class and then drops all classes but one; the same boxes remain when
    the others are dropped first.
    """
    raw_AR = raw_1AR[0]
    score_A = raw_AR[:, 4] * raw_AR[:, 5 + PERSON_CLASS]
    candidates_N = np.flatnonzero(score_A > min(CANDIDATE_SCORE, min_score))
    xywh_N4 = decode_anchors(raw_AR[candidates_N], anchor_grid(side)[candidates_N])
    half_N2 = xywh_N4[:, 2:] / 2
    corners_N4 = np.concatenate([xywh_N4[:, :2] - half_N2, xywh_N4[:, :2] + half_N2], axis=1)
    xyxy_N4 = (corners_N4 / np.float32(scale)).astype(np.float32)
    score_N = score_A[candidates_N]
    kept_N = suppress_overlaps(xyxy_N4, score_N, MAX_OVERLAP)
    # In float64, so that a score of float32(0.3) is above 0.3, as in the original.
    kept_N = kept_N[score_N[kept_N].astype(np.float64) > min_score]
    return Boxes(xyxy_N4=xyxy_N4[kept_N], score_N=score_N[kept_N])


def suppress_overlaps(xyxy_N4: Floats, score_N: Floats, max_overlap: float) -> NDArray[np.int64]:
    """Indices of the boxes that no more certain box overlaps by more than `max_overlap`, most certain first.

    Widths count both border pixels (+ 1), as in the original.
    """
    x0, y0, x1, y1 = xyxy_N4.T
    area_N = (x1 - x0 + 1) * (y1 - y0 + 1)
    waiting_N = score_N.argsort()[::-1]
    kept: list[int] = []
    while waiting_N.size:
        best, rest_N = waiting_N[0], waiting_N[1:]
        kept.append(int(best))
        width_N = np.minimum(x1[best], x1[rest_N]) - np.maximum(x0[best], x0[rest_N]) + 1
        height_N = np.minimum(y1[best], y1[rest_N]) - np.maximum(y0[best], y0[rest_N]) + 1
        shared_N = np.maximum(0.0, width_N) * np.maximum(0.0, height_N)
        waiting_N = rest_N[shared_N / (area_N[best] + area_N[rest_N] - shared_N) <= max_overlap]
    return np.array(kept, np.int64)
