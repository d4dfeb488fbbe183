"""Places in the open: land, water, and what people built into it."""

import numpy as np

from models.webtoon_tiny.pictures.brush import Brush
from models.webtoon_tiny.pictures.canvas import Points_N2, box, ellipse, polygon, smooth
from models.webtoon_tiny.pictures.sky import draw_sky
from models.webtoon_tiny.pictures.styles import Rgb
from models.webtoon_tiny.pictures.things import bush, house, pine, tree

GRASS: Rgb = (0.46, 0.70, 0.34)
WATER: Rgb = (0.20, 0.52, 0.74)


def rolling(brush: Brush, level: float, height: float, knots: int = 5) -> Points_N2:
    """A hilly line across the picture at a level, closed below the lower edge."""
    x = np.linspace(-0.1, 1.1, knots) * brush.aspect
    ridge = smooth([(float(a), level - float(brush.rng.uniform(0, height))) for a in x], close=False)
    return np.concatenate([ridge, [[brush.aspect * 1.1, 1.2], [-0.1 * brush.aspect, 1.2]]])


def water(brush: Brush, top: float, colour: Rgb = WATER) -> None:
    """Water from a height down, with a few wave strokes and the sky's light on it."""
    brush.shape(box(-0.1, top, brush.aspect + 0.2, 1.2), brush.far(colour, 0.12), ink=0.8)
    brush.shape(
        box(-0.1, top + 0.45 * (1 - top), brush.aspect + 0.2, 1.2),
        (colour[0] * 0.85, colour[1] * 0.88, colour[2] * 0.95),
        ink=0.0,
    )
    if brush.celestial is not None:
        x, glint = brush.celestial[0] * brush.aspect, brush.sky_low if not brush.lamps_on else (0.80, 0.84, 0.95)
        for step in range(5):
            y = top + 0.015 + 0.045 * step
            brush.shining(ellipse(x + 0.012 * (-1) ** step, y, 0.05 + 0.012 * step, 0.007), glint, ink=0.0)
    for _ in range(9):
        x, y = brush.across(), float(brush.rng.uniform(top + 0.03, 1.0))
        reach = 0.03 + 0.10 * (y - top)
        brush.line(
            smooth(
                [(x - reach, y), (x - reach / 2, y - 0.008), (x, y), (x + reach / 2, y - 0.008), (x + reach, y)],
                close=False,
            ),
            weight=0.8,
            rgb=(0.80, 0.92, 0.98),
        )


def mountains(brush: Brush) -> None:
    draw_sky(brush)
    for row, distance in enumerate((0.55, 0.2)):
        base = brush.horizon + 0.08 * row
        for peak in range(3 - row):
            x = brush.aspect * (0.15 + 0.4 * peak + 0.22 * row + float(brush.rng.uniform(-0.08, 0.08)))
            _peak(brush, x, base, float(brush.rng.uniform(0.24, 0.38)) * (0.8 + 0.25 * row), distance)
    brush.shape(rolling(brush, brush.horizon + 0.10, 0.06), brush.ground((0.40, 0.62, 0.34)), shade=0.03)
    for _ in range(6):
        pine(
            brush,
            brush.across(),
            brush.horizon + float(brush.rng.uniform(0.09, 0.16)),
            float(brush.rng.uniform(0.07, 0.11)),
        )
    brush.shape(rolling(brush, brush.horizon + 0.26, 0.05), brush.ground(GRASS), shade=0.03)


def _peak(brush: Brush, x: float, base: float, height: float, distance: float) -> None:
    half = height * float(brush.rng.uniform(0.75, 1.0))
    jag = float(brush.rng.uniform(-0.04, 0.04))
    stone = brush.far((0.46, 0.47, 0.58), distance)
    outline = polygon(
        (x - half, base + 0.1),
        (x - half * 0.4, base - height * 0.55),
        (x + jag, base - height),
        (x + half * 0.45, base - height * 0.5),
        (x + half, base + 0.1),
    )
    brush.shape(outline, stone, shade=0.10)
    cap = [
        (x - half * 0.26, base - height * 0.70),
        (x + jag, base - height),
        (x + half * 0.28, base - height * 0.69),
        (x + half * 0.1, base - height * 0.76),
        (x, base - height * 0.64),
        (x - half * 0.1, base - height * 0.76),
    ]
    brush.shape(polygon(*cap), brush.far((0.97, 0.98, 1.0), distance * 0.5), ink=0.6)


