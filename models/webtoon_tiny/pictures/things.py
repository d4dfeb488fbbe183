"""Things that stand in a scene, each drawn at the point where it touches the ground, `size` picture heights tall."""

from collections.abc import Callable, Mapping

import numpy as np

from models.webtoon_tiny.pictures.brush import LAMP_LIGHT, Brush, mix
from models.webtoon_tiny.pictures.canvas import box, ellipse, polygon, smooth
from models.webtoon_tiny.pictures.styles import Rgb

Draw = Callable[[Brush, float, float, float], None]
PAINTS: tuple[Rgb, ...] = (
    (0.86, 0.27, 0.25),
    (0.22, 0.45, 0.80),
    (0.95, 0.78, 0.25),
    (0.92, 0.92, 0.94),
    (0.28, 0.62, 0.48),
    (0.55, 0.35, 0.65),
)
ROOFS: tuple[Rgb, ...] = ((0.78, 0.34, 0.26), (0.35, 0.42, 0.58), (0.50, 0.33, 0.24), (0.32, 0.50, 0.42))
WALLS: tuple[Rgb, ...] = (
    (0.95, 0.89, 0.77),
    (0.90, 0.80, 0.70),
    (0.84, 0.86, 0.88),
    (0.93, 0.74, 0.66),
    (0.74, 0.82, 0.86),
)


def pick(brush: Brush, colours: tuple[Rgb, ...]) -> Rgb:
    """One of the colours, by the scene's layout."""
    return colours[int(brush.rng.integers(len(colours)))]


def tree(brush: Brush, x: float, y: float, size: float) -> None:
    trunk = 0.05 * size
    brush.shape(
        polygon((x - trunk, y), (x - trunk * 0.7, y - size * 0.5), (x + trunk * 0.7, y - size * 0.5), (x + trunk, y)),
        (0.50, 0.34, 0.22),
    )
    green = brush.ground(mix((0.25, 0.56, 0.27), (0.48, 0.70, 0.26), float(brush.rng.random())))
    lobes = 9
    angle = np.linspace(0, 2 * np.pi, lobes, endpoint=False) + brush.rng.uniform(0, 1)
    reach = size * (0.29 + 0.05 * np.cos(np.arange(lobes) * 2.9) + brush.rng.uniform(-0.02, 0.02, lobes))
    crown = np.stack([x + reach * np.cos(angle), y - size * 0.67 + 1.08 * reach * np.sin(angle)], axis=1)
    brush.shape(smooth(crown), green, shade=0.09 * size)


def pine(brush: Brush, x: float, y: float, size: float) -> None:
    brush.shape(box(x - 0.04 * size, y - 0.16 * size, 0.08 * size, 0.16 * size), (0.42, 0.29, 0.20))
    green = brush.ground((0.14, 0.42, 0.32))
    for tier in range(3):
        foot, half = y - size * (0.12 + 0.25 * tier), size * (0.26 - 0.06 * tier)
        brush.shape(polygon((x - half, foot), (x, foot - 0.42 * size), (x + half, foot)), green, shade=0.07 * size)


def palm(brush: Brush, x: float, y: float, size: float) -> None:
    lean = float(brush.rng.uniform(-0.15, 0.15)) * size
    brush.shape(
        smooth(
            [
                (x - 0.035 * size, y),
                (x + lean * 0.5 - 0.02 * size, y - 0.5 * size),
                (x + lean, y - 0.8 * size),
                (x + 0.04 * size, y),
            ]
        ),
        (0.62, 0.46, 0.28),
    )
    for turn in (-2.9, -2.3, -1.2, -0.5, 0.1):
        tip = (x + lean + 0.38 * size * np.cos(turn), y - 0.8 * size + 0.25 * size * np.sin(turn) + 0.08 * size)
        bend = (x + lean + 0.22 * size * np.cos(turn), y - 0.84 * size + 0.3 * size * np.sin(turn))
        brush.shape(
            smooth([(x + lean, y - 0.8 * size), bend, tip, (bend[0], bend[1] + 0.07 * size)]), (0.26, 0.60, 0.30)
        )


def bush(brush: Brush, x: float, y: float, size: float) -> None:
    knots = [(-0.7, 0), (-0.65, -0.5), (-0.25, -0.85), (0.1, -0.7), (0.4, -0.95), (0.75, -0.45), (0.7, 0)]
    brush.shape(
        smooth([(x + size * a, y + size * b) for a, b in knots]), brush.ground((0.30, 0.58, 0.30)), shade=0.15 * size
    )


