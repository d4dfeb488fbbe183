"""Who a character is (body, face, hair, clothes, colours) and how it stands: sampling of looks and poses."""

import colorsys
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from models.webtoon_tiny.pictures.characters_points import Face
from models.webtoon_tiny.pictures.characters_skeleton import LIMITS, Arm, Body, Leg, Pose
from models.webtoon_tiny.pictures.styles import Rgb

HAIR = ("short", "bob", "long", "ponytail", "twintails", "bun", "spiky", "curly")
TOPS = ("tee", "shirt", "hoodie", "tank", "jacket", "dress")
BOTTOMS = ("trousers", "shorts", "skirt", "leggings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Everything about a character that stays when it moves."""

    body: Body
    face: Face
    skin: Rgb
    hair: str
    hair_rgb: Rgb
    fringe: float
    eye_rgb: Rgb
    top: str
    top_rgb: Rgb
    trim_rgb: Rgb
    sleeve: float
    bottom: str
    bottom_rgb: Rgb
    shoe_rgb: Rgb
    sock_rgb: Rgb | None
    pattern: str


def _hsv(rng: np.random.Generator, saturation: tuple[float, float], value: tuple[float, float]) -> Rgb:
    return colorsys.hsv_to_rgb(rng.random(), rng.uniform(*saturation), rng.uniform(*value))


def _cloth(rng: np.random.Generator) -> Rgb:
    kind = rng.random()
    if kind < 0.2:
        grey = rng.uniform(0.12, 0.97)
        return (grey, grey, min(1.0, grey + 0.03))
    return _hsv(rng, (0.25, 0.85), (0.3, 0.97))


def _hair_rgb(rng: np.random.Generator) -> Rgb:
    if rng.random() < 0.35:
        return _hsv(rng, (0.35, 0.75), (0.4, 0.95))
    naturals: tuple[Rgb, ...] = (
        (0.13, 0.11, 0.13),
        (0.25, 0.16, 0.11),
        (0.45, 0.27, 0.15),
        (0.85, 0.68, 0.35),
        (0.62, 0.25, 0.13),
        (0.75, 0.75, 0.78),
    )
    base = naturals[rng.integers(len(naturals))]
    return tuple(float(np.clip(channel + rng.normal(0, 0.03), 0, 1)) for channel in base)  # type: ignore[return-value]


def sample_body(rng: np.random.Generator) -> Body:
    """Proportions from chibi to adult."""
    heads = float(
        rng.choice([rng.uniform(2.4, 3.6), rng.uniform(4.5, 6.2), rng.uniform(6.0, 7.6), rng.uniform(6.0, 7.4)])
    )
    return Body(
        heads=heads,
        shoulders=float(rng.uniform(0.82, 1.15)),
        hips=float(rng.uniform(0.9, 1.2)),
        girth=float(rng.uniform(0.8, 1.2)),
        legs=float(rng.uniform(0.94, 1.06)),
    )


def sample_face(rng: np.random.Generator, heads: float) -> Face:
    """Younger and smaller figures get larger, lower eyes."""
    young = float(np.clip((6.5 - heads) / 4, 0, 1))
    return Face(
        eye_v=-0.10 - 0.14 * young + float(rng.normal(0, 0.03)),
        eye_u=float(rng.uniform(0.40, 0.48)),
        eye_width=float(rng.uniform(0.17, 0.23)) + 0.04 * young,
        eye_height=float(rng.uniform(0.08, 0.14)) + 0.07 * young,
        eye_open=float(rng.choice([1.0, 1.0, 1.0, rng.uniform(0.2, 1.0)])),
        brow_gap=float(rng.uniform(0.1, 0.2)),
        jaw=float(rng.uniform(0.4, 1.3)),
        smile=float(rng.uniform(-0.06, 0.1)),
        mouth_open=float(rng.choice([0.0, 0.0, rng.uniform(0.1, 1.0)])),
        mouth_width=float(rng.uniform(0.12, 0.26)),
    )


def sample_look(rng: np.random.Generator) -> Look:
    """A new character."""
    body = sample_body(rng)
    tone = rng.random()
    skin = (0.99 - 0.42 * tone**1.6, 0.88 - 0.50 * tone**1.4, 0.79 - 0.55 * tone**1.2)
    top = str(rng.choice(TOPS))
    sleeves = {"tank": 0.0, "tee": 0.42, "dress": float(rng.choice([0.0, 0.35, 1.0]))}
    return Look(
        body=body,
        face=sample_face(rng, body.heads),
        skin=skin,
        hair=str(rng.choice(HAIR)),
        hair_rgb=_hair_rgb(rng),
        fringe=float(rng.uniform(0.1, 1.0)),
        eye_rgb=_hsv(rng, (0.4, 0.9), (0.25, 0.75)),
        top=top,
        top_rgb=_cloth(rng),
        trim_rgb=_cloth(rng),
        sleeve=sleeves.get(top, float(rng.uniform(0.8, 1.0))),
        bottom=str(rng.choice(BOTTOMS)),
        bottom_rgb=_cloth(rng),
        shoe_rgb=_cloth(rng),
        sock_rgb=None if rng.random() < 0.5 else _cloth(rng),
        pattern=str(rng.choice(["plain", "plain", "stripe", "buttons", "mark"])),
    )


# --- poses


def _both(arm: Arm) -> dict[str, Any]:
    return {"left_arm": arm, "right_arm": arm}


POSES: dict[str, Pose] = {
    "stand": Pose(),
    "relaxed": Pose(
        side=4, left_leg=Leg(part=6, out=18), right_leg=Leg(part=0, knee=2), left_arm=Arm(lift=12, elbow=25)
    ),
    "walk": Pose(
        lean=4,
        left_leg=Leg(stride=28, knee=8),
        right_leg=Leg(stride=-18, knee=22),
        left_arm=Arm(swing=-22, elbow=15),
        right_arm=Arm(swing=25, elbow=25),
    ),
    "run": Pose(
        lean=16,
        left_leg=Leg(stride=62, knee=75),
        right_leg=Leg(stride=-24, knee=65),
        left_arm=Arm(swing=-40, elbow=85),
        right_arm=Arm(swing=45, elbow=85),
    ),
    "wave": Pose(left_arm=Arm(lift=95, elbow=85, rotate=-50, fist=0), right_arm=Arm(lift=10)),
    "point": Pose(right_arm=Arm(swing=80, lift=10, elbow=5, fist=0.5), left_arm=Arm(lift=40, rotate=80, elbow=95)),
    "hips": Pose(**_both(Arm(lift=48, rotate=85, elbow=100, fist=0.3))),
    "tee": Pose(**_both(Arm(lift=88, elbow=4, fist=0))),
    "cheer": Pose(**_both(Arm(lift=148, elbow=15, fist=0.8)), left_leg=Leg(part=14), right_leg=Leg(part=14)),
    "sit": Pose(
        left_leg=Leg(stride=85, knee=85, part=8),
        right_leg=Leg(stride=85, knee=85, part=8),
        **_both(Arm(swing=35, elbow=35)),
    ),
    "crouch": Pose(
        lean=25,
        left_leg=Leg(stride=105, knee=130, part=12),
        right_leg=Leg(stride=90, knee=130, part=12),
        **_both(Arm(swing=55, elbow=60)),
    ),
    "jump": Pose(
        **_both(Arm(lift=120, elbow=40)),
        left_leg=Leg(stride=40, knee=95, part=10),
        right_leg=Leg(stride=-10, knee=70, part=5),
    ),
    "kick": Pose(
        lean=-12,
        left_leg=Leg(stride=85, knee=8),
        right_leg=Leg(knee=8),
        left_arm=Arm(swing=-30, elbow=60),
        right_arm=Arm(swing=40, elbow=90),
    ),
    "think": Pose(
        right_arm=Arm(swing=45, rotate=55, elbow=130, fist=0.6), left_arm=Arm(swing=28, rotate=75, elbow=85), nod=8
    ),
    "stride": Pose(
        left_leg=Leg(part=30),
        right_leg=Leg(part=30),
        left_arm=Arm(lift=60, elbow=30),
        right_arm=Arm(lift=120, elbow=40),
    ),
}
"""Everyday poses that sampling starts from."""


def _jitter(rng: np.random.Generator, part: Arm | Leg, sigma: float) -> dict[str, float]:
    values = {}
    for field in fields(part):
        low, high = LIMITS[field.name]
        spread = sigma if high > 1 else 0.25 * min(1.0, sigma / 10)
        values[field.name] = float(np.clip(getattr(part, field.name) + rng.normal(0, spread), low, high))
    return values


def _free_limbs(rng: np.random.Generator) -> dict[str, Any]:
    limbs: dict[str, Any] = {}
    for side in ("left", "right"):
        limbs[f"{side}_arm"] = Arm(
            lift=rng.uniform(0, 170),
            swing=rng.uniform(-35, 120),
            rotate=rng.uniform(-20, 85),
            elbow=rng.uniform(0, 140),
            wrist=rng.uniform(-30, 30),
            fist=rng.random(),
            spread=rng.random(),
        )
        limbs[f"{side}_leg"] = Leg(
            stride=rng.uniform(-25, 100),
            part=rng.uniform(0, 35),
            out=rng.uniform(-10, 35),
            knee=rng.uniform(0, 110),
            ankle=rng.uniform(-25, 20),
        )
    return limbs


def sample_view(rng: np.random.Generator) -> float:
    """Mostly front and three-quarter, some side, some back."""
    kind = rng.random()
    if kind < 0.35:
        return float(rng.normal(0, 10))
    if kind < 0.65:
        return float(rng.choice([-1, 1]) * rng.uniform(20, 60))
    if kind < 0.85:
        return float(rng.choice([-1, 1]) * rng.uniform(60, 110))
    return float(rng.choice([-1, 1]) * rng.uniform(110, 180))


def sample_pose(rng: np.random.Generator, *, roll: float = 4.0) -> Pose:
    """A pose near an everyday one, its mirror image, or (one in five) free within the limits; `roll` is the spread of
    in-plane turning.
    """
    base = POSES[str(rng.choice(list(POSES)))]
    if rng.random() < 0.5:
        base = mirrored(base)
    if rng.random() < 0.2:
        base = replace(base, **_free_limbs(rng))
    trunk: dict[str, Any] = {
        name: float(np.clip(getattr(base, name) + rng.normal(0, sigma), *LIMITS[name]))
        for name, sigma in {
            "lean": 5,
            "bend": 6,
            "side": 5,
            "twist": 8,
            "nod": 8,
            "turn": 16,
            "tilt": 6,
            "pitch": 5,
            "roll": roll,
        }.items()
    }
    limbs = {
        name: type(limb)(**_jitter(rng, limb, 8.0))
        for name, limb in ((name, getattr(base, name)) for name in ("left_arm", "right_arm", "left_leg", "right_leg"))
    }
    return replace(base, view=float(np.clip(sample_view(rng), -180, 180)), **trunk, **limbs)


def mirrored(pose: Pose) -> Pose:
    """The same pose with left and right exchanged."""
    flipped: dict[str, Any] = {name: -getattr(pose, name) for name in ("view", "roll", "side", "twist", "turn", "tilt")}
    return replace(
        pose,
        left_arm=pose.right_arm,
        right_arm=pose.left_arm,
        left_leg=pose.right_leg,
        right_leg=pose.left_leg,
        **flipped,
    )
