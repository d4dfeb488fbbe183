"""What a picture is made of, exactly: its lines alone, and where its sky is."""

import numpy as np
from numpy.typing import NDArray

from models.webtoon_tiny.pictures.canvas import Canvas, Points_N2
from models.webtoon_tiny.pictures.scenes import Scene, draw_on
from models.webtoon_tiny.pictures.styles import Rgb, Style

_BLACK: Rgb = (0.0, 0.0, 0.0)
_WHITE: Rgb = (1.0, 1.0, 1.0)


class LineCanvas(Canvas):
    """Inks every visible line in black on white: what lies behind a shape is hidden by it, as in the picture."""

    def backdrop(self, top: Rgb, bottom: Rgb, *, until: float = 1.0) -> None:
        """Nothing: a gradient has no lines."""

    def light_up(self, x: float, y: float, radius: float, rgb: Rgb, strength: float = 0.6) -> None:
        """Nothing: a glow has no lines."""

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
        """A white shape with its outline; glass, mist and light hide nothing."""
        del rgb, shade
        if alpha == 1.0:
            super().shape(points, _WHITE, ink=ink, close=close)

    def line(self, points: Points_N2, *, weight: float = 1.0, rgb: Rgb | None = None, close: bool = False) -> None:
        """A black line, whatever its colour in the picture."""
        del rgb
        super().line(points, weight=weight, rgb=_BLACK, close=close)


class SkyCanvas(Canvas):
    """White where sky, sun, moon or clouds are seen, black where anything stands before them."""

    _in_sky = False

    def backdrop(self, top: Rgb, bottom: Rgb, *, until: float = 1.0) -> None:
        """The sky itself."""
        del top, bottom
        super().backdrop(_WHITE, _WHITE, until=until)
        self._in_sky = True

    def leave_sky(self) -> None:
        """What is drawn from now on hides the sky."""
        self._in_sky = False

    def light_up(self, x: float, y: float, radius: float, rgb: Rgb, strength: float = 0.6) -> None:
        """Nothing: a glow does not hide the sky."""

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
        """A black shape, unless it belongs to the sky; what is clear as glass, mist or light hides nothing."""
        del rgb, shade
        if alpha == 1.0 and not self._in_sky:
            super().shape(points, _BLACK, ink=ink, close=close)

    def line(self, points: Points_N2, *, weight: float = 1.0, rgb: Rgb | None = None, close: bool = False) -> None:
        """A black line, unless it belongs to the sky."""
        del rgb
        if not self._in_sky:
            super().line(points, weight=weight, rgb=_BLACK, close=close)


def draw_lines(scene: Scene, width: int, height: int, *, weight: float = 0.010) -> NDArray[np.uint8]:
    """The scene's exact lines (height, width): 255 on a line, 0 elsewhere; `weight` is that of a style's line.

    What falls from the sky is left out.
    """
    canvas = LineCanvas(width, height, Style(line_weight=weight), np.random.default_rng(0))
    draw_on(canvas, scene, falling=False)
    ink: NDArray[np.uint8] = 255 - canvas.finish()[:, :, 0]
    return ink


def draw_sky_mask(scene: Scene, width: int, height: int) -> NDArray[np.bool_]:
    """Where the scene shows sky (height, width), the sky behind falling snow and rain too; nowhere in a room."""
    canvas = SkyCanvas(width, height, Style(line_weight=0.006), np.random.default_rng(0))
    draw_on(canvas, scene, falling=False)
    sky: NDArray[np.bool_] = canvas.finish()[:, :, 0] > 127
    return sky
