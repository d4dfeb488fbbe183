"""Places among buildings."""

from itertools import pairwise

import numpy as np

from models.webtoon_tiny.pictures.brush import Brush
from models.webtoon_tiny.pictures.canvas import box, ellipse, polygon
from models.webtoon_tiny.pictures.scenes_nature import GRASS, water
from models.webtoon_tiny.pictures.sky import draw_sky
from models.webtoon_tiny.pictures.styles import Rgb
from models.webtoon_tiny.pictures.things import PAINTS, pick

FACADES: tuple[Rgb, ...] = (
    (0.80, 0.72, 0.64),
    (0.66, 0.70, 0.76),
    (0.86, 0.66, 0.56),
    (0.72, 0.76, 0.68),
    (0.90, 0.84, 0.74),
    (0.60, 0.62, 0.72),
)
ASPHALT: Rgb = (0.47, 0.48, 0.53)
PAVING: Rgb = (0.76, 0.75, 0.74)


def _receding(brush: Brush, near: float, far: float, top: float, colour: Rgb) -> None:
    """A facade towards the middle of the horizon, between two x; `top` is its height at the near edge."""
    vanish = 0.5 * brush.aspect

    def at(x: float, height: float) -> tuple[float, float]:
        scale = (x - vanish) / (near - vanish)
        return (x, brush.horizon + height * scale)

    ground = (1 - brush.horizon) * abs(near - vanish) / (0.62 * brush.aspect)
    brush.shape(polygon(at(near, ground), at(near, -top), at(far, -top), at(far, ground)), colour, shade=0.0)
    rows = max(2, round(top / 0.16))
    for row in range(rows):
        high = -top + (row + 0.25) * (top / rows)
        for left, right in ((0.15, 0.40), (0.55, 0.82)):
            a, b = near + (far - near) * left, near + (far - near) * right
            brush.window(
                polygon(at(a, high), at(b, high), at(b, high + 0.5 * top / rows), at(a, high + 0.5 * top / rows))
            )
    a, b = near + (far - near) * 0.1, near + (far - near) * 0.9
    sign = polygon(at(a, 0.02), at(b, 0.02), at(b, 0.10), at(a, 0.10))
    brush.shape(sign, pick(brush, PAINTS), ink=0.7)


def street(brush: Brush) -> None:
    draw_sky(brush)
    vanish = 0.5 * brush.aspect
    brush.shape(box(vanish - 0.2, brush.horizon - 0.16, 0.4, 0.3), brush.far((0.60, 0.64, 0.72), 0.4), ink=0.6)
    brush.shape(box(-0.1, brush.horizon, brush.aspect + 0.2, 1.0), brush.ground(PAVING), ink=0.5)
    for side in (-1, 1):
        edges = [0.13, 0.22, 0.36, 0.66]
        for far, near in pairwise(edges):
            _receding(
                brush,
                vanish + side * near * brush.aspect,
                vanish + side * far * brush.aspect,
                float(brush.rng.uniform(0.7, 1.5)) * near,
                pick(brush, FACADES),
            )
    road = polygon(
        (vanish - 0.03, brush.horizon),
        (vanish + 0.03, brush.horizon),
        (vanish + 0.45 * brush.aspect, 1.05),
        (vanish - 0.45 * brush.aspect, 1.05),
    )
    brush.shape(road, brush.ground(ASPHALT))
    for near in (0.25, 0.5, 0.85):
        y, deep = brush.horizon + (1 - brush.horizon) * near, 0.05 * near + 0.02
        brush.shape(
            polygon(
                (vanish - 0.008 * near, y),
                (vanish + 0.008 * near, y),
                (vanish + 0.016 * near, y + deep),
                (vanish - 0.016 * near, y + deep),
            ),
            (0.97, 0.95, 0.85),
            ink=0.0,
        )


def skyline(brush: Brush) -> None:
    draw_sky(brush)
    for row, distance in enumerate((0.5, 0.1)):
        x = -0.05 * brush.aspect
        while x < brush.aspect:
            width = float(brush.rng.uniform(0.09, 0.18))
            _tower(
                brush, x, brush.horizon + 0.12, width, float(brush.rng.uniform(0.22, 0.55)) * (1 - 0.25 * row), distance
            )
            x += width * float(brush.rng.uniform(0.85, 1.15 + 0.3 * row))
    if brush.rng.random() < 0.5:
        water(brush, brush.horizon + 0.12, (0.24, 0.46, 0.64))
    else:
        brush.shape(box(-0.1, brush.horizon + 0.12, brush.aspect + 0.2, 1.0), brush.ground(GRASS), ink=0.8)


