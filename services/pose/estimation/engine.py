"""Finding people and their 133 points in one picture.

Axes: P people, K keypoints, N crops, H W picture, C channels.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.common.errors import InvalidInput
from services.pose.estimation import detection, keypoints

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

MIN_SIDE = 16


class Detector(Protocol):
    """YOLOX: a BGR square in [0, 255] to one row per anchor."""

    @property
    def side(self) -> int:
        """Pixels of the square's side."""

    def __call__(self, square_1CHW: NDArray[np.float32], /) -> NDArray[np.float32]: ...


class PointNetwork(Protocol):
    """SimCC: normalised crops, any number of them, to the bins of x and of y."""

    @property
    def crop_wh(self) -> tuple[int, int]:
        """Pixels of a crop."""

    def __call__(self, crops_NCHW: NDArray[np.float32], /) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LookSpec:
    """What to look for."""

    max_people: int = 16
    min_score: float = 0.3
    whole_picture_if_nobody: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who was found, the most certain first; all in pixels of the picture."""

    xy_PK2: Floats
    score_PK: NDArray[np.float32]  # raw: seldom a little above 1
    box_P4: Floats  # x0, y0, x1, y1
    box_score_P: NDArray[np.float32]
    used_whole_picture: bool = False


class PoseEngine:
    def __init__(self, detector: Detector, point_network: PointNetwork) -> None:
        self.detector = detector
        self.point_network = point_network

    def estimate(self, image_HWC: Pixels, spec: LookSpec) -> People:
        """Everybody in an RGB picture.

        Raises:
            InvalidInput: a side is under `MIN_SIDE` pixels.
        """
        height, width = image_HWC.shape[:2]
        if min(height, width) < MIN_SIDE:
            raise InvalidInput(
                f"{width} x {height}: both sides need at least {MIN_SIDE} pixels", reason="PICTURE_TOO_SMALL"
            )
        bgr_HWC = detection.to_working_picture(image_HWC)
        found = self.look(bgr_HWC, spec)
        back_2 = np.array([width / bgr_HWC.shape[1], height / bgr_HWC.shape[0]])
        return People(
            xy_PK2=found.xy_PK2 * back_2,
            score_PK=found.score_PK,
            box_P4=found.box_P4 * np.tile(back_2, 2),
            box_score_P=found.box_score_P,
            used_whole_picture=found.used_whole_picture,
        )

    def look(self, bgr_HWC: Pixels, spec: LookSpec) -> People:
        """Everybody in a BGR picture of working size, in its own pixels."""
        side = self.detector.side
        square_1CHW, scale = detection.letterbox(bgr_HWC, side)
        found = detection.find_people(self.detector(square_1CHW), scale, side, min_score=spec.min_score)
        box_P4 = found.xyxy_N4[: spec.max_people].astype(np.float64)
        box_score_P = found.score_N[: spec.max_people]
        nobody = not len(box_P4)
        if nobody and spec.whole_picture_if_nobody:
            box_P4 = np.array([[0, 0, bgr_HWC.shape[1], bgr_HWC.shape[0]]], np.float64)
            box_score_P = np.zeros(1, np.float32)
        xy_PK2, score_PK = self._read_points(bgr_HWC, box_P4)
        return People(
            xy_PK2=xy_PK2,
            score_PK=score_PK,
            box_P4=box_P4,
            box_score_P=box_score_P,
            used_whole_picture=nobody and spec.whole_picture_if_nobody,
        )

    def _read_points(self, bgr_HWC: Pixels, box_P4: Floats) -> tuple[Floats, NDArray[np.float32]]:
        if not len(box_P4):
            return np.zeros((0, 133, 2)), np.zeros((0, 133), np.float32)
        crop_wh = self.point_network.crop_wh
        crops = keypoints.crops_around(box_P4, crop_wh)
        inputs_NCHW = keypoints.normalise(keypoints.cut_crops(bgr_HWC, crops, crop_wh))
        simcc_NKX, simcc_NKY = self.point_network(inputs_NCHW)
        return keypoints.decode_simcc(simcc_NKX, simcc_NKY, crops, crop_wh)
