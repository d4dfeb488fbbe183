"""Skeletons as SVG, in the colours and widths of DWPose's drawing.

Axes as in `skeleton`.
"""

import numpy as np
from numpy.typing import NDArray

from services.pose import skeleton
from services.pose.sizes import DRAWING_SIDE

Floats = NDArray[np.float64]

_LIMB_WIDTH, _JOINT_RADIUS, _FINGER_WIDTH, _FACE_RADIUS = 8.0, 4.0, 2.0, 3.0  # in the picture of 512 pixels


def people_svg(xy_PK2: Floats, score_PK: NDArray[np.floating], size_wh: tuple[int, int]) -> str:
    """Everybody on black; points are pixels of a picture of this size, and unseen ones are left out.

    Limbs are at three fifths of their colour, as in the drawing; unlike there, edges are smooth.
    """
    xy_PO2, score_PO = skeleton.to_openpose(xy_PK2, score_PK)
    unit = min(size_wh) / DRAWING_SIDE
    body_PO = score_PO[:, skeleton.BODY] > skeleton.MIN_SCORE
    seen_PO = score_PO >= skeleton.MIN_SCORE
    shapes = [
        _line(xy_O2, limb, _dimmed(colour), _LIMB_WIDTH * unit)
        for colour, limb in zip(skeleton.BODY_COLOURS, skeleton.LIMBS, strict=False)
        for xy_O2, seen_O in zip(xy_PO2, body_PO, strict=True)
        if seen_O[list(limb)].all()
    ]
    for xy_O2, seen_O in zip(xy_PO2, body_PO, strict=True):
        shapes += [
            _dot(xy_O2[joint], _rgb(skeleton.BODY_COLOURS[joint]), _JOINT_RADIUS * unit)
            for joint in np.flatnonzero(seen_O)
        ]
    for xy_O2, seen_O in zip(xy_PO2, seen_PO, strict=True):
        for hand in skeleton.HANDS:
            shapes += _hand(xy_O2[hand], seen_O[hand], unit)
        shapes += [
            _dot(point_2, "#ffffff", _FACE_RADIUS * unit) for point_2 in xy_O2[skeleton.FACE][seen_O[skeleton.FACE]]
        ]
    width, height = size_wh
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="#000000"/>', *shapes, "</svg>", ""])


def _hand(xy_J2: Floats, seen_J: NDArray[np.bool_], unit: float) -> list[str]:
    fingers = [
        _line(xy_J2, finger, _rgb(colour), _FINGER_WIDTH * unit)
        for colour, finger in zip(skeleton.FINGER_COLOURS, skeleton.FINGERS, strict=True)
        if seen_J[list(finger)].all()
    ]
    return fingers + [_dot(point_2, "#0000ff", _JOINT_RADIUS * unit) for point_2 in xy_J2[seen_J]]


def _line(xy_J2: Floats, ends: tuple[int, int], colour: str, width: float) -> str:
    (x1, y1), (x2, y2) = xy_J2[ends[0]], xy_J2[ends[1]]
    return (
        f'<line x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}" '
        f'stroke="{colour}" stroke-width="{width:.2f}" stroke-linecap="round"/>'
    )


def _dot(point_2: Floats, colour: str, radius: float) -> str:
    return f'<circle cx="{point_2[0]:.2f}" cy="{point_2[1]:.2f}" r="{radius:.2f}" fill="{colour}"/>'


def _dimmed(colour: tuple[float, ...]) -> str:
    return _rgb(tuple(0.6 * channel for channel in colour))


def _rgb(colour: tuple[float, ...]) -> str:
    return "#" + "".join(f"{int(channel):02x}" for channel in colour)
