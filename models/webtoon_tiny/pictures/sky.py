"""The sky, what hangs in it, and what falls from it."""

import numpy as np

from models.webtoon_tiny.pictures.brush import Brush, mix
from models.webtoon_tiny.pictures.canvas import box, ellipse, polygon, smooth
from models.webtoon_tiny.pictures.styles import Rgb


def draw_sky(brush: Brush) -> None:
    """Gradient, stars, sun or moon, clouds."""
    brush.canvas.backdrop(brush.sky_top, brush.sky_low, until=brush.horizon + 0.05)
    if brush.lamps_on and brush.weather == "clear":
        for _ in range(16):
            star = ellipse(
                brush.across(), float(brush.rng.uniform(0, brush.horizon)), float(brush.rng.uniform(0.003, 0.007))
            )
            brush.shining(star, (0.95, 0.95, 1.0), ink=0.0)
    if brush.celestial is not None:
        _sun_or_moon(brush, *brush.celestial)
    for _ in range(
        {"clouds": 4, "rain": 3, "snow": 2}.get(
            brush.weather, int(brush.rng.integers(0, 2)) if brush.weather == "clear" else 0
        )
    ):
        cloud(
            brush,
            brush.across(),
            float(brush.rng.uniform(0.06, max(0.12, brush.horizon - 0.2))),
            float(brush.rng.uniform(0.07, 0.15)),
        )
    brush.canvas.leave_sky()


def _sun_or_moon(brush: Brush, x: float, y: float, time: str) -> None:
    x *= brush.aspect
    if time == "night":
        brush.canvas.light_up(x, y, 0.26, (0.75, 0.80, 1.0), 0.5)
        brush.shining(ellipse(x, y, 0.075), (0.98, 0.96, 0.84), ink=0.7)
        for dx, dy, radius in ((-0.025, -0.015, 0.014), (0.02, 0.025, 0.018), (0.03, -0.025, 0.010)):
            brush.shining(ellipse(x + dx, y + dy, radius), (0.86, 0.83, 0.72), ink=0.0)
        return
    colour: Rgb = {"morning": (1.0, 0.93, 0.66), "day": (1.0, 0.92, 0.45), "sunset": (1.0, 0.50, 0.25)}[time]
    low = {"sunset": brush.horizon - 0.16, "morning": brush.horizon - 0.24}.get(time, y)
    brush.canvas.light_up(x, max(y, low), 0.30, colour, 0.5)
    brush.shining(ellipse(x, max(y, low), 0.085 if time == "sunset" else 0.068), colour, ink=0.7)


def cloud(brush: Brush, x: float, y: float, size: float) -> None:
    """A flat-bottomed heap cloud about two sizes wide."""
    heaps = brush.rng.uniform(0.45, 1.0, 3)
    knots = [
        (-1.3, 0.0),
        (-1.15, -0.35 * heaps[0]),
        (-0.6, -0.9 * heaps[0]),
        (-0.1, -0.55),
        (0.2, -1.1 * heaps[1]),
        (0.65, -0.5),
        (1.0, -0.6 * heaps[2]),
        (1.4, 0.0),
    ]
    white = (0.62, 0.64, 0.68) if brush.weather == "rain" else (1.0, 1.0, 1.0)
    seen = mix(brush.lit(white), brush.sky_low, 0.25 if not brush.lamps_on else 0.5)
    brush.canvas.shape(smooth([(x + size * a, y + size * b) for a, b in knots]), seen, shade=0.25 * size, ink=0.6)


def draw_weather(brush: Brush) -> None:
    """What falls before everything: rain, snow or mist."""
    if brush.weather == "fog":
        mist = mix(brush.sky_low, (0.9, 0.9, 0.92), 0.0 if brush.lamps_on else 0.5)
        for layer in range(4):
            y = brush.horizon - 0.2 + 0.13 * layer
            brush.canvas.shape(
                box(-0.1, y, brush.aspect + 0.2, 0.22), mix(mist, brush.sky_low, 0.2), ink=0.0, alpha=0.36
            )
    elif brush.weather == "rain":
        for _ in range(60):
            x, y, reach = (
                brush.across(-0.1, 1.1),
                float(brush.rng.uniform(-0.1, 1.0)),
                float(brush.rng.uniform(0.04, 0.09)),
            )
            streak = polygon((x, y), (x + 0.004, y), (x - 0.3 * reach + 0.004, y + reach), (x - 0.3 * reach, y + reach))
            brush.canvas.shape(streak, (0.88, 0.92, 0.98), ink=0.0, alpha=0.7)
    elif brush.weather == "snow":
        for x, y, radius in zip(
            brush.rng.uniform(0, brush.aspect, 60),
            brush.rng.uniform(0, 1, 60),
            brush.rng.uniform(0.005, 0.013, 60),
            strict=True,
        ):
            brush.canvas.shape(ellipse(float(x), float(y), float(radius)), (1.0, 1.0, 1.0), ink=0.0)


def view(brush: Brush, x: float, y: float, width: float, height: float) -> None:
    """A window in a wall with the sky behind it."""
    frame = box(x, y, width, height)
    brush.canvas.clip(frame)
    brush.shining(frame, mix(brush.sky_top, brush.sky_low, 0.35), ink=0.0)
    brush.shining(box(x, y + 0.55 * height, width, height), mix(brush.sky_top, brush.sky_low, 0.85), ink=0.0)
    if brush.lamps_on and brush.weather != "fog":
        brush.shining(ellipse(x + 0.7 * width, y + 0.25 * height, 0.03), (0.98, 0.96, 0.84), ink=0.5)
    elif brush.weather in {"clear", "clouds"}:
        cloud(brush, x + width * float(brush.rng.uniform(0.2, 0.8)), y + 0.35 * height, 0.22 * height)
    far = brush.far((0.30, 0.52, 0.36), 0.25)
    hill = [
        (x - 0.1, y + height),
        (x + 0.3 * width, y + 0.72 * height),
        (x + 0.7 * width, y + 0.80 * height),
        (x + width + 0.1, y + 0.7 * height),
        (x + width + 0.1, y + height * 1.2),
    ]
    brush.shape(smooth(hill), brush.ground(far), ink=0.6)
    _window_weather(brush, x, y, width, height)
    brush.canvas.unclip()
    for pane in (box(x, y, width, height), box(x + width / 2, y, 0.0, height), box(x, y + height / 2, width, 0.0)):
        brush.canvas.line(pane, weight=2.6, rgb=brush.lit((0.93, 0.90, 0.84)), close=True)
    brush.canvas.line(box(x - 0.012, y - 0.012, width + 0.024, height + 0.024), weight=0.7, close=True)


def _window_weather(brush: Brush, x: float, y: float, width: float, height: float) -> None:
    if brush.weather == "snow":
        for _ in range(14):
            flake = ellipse(x + float(brush.rng.uniform(0, width)), y + float(brush.rng.uniform(0, height)), 0.008)
            brush.shining(flake, (1.0, 1.0, 1.0), ink=0.0)
    elif brush.weather == "rain":
        for px in np.linspace(x, x + width, 9):
            top = y + float(brush.rng.uniform(0, height * 0.8))
            brush.canvas.line(
                polygon((float(px), top), (float(px) - 0.02, top + 0.07)), weight=0.5, rgb=(0.85, 0.9, 0.97)
            )
