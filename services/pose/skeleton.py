"""Skeletons: COCO-WholeBody keypoints in OpenPose's order, and drawn in DWPose's colours, pixel for pixel.

Axes: P people, K the 133 keypoints of COCO-WholeBody, O the 134 of OpenPose (a neck is added), J points of one part,
V corners of an outline, H W picture, C RGB. A point is x, y in pixels.
133: 0-16 body, 17-22 feet, 23-90 face, 91-111 left hand, 112-132 right hand.
134: 0-17 body, 18-23 feet, 24-91 face, 92-112 left hand, 113-133 right hand.
"""

import colorsys
import math

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.pose.sizes import working_size

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

KEYPOINTS = 133
MIN_SCORE = 0.3

_NECK = 17  # where the neck is put before the points are put in order
_LEFT_SHOULDER, _RIGHT_SHOULDER = 5, 6
_MOVED_TO = [1, 2, 3, 4, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17]
_MOVED_FROM = [17, 6, 8, 10, 7, 9, 12, 14, 16, 13, 15, 2, 1, 4, 3]

BODY = slice(0, 18)
FACE = slice(24, 92)
HANDS = (slice(92, 113), slice(113, 134))

# Pairs of body points, in drawing order; limb i has colour i.
LIMBS = [
    *[(1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13)],
    *[(1, 0), (0, 14), (14, 16), (0, 15), (15, 17)],
]
BODY_COLOURS = [
    *[(255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85)],
    *[(0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255)],
    *[(255, 0, 255), (255, 0, 170), (255, 0, 85)],
]
FINGERS = [
    (knuckle if knuckle % 4 else 0, knuckle + 1) for finger in range(5) for knuckle in range(finger * 4, finger * 4 + 4)
]
FINGER_COLOURS = [
    tuple(255 * channel for channel in colorsys.hsv_to_rgb(i / len(FINGERS), 1, 1)) for i in range(len(FINGERS))
]


def to_openpose(xy_PK2: Floats, score_PK: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """The points `xy_PO2, score_PO` with a neck, in OpenPose's order.

    The neck lies between the shoulders; its score is 1 if both are seen (over 0.3), else 0.
    """
    shoulders = [_LEFT_SHOULDER, _RIGHT_SHOULDER]
    neck_P2 = xy_PK2[:, shoulders].mean(axis=1)
    score_PK = score_PK.astype(np.float64)
    neck_P = (score_PK[:, shoulders] > MIN_SCORE).all(axis=1)
    xy_PO2 = np.insert(xy_PK2.astype(np.float64), _NECK, neck_P2, axis=1)
    score_PO = np.insert(score_PK, _NECK, neck_P, axis=1)
    xy_PO2[:, _MOVED_TO] = xy_PO2[:, _MOVED_FROM]
    score_PO[:, _MOVED_TO] = score_PO[:, _MOVED_FROM]
    return xy_PO2, score_PO


def clearest_person(score_PO: Floats) -> int:
    """The person with the highest mean body score; the first of equals."""
    return int(score_PO[:, BODY].mean(axis=1).argmax())


def draw_people(xy_PK2: Floats, score_PK: NDArray[np.floating], canvas_wh: tuple[int, int]) -> Pixels:
    """Everybody on a black canvas of this size, as DWPose draws; strokes have fixed widths in pixels.

    Points are pixels of the canvas. Points outside are clipped; unseen ones are left out.
    """
    xy_PO2, score_PO = to_openpose(xy_PK2, score_PK)
    width, height = canvas_wh
    # Divided and multiplied back as the original does: truncation to whole pixels depends on it.
    xy_PO2 = xy_PO2 / np.array([width, height], np.float64) * np.array([width, height], np.float64)
    canvas_HWC = np.zeros((height, width, 3), np.uint8)
    body_seen_PO = score_PO[:, BODY] > MIN_SCORE
    canvas_HWC = _draw_bodies(canvas_HWC, xy_PO2[:, BODY], body_seen_PO)
    # A point in column or row 0 is skipped by the original; so are all unseen ones.
    whole_PO2 = np.trunc(xy_PO2).astype(np.int64)
    shown_PO = (score_PO >= MIN_SCORE) & (whole_PO2 > 0).all(axis=2)
    for hand in HANDS:
        for points_J2, shown_J in zip(whole_PO2[:, hand], shown_PO[:, hand], strict=True):
            _draw_hand(canvas_HWC, points_J2, shown_J)
    for x, y in whole_PO2[:, FACE][shown_PO[:, FACE]]:
        cv2.circle(canvas_HWC, (int(x), int(y)), 3, (255, 255, 255), -1)
    return canvas_HWC


def people_picture(xy_PK2: Floats, score_PK: NDArray[np.floating], size_wh: tuple[int, int]) -> Pixels:
    """Everybody in a picture of `size_wh`; points are pixels of that picture.

    Drawn at about 512 pixels on the short side and then resized (bilinear, antialiased), so that strokes keep their
    width in relation to the picture.
    """
    canvas_wh = working_size(size_wh)
    stretched_PK2 = xy_PK2 * (np.array(canvas_wh, np.float64) / np.array(size_wh, np.float64))
    canvas_HWC = draw_people(stretched_PK2, score_PK, canvas_wh)
    return np.asarray(Image.fromarray(canvas_HWC).resize(size_wh, Image.Resampling.BILINEAR))


def pose_picture(xy_K2: Floats, score_K: NDArray[np.floating], size_wh: tuple[int, int]) -> Pixels:
    """One person's skeleton as the picture that pose transfer follows; as `people_picture`."""
    return people_picture(xy_K2[None], score_K[None], size_wh)


def _draw_bodies(canvas_HWC: Pixels, xy_PJ2: Floats, seen_PJ: NDArray[np.bool_]) -> Pixels:
    for colour, limb in zip(BODY_COLOURS, LIMBS, strict=False):
        for xy_J2, seen_J in zip(xy_PJ2, seen_PJ, strict=True):
            if seen_J[list(limb)].all():
                _draw_limb(canvas_HWC, xy_J2[list(limb)], colour)
    canvas_HWC = (canvas_HWC * 0.6).astype(np.uint8)
    for joint, colour in enumerate(BODY_COLOURS):
        for x, y in xy_PJ2[seen_PJ[:, joint], joint]:
            cv2.circle(canvas_HWC, (int(x), int(y)), 4, colour, -1)
    return canvas_HWC


def _draw_limb(canvas_HWC: Pixels, ends_22: Floats, colour: tuple[int, int, int]) -> None:
    (x, y), (dx, dy) = ends_22.mean(axis=0), ends_22[0] - ends_22[1]
    half_length = int((dx**2 + dy**2) ** 0.5 / 2)
    angle_degrees = int(math.degrees(math.atan2(dy, dx)))
    outline_V2 = np.array(cv2.ellipse2Poly((int(x), int(y)), (half_length, 4), angle_degrees, 0, 360, 1))
    cv2.fillConvexPoly(canvas_HWC, outline_V2, colour)


def _draw_hand(canvas_HWC: Pixels, points_J2: NDArray[np.int64], shown_J: NDArray[np.bool_]) -> None:
    for colour, (start, end) in zip(FINGER_COLOURS, FINGERS, strict=True):
        if shown_J[start] and shown_J[end]:
            cv2.line(canvas_HWC, points_J2[start].tolist(), points_J2[end].tolist(), colour, thickness=2)
    for point_2 in points_J2[shown_J]:
        cv2.circle(canvas_HWC, point_2.tolist(), 4, (0, 0, 255), -1)