def lamp(brush: Brush, x: float, y: float, size: float) -> None:
    brush.shape(box(x - 0.012 * size, y - size, 0.024 * size, size), (0.25, 0.27, 0.32), ink=0.6)
    head = polygon(
        (x - 0.07 * size, y - 1.02 * size),
        (x - 0.05 * size, y - 1.14 * size),
        (x + 0.05 * size, y - 1.14 * size),
        (x + 0.07 * size, y - 1.02 * size),
    )
    if brush.lamps_on:
        brush.canvas.light_up(x, y - 1.05 * size, 0.45 * size, LAMP_LIGHT)
        brush.shining(head, (1.0, 0.93, 0.65))
    else:
        brush.shape(head, (0.92, 0.92, 0.86))


def car(brush: Brush, x: float, y: float, size: float) -> None:
    paint = pick(brush, PAINTS)
    cabin = [(-0.62, -0.52), (-0.42, -0.98), (0.38, -0.98), (0.70, -0.52)]
    brush.shape(polygon(*[(x + size * a, y + size * b) for a, b in cabin]), paint)
    for left, right in ((-0.50, -0.04), (0.04, 0.55)):
        pane = [(left, -0.55), (left + 0.1, -0.88), (right - 0.12, -0.88), (right, -0.55)]
        brush.shape(polygon(*[(x + size * a, y + size * b) for a, b in pane]), (0.66, 0.82, 0.90), ink=0.6)
    body = [(-1.1, -0.2), (-1.05, -0.52), (0.75, -0.55), (1.08, -0.45), (1.12, -0.18)]
    brush.shape(polygon(*[(x + size * a, y + size * b) for a, b in body]), paint, shade=0.12 * size)
    for wheel in (-0.62, 0.62):
        brush.shape(ellipse(x + wheel * size, y - 0.2 * size, 0.21 * size), (0.15, 0.15, 0.18))
        brush.shape(ellipse(x + wheel * size, y - 0.2 * size, 0.09 * size), (0.75, 0.75, 0.78), ink=0.0)
    if brush.lamps_on:
        brush.canvas.light_up(x + 1.15 * size, y - 0.4 * size, 0.5 * size, LAMP_LIGHT)


def boat(brush: Brush, x: float, y: float, size: float) -> None:
    mast = x - 0.05 * size
    sail = pick(brush, ((0.98, 0.97, 0.93), (0.90, 0.38, 0.32), (0.98, 0.85, 0.50)))
    brush.shape(
        polygon(
            (mast + 0.03 * size, y - size), (mast + 0.03 * size, y - 0.26 * size), (mast + 0.5 * size, y - 0.26 * size)
        ),
        sail,
        shade=0.05 * size,
    )
    brush.shape(
        polygon(
            (mast - 0.04 * size, y - 0.85 * size),
            (mast - 0.04 * size, y - 0.26 * size),
            (mast - 0.32 * size, y - 0.26 * size),
        ),
        sail,
    )
    hull = [(-0.55, -0.2), (0.62, -0.2), (0.42, 0.06), (-0.4, 0.06)]
    brush.shape(polygon(*[(x + size * a, y + size * b) for a, b in hull]), pick(brush, PAINTS), shade=0.06 * size)


def house(brush: Brush, x: float, y: float, size: float) -> None:
    half, eaves = 0.48 * size, y - 0.55 * size
    wall = pick(brush, WALLS)
    brush.shape(box(x - half, eaves, 2 * half, 0.55 * size), wall, shade=0.10 * size)
    brush.shape(
        polygon((x - half * 1.18, eaves), (x, y - size), (x + half * 1.18, eaves)),
        brush.ground(pick(brush, ROOFS)),
        shade=0.07 * size,
    )
    for side in (-0.30, 0.12):
        brush.window(box(x + side * size, eaves + 0.10 * size, 0.17 * size, 0.16 * size), chance=0.85)
    brush.shape(box(x - 0.08 * size, y - 0.24 * size, 0.15 * size, 0.24 * size), (0.45, 0.28, 0.20), ink=0.7)


def bench(brush: Brush, x: float, y: float, size: float) -> None:
    wood: Rgb = (0.66, 0.44, 0.26)
    for leg in (-0.75, 0.67):
        brush.shape(box(x + leg * size, y - 0.45 * size, 0.08 * size, 0.45 * size), (0.25, 0.25, 0.28), ink=0.6)
    for rise in (0.55, 0.78, 1.0):
        brush.shape(box(x - 0.9 * size, y - rise * size, 1.8 * size, 0.14 * size), wood, ink=0.7)


