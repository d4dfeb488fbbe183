"""Rooms."""

import numpy as np

from models.webtoon_tiny.pictures.brush import Brush
from models.webtoon_tiny.pictures.canvas import box, ellipse, polygon
from models.webtoon_tiny.pictures.furniture import WOOD, bed, chair, desk, table
from models.webtoon_tiny.pictures.sky import view
from models.webtoon_tiny.pictures.styles import Rgb
from models.webtoon_tiny.pictures.things import PAINTS, pick

# Rooms have lamps, so night is less dark in them than outdoors.
ROOM_LIGHT = 0.35


def _room(brush: Brush, walls: tuple[Rgb, ...], floor: Rgb) -> float:
    """Wall and planked floor; returns the height where they meet."""
    brush.ambient = (
        brush.ambient[0] + (1 - brush.ambient[0]) * ROOM_LIGHT,
        brush.ambient[1] + (1 - brush.ambient[1]) * ROOM_LIGHT,
        brush.ambient[2] + (1 - brush.ambient[2]) * ROOM_LIGHT,
    )
    meet = brush.horizon + 0.06
    brush.shape(box(-0.1, -0.1, brush.aspect + 0.2, 1.3), pick(brush, walls), ink=0.0)
    brush.shape(box(-0.1, meet, brush.aspect + 0.2, 1.0), floor)
    vanish = 0.5 * brush.aspect
    for x in np.linspace(-1.2, 2.2, 11):
        foot = float(x) * brush.aspect
        brush.line(
            polygon((vanish + (foot - vanish) * 0.45, meet), (foot, 1.05)),
            weight=0.5,
            rgb=(floor[0] * 0.8, floor[1] * 0.8, floor[2] * 0.8),
        )
    brush.shape(box(-0.1, meet - 0.03, brush.aspect + 0.2, 0.03), (0.93, 0.89, 0.82), ink=0.6)
    return meet


def classroom(brush: Brush) -> None:
    meet = _room(brush, ((0.94, 0.92, 0.82), (0.86, 0.90, 0.88), (0.93, 0.86, 0.78)), (0.80, 0.62, 0.42))
    flip = brush.rng.random() < 0.5
    for index in range(2):
        x = (0.02 + 0.155 * index) if not flip else (0.84 - 0.155 * index)
        view(brush, x * brush.aspect, 0.12, 0.135 * brush.aspect, meet - 0.26)
    left = 0.36 if not flip else 0.06
    board = box(left * brush.aspect, 0.14, 0.58 * brush.aspect, meet - 0.28)
    brush.shape(board, (0.16, 0.38, 0.30), shade=0.02, ink=1.3)
    brush.shape(box(left * brush.aspect, meet - 0.14, 0.58 * brush.aspect, 0.025), WOOD, ink=0.7)
    for row in range(2):
        y = meet + 0.12 + 0.17 * row
        for x in np.linspace(0.14, 0.86, 4 - row):
            desk(brush, float(x) * brush.aspect, y, 0.13 + 0.05 * row)


def bedroom(brush: Brush) -> None:
    meet = _room(
        brush, ((0.90, 0.84, 0.88), (0.82, 0.88, 0.94), (0.95, 0.90, 0.80), (0.84, 0.91, 0.84)), (0.78, 0.60, 0.44)
    )
    x = float(brush.rng.uniform(0.12, 0.60))
    height = min(0.34, meet - 0.22)
    view(brush, x * brush.aspect, 0.10, 0.30 * brush.aspect, height)
    curtain = pick(brush, PAINTS)
    for side in (-0.07, 0.31):
        brush.shape(box((x + side) * brush.aspect, 0.07, 0.06 * brush.aspect, height + 0.10), curtain, shade=0.02)
    brush.line(polygon(((x - 0.09) * brush.aspect, 0.07), ((x + 0.39) * brush.aspect, 0.07)), weight=1.4)
    bed(brush, (0.66 if x < 0.36 else 0.36) * brush.aspect, meet + 0.16, 0.32)


def cafe(brush: Brush) -> None:
    meet = _room(brush, ((0.62, 0.46, 0.38), (0.40, 0.50, 0.48), (0.86, 0.76, 0.64)), (0.58, 0.44, 0.34))
    flip = brush.rng.random() < 0.5
    view(brush, (0.05 if not flip else 0.50) * brush.aspect, 0.10, 0.45 * brush.aspect, meet - 0.24)
    left = 0.58 if not flip else 0.02
    brush.shape(box(left * brush.aspect, meet - 0.36, 0.40 * brush.aspect, 0.03), WOOD, ink=0.7)
    for index in range(5):
        x = (left + 0.03 + 0.075 * index) * brush.aspect
        brush.shape(box(x, meet - 0.44, 0.04 * brush.aspect, 0.08), pick(brush, (*PAINTS, (0.97, 0.96, 0.92))), ink=0.6)
    brush.shape(box(left * brush.aspect, meet - 0.13, 0.42 * brush.aspect, 0.22), (0.48, 0.32, 0.22), shade=0.03)
    brush.shape(box((left - 0.01) * brush.aspect, meet - 0.16, 0.44 * brush.aspect, 0.035), (0.86, 0.80, 0.70))
    brush.shape(
        box((left + 0.27) * brush.aspect, meet - 0.28, 0.10 * brush.aspect, 0.12), (0.70, 0.72, 0.75), shade=0.02
    )
    brush.shape(ellipse((left + 0.1) * brush.aspect, meet - 0.19, 0.03), (0.97, 0.95, 0.9), ink=0.7)
    seat = 0.30 if not flip else 0.70
    chair(brush, (seat - 0.16) * brush.aspect, meet + 0.14, 0.24)
    chair(brush, (seat + 0.16) * brush.aspect, meet + 0.14, 0.24)
    table(brush, seat * brush.aspect, meet + 0.19, 0.24)