def sea(brush: Brush) -> None:
    draw_sky(brush)
    if brush.rng.random() < 0.4:
        side = 0.1 if brush.rng.random() < 0.5 else 0.9
        x = side * brush.aspect
        island = [
            (x - 0.35, brush.horizon + 0.02),
            (x - 0.15, brush.horizon - 0.07),
            (x + 0.05, brush.horizon - 0.10),
            (x + 0.35, brush.horizon + 0.02),
        ]
        brush.shape(smooth(island), brush.far((0.35, 0.55, 0.45), 0.35))
    water(brush, brush.horizon)


def beach(brush: Brush) -> None:
    draw_sky(brush)
    water(brush, brush.horizon, (0.18, 0.62, 0.76))
    shore = brush.horizon + (1 - brush.horizon) * 0.42
    rise = float(brush.rng.uniform(-0.10, 0.10))
    for lift, colour in ((0.03, (0.96, 0.98, 1.0)), (0.0, (0.95, 0.85, 0.62))):
        edge = smooth(
            [
                (-0.1, shore - rise - lift),
                (0.35 * brush.aspect, shore + 0.03 - lift),
                (0.7 * brush.aspect, shore - 0.02 - lift),
                (1.1 * brush.aspect, shore + rise - lift),
            ],
            close=False,
        )
        sand = np.concatenate([edge, [[brush.aspect * 1.1, 1.2], [-0.1, 1.2]]])
        brush.shape(sand, brush.ground(colour), ink=0.7)


def forest(brush: Brush) -> None:
    draw_sky(brush)
    brush.shape(box(-0.1, -0.1, brush.aspect + 0.2, 1.2), brush.far((0.36, 0.60, 0.42), 0.45), ink=0.0)
    brush.shape(box(-0.1, brush.horizon, brush.aspect + 0.2, 1.0), brush.ground((0.40, 0.56, 0.28)), ink=0.6)
    for row, distance in enumerate((0.4, 0.2, 0.0)):
        base = brush.horizon + 0.06 + 0.11 * row
        for x in np.linspace(0.02, 0.98, 7 - 2 * row):
            _trunk(
                brush,
                (float(x) + float(brush.rng.uniform(-0.06, 0.06))) * brush.aspect,
                base,
                0.018 + 0.016 * row,
                distance,
            )
        for x in np.linspace(-0.05, 1.05, 5):
            crown = ellipse(float(x) * brush.aspect, 0.0, 0.22, float(brush.rng.uniform(0.09, 0.17)) + 0.05 * (2 - row))
            brush.shape(crown, brush.ground(brush.far((0.22, 0.48, 0.26), distance)), shade=0.04, ink=0.8)
    path = [(0.46, brush.horizon + 0.02), (0.54, brush.horizon + 0.02), (0.75, 1.1), (0.25, 1.1)]
    brush.shape(polygon(*[(x * brush.aspect, y) for x, y in path]), brush.ground((0.72, 0.60, 0.42)), ink=0.6)


def _trunk(brush: Brush, x: float, base: float, half: float, distance: float) -> None:
    flare = 1.5 * half
    outline = polygon(
        (x - flare, base),
        (x - half, base - 0.08),
        (x - half * 0.8, -0.1),
        (x + half * 0.8, -0.1),
        (x + half, base - 0.08),
        (x + flare, base),
    )
    brush.shape(outline, brush.far((0.44, 0.31, 0.22), distance), shade=half * 0.7)