def parasol(brush: Brush, x: float, y: float, size: float) -> None:
    brush.shape(box(x - 0.015 * size, y - 0.95 * size, 0.03 * size, 0.95 * size), (0.85, 0.82, 0.75), ink=0.6)
    first, second = pick(brush, PAINTS), (0.97, 0.95, 0.90)
    edge = np.linspace(-0.55, 0.55, 6)
    for index in range(5):
        left, right = float(edge[index]), float(edge[index + 1])
        gore = [(0.0, -1.05), (left * 0.75, -0.92), (left, -0.68), (right, -0.68), (right * 0.75, -0.92)]
        brush.shape(
            polygon(*[(x + size * a, y + size * b) for a, b in gore]), first if index % 2 == 0 else second, ink=0.7
        )


def rock(brush: Brush, x: float, y: float, size: float) -> None:
    knots = [(-0.9, 0), (-0.7, -0.5), (-0.1, -0.8), (0.5, -0.6), (0.9, 0)]
    brush.shape(
        polygon(*[(x + size * a, y + size * b) for a, b in knots]), brush.ground((0.58, 0.57, 0.58)), shade=0.25 * size
    )


def sign(brush: Brush, x: float, y: float, size: float) -> None:
    brush.shape(box(x - 0.02 * size, y - size, 0.04 * size, size), (0.55, 0.55, 0.58), ink=0.6)
    brush.shape(ellipse(x, y - size, 0.17 * size), pick(brush, PAINTS))
    brush.shape(ellipse(x, y - size, 0.09 * size), (0.97, 0.97, 0.97), ink=0.0)


def fence(brush: Brush, x: float, y: float, size: float) -> None:
    for post in np.linspace(-1.6, 1.6, 7):
        brush.shape(box(x + float(post) * size, y - size, 0.14 * size, size), (0.93, 0.90, 0.84), ink=0.6)
    brush.shape(box(x - 1.6 * size, y - 0.7 * size, 3.3 * size, 0.14 * size), (0.93, 0.90, 0.84), ink=0.6)


def flowers(brush: Brush, x: float, y: float, size: float) -> None:
    for _ in range(5):
        px, py = x + float(brush.rng.uniform(-1.2, 1.2)) * size, y - float(brush.rng.uniform(0.1, 1.0)) * size
        brush.line(polygon((px, py), (px, py + 0.4 * size)), weight=0.8, rgb=(0.25, 0.5, 0.25))
        brush.shape(
            ellipse(px, py, 0.2 * size),
            pick(brush, ((0.95, 0.45, 0.55), (0.98, 0.85, 0.35), (0.95, 0.95, 0.98))),
            ink=0.5,
        )


def balloon(brush: Brush, x: float, y: float, size: float) -> None:
    knots = [(-0.12, -0.35), (-0.42, -0.75), (-0.35, -1.1), (0, -1.28), (0.35, -1.1), (0.42, -0.75), (0.12, -0.35)]
    brush.shape(smooth([(x + size * a, y + size * b) for a, b in knots]), pick(brush, PAINTS[:3]), shade=0.14 * size)
    brush.shape(smooth([(x + size * a * 0.4, y + size * b) for a, b in knots]), (0.97, 0.93, 0.85), ink=0.6)
    brush.shape(box(x - 0.1 * size, y - 0.18 * size, 0.2 * size, 0.16 * size), (0.6, 0.42, 0.25), ink=0.7)


def birds(brush: Brush, x: float, y: float, size: float) -> None:
    for _ in range(4):
        px, py, wing = (
            x + float(brush.rng.uniform(-2, 2)) * size,
            y + float(brush.rng.uniform(-1, 1)) * size,
            size * float(brush.rng.uniform(0.4, 0.7)),
        )
        brush.line(
            smooth([(px - wing, py - 0.4 * wing), (px - 0.4 * wing, py - 0.5 * wing), (px, py)], close=False),
            rgb=(0.2, 0.2, 0.24),
        )
        brush.line(
            smooth([(px, py), (px + 0.4 * wing, py - 0.5 * wing), (px + wing, py - 0.4 * wing)], close=False),
            rgb=(0.2, 0.2, 0.24),
        )


THINGS: Mapping[str, Draw] = {
    "tree": tree,
    "pine": pine,
    "palm": palm,
    "bush": bush,
    "lamp": lamp,
    "car": car,
    "boat": boat,
    "house": house,
    "bench": bench,
    "parasol": parasol,
    "rock": rock,
    "sign": sign,
    "fence": fence,
    "flowers": flowers,
    "balloon": balloon,
    "birds": birds,
}
