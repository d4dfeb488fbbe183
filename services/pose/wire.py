"""Between the messages of oma.pose.v1 and arrays; used by both services' convert.py.

Axes: P people, K the 133 keypoints.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from oma.pose.v1 import pose_pb2

from services.common.errors import InvalidInput
from services.pose.skeleton import KEYPOINTS

Floats = NDArray[np.float64]

FARTHEST_PIXEL = 100_000.0
"""Points may lie outside their picture, but not farther from its corner than this."""


def read_people(people: Sequence[pose_pb2.Person]) -> tuple[Floats, Floats]:
    """Points `xy_PK2` and scores `score_PK`.

    Raises:
        InvalidInput: not 133 points, a coordinate that is no number or far outside, a score outside [0, 1].
    """
    read = [_read_person(person) for person in people]
    return np.stack([xy_K2 for xy_K2, _ in read]), np.stack([score_K for _, score_K in read])


def _read_person(person: pose_pb2.Person) -> tuple[Floats, Floats]:
    if len(person.keypoints) != KEYPOINTS:
        raise InvalidInput(f"{len(person.keypoints)} keypoints: send exactly {KEYPOINTS}", reason="KEYPOINT_COUNT")
    points_K3 = np.array([(point.x, point.y, point.score) for point in person.keypoints], np.float64)
    xy_K2, score_K = points_K3[:, :2], points_K3[:, 2]
    if not (np.abs(xy_K2) <= FARTHEST_PIXEL).all():
        raise InvalidInput("a keypoint's coordinate is no number, or far outside the picture", reason="KEYPOINT_RANGE")
    if not ((score_K >= 0) & (score_K <= 1)).all():
        raise InvalidInput("a keypoint's score is outside [0, 1]", reason="KEYPOINT_SCORE")
    return xy_K2, score_K


def write_person(xy_K2: Floats, score_K: NDArray[np.floating]) -> pose_pb2.Person:
    """The message; scores are cut to [0, 1]."""
    return pose_pb2.Person(
        keypoints=[
            pose_pb2.Keypoint(x=x, y=y, score=score)
            for (x, y), score in zip(xy_K2.tolist(), np.clip(score_K, 0, 1).tolist(), strict=True)
        ]
    )


def in_range(value: float, low: float, high: float, name: str) -> float:
    """`value` itself.

    Raises:
        InvalidInput: outside [low, high]; `name` says which field, in the message and the reason.
    """
    if math.isnan(value) or not low <= value <= high:
        raise InvalidInput(f"{name} is {value:g}: choose {low:g} to {high:g}", reason=name.upper())
    return value