def village(brush: Brush) -> None:
    draw_sky(brush)
    brush.shape(rolling(brush, brush.horizon, 0.14), brush.ground(brush.far((0.42, 0.64, 0.42), 0.3)))
    brush.shape(rolling(brush, brush.horizon + 0.08, 0.05), brush.ground(GRASS), shade=0.03)
    for x in np.linspace(0.1, 0.9, 4):
        if brush.rng.random() < 0.8:
            house(
                brush,
                (float(x) + float(brush.rng.uniform(-0.05, 0.05))) * brush.aspect,
                brush.horizon + float(brush.rng.uniform(0.10, 0.16)),
                float(brush.rng.uniform(0.14, 0.20)),
            )
    path = smooth(
        [
            (0.40 * brush.aspect, 1.1),
            (0.42 * brush.aspect, 0.5 * (1 + brush.horizon)),
            (0.55 * brush.aspect, brush.horizon + 0.13),
        ],
        close=False,
    )
    back = smooth(
        [
            (0.58 * brush.aspect, brush.horizon + 0.13),
            (0.54 * brush.aspect, 0.5 * (1 + brush.horizon)),
            (0.68 * brush.aspect, 1.1),
        ],
        close=False,
    )
    brush.shape(np.concatenate([path, back]), brush.ground((0.86, 0.76, 0.58)), ink=0.7)


def park(brush: Brush) -> None:
    draw_sky(brush)
    for x in np.linspace(-0.05, 1.05, 6):
        tree(brush, float(x) * brush.aspect, brush.horizon + 0.03, float(brush.rng.uniform(0.2, 0.3)))
    brush.shape(box(-0.1, brush.horizon, brush.aspect + 0.2, 1.0), brush.ground(GRASS), ink=0.7)
    bend = float(brush.rng.uniform(0.3, 0.7))
    left = smooth(
        [
            (0.15 * brush.aspect, 1.1),
            (bend * brush.aspect - 0.10, 0.5 * (1 + brush.horizon)),
            (0.5 * brush.aspect, brush.horizon),
        ],
        close=False,
    )
    right = smooth(
        [
            (0.54 * brush.aspect, brush.horizon),
            (bend * brush.aspect + 0.10, 0.5 * (1 + brush.horizon)),
            (0.62 * brush.aspect, 1.1),
        ],
        close=False,
    )
    brush.shape(np.concatenate([left, right]), brush.ground((0.88, 0.80, 0.66)), ink=0.7)


def bridge(brush: Brush) -> None:
    draw_sky(brush)
    brush.shape(rolling(brush, brush.horizon + 0.02, 0.10), brush.ground(brush.far((0.36, 0.58, 0.40), 0.3)))
    water(brush, brush.horizon + 0.10)
    for side in (0.0, 1.0):
        bank = smooth(
            [
                (side * brush.aspect + a, brush.horizon + b)
                for a, b in ((-0.28, 0.02), (0.0, 0.0), (0.28, 0.04), (0.20, 0.16), (0.0, 0.22), (-0.24, 0.20))
            ]
        )
        brush.shape(bank, brush.ground(GRASS), shade=0.04)
        bush(brush, side * brush.aspect + 0.05 * (1 - 2 * side), brush.horizon + 0.05, 0.07)
    _arch(brush)


def _arch(brush: Brush) -> None:
    angle = np.linspace(np.pi, 2 * np.pi, 16)
    middle, half, deck = 0.5 * brush.aspect, 0.46 * brush.aspect, brush.horizon + 0.11
    outer = np.stack([middle + half * np.cos(angle), deck + 0.20 * np.sin(angle)], axis=1)
    inner = np.stack([middle + 0.78 * half * np.cos(angle), deck + 0.02 + 0.13 * np.sin(angle)], axis=1)[::-1]
    brush.shape(
        np.concatenate([outer, inner]),
        (0.72, 0.36, 0.28) if brush.rng.random() < 0.5 else (0.70, 0.67, 0.63),
        shade=0.03,
    )
    brush.line(outer - np.array([0.0, 0.055]), weight=1.2)
    for point in outer[1:-1:2].tolist():
        brush.line(polygon((point[0], point[1]), (point[0], point[1] - 0.055)), weight=0.8)
