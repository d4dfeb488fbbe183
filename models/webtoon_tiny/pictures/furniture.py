"""Things that stand or hang indoors; the same contract as `things`."""

from collections.abc import Mapping

import numpy as np

from models.webtoon_tiny.pictures.brush import LAMP_LIGHT, Brush
from models.webtoon_tiny.pictures.canvas import box, ellipse, polygon, smooth
from models.webtoon_tiny.pictures.styles import Rgb
from models.webtoon_tiny.pictures.things import PAINTS, Draw, pick

WOOD: Rgb = (0.72, 0.50, 0.31)


def desk(brush: Brush, x: float, y: float, size: float) -> None:
    for leg in (-0.62, 0.55):
        brush.shape(box(x + leg * size, y - 0.7 * size, 0.08 * size, 0.7 * size), (0.45, 0.47, 0.52), ink=0.7)
    top = polygon(
        (x - 0.7 * size, y - 0.68 * size),
        (x - 0.52 * size, y - size),
        (x + 0.52 * size, y - size),
        (x + 0.7 * size, y - 0.68 * size),
    )
    brush.shape(top, WOOD)
    brush.shape(box(x - 0.7 * size, y - 0.68 * size, 1.4 * size, 0.12 * size), (0.60, 0.40, 0.24))


def table(brush: Brush, x: float, y: float, size: float) -> None:
    brush.shape(box(x - 0.05 * size, y - 0.8 * size, 0.1 * size, 0.76 * size), (0.32, 0.28, 0.28))
    brush.shape(ellipse(x, y, 0.3 * size, 0.07 * size), (0.32, 0.28, 0.28))
    brush.shape(ellipse(x, y - 0.82 * size, 0.68 * size, 0.17 * size), WOOD, shade=0.04 * size)
    brush.shape(box(x - 0.1 * size, y - 1.02 * size, 0.17 * size, 0.17 * size), (0.97, 0.96, 0.93), ink=0.7)


def chair(brush: Brush, x: float, y: float, size: float) -> None:
    for leg in (-0.28, 0.22):
        brush.shape(box(x + leg * size, y - 0.5 * size, 0.06 * size, 0.5 * size), (0.40, 0.30, 0.24), ink=0.7)
    brush.shape(box(x - 0.3 * size, y - 1.0 * size, 0.6 * size, 0.36 * size), (0.66, 0.36, 0.30), shade=0.06 * size)
    brush.shape(box(x - 0.34 * size, y - 0.54 * size, 0.68 * size, 0.12 * size), (0.66, 0.36, 0.30))


def bed(brush: Brush, x: float, y: float, size: float) -> None:
    brush.shape(box(x - 1.0 * size, y - 1.0 * size, 0.14 * size, 1.0 * size), WOOD)
    brush.shape(box(x - 0.9 * size, y - 0.5 * size, 2.0 * size, 0.42 * size), (0.95, 0.94, 0.96), shade=0.08 * size)
    cover = pick(brush, ((0.45, 0.62, 0.85), (0.90, 0.60, 0.62), (0.60, 0.75, 0.58), (0.93, 0.80, 0.50)))
    brush.shape(
        smooth(
            [
                (x - 0.3 * size, y - 0.56 * size),
                (x + 0.4 * size, y - 0.62 * size),
                (x + 1.1 * size, y - 0.5 * size),
                (x + 1.12 * size, y - 0.1 * size),
                (x - 0.35 * size, y - 0.1 * size),
            ]
        ),
        cover,
        shade=0.1 * size,
    )
    brush.shape(
        smooth(
            [
                (x - 0.84 * size, y - 0.52 * size),
                (x - 0.8 * size, y - 0.72 * size),
                (x - 0.4 * size, y - 0.72 * size),
                (x - 0.36 * size, y - 0.52 * size),
            ]
        ),
        (0.99, 0.99, 0.97),
        shade=0.05 * size,
    )
    brush.shape(box(x + 1.04 * size, y - 0.6 * size, 0.12 * size, 0.6 * size), WOOD)


def shelf(brush: Brush, x: float, y: float, size: float) -> None:
    brush.shape(box(x - 0.36 * size, y - 1.35 * size, 0.72 * size, 1.35 * size), WOOD, shade=0.05 * size)
    for row in range(3):
        base = y - (0.95 - 0.42 * row) * size
        brush.shape(box(x - 0.30 * size, base - 0.32 * size, 0.60 * size, 0.34 * size), (0.38, 0.26, 0.19), ink=0.6)
        left = x - 0.28 * size
        while left < x + 0.14 * size:
            width = float(brush.rng.uniform(0.07, 0.13)) * size
            tall = float(brush.rng.uniform(0.2, 0.29)) * size
            brush.shape(box(left, base - tall, width, tall), pick(brush, PAINTS), ink=0.5)
            left += width


