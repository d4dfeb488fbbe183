"""A canvas under one light: every colour given to it is a local colour, seen at the scene's time of day and weather."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.webtoon_tiny.pictures.canvas import Canvas, Points_N2
from models.webtoon_tiny.pictures.styles import Rgb


@dataclass(frozen=True, slots=True, kw_only=True)
class Daylight:
    """Sky colours at the top and at the horizon, and the colour that falls on everything (a factor)."""

    sky_top: Rgb
    sky_low: Rgb
    ambient: Rgb
    lamps_on: bool = False


DAYLIGHT: Mapping[str, Daylight] = {
    "morning": Daylight(sky_top=(0.58, 0.74, 0.93), sky_low=(1.0, 0.87, 0.78), ambient=(1.0, 0.95, 0.90)),
    "day": Daylight(sky_top=(0.27, 0.58, 0.95), sky_low=(0.78, 0.92, 1.0), ambient=(1.0, 1.0, 1.0)),
    "sunset": Daylight(sky_top=(0.46, 0.33, 0.62), sky_low=(1.0, 0.58, 0.30), ambient=(0.96, 0.72, 0.62)),
    "night": Daylight(
        sky_top=(0.04, 0.06, 0.18), sky_low=(0.15, 0.20, 0.42), ambient=(0.34, 0.39, 0.60), lamps_on=True
    ),
}
LAMP_LIGHT: Rgb = (1.0, 0.86, 0.48)


def mix(first: Rgb, second: Rgb, amount: float) -> Rgb:
    """The colour `amount` of the way from the first to the second."""
    r, g, b = (x + (y - x) * amount for x, y in zip(first, second, strict=True))
    return (r, g, b)


class Brush:
    """Draws local colours on a canvas under a time of day and a weather; `rng` lays out details."""

    def __init__(self, canvas: Canvas, time: str, weather: str, horizon: float, rng: np.random.Generator) -> None:
        self.canvas, self.weather, self.horizon, self.rng = canvas, weather, horizon, rng
        self.aspect = canvas.aspect
        light = DAYLIGHT[time]
        grey = mix((0.62, 0.66, 0.72), light.ambient, 0.0 if time != "night" else 0.75)
        overcast = {"clear": 0.0, "clouds": 0.08, "rain": 0.6, "snow": 0.5, "fog": 0.55}[weather]
        self.sky_top, self.sky_low = mix(light.sky_top, grey, overcast), mix(light.sky_low, grey, overcast * 0.8)
        dim = {"rain": 0.82, "fog": 0.94}.get(weather, 1.0)
        self.ambient: Rgb = (light.ambient[0] * dim, light.ambient[1] * dim, light.ambient[2] * dim)
        self.lamps_on = light.lamps_on
        self.indoors = False
        self.time = time
        self.celestial: tuple[float, float, str] | None = None

    def lit(self, rgb: Rgb) -> Rgb:
        """A local colour as this light shows it."""
        return (rgb[0] * self.ambient[0], rgb[1] * self.ambient[1], rgb[2] * self.ambient[2])

    def far(self, rgb: Rgb, distance: float) -> Rgb:
        """A local colour seen through air: 0 near, 1 gone into the sky at the horizon."""
        air = min(1.0, distance * (1.7 if self.weather == "fog" else 1.0))
        factor = [max(0.05, a) for a in self.ambient]
        sky = (self.sky_low[0] / factor[0], self.sky_low[1] / factor[1], self.sky_low[2] / factor[2])
        return mix(rgb, sky, air)

    def ground(self, rgb: Rgb) -> Rgb:
        """The colour of something that lies open to the sky: white under snow."""
        return mix(rgb, (0.94, 0.96, 1.0), 0.8) if self.weather == "snow" and not self.indoors else rgb

    def shape(self, points: Points_N2, rgb: Rgb, *, shade: float = 0.0, ink: float = 1.0, alpha: float = 1.0) -> None:
        """Fills and inks a shape in a local colour; see `Canvas.shape`."""
        self.canvas.shape(points, self.lit(rgb), shade=shade, ink=ink, alpha=alpha)

    def shining(self, points: Points_N2, rgb: Rgb, *, ink: float = 1.0, alpha: float = 1.0) -> None:
        """A shape that gives light itself, or shows the sky, and so ignores the ambient light."""
        self.canvas.shape(points, rgb, ink=ink, alpha=alpha)

    def line(self, points: Points_N2, *, weight: float = 1.0, rgb: Rgb | None = None) -> None:
        """An open line, in ink or in a local colour."""
        self.canvas.line(points, weight=weight, rgb=None if rgb is None else self.lit(rgb))

    def window(self, points: Points_N2, *, ink: float = 0.6, chance: float = 0.6) -> None:
        """A pane of glass seen from outside: at night some are lit."""
        if self.lamps_on and self.rng.random() < chance:
            self.shining(points, LAMP_LIGHT, ink=ink)
        else:
            self.shape(points, (0.55, 0.72, 0.85), ink=ink)

    def across(self, low: float = 0.0, high: float = 1.0) -> float:
        """A random x between two fractions of the width, in picture heights."""
        return float(self.rng.uniform(low, high)) * self.aspect
