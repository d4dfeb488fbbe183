"""Brings a picture near a hand before it is drawn over: its colours into the hand's palette, its lines inked.

Drawing over half of the noise keeps the large colours of a photograph, so a hand on grey paper would stay orange.
"""

import numpy as np

from services.background.engine.line_control import Lines
from services.common.palettes import Palette, to_lab, to_rgb
from services.common.pictures import Pixels

INK = 0.6  # how dark an inked line becomes, of black
_FULL_AT = 0.5  # strength from which on all is done; below it less, and nothing at strength 0
_LEAST_SPREAD = 1.5  # of L*, a* or b*: an even picture gets no grain
_MOST_CONTRAST = 2.0


def near_hand(
    image_HWC: Pixels, palette: Palette, *, amount: float, strength: float, lines: Lines | None = None
) -> Pixels:
    """The picture (H, W, 3) as what a drawing of this strength begins with; `amount` from 0 (as it is) to 1."""
    share = amount * min(1.0, strength / _FULL_AT)
    if not share:
        return image_HWC
    lab_HWC = to_lab(image_HWC)
    mean, spread = lab_HWC.mean(axis=(0, 1)), lab_HWC.std(axis=(0, 1))
    contrast = np.minimum(np.asarray(palette.spread) / np.maximum(spread, _LEAST_SPREAD), _MOST_CONTRAST)
    # Half of the way for light and dark: they carry the shapes.
    contrast[0] = np.sqrt(contrast[0])
    moved_HWC = (lab_HWC - mean) * contrast + np.asarray(palette.mean)
    recoloured_HWC = to_rgb(np.asarray(lab_HWC + share * (moved_HWC - lab_HWC), np.float32))
    if lines is None:
        return recoloured_HWC
    ink = share * INK * min(1.0, lines.weight)
    kept_HW1 = 1 - ink * lines.lines_HW[:, :, None].astype(np.float32) / 255
    return np.asarray(np.rint(recoloured_HWC * kept_HW1), np.uint8)
