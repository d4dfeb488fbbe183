"""Takes a finished drawing apart into the layers that an artist would go on with: lines, colour, sky.

Every step is classical picture processing. Multiplied and laid over one another, the layers give the drawing again: at
most two of 255 levels off in any channel.
"""

from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from services.common.pictures import Pixels

LINE_SHARE = 1 / 64  # of the shorter side: a dark stroke that is wider is an area
_FAINT, _CLEAR = 0.08, 0.22  # darkening that may belong to a line, and that makes one
_FEWEST, _MOST = 0.002, 0.6  # of the picture that lines may cover
_LIGHTER = 0.9  # neon pages have 1.16 and more; ink, watercolour and screentone 0.67 at most
_FLAT = 0.05  # levels, on the mean of all pixels: no strokes worth the name
_SMALLEST_SKY = 0.01  # of the picture
_SKY_MARGIN_PX = 3  # sky goes on under what stands before it, so that moving a layer shows no gap

Mask = NDArray[np.bool_]


class LayerKind(Enum):
    """What a layer holds."""

    LINE = "line"
    COLOUR = "colour"
    SKY = "sky"
    ORIGINAL = "original"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """RGBA pixels (H, W, 4) of the whole picture's size; `multiply` darkens what lies below, else it covers it."""

    kind: LayerKind
    image_HWC: Pixels
    multiply: bool = False
    visible: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A layer that could not be made well, and why."""

    kind: LayerKind
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """Layers from the bottom to the top; `largest_difference` is that of the re-composited picture, in levels."""

    layers: tuple[Layer, ...]
    left_out: tuple[LeftOut, ...]
    largest_difference: int


def separate(image_HWC: Pixels, *, sky_HW: Mask | None, original_HWC: Pixels | None) -> Separation:
    """Layers of a drawing (H, W, 3), with the picture it was made from hidden at the bottom.

    `sky_HW` is where sky is, None where nobody could look.
    """
    colour_HWC, line = separate_lines(image_HWC)
    layers, left_out = [], []
    if original_HWC is not None:
        size = image_HWC.shape[1], image_HWC.shape[0]
        fitted_HWC = np.asarray(cv2.resize(original_HWC, size, interpolation=cv2.INTER_AREA), np.uint8)
        layers.append(Layer(kind=LayerKind.ORIGINAL, image_HWC=_opaque(fitted_HWC), visible=False))
    if sky_HW is None:
        left_out.append(
            LeftOut(kind=LayerKind.SKY, reason="NO_SKY_NETWORK", message="this family cannot tell where the sky is")
        )
    elif sky_HW.mean() < _SMALLEST_SKY:
        left_out.append(LeftOut(kind=LayerKind.SKY, reason="NO_SKY", message="no sky was found in this picture"))
    else:
        layers.append(Layer(kind=LayerKind.SKY, image_HWC=_sky(colour_HWC, sky_HW)))
    covered_HW = sky_HW if any(layer.kind is LayerKind.SKY for layer in layers) else None
    layers.append(Layer(kind=LayerKind.COLOUR, image_HWC=_colour(colour_HWC, covered_HW)))
    if isinstance(line, LeftOut):
        left_out.append(line)
    else:
        layers.append(line)
    difference = np.abs(composite(layers).astype(np.int16) - image_HWC).max()
    return Separation(layers=tuple(layers), left_out=tuple(left_out), largest_difference=int(difference))


def separate_lines(image_HWC: Pixels) -> tuple[Pixels, Layer | LeftOut]:
    """The picture without its lines (H, W, 3), and the lines to be multiplied onto it.

    A line is thin and darker than what lies on both sides. Under it, the colours of both sides go on and meet.
    """
    gray_HW = np.asarray(cv2.cvtColor(image_HWC, cv2.COLOR_RGB2GRAY), np.uint8)
    lines_HW = thin_lines(gray_HW)
    covered = float(lines_HW.mean())
    message = None
    if _light_over_dark(gray_HW) > _LIGHTER:
        message = "its lines are lighter than its areas, and cannot be multiplied"
    elif covered < _FEWEST:
        message = "no lines were found"
    elif covered > _MOST:
        message = "the picture is more lines than areas"
    if message is not None:
        return image_HWC, LeftOut(kind=LayerKind.LINE, reason="NO_LINES", message=message)
    colour_HWC = np.maximum(image_HWC, _from_nearest(image_HWC, lines_HW))
    return colour_HWC, Layer(kind=LayerKind.LINE, image_HWC=_multiplied(image_HWC, colour_HWC), multiply=True)


def composite(layers: list[Layer] | tuple[Layer, ...]) -> Pixels:
    """What a painting program shows of the visible layers, over white (H, W, 3)."""
    height, width = layers[0].image_HWC.shape[:2]
    shown_HWC = np.full((height, width, 3), 255.0, np.float32)
    for layer in layers:
        if layer.visible:
            alpha_HW1 = layer.image_HWC[..., 3:].astype(np.float32) / 255
            colour_HWC = layer.image_HWC[..., :3].astype(np.float32)
            laid_HWC = shown_HWC * colour_HWC / 255 if layer.multiply else colour_HWC
            shown_HWC += alpha_HW1 * (laid_HWC - shown_HWC)
    return np.rint(shown_HWC).clip(0, 255).astype(np.uint8)


def thin_lines(gray_HW: NDArray[np.uint8]) -> Mask:
    """What a closing fills in, as whole strokes with their soft rims: faint pixels connected to clear ones."""
    filled_HW = cv2.morphologyEx(gray_HW, cv2.MORPH_CLOSE, _stroke(gray_HW, 1))
    darkening_HW = 1 - (gray_HW.astype(np.float32) + 8) / (filled_HW.astype(np.float32) + 8)
    _, label_HW = cv2.connectedComponents((darkening_HW > _FAINT).astype(np.uint8), connectivity=8)
    kept = np.unique(label_HW[darkening_HW > _CLEAR])
    return np.isin(label_HW, kept[kept > 0])


def _light_over_dark(gray_HW: NDArray[np.uint8]) -> float:
    """How strong light strokes are, times dark ones. What is light only between dark strokes is paper, and is not
    counted: light strokes are looked for where dark ones have been filled in.
    """
    filled_HW = cv2.morphologyEx(gray_HW, cv2.MORPH_CLOSE, _stroke(gray_HW, 1))
    light = cv2.morphologyEx(filled_HW, cv2.MORPH_TOPHAT, _stroke(gray_HW, 2)).mean()
    return float(light / max(float((filled_HW - gray_HW).mean()), _FLAT))


def _stroke(gray_HW: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    """A disc into which no stroke fits, or one that is a multiple of its radius."""
    radius_px = times * max(2, round(min(gray_HW.shape) * LINE_SHARE))
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2), np.uint8)


def _from_nearest(image_HWC: Pixels, lines_HW: Mask) -> Pixels:
    """Each pixel of a line in the colour of the nearest pixel that no line touches."""
    touched_HW = cv2.dilate(lines_HW.astype(np.uint8), np.ones((3, 3), np.uint8))
    _, label_HW = cv2.distanceTransformWithLabels(touched_HW, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    free_HW = touched_HW == 0
    source_LC = np.zeros((int(label_HW.max()) + 1, 3), np.uint8)
    source_LC[label_HW[free_HW]] = image_HWC[free_HW]
    return np.where(lines_HW[..., None], source_LC[label_HW], image_HWC)


def _multiplied(image_HWC: Pixels, base_HWC: Pixels) -> Pixels:
    """RGBA that turns `base` into `image` when multiplied; nowhere more opaque than it must be."""
    taken_HWC = 1 - image_HWC.astype(np.float32) / np.maximum(base_HWC, 1)
    alpha_HW = np.ceil(taken_HWC.max(axis=2).clip(0, 1) * 255)
    left_HWC = 255 * (1 - taken_HWC / np.maximum(alpha_HW[..., None] / 255, 1 / 255))
    colour_HWC = np.where(alpha_HW[..., None] > 0, np.rint(left_HWC).clip(0, 255), 0)
    return np.dstack([colour_HWC, alpha_HW]).astype(np.uint8)


def _sky(colour_HWC: Pixels, sky_HW: Mask) -> Pixels:
    """The sky, drawn on for a few pixels under what stands before it."""
    size = 2 * _SKY_MARGIN_PX + 1
    grown_HW = cv2.dilate(sky_HW.astype(np.uint8), np.ones((size, size), np.uint8)).astype(bool)
    drawn_on_HWC = cv2.inpaint(colour_HWC, (grown_HW & ~sky_HW).astype(np.uint8), _SKY_MARGIN_PX, cv2.INPAINT_TELEA)
    return _opaque(np.where(sky_HW[..., None], colour_HWC, drawn_on_HWC), grown_HW)


def _colour(colour_HWC: Pixels, covered_HW: Mask | None) -> Pixels:
    return _opaque(colour_HWC, None if covered_HW is None else ~covered_HW)


def _opaque(image_HWC: Pixels, where_HW: Mask | None = None) -> Pixels:
    """With alpha 255 there, and nothing, not even a colour, elsewhere."""
    alpha_HW = np.full(image_HWC.shape[:2], 255, np.uint8) if where_HW is None else where_HW.astype(np.uint8) * 255
    return np.dstack([np.where(alpha_HW[..., None] > 0, image_HWC, 0), alpha_HW]).astype(np.uint8)
