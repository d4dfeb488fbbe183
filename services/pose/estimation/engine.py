"""Finding people and their 133 points in one picture.

Axes: P people, K keypoints, N crops, H W picture, C channels.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.common.errors import InvalidInput, NotFound
from services.pose.estimation import detection, keypoints

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

MIN_SIDE = 16
BODY_POINTS = 17


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
    min_pose_score: float = 0.0  # of the body's points, in the mean; not asked of the whole picture
    person: int | None = None  # only this one, counted from the most certain


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who was found, the most certain first; all in pixels of the picture."""

    xy_PK2: Floats
    score_PK: NDArray[np.float32]  # raw: seldom a little above 1
    box_P4: Floats  # x0, y0, x1, y1
    box_score_P: NDArray[np.float32]
    used_whole_picture: bool = False
    seen: int = 0  # by the detector, before anything else was asked of them

    def only(self, kept_P: NDArray[np.intp]) -> "People":
        """These of them, in this order."""
        return replace(
            self,
            xy_PK2=self.xy_PK2[kept_P],
            score_PK=self.score_PK[kept_P],
            box_P4=self.box_P4[kept_P],
            box_score_P=self.box_score_P[kept_P],
        )


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
        return replace(found, xy_PK2=found.xy_PK2 * back_2, box_P4=found.box_P4 * np.tile(back_2, 2))

    def look(self, bgr_HWC: Pixels, spec: LookSpec) -> People:
        """Everybody in a BGR picture of working size, in its own pixels.

        Raises:
            NotFound: somebody is there, but not as many as the person asked for needs.
        """
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
        people = People(
            xy_PK2=xy_PK2,
            score_PK=score_PK,
            box_P4=box_P4,
            box_score_P=box_score_P,
            used_whole_picture=nobody and spec.whole_picture_if_nobody,
            seen=len(found.score_N),
        )
        return _choose(people, spec)

    def _read_points(self, bgr_HWC: Pixels, box_P4: Floats) -> tuple[Floats, NDArray[np.float32]]:
        if not len(box_P4):
            return np.zeros((0, 133, 2)), np.zeros((0, 133), np.float32)
        crop_wh = self.point_network.crop_wh
        crops = keypoints.crops_around(box_P4, crop_wh)
        inputs_NCHW = keypoints.normalise(keypoints.cut_crops(bgr_HWC, crops, crop_wh))
        simcc_NKX, simcc_NKY = self.point_network(inputs_NCHW)
        return keypoints.decode_simcc(simcc_NKX, simcc_NKY, crops, crop_wh)


def _choose(people: People, spec: LookSpec) -> People:
    if not people.used_whole_picture:
        body_P = np.clip(people.score_PK[:, :BODY_POINTS], 0, 1).mean(axis=1)
        people = people.only(np.flatnonzero(body_P >= spec.min_pose_score))
    count = len(people.box_score_P)
    if spec.person is None or not count:
        return people
    if spec.person >= count:
        raise NotFound(f"person {spec.person} was asked for, counted from 0: {count} found", reason="NO_SUCH_PERSON")
    return people.only(np.array([spec.person]))
