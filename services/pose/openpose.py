"""OpenPose's JSON, with body 18 or 25, hands and face; both ways.

A file lists people; each has flat lists of x, y, confidence in pixels. What was not seen is 0, 0, 0 there.
Axes: P people, K the 133 keypoints, J points of one part, B the body of OpenPose (18; or 25, with the hips' middle and
feet).
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.common.errors import InvalidInput
from services.pose.skeleton import BODY, FACE, HANDS, KEYPOINTS, to_openpose

Floats = NDArray[np.float64]

BODIES = (18, 25)
_FACE_POINTS, _HAND_POINTS = 70, 21  # OpenPose's faces end with the two pupils, which COCO-WholeBody lacks
_MAX_PEOPLE = 64

# Of our 133, at OpenPose's places; None is a middle that is computed: the neck, and that of the hips.
_BODY_18 = (0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
_BODY_25 = (0, None, 6, 8, 10, 5, 7, 9, None, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3, 17, 18, 19, 20, 21, 22)
_PLACES = {18: _BODY_18, 25: _BODY_25}
_LEFT_HIP, _RIGHT_HIP, _MIDDLE_HIP = 11, 12, 8
_FACE_133, _LEFT_133, _RIGHT_133 = slice(23, 91), slice(91, 112), slice(112, 133)


def to_json(xy_PK2: Floats, score_PK: NDArray[np.floating], *, body: int = 18) -> str:
    """Everybody as an OpenPose file.

    Raises:
        InvalidInput: `body` is neither 18 nor 25.
    """
    if body not in BODIES:
        raise InvalidInput(f"body {body}: choose 18 or 25", reason="OPENPOSE_BODY")
    xy_PO2, score_PO = to_openpose(xy_PK2, score_PK)
    people = []
    for xy_K2, score_K, xy_O2, score_O in zip(xy_PK2, score_PK.astype(np.float64), xy_PO2, score_PO, strict=True):
        body_xy, body_score = xy_O2[BODY], score_O[BODY]
        if body == 25:  # noqa: PLR2004 (OpenPose's name for it)
            body_xy, body_score = _body_25(xy_K2, score_K, body_xy, body_score)
        pupils_23 = np.zeros((_FACE_POINTS - (FACE.stop - FACE.start), 2)), np.zeros(2)
        face = np.concatenate([xy_O2[FACE], pupils_23[0]]), np.concatenate([score_O[FACE], pupils_23[1]])
        people.append(
            {
                "person_id": [-1],
                "pose_keypoints_2d": _flat(body_xy, body_score),
                "face_keypoints_2d": _flat(*face),
                "hand_left_keypoints_2d": _flat(xy_O2[HANDS[0]], score_O[HANDS[0]]),
                "hand_right_keypoints_2d": _flat(xy_O2[HANDS[1]], score_O[HANDS[1]]),
            }
        )
    return json.dumps({"version": 1.3, "people": people})


def from_json(text: str | bytes) -> tuple[Floats, Floats]:
    """Points `xy_PK2` and scores `score_PK` of an OpenPose file; parts that it leaves out are marked as not seen.

    Raises:
        InvalidInput: not such a file.
    """
    try:
        people = json.loads(text)["people"]
        count = len(people)
        read = [_read_person(person) for person in people[:_MAX_PEOPLE]]
    except RecursionError as error:
        raise InvalidInput("no OpenPose JSON: too many brackets", reason="OPENPOSE_JSON") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidInput(f"no OpenPose JSON: {str(error)[:200]}", reason="OPENPOSE_JSON") from error
    if not 1 <= count <= _MAX_PEOPLE:
        raise InvalidInput(f"{count} people: 1 to {_MAX_PEOPLE} can be read", reason="OPENPOSE_PEOPLE")
    return np.stack([xy_K2 for xy_K2, _ in read]), np.stack([score_K for _, score_K in read])


def _body_25(xy_K2: Floats, score_K: Floats, body_B2: Floats, body_B: Floats) -> tuple[Floats, Floats]:
    hips = [_LEFT_HIP, _RIGHT_HIP]
    middle_2, middle_score = xy_K2[hips].mean(axis=0), score_K[hips].min()
    feet_xy, feet_score = xy_K2[17:23], score_K[17:23]
    head, rest = slice(0, _MIDDLE_HIP), slice(_MIDDLE_HIP, None)
    return (
        np.concatenate([body_B2[head], middle_2[None], body_B2[rest], feet_xy]),
        np.concatenate([body_B[head], [middle_score], body_B[rest], feet_score]),
    )


def _flat(xy_J2: Floats, score_J: Floats) -> list[float]:
    seen_J = score_J > 0
    points_J3 = np.where(seen_J[:, None], np.column_stack([xy_J2, np.clip(score_J, 0, 1)]), 0.0)
    return [round(value, 4) for value in points_J3.ravel().tolist()]


def _read_person(person: dict[str, Any]) -> tuple[Floats, Floats]:
    points_K3 = np.zeros((KEYPOINTS, 3))
    body_B3 = _triples(person, "pose_keypoints_2d")
    if len(body_B3) not in BODIES:
        raise ValueError(f"a body of {len(body_B3)} points, not 18 or 25")
    for point_3, place in zip(body_B3, _PLACES[len(body_B3)], strict=True):
        if place is not None:
            points_K3[place] = point_3
    parts = (
        (_FACE_133, "face_keypoints_2d", _FACE_POINTS),
        (_LEFT_133, "hand_left_keypoints_2d", _HAND_POINTS),
        (_RIGHT_133, "hand_right_keypoints_2d", _HAND_POINTS),
    )
    for where, name, count in parts:
        part_J3 = _triples(person, name)
        if len(part_J3) not in (0, where.stop - where.start, count):
            raise ValueError(f"{name} has {len(part_J3)} points, not {count}")
        if len(part_J3):
            points_K3[where] = part_J3[: where.stop - where.start]
    return points_K3[:, :2], np.clip(points_K3[:, 2], 0, 1)


def _triples(person: dict[str, Any], name: str) -> Floats:
    flat = np.array(person.get(name) or [], np.float64)
    if flat.ndim != 1 or flat.size % 3 or not np.isfinite(flat).all():
        raise ValueError(f"{name} is no list of x, y, confidence")
    return flat.reshape(-1, 3)
