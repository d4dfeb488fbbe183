"""The lines of a photograph or drawing, found by classical picture processing, for a line control to follow."""

import cv2
import numpy as np
from numpy.typing import NDArray

from services.common.pictures import Pixels

_FINE = 1 / 160  # of the shorter side: the finer of the two blurs whose difference is a line
_COARSER = 1.6
_FAINT, _CLEAR = 0.012, 0.045  # how much darker than its surroundings: no line yet, and a whole one


def find_lines(image_HWC: Pixels) -> NDArray[np.uint8]:
    """Lines (H, W) of a picture (H, W, 3): 255 on a line, 0 elsewhere.

    A line is what is darker than its surroundings: an inked stroke, or the darker side of an edge. Even surfaces and
    their grain are smoothed away first. (The difference of Gaussians after Winnemoeller et al. 2012.)
    """
    smooth_HWC = cv2.bilateralFilter(image_HWC, 5, 40, 3)
    gray_HW = cv2.cvtColor(smooth_HWC, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    fine_px = max(0.7, min(gray_HW.shape) * _FINE)
    fine_HW = cv2.GaussianBlur(gray_HW, (0, 0), fine_px)
    coarse_HW = cv2.GaussianBlur(gray_HW, (0, 0), fine_px * _COARSER)
    # In the dark a smaller difference is as visible.
    darker_HW = (coarse_HW - fine_HW) / (0.35 + 0.65 * coarse_HW)
    lines_HW = np.clip((darker_HW - _FAINT) / (_CLEAR - _FAINT), 0, 1)
    return np.asarray(np.rint(lines_HW * 255), np.uint8)
