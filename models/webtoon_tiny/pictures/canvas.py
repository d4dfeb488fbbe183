"""A drawing surface that fills, shades and inks shapes in one style.

Coordinates are in picture heights: y runs from 0 (top) to 1 (bottom), x from 0 to width / height. Shapes are float
arrays of points (N, 2), so a scene is drawn the same at every size. The light comes from the upper left unless `light`
says otherwise.
"""

import math
from collections.abc import Sequence

import numpy as np
import skia
from numpy.typing import NDArray

from models.webtoon_tiny.pictures.finishing import finish_picture, screen_alpha
from models.webtoon_tiny.pictures.styles import Rgb, Style, grade

Points_N2 = NDArray[np.float64]


class Canvas:
    """Draws in the order of the calls; later shapes cover earlier ones."""

    def __init__(
        self, width: int, height: int, style: Style, rng: np.random.Generator, *, transparent: bool = False
    ) -> None:
        self.width, self.height, self.style = width, height, style
        self.aspect = width / height
        self.light: tuple[float, float] = (-1.0, -0.7)
        self._rng = rng
        self._pixels_HWC = np.zeros((height, width, 4), np.uint8)
        self._surface = skia.Surface(self._pixels_HWC, colorType=skia.kRGBA_8888_ColorType)
        self._canvas = self._surface.getCanvas()
        if not transparent:
            self._canvas.clear(_colour(grade((1.0, 1.0, 1.0), style)))
        self._canvas.scale(height, height)

    # --- filling

    def backdrop(self, top: Rgb, bottom: Rgb, *, until: float = 1.0) -> None:
        """Covers the picture with a vertical gradient that ends at height `until`; flat styles get three bands."""
        first, last = grade(top, self.style), grade(bottom, self.style)
        if self.style.shades == 1:
            for band in range(3):
                mix = band / 2
                rgb = tuple(a + (b - a) * mix for a, b in zip(first, last, strict=True))
                self._canvas.drawRect(
                    skia.Rect.MakeXYWH(0, until * band / 3, self.aspect, 2), _fill((rgb[0], rgb[1], rgb[2]))
                )
            return
        paint = skia.Paint(AntiAlias=True)
        ends = [skia.Point(0, 0), skia.Point(0, until)]
        paint.setShader(skia.GradientShader.MakeLinear(ends, [_colour(first), _colour(last)]))
        self._canvas.drawRect(skia.Rect.MakeWH(self.aspect, 1.0), paint)

    def shape(
        self,
        points: Points_N2,
        rgb: Rgb,
        *,
        shade: float = 0.0,
        ink: float = 1.0,
        alpha: float = 1.0,
        close: bool = True,
    ) -> None:
        """Fills a closed shape and inks its outline.

        `shade` is the width of the side away from the light, in picture heights (0: flat); `ink` scales the line weight
        (0: no outline); `alpha` makes the fill translucent, as for glass, mist or light.
        """
        path = _path(points, close=close)
        fill_rgb = grade(rgb, self.style)
        self._canvas.drawPath(path, _fill(fill_rgb, alpha))
        if shade > 0.0 and self.style.shades > 1:
            self._shade(path, rgb, shade, alpha)
        if ink > 0.0:
            self.line(points, weight=ink, close=close)

    def _shade(self, path: skia.Path, rgb: Rgb, width: float, alpha: float) -> None:
        reach = math.hypot(*self.light)
        for step in range(1, self.style.shades):
            depth = width / step
            lit = skia.Path(path)
            lit.offset(self.light[0] / reach * depth, self.light[1] / reach * depth)
            self._canvas.save()
            self._canvas.clipPath(path, skia.ClipOp.kIntersect, doAntiAlias=True)
            self._canvas.clipPath(lit, skia.ClipOp.kDifference, doAntiAlias=True)
            darker = grade(_darker(rgb, 0.78**step), self.style)
            self._canvas.drawPath(path, _fill(darker, alpha * (1.0 - 0.75 * self.style.hatching)))
            if self.style.hatching > 0.0:
                self._hatch(path.getBounds(), rising=step == 1)
            self._canvas.restore()

    def _hatch(self, bounds: skia.Rect, *, rising: bool) -> None:
        gap = 0.034 - 0.012 * self.style.hatching
        paint = self._pen(0.55, grade(self.style.line_rgb, self.style) if self.style.glow else self.style.line_rgb)
        paint.setAlphaf(min(1.0, 0.35 + 0.65 * self.style.hatching))
        span = bounds.height()
        slant = span if rising else -span
        for x in np.arange(bounds.left() - span, bounds.right() + span, gap):
            self._canvas.drawLine(float(x), bounds.bottom(), float(x) + slant, bounds.top(), paint)

    # --- ink

    def line(self, points: Points_N2, *, weight: float = 1.0, rgb: Rgb | None = None, close: bool = False) -> None:
        """Inks a line in the style's pen; absent where the style has no outlines and no colour is given."""
        if rgb is None and not self.style.outline:
            return
        ink_rgb = self.style.line_rgb if rgb is None else grade(rgb, self.style)
        paint = self._pen(weight, ink_rgb)
        if self.style.line_wobble > 0.0:
            wander = skia.DiscretePathEffect.Make(
                0.05, 0.006 * self.style.line_wobble, int(self._rng.integers(1 << 31))
            )
            paint.setPathEffect(skia.PathEffect.MakeCompose(skia.CornerPathEffect.Make(0.014), wander))
        self._canvas.drawPath(_path(points, close=close), paint)

    def _pen(self, weight: float, rgb: Rgb) -> skia.Paint:
        paint = _fill(rgb)
        paint.setStyle(skia.Paint.kStroke_Style)
        paint.setStrokeWidth(self.style.line_weight * weight)
        paint.setStrokeCap(skia.Paint.kRound_Cap)
        paint.setStrokeJoin(skia.Paint.kRound_Join)
        return paint

    def clip(self, points: Points_N2) -> None:
        """Everything drawn until `unclip` stays inside this shape."""
        self._canvas.save()
        self._canvas.clipPath(_path(points, close=True), skia.ClipOp.kIntersect, doAntiAlias=True)

    def unclip(self) -> None:
        """Ends the innermost `clip`."""
        self._canvas.restore()

    def leave_sky(self) -> None:
        """What is drawn from now on stands before the sky; only a canvas that shows where sky is needs to know."""

    def light_up(self, x: float, y: float, radius: float, rgb: Rgb, strength: float = 0.6) -> None:
        """Adds a soft round glow, as of a lamp or the moon."""
        paint = skia.Paint(AntiAlias=True, BlendMode=skia.BlendMode.kScreen)
        edge = skia.Color4f(0, 0, 0, 0)
        core = skia.Color4f(rgb[0], rgb[1], rgb[2], strength)
        paint.setShader(skia.GradientShader.MakeRadial(skia.Point(x, y), radius, [core.toColor(), edge.toColor()]))
        self._canvas.drawCircle(x, y, radius, paint)

    # --- results

    def finish(self) -> NDArray[np.uint8]:
        """The finished picture (H, W, 3): finishing (wash, edges, screen, paper, glow) applied."""
        return finish_picture(self._pixels_HWC[:, :, :3], self.style, self._rng)

    def finish_rgba(self) -> NDArray[np.uint8]:
        """The finished picture with exact coverage (H, W, 4), straight alpha; meant for a transparent canvas."""
        alpha_HW = self._pixels_HWC[:, :, 3]
        over_white_HWC = screen_alpha(self._pixels_HWC)
        rgb_HWC = finish_picture(over_white_HWC, self.style, self._rng)
        return np.dstack([rgb_HWC, alpha_HW])

    def coverage(self) -> NDArray[np.uint8]:
        """How much of each pixel has been drawn on so far (H, W), 0..255."""
        return self._pixels_HWC[:, :, 3].copy()


