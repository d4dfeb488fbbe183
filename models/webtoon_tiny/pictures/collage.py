"""Pictures of nothing in particular for the autoencoder: collages, and textures with a photograph's statistics."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.webtoon_tiny.pictures.brush import DAYLIGHT, Brush
from models.webtoon_tiny.pictures.canvas import Canvas, Points_N2, box, ellipse, smooth
from models.webtoon_tiny.pictures.furniture import FURNITURE
from models.webtoon_tiny.pictures.styles import Rgb, Style, sample_style
from models.webtoon_tiny.pictures.things import THINGS


def draw_collage(rng: np.random.Generator, size: int) -> NDArray[np.uint8]:
    """Random shapes, strokes and things in a random base style (size, size, 3)."""
    canvas = Canvas(size, size, sample_style(rng), rng)
    canvas.backdrop(_rgb(rng), _rgb(rng))
    brush = Brush(canvas, str(rng.choice(list(DAYLIGHT))), "clear", 0.5, rng)
    things = [*THINGS.values(), *FURNITURE.values()]
    for _ in range(int(rng.integers(3, 14))):
        choice = rng.random()
        if choice < 0.45:
            things[int(rng.integers(len(things)))](
                brush, rng.uniform(0, 1), rng.uniform(0.2, 1.1), rng.uniform(0.08, 0.7)
            )
        elif choice < 0.9:
            canvas.shape(_random_shape(rng, 0.5), _rgb(rng), shade=rng.uniform(0, 0.06), ink=rng.uniform(0.4, 1.2))
        else:
            canvas.line(smooth(rng.uniform(0, 1, (4, 2)), close=False), rgb=_rgb(rng))
    return canvas.finish()


def draw_texture(rng: np.random.Generator, size: int) -> NDArray[np.uint8]:
    """Dead leaves under 1/f light and grain (size, size, 3): the occlusion, shading and detail of photographs."""
    canvas = Canvas(size, size, Style(outline=False, shades=2), rng)
    canvas.backdrop(_rgb(rng), _rgb(rng))
    colours = [_rgb(rng) for _ in range(6)]
    for _ in range(int(rng.integers(5, 90))):
        near = colours[int(rng.integers(6))]
        rgb = tuple(min(1.0, max(0.0, c + rng.normal(0, 0.08))) for c in near)
        canvas.shape(_random_shape(rng, 0.6 * rng.random() ** 2 + 0.02), (rgb[0], rgb[1], rgb[2]), ink=0.0)
    picture_HWC = canvas.finish().astype(np.float32) / 255.0
    light_HW1 = _fractal(rng, size)[:, :, None]
    tint_HW1 = _fractal(rng, size)[:, :, None]
    shaded_HWC = picture_HWC * (1.0 + rng.uniform(0, 0.6) * light_HW1) + rng.uniform(0, 0.15) * tint_HW1 * rng.normal(
        0, 1, 3
    )
    shaded_HWC += rng.normal(0, rng.uniform(0, 0.03), shaded_HWC.shape)
    finished: NDArray[np.uint8] = (np.clip(shaded_HWC, 0, 1) * 255).astype(np.uint8)
    return finished


def _fractal(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    total_HW = np.zeros((size, size), np.float32)
    cells = 2
    while cells <= size:
        octave = rng.normal(0, 1, (cells, cells)).astype(np.float32)
        total_HW += np.asarray(Image.fromarray(octave).resize((size, size), Image.Resampling.BICUBIC)) / cells**0.7
        cells *= 2
    return total_HW / max(1e-3, float(total_HW.std()))


def _rgb(rng: np.random.Generator) -> Rgb:
    r, g, b = rng.random(3) if rng.random() < 0.7 else rng.uniform(0.6, 1.0, 3)
    return (float(r), float(g), float(b))


def _random_shape(rng: np.random.Generator, reach: float) -> Points_N2:
    x, y = rng.uniform(-0.1, 1.1, 2)
    a, b = rng.uniform(0.1, 1.0, 2) * reach
    kind = rng.random()
    if kind < 0.3:
        return ellipse(x, y, a * 0.6, b * 0.6, turn=rng.uniform(0, math.pi))
    if kind < 0.55:
        return box(x - a / 2, y - b / 2, a, b)
    corners = int(rng.integers(3, 8))
    angle = np.sort(rng.uniform(0, 2 * math.pi, corners))
    radius = rng.uniform(0.3, 0.7, corners)
    points = np.stack([x + a * radius * np.cos(angle), y + b * radius * np.sin(angle)], axis=1)
    return smooth(points) if kind < 0.8 else points
