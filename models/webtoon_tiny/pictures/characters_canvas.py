"""A canvas that draws clusters: shapes that share one outline, such as the parts of an arm."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import skia
from numpy.typing import NDArray

from models.webtoon_tiny.pictures.canvas import Canvas, Points_N2
from models.webtoon_tiny.pictures.styles import Rgb, grade


@dataclass(frozen=True, slots=True)
class Part:
    """One colour of a cluster: polygons (all turning the same way), their colour and the width of their shaded side."""

    polygons: Sequence[Points_N2]
    rgb: Rgb
    shade: float = 0.0


class FigureCanvas(Canvas):
    """Adds `cluster` to the canvas."""

    def cluster(self, parts: Sequence[Part], *, ink: float = 1.0) -> None:
        """Inks the outline of the union of all parts, then fills each; no lines inside."""
        paths = [_union_path(part.polygons) for part in parts]
        if self.style.outline and ink > 0.0:
            # The fill covers the inner half of the stroke.
            paint = self._pen(1.7 * ink, self.style.line_rgb)
            for path in paths:
                self._canvas.drawPath(path, paint)
        for path, part in zip(paths, parts, strict=True):
            fill = skia.Paint(AntiAlias=True)
            rgb = grade(part.rgb, self.style)
            fill.setColor4f(skia.Color4f(rgb[0], rgb[1], rgb[2], 1.0))
            self._canvas.drawPath(path, fill)
            if part.shade > 0.0 and self.style.shades > 1:
                self._shade(path, part.rgb, part.shade, 1.0)


def _union_path(polygons: Sequence[Points_N2]) -> skia.Path:
    builder = skia.Path()
    for polygon in polygons:
        builder.addPoly([skia.Point(x, y) for x, y in polygon.tolist()], close=True)
    return builder


def hull(points: NDArray[np.float64]) -> Points_N2:
    """Convex hull (N, 2), always turning the same way (Andrew's monotone chain)."""
    ordered = sorted(map(tuple, points.tolist()))
    halves = []
    for sequence in (ordered, ordered[::-1]):
        chain: list[tuple[float, float]] = []
        for x, y in sequence:
            while len(chain) > 1 and (chain[-1][0] - chain[-2][0]) * (y - chain[-2][1]) <= (
                chain[-1][1] - chain[-2][1]
            ) * (x - chain[-2][0]):
                chain.pop()
            chain.append((x, y))
        halves.append(chain[:-1])
    return np.array(halves[0] + halves[1])


_CIRCLE = np.stack(
    [np.cos(np.linspace(0, 2 * np.pi, 20, endpoint=False)), np.sin(np.linspace(0, 2 * np.pi, 20, endpoint=False))],
    axis=1,
)


def disc(centre: NDArray[np.float64], radius: float) -> Points_N2:
    """A circle, turning as `hull` does."""
    return np.asarray(centre + radius * _CIRCLE)


def capsule(start: NDArray[np.float64], end: NDArray[np.float64], start_radius: float, end_radius: float) -> Points_N2:
    """Hull of two discs: a tapered limb."""
    way = end - start
    length = float(np.hypot(*way))
    if length <= abs(start_radius - end_radius) + 1e-9:
        return disc(start, start_radius) if start_radius > end_radius else disc(end, end_radius)
    heading = np.arctan2(way[1], way[0])
    lean = np.arccos((start_radius - end_radius) / length)
    back = np.linspace(heading + lean, heading + 2 * np.pi - lean, 10)
    front = np.linspace(heading - lean, heading + lean, 10)
    rear = start + start_radius * np.stack([np.cos(back), np.sin(back)], axis=1)
    fore = end + end_radius * np.stack([np.cos(front), np.sin(front)], axis=1)
    return np.concatenate([fore, rear])


def outline_of_ellipsoid(radii: tuple[float, float, float], frame_33: NDArray[np.float64]) -> NDArray[np.float64]:
    """Outline (20, 2) about the centre of an ellipsoid seen along z."""
    spread = frame_33 @ np.diag(np.square(radii)) @ frame_33.T
    return np.asarray(_CIRCLE @ np.linalg.cholesky(spread[:2, :2] + 1e-12 * np.eye(2)).T)
