"""A person's skeleton: proportions, a pose within joint limits, and where the joints come to lie.

Frames: x to the person's left, y up, z forward; after `place` everything is in camera axes (x right, y up, z towards
the viewer), in
units of the person's standing height, with the pelvis at the origin. Angles are degrees.
"""

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Vector_3 = NDArray[np.float64]
Matrix_33 = NDArray[np.float64]

SIDES = (("left", 1.0), ("right", -1.0))

LIMITS: dict[str, tuple[float, float]] = {
    "view": (-180, 180),
    "pitch": (-20, 25),
    "roll": (-60, 60),
    "lean": (-20, 60),
    "bend": (-20, 45),
    "side": (-20, 20),
    "twist": (-30, 30),
    "nod": (-30, 35),
    "turn": (-60, 60),
    "tilt": (-20, 20),
    "lift": (-15, 175),
    "swing": (-60, 170),
    "rotate": (-50, 95),
    "elbow": (0, 145),
    "wrist": (-45, 45),
    "fist": (0, 1),
    "spread": (0, 1),
    "stride": (-35, 115),
    "part": (-8, 60),
    "out": (-25, 40),
    "knee": (0, 140),
    "ankle": (-30, 45),
}
"""Lowest and highest value of each angle; `fist` and `spread` are amounts."""


def _check(part: object) -> None:
    for field in fields(part):  # type: ignore[arg-type]
        value = getattr(part, field.name)
        if field.name in LIMITS and not LIMITS[field.name][0] <= value <= LIMITS[field.name][1]:
            raise ValueError(f"{field.name} {value:.1f} outside {LIMITS[field.name]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Angles of one arm: raised sideways, swung forward, rotated inwards; elbow, wrist; closed fist and spread
    fingers (0..1).
    """

    lift: float = 8.0
    swing: float = 0.0
    rotate: float = 10.0
    elbow: float = 12.0
    wrist: float = 0.0
    fist: float = 0.25
    spread: float = 0.4

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """Angles of one leg: swung forward, parted sideways, turned out; knee and ankle."""

    stride: float = 0.0
    part: float = 3.0
    out: float = 8.0
    knee: float = 3.0
    ankle: float = 0.0

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """View (0 front, 90 facing right, 180 back), camera pitch and roll, trunk, head and limbs."""

    view: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    lean: float = 0.0
    bend: float = 0.0
    side: float = 0.0
    twist: float = 0.0
    nod: float = 0.0
    turn: float = 0.0
    tilt: float = 0.0
    left_arm: Arm = Arm()
    right_arm: Arm = Arm()
    left_leg: Leg = Leg()
    right_leg: Leg = Leg()

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Proportions: height in heads (2.4 chibi .. 7.6 adult), and relative widths of shoulders, hips, limbs."""

    heads: float = 6.5
    shoulders: float = 1.0
    hips: float = 1.0
    girth: float = 1.0
    legs: float = 1.0

    @property
    def head(self) -> float:
        """Height of the head, chin to crown."""
        return 1.0 / self.heads

    @property
    def rest(self) -> float:
        """Height below the chin."""
        return 1.0 - self.head


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """Joints by name and the frames (columns: left, up, forward) of head, chest, pelvis, hands and feet, in camera
    axes.
    """

    joints: dict[str, Vector_3]
    frames: dict[str, Matrix_33]


def turn_x(degrees: float) -> Matrix_33:
    """Rotation about x."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def turn_y(degrees: float) -> Matrix_33:
    """Rotation about y."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def turn_z(degrees: float) -> Matrix_33:
    """Rotation about z."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def place(body: Body, pose: Pose) -> Skeleton:
    """Where the joints of this body lie in this pose."""
    rest = body.rest
    camera = turn_z(pose.roll) @ turn_x(pose.pitch) @ turn_y(pose.view)
    pelvis = camera @ turn_x(pose.lean)
    chest = pelvis @ turn_z(pose.side) @ turn_x(pose.bend) @ turn_y(pose.twist)
    head = chest @ turn_y(pose.turn) @ turn_x(pose.nod) @ turn_z(pose.tilt)
    waist = pelvis @ np.array([0, 0.11 * rest, 0])
    collar = waist + chest @ np.array([0, 0.25 * rest, 0])
    chin_base = collar + chest @ np.array([0, 0.045 * rest, 0.01 * rest]) + head @ np.array([0, 0.02 * rest, 0])
    joints = {
        "pelvis": np.zeros(3),
        "waist": waist,
        "collar": collar,
        "throat": chin_base,
        "head": chin_base + head @ np.array([0, 0.5 * body.head, 0.06 * body.head]),
    }
    frames = {"pelvis": pelvis, "chest": chest, "head": head}
    for side, sign in SIDES:
        _place_arm(joints, frames, body, getattr(pose, f"{side}_arm"), side, sign)
        _place_leg(joints, frames, body, getattr(pose, f"{side}_leg"), side, sign)
    return Skeleton(joints=joints, frames=frames)


def _place_arm(
    joints: dict[str, Vector_3], frames: dict[str, Matrix_33], body: Body, arm: Arm, side: str, sign: float
) -> None:
    rest = body.rest
    # A raised arm takes the shoulder with it.
    raise_by = 0.025 * max(0.0, arm.lift - 60) / 115
    shoulder = joints["collar"] + frames["chest"] @ np.array(
        [sign * 0.118 * body.shoulders * rest, (-0.028 + raise_by) * rest, 0]
    )
    upper = frames["chest"] @ turn_z(sign * arm.lift) @ turn_x(-arm.swing) @ turn_y(-sign * arm.rotate)
    fore = upper @ turn_x(-arm.elbow)
    hand = fore @ turn_x(-arm.wrist) @ turn_y(-sign * 20)
    joints[f"{side}_shoulder"] = shoulder
    joints[f"{side}_elbow"] = shoulder + upper @ np.array([0, -0.195 * rest, 0])
    joints[f"{side}_wrist"] = joints[f"{side}_elbow"] + fore @ np.array([0, -0.17 * rest, 0])
    frames[f"{side}_hand"] = hand


def _place_leg(
    joints: dict[str, Vector_3], frames: dict[str, Matrix_33], body: Body, leg: Leg, side: str, sign: float
) -> None:
    rest = body.rest
    hip = frames["pelvis"] @ np.array([sign * 0.065 * body.hips * rest, -0.02 * rest, 0])
    thigh = frames["pelvis"] @ turn_z(sign * leg.part) @ turn_x(-leg.stride) @ turn_y(sign * leg.out)
    shin = thigh @ turn_x(leg.knee)
    foot = shin @ turn_x(-leg.ankle)
    joints[f"{side}_hip"] = hip
    joints[f"{side}_knee"] = hip + thigh @ np.array([0, -0.28 * body.legs * rest, 0])
    joints[f"{side}_ankle"] = joints[f"{side}_knee"] + shin @ np.array([0, -0.26 * body.legs * rest, 0])
    frames[f"{side}_foot"] = foot