# --- shapes


def polygon(*corners: tuple[float, float]) -> Points_N2:
    """Straight-sided shape through the corners (N, 2)."""
    return np.array(corners, np.float64)


def box(x: float, y: float, width: float, height: float) -> Points_N2:
    """Upright rectangle (4, 2) from its upper left corner."""
    return polygon((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def ellipse(x: float, y: float, radius_x: float, radius_y: float | None = None, *, turn: float = 0.0) -> Points_N2:
    """Ellipse (28, 2) about its centre; `turn` in radians."""
    angle = np.linspace(0.0, 2 * math.pi, 28, endpoint=False)
    px, py = radius_x * np.cos(angle), (radius_x if radius_y is None else radius_y) * np.sin(angle)
    return np.stack(
        [x + px * math.cos(turn) - py * math.sin(turn), y + px * math.sin(turn) + py * math.cos(turn)], axis=1
    )


def smooth(corners: Sequence[tuple[float, float]] | Points_N2, *, close: bool = True, steps: int = 6) -> Points_N2:
    """A rounded curve through the corners (Catmull-Rom), closed or open."""
    knots = np.asarray(corners, np.float64)
    ends = (knots[-1:], knots[:2]) if close else (knots[:1], knots[-1:])
    padded = np.concatenate([ends[0], knots, ends[1]])
    t = np.linspace(0.0, 1.0, steps, endpoint=False)[None, :, None]
    p0, p1, p2, p3 = (padded[i : len(padded) - 3 + i, None, :] for i in range(4))
    curve = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
    points = curve.reshape(-1, 2)
    return points if close else np.concatenate([points, knots[-1:]])


def _path(points: Points_N2, *, close: bool) -> skia.Path:
    return skia.Path.Polygon([skia.Point(x, y) for x, y in points.tolist()], close)


def _colour(rgb: Rgb) -> int:
    return int(skia.Color4f(rgb[0], rgb[1], rgb[2], 1.0).toColor())


def _fill(rgb: Rgb, alpha: float = 1.0) -> skia.Paint:
    paint = skia.Paint(AntiAlias=True)
    paint.setColor4f(skia.Color4f(rgb[0], rgb[1], rgb[2], alpha))
    return paint


def _darker(rgb: Rgb, factor: float) -> Rgb:
    # Shade leans to blue, as coloured shadows do in drawn pictures.
    return (rgb[0] * factor * 0.96, rgb[1] * factor * 0.97, min(1.0, rgb[2] * factor * 1.08))
