"""Turns a limb of a pose about its joint.

K keypoints in the order of COCO-WholeBody: 17 of the body, 6 of the feet, 68 of the face, 21 of each hand.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from services.cli.client.records import Person
from services.common.errors import InvalidInput

KEYPOINTS = 133
_LEFT_HAND, _RIGHT_HAND = tuple(range(91, 112)), tuple(range(112, 133))


@dataclass(frozen=True, slots=True)
class Limb:
    """Indices of the joint it turns about and of what turns with it."""

    pivot: int
    moving: tuple[int, ...]


LIMBS = {
    "left-arm": Limb(5, (7, 9, *_LEFT_HAND)),
    "right-arm": Limb(6, (8, 10, *_RIGHT_HAND)),
    "left-forearm": Limb(7, (9, *_LEFT_HAND)),
    "right-forearm": Limb(8, (10, *_RIGHT_HAND)),
    "left-leg": Limb(11, (13, 15, 17, 18, 19)),
    "right-leg": Limb(12, (14, 16, 20, 21, 22)),
    "left-shin": Limb(13, (15, 17, 18, 19)),
    "right-shin": Limb(14, (16, 20, 21, 22)),
}


def turn_limb(person: Person, limb_name: str, degrees: float) -> Person:
    """The person with one limb turned, clockwise as seen on the picture. Left and right are the person's own.

    Raises:
        InvalidInput: no such limb, or not 133 keypoints.
    """
    limb = LIMBS.get(limb_name)
    if limb is None:
        raise InvalidInput(f"no limb {limb_name!r}: one of {', '.join(LIMBS)}", reason="NO_LIMB")
    if len(person.keypoints) != KEYPOINTS:
        raise InvalidInput(f"{len(person.keypoints)} keypoints instead of {KEYPOINTS}", reason="KEYPOINTS")
    pivot = person.keypoints[limb.pivot]
    turned = [
        _turn(point, pivot, degrees) if index in limb.moving else point for index, point in enumerate(person.keypoints)
    ]
    return person.model_copy(update={"keypoints": turned})


def _turn(point: Sequence[float], pivot: Sequence[float], degrees: float) -> list[float]:
    # y points down, so the usual formula turns clockwise.
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    dx, dy = point[0] - pivot[0], point[1] - pivot[1]
    return [pivot[0] + cosine * dx - sine * dy, pivot[1] + sine * dx + cosine * dy, *point[2:]]
