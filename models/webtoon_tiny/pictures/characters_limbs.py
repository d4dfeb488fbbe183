"""Arms, legs, trunk and clothes as clusters of parts."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.webtoon_tiny.pictures.canvas import Points_N2
from models.webtoon_tiny.pictures.characters_canvas import Part, capsule, disc, hull
from models.webtoon_tiny.pictures.characters_looks import Look
from models.webtoon_tiny.pictures.characters_points import foot_length, foot_points, hand_length, hand_points
from models.webtoon_tiny.pictures.characters_skeleton import Pose, Skeleton

_RING = np.stack(
    [np.cos(np.linspace(0, 2 * np.pi, 16, endpoint=False)), np.sin(np.linspace(0, 2 * np.pi, 16, endpoint=False))],
    axis=1,
)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a skeleton's origin lies on the canvas and how high the figure stands there, in picture heights."""

    origin_2: NDArray[np.float64]
    scale: float

    def __call__(self, points: NDArray[np.float64]) -> Points_N2:
        """Camera positions (..., 3) to canvas positions (..., 2)."""
        return np.asarray(self.origin_2 + self.scale * points[..., :2] * np.array([1.0, -1.0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One character ready to draw: who, how it stands, where its joints are and where they fall on the canvas."""

    look: Look
    pose: Pose
    skeleton: Skeleton
    put: Placement

    def at(self, joint: str) -> NDArray[np.float64]:
        """Canvas position of a joint."""
        return self.put(self.skeleton.joints[joint])

    def depth(self, *joints: str) -> float:
        """Mean distance of joints towards the viewer, in figure heights."""
        return float(np.mean([self.skeleton.joints[joint][2] for joint in joints]))

    def size(self, fraction: float) -> float:
        """A thickness given as a fraction of the height below the chin, on the canvas."""
        return (
            fraction
            * self.look.body.rest
            * self.put.scale
            * (0.75 + 0.25 * self.look.body.girth)
            * (1.0 + 0.05 * max(0.0, 6.0 - self.look.body.heads))
        )


def _between(start: NDArray[np.float64], end: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    return np.asarray(start + share * (end - start))


def _chain(
    figure: Figure, joints: tuple[str, str, str], radii: tuple[float, float, float], until: float, wider: float
) -> list[Points_N2]:
    """A bent limb's first `until` (0..2 bones), `wider` than bare."""
    a, b, c = (figure.at(joint) for joint in joints)
    ra, rb, rc = (figure.size(radius) * wider for radius in radii)
    polygons = [capsule(a, _between(a, b, min(1.0, until)), ra, ra + (rb - ra) * min(1.0, until))]
    if until > 1.0:
        polygons.append(capsule(b, _between(b, c, until - 1.0), rb, rb + (rc - rb) * (until - 1.0)))
    return polygons


def arm_parts(figure: Figure, side: str, sign: float) -> list[Part]:
    """One arm with its hand and sleeve."""
    look = figure.look
    joints = (f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
    radii = (0.040, 0.030, 0.022)
    shade = figure.size(0.016)
    parts = [hand_part(figure, side, sign), Part(_chain(figure, joints, radii, 2.0, 1.0), look.skin, shade)]
    if look.sleeve > 0.0:
        loose = 1.5 if look.top in ("hoodie", "jacket") else 1.25
        sleeve = _chain(figure, joints, radii, 2.0 * look.sleeve, loose)
        parts.append(
            Part(sleeve, look.trim_rgb if look.top == "jacket" and look.pattern == "stripe" else look.top_rgb, shade)
        )
    return parts


def hand_part(figure: Figure, side: str, sign: float) -> Part:
    """Palm and five fingers."""
    skeleton = figure.skeleton
    arm = getattr(figure.pose, f"{side}_arm")
    length = hand_length(figure.look.body)
    points = figure.put(
        hand_points(arm, skeleton.joints[f"{side}_wrist"], skeleton.frames[f"{side}_hand"], sign, length)
    )
    thick = length * figure.put.scale
    palm = hull(np.concatenate([disc(points[i], 0.10 * thick) for i in (0, 1, 5, 9, 13, 17)]))
    polygons = [palm]
    for root in range(1, 21, 4):
        joints = points[root : root + 4]
        polygons += [capsule(a, b, 0.085 * thick, 0.075 * thick) for a, b in pairwise(joints)]
    return Part(polygons, figure.look.skin, 0.12 * thick)


def leg_parts(figure: Figure, side: str, sign: float) -> list[Part]:
    """One leg with foot, sock and trouser leg."""
    look = figure.look
    joints = (f"{side}_hip", f"{side}_knee", f"{side}_ankle")
    radii = (0.066, 0.046, 0.030)
    shade = figure.size(0.020)
    parts = [Part(_chain(figure, joints, radii, 2.0, 1.0), look.skin, shade)]
    if look.bottom == "trousers" and look.top != "dress":
        parts.append(Part(_chain(figure, joints, (0.072, 0.056, 0.046), 1.95, 1.0), look.bottom_rgb, shade))
    elif look.bottom == "leggings":
        parts.append(Part(_chain(figure, joints, radii, 1.95, 1.05), look.bottom_rgb, shade))
    elif look.bottom == "shorts" and look.top != "dress":
        parts.append(Part(_chain(figure, joints, (0.076, 0.064, 0.05), 0.75, 1.0), look.bottom_rgb, shade))
    if look.sock_rgb is not None and look.bottom not in ("trousers", "leggings"):
        knee, ankle = figure.at(f"{side}_knee"), figure.at(f"{side}_ankle")
        parts.append(
            Part(
                [capsule(_between(knee, ankle, 0.35), ankle, figure.size(0.042), figure.size(0.032))],
                look.sock_rgb,
                shade,
            )
        )
    parts.append(_shoe(figure, side, sign))
    return parts


def _shoe(figure: Figure, side: str, sign: float) -> Part:
    ankle_3, frame = figure.skeleton.joints[f"{side}_ankle"], figure.skeleton.frames[f"{side}_foot"]
    length = foot_length(figure.look.body)
    toes_heel = figure.put(foot_points(ankle_3, frame, sign, length))
    ankle = figure.put(ankle_3)
    thick = length * figure.put.scale
    discs = [
        disc(toes_heel[0], 0.15 * thick),
        disc(toes_heel[1], 0.15 * thick),
        disc(toes_heel[2], 0.17 * thick),
        disc(ankle, 0.24 * thick),
    ]
    return Part([hull(np.concatenate(discs))], figure.look.shoe_rgb, 0.1 * thick)


def _slice(figure: Figure, joint: str, frame: str, half: tuple[float, float], up: float = 0.0) -> Points_N2:
    """A horizontal ellipse of the trunk, half axes across and deep as fractions of the height below the chin."""
    rest = figure.look.body.rest
    flat = np.stack([half[0] * _RING[:, 0], np.full(16, up), half[1] * _RING[:, 1]], axis=1) * rest
    return figure.put(figure.skeleton.joints[joint] + flat @ figure.skeleton.frames[frame].T)


def trunk_slices(figure: Figure) -> dict[str, Points_N2]:
    """Ellipses of the trunk from the shoulders down."""
    body = figure.look.body
    wide, hips, girth = body.shoulders, body.hips, 0.7 + 0.3 * body.girth
    return {
        "shoulders": _slice(figure, "collar", "chest", (0.118 * wide, 0.035), -0.030),
        "neck": _slice(figure, "collar", "chest", (0.050, 0.035), 0.012),
        "chest": _slice(figure, "collar", "chest", (0.108 * wide, 0.075 * girth), -0.10),
        "waist": _slice(figure, "waist", "pelvis", (0.082 * girth * (0.5 + 0.5 * wide), 0.062 * girth), 0.02),
        "hips": _slice(figure, "pelvis", "pelvis", (0.108 * hips, 0.072 * girth), 0.0),
        "crotch": _slice(figure, "pelvis", "pelvis", (0.07 * hips, 0.05), -0.045),
    }


def trunk_parts(figure: Figure) -> list[Part]:
    """Neck and top."""
    look, cuts = figure.look, trunk_slices(figure)
    shade = figure.size(0.030)
    neck = Part(
        [capsule(figure.at("collar"), figure.at("throat"), figure.size(0.036), figure.size(0.034))], look.skin, shade
    )
    shoulders = [
        capsule(figure.at("left_shoulder"), figure.at("right_shoulder"), figure.size(0.036), figure.size(0.036))
    ]
    upper = [_joined(cuts, "neck", "shoulders"), _joined(cuts, "shoulders", "chest"), _joined(cuts, "chest", "waist")]
    parts = [neck]
    if look.top in ("hoodie", "jacket", "tee"):
        parts.append(Part([*shoulders, *upper, _joined(cuts, "waist", "hips")], look.top_rgb, shade))
    else:
        parts.append(Part([*([] if look.top == "tank" else shoulders), *upper], look.top_rgb, shade))
    return parts


def hip_part(figure: Figure) -> Part:
    """The seat, between waist and thighs."""
    cuts = trunk_slices(figure)
    return Part([_joined(cuts, "waist", "hips"), _joined(cuts, "hips", "crotch")], figure.look.bottom_rgb)


def _joined(cuts: dict[str, Points_N2], first: str, second: str) -> Points_N2:
    return hull(np.concatenate([cuts[first], cuts[second]]))


def skirt_part(figure: Figure) -> Part | None:
    """Skirt or the lower half of a dress, hung over both thighs."""
    look = figure.look
    if look.bottom != "skirt" and look.top != "dress":
        return None
    cuts = trunk_slices(figure)
    reach = 0.75 if look.top == "dress" else 0.55
    hem = [_between(figure.at(f"{side}_hip"), figure.at(f"{side}_knee"), reach) for side in ("left", "right")]
    flare = figure.size(0.085)
    hems = np.concatenate([disc(point, flare) for point in hem])
    return Part(
        [hull(np.concatenate([cuts["waist"], cuts["hips"]])), hull(np.concatenate([cuts["hips"], hems]))],
        look.top_rgb if look.top == "dress" else look.bottom_rgb,
        figure.size(0.03),
    )


Trim = Callable[[NDArray[np.float64]], Points_N2]


def chest_curve(figure: Figure, across: NDArray[np.float64], up: NDArray[np.float64]) -> tuple[Points_N2, bool]:
    """Points on the front of the chest (across -1..1, up in height below the chin from the collar) and whether the
    front shows.
    """
    rest, wide = figure.look.body.rest, figure.look.body.shoulders
    local = np.stack([0.1 * wide * across, up, 0.072 * np.sqrt(np.clip(1 - across**2, 0, 1))], axis=-1) * rest
    frame = figure.skeleton.frames["chest"]
    return figure.put(figure.skeleton.joints["collar"] + local @ frame.T), bool(frame[2, 2] > 0.25)