def _tower(brush: Brush, x: float, base: float, width: float, height: float, distance: float) -> None:
    brush.shape(box(x, base - height, width, height), brush.far(pick(brush, FACADES), distance), shade=0.25 * width)
    if brush.rng.random() < 0.25:
        brush.line(polygon((x + width / 2, base - height), (x + width / 2, base - height - 0.07)))
    if distance > 0.3 and not brush.lamps_on:
        return
    columns, rows = 2 if width < 0.13 else 3, max(2, int(height / 0.065))
    pane = 0.5 * width / columns
    for row in range(rows):
        for column in range(columns):
            brush.window(
                box(x + (column + 0.25) * width / columns, base - height + 0.02 + row * 0.062, pane, 0.034),
                ink=0.0,
                chance=0.5,
            )


def alley(brush: Brush) -> None:
    draw_sky(brush)
    vanish = 0.5 * brush.aspect
    brush.shape(box(-0.1, brush.horizon, brush.aspect + 0.2, 1.0), brush.ground((0.62, 0.58, 0.56)), ink=0.5)
    brush.shape(
        box(vanish - 0.16 * brush.aspect, brush.horizon - 0.3, 0.32 * brush.aspect, 0.36),
        brush.far((0.70, 0.62, 0.58), 0.35),
        ink=0.6,
    )
    for side in (-1, 1):
        wall = pick(brush, ((0.64, 0.42, 0.36), (0.62, 0.58, 0.54), (0.74, 0.64, 0.52), (0.52, 0.52, 0.58)))
        near, far = vanish + side * 0.60 * brush.aspect, vanish + side * 0.12 * brush.aspect
        slope = 1.05 - brush.horizon
        brush.shape(
            polygon(
                (near, -0.6),
                (far, brush.horizon - 0.42),
                (far, brush.horizon + 0.2 * slope),
                (near, brush.horizon + slope),
            ),
            wall,
        )
        for part in (0.22, 0.52, 0.80):
            _alley_opening(
                brush, near + (far - near) * part, near + (far - near) * (part + 0.13), (near, far), door=part == 0.52
            )
    for height in (0.16, 0.26):
        sag = np.linspace(0, 1, 7)
        cable = np.stack([sag * brush.aspect, height + 0.10 * np.sin(np.pi * sag) * 0.5], axis=1)
        brush.line(cable, weight=0.8)
    for y in (0.35, 0.6, 0.85):
        level = brush.horizon + (1 - brush.horizon) * y
        brush.line(
            polygon((vanish - 0.5 * y * brush.aspect, level), (vanish + 0.5 * y * brush.aspect, level)), weight=0.5
        )


def _alley_opening(brush: Brush, left: float, right: float, wall: tuple[float, float], *, door: bool) -> None:
    vanish = 0.5 * brush.aspect

    def at(x: float, height: float) -> tuple[float, float]:
        return (x, brush.horizon + height * abs(x - vanish) / abs(wall[0] - vanish))

    if door:
        foot = 0.95 * (1.05 - brush.horizon)
        brush.shape(polygon(at(left, -0.15), at(right, -0.15), at(right, foot), at(left, foot)), pick(brush, PAINTS))
    else:
        brush.window(polygon(at(left, -0.42), at(right, -0.42), at(right, -0.12), at(left, -0.12)))


def school(brush: Brush) -> None:
    draw_sky(brush)
    middle, base, top = 0.5 * brush.aspect, brush.horizon + 0.12, brush.horizon - 0.26
    half = 0.42 * brush.aspect
    wall: Rgb = pick(brush, ((0.93, 0.86, 0.74), (0.88, 0.72, 0.60), (0.86, 0.86, 0.84)))
    brush.shape(box(middle - half, top, 2 * half, base - top), wall, shade=0.04)
    brush.shape(box(middle - half - 0.02, top - 0.03, 2 * half + 0.04, 0.04), brush.ground((0.50, 0.42, 0.42)))
    for row in range(2):
        for x in np.linspace(-0.9, 0.78, 8):
            if abs(x + 0.06) > 0.22:
                brush.window(box(middle + float(x) * half, top + 0.06 + 0.16 * row, 0.11 * half, 0.09), chance=0.4)
    brush.shape(box(middle - 0.11, top - 0.10, 0.22, base - top + 0.10), wall, shade=0.03)
    brush.shape(
        polygon((middle - 0.14, top - 0.10), (middle, top - 0.20), (middle + 0.14, top - 0.10)),
        brush.ground((0.68, 0.34, 0.28)),
    )
    brush.shape(ellipse(middle, top - 0.02, 0.055), (0.98, 0.97, 0.93))
    brush.line(polygon((middle, top - 0.055), (middle, top - 0.02), (middle + 0.025, top - 0.01)), weight=0.7)
    brush.shape(box(middle - 0.06, base - 0.14, 0.12, 0.14), (0.45, 0.30, 0.24))
    brush.shape(box(-0.1, base, brush.aspect + 0.2, 1.0), brush.ground((0.86, 0.76, 0.60)), ink=0.8)
    brush.shape(
        polygon((middle - 0.07, base), (middle + 0.07, base), (middle + 0.30, 1.1), (middle - 0.30, 1.1)),
        brush.ground(PAVING),
        ink=0.7,
    )
