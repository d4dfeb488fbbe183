"""Reading one person's points as DWPose does: the crop around a box, and the decoding of SimCC.

Axes: N people, K keypoints, H W picture or crop, C channels in the order BGR, X Y bins of SimCC.
A box is x0, y0, x1, y1 in pixels; `centre` and `scale` are the crop's middle and size in the picture.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

PADDING = 1.25

# ImageNet's constants. The original applies these, which are in the order RGB, to BGR pixels.
_MEAN = np.array([123.675, 116.28, 103.53])
_DEVIATION = np.array([58.395, 57.12, 57.375])
_NORMALISED_VC = ((np.arange(256)[:, None] - _MEAN) / _DEVIATION).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crops:
    """Where the crops lie in the picture."""

    centre_N2: Floats
    scale_N2: Floats


def crops_around(xyxy_N4: NDArray[np.floating], crop_wh: tuple[int, int]) -> Crops:
    """Crops a quarter larger than the boxes, made wider or taller to the crop's aspect."""
    aspect = crop_wh[0] / crop_wh[1]
    centre_N2 = (xyxy_N4[:, :2] + xyxy_N4[:, 2:]).astype(np.float64) * 0.5
    width_N, height_N = ((xyxy_N4[:, 2:] - xyxy_N4[:, :2]).astype(np.float64) * PADDING).T
    wide_N = width_N > height_N * aspect
    scale_N2 = np.stack([np.where(wide_N, width_N, height_N * aspect), np.where(wide_N, width_N / aspect, height_N)], 1)
    return Crops(centre_N2=centre_N2, scale_N2=scale_N2)


def warp_matrix(centre_2: Floats, scale_2: Floats, crop_wh: tuple[int, int]) -> NDArray[np.float64]:
    """The affine map (2, 3) from the picture into the crop, through three points rounded to float32."""
    source = _corner_points(centre_2, scale_2[0] / 2)
    target = _corner_points(np.array(crop_wh) / 2, crop_wh[0] / 2)
    return np.asarray(cv2.getAffineTransform(source, target), np.float64)


def _corner_points(centre_2: Floats, half_width: float) -> NDArray[np.float32]:
    middle = centre_2.astype(np.float32)
    upper = (centre_2 - np.array([0, half_width])).astype(np.float32)
    arm = middle - upper
    return np.stack([middle, upper, upper + np.array([-arm[1], arm[0]], np.float32)])


def cut_crops(bgr_HWC: Pixels, crops: Crops, crop_wh: tuple[int, int]) -> Pixels:
    """The crops (N, H, W, C); black where they leave the picture."""
    cut_NHWC = np.empty((len(crops.centre_N2), crop_wh[1], crop_wh[0], 3), np.uint8)
    for crop_HWC, centre_2, scale_2 in zip(cut_NHWC, crops.centre_N2, crops.scale_N2, strict=True):
        matrix = warp_matrix(centre_2, scale_2, crop_wh)
        crop_HWC[:] = cv2.warpAffine(bgr_HWC, matrix, crop_wh, flags=cv2.INTER_LINEAR)
    return cut_NHWC


def normalise(cut_NHWC: Pixels) -> NDArray[np.float32]:
    """The pose network's input (N, C, H, W)."""
    planes = [_NORMALISED_VC[cut_NHWC[..., channel], channel] for channel in range(3)]
    return np.stack(planes, axis=1)


def decode_simcc(
    simcc_NKX: NDArray[np.float32], simcc_NKY: NDArray[np.float32], crops: Crops, crop_wh: tuple[int, int]
) -> tuple[Floats, NDArray[np.float32]]:
    """Points (N, K, 2) in pixels of the picture, and their raw scores (N, K).

    A score is the smaller of the two highest bins; where it is not positive both bins count as -1, so the point lies
    just outside the crop and only its score tells.
    """
    bins_per_pixel = simcc_NKX.shape[2] / crop_wh[0]
    score_NK = np.minimum(simcc_NKX.max(axis=2), simcc_NKY.max(axis=2))
    bin_NK2 = np.stack([simcc_NKX.argmax(axis=2), simcc_NKY.argmax(axis=2)], axis=2).astype(np.float32)
    bin_NK2[score_NK <= 0] = -1
    in_crop_NK2 = bin_NK2 / bins_per_pixel
    scale_N12 = crops.scale_N2[:, None]
    xy_NK2 = in_crop_NK2 / np.array(crop_wh) * scale_N12 + crops.centre_N2[:, None] - scale_N12 / 2
    return xy_NK2, score_NK