def plant(brush: Brush, x: float, y: float, size: float) -> None:
    for turn in np.linspace(-2.6, -0.5, 5):
        tip = (x + 0.5 * size * float(np.cos(turn)), y - 0.35 * size + 0.62 * size * float(np.sin(turn)))
        side = (0.5 * (x + tip[0]) + 0.1 * size, 0.5 * (y - 0.3 * size + tip[1]))
        brush.shape(
            smooth([(x, y - 0.3 * size), side, tip, (side[0] - 0.2 * size, side[1])]), (0.30, 0.60, 0.34), ink=0.8
        )
    brush.shape(
        polygon(
            (x - 0.22 * size, y - 0.36 * size),
            (x + 0.22 * size, y - 0.36 * size),
            (x + 0.15 * size, y),
            (x - 0.15 * size, y),
        ),
        (0.80, 0.45, 0.32),
        shade=0.06 * size,
    )


def hanging_lamp(brush: Brush, x: float, y: float, size: float) -> None:
    brush.line(polygon((x, 0.0), (x, y - size)), weight=0.8, rgb=(0.2, 0.2, 0.22))
    shade = polygon(
        (x - 0.2 * size, y - size),
        (x + 0.2 * size, y - size),
        (x + 0.55 * size, y - 0.4 * size),
        (x - 0.55 * size, y - 0.4 * size),
    )
    if brush.lamps_on:
        brush.canvas.light_up(x, y - 0.4 * size, 1.8 * size, LAMP_LIGHT, 0.5)
    brush.shape(shade, (0.85, 0.36, 0.28), shade=0.1 * size)
    bulb = ellipse(x, y - 0.36 * size, 0.2 * size, 0.13 * size)
    brush.shining(bulb, (1.0, 0.93, 0.66) if brush.lamps_on else brush.lit((0.95, 0.93, 0.85)), ink=0.6)


def floor_lamp(brush: Brush, x: float, y: float, size: float) -> None:
    brush.shape(box(x - 0.02 * size, y - size, 0.04 * size, size), (0.35, 0.32, 0.32), ink=0.6)
    brush.shape(ellipse(x, y, 0.16 * size, 0.04 * size), (0.35, 0.32, 0.32), ink=0.7)
    if brush.lamps_on:
        brush.canvas.light_up(x, y - 1.05 * size, 0.8 * size, LAMP_LIGHT)
    shade = polygon(
        (x - 0.14 * size, y - 1.25 * size),
        (x + 0.14 * size, y - 1.25 * size),
        (x + 0.24 * size, y - 0.92 * size),
        (x - 0.24 * size, y - 0.92 * size),
    )
    brush.shining(shade, (1.0, 0.90, 0.58) if brush.lamps_on else brush.lit((0.96, 0.88, 0.70)))


def clock(brush: Brush, x: float, y: float, size: float) -> None:
    brush.shape(ellipse(x, y, 0.5 * size), (0.97, 0.96, 0.93))
    brush.line(
        polygon((x, y - 0.34 * size), (x, y), (x + 0.22 * size, y + 0.1 * size)), weight=0.8, rgb=(0.15, 0.15, 0.18)
    )


def picture(brush: Brush, x: float, y: float, size: float) -> None:
    brush.shape(box(x - 0.5 * size, y - 0.5 * size, size, size), (0.50, 0.34, 0.22))
    brush.shape(box(x - 0.38 * size, y - 0.38 * size, 0.76 * size, 0.76 * size), pick(brush, PAINTS), ink=0.5)
    brush.shape(
        polygon(
            (x - 0.38 * size, y + 0.38 * size), (x - 0.1 * size, y - 0.1 * size), (x + 0.2 * size, y + 0.38 * size)
        ),
        (0.95, 0.92, 0.82),
        ink=0.0,
    )


def rug(brush: Brush, x: float, y: float, size: float) -> None:
    colour = pick(brush, PAINTS)
    brush.shape(ellipse(x, y, 1.1 * size, 0.26 * size), colour)
    brush.shape(ellipse(x, y, 0.8 * size, 0.17 * size), (0.96, 0.92, 0.85), ink=0.5)


FURNITURE: Mapping[str, Draw] = {
    "desk": desk,
    "table": table,
    "chair": chair,
    "bed": bed,
    "shelf": shelf,
    "plant": plant,
    "hanging lamp": hanging_lamp,
    "floor lamp": floor_lamp,
    "clock": clock,
    "picture": picture,
    "rug": rug,
}
