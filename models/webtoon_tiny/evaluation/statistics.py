"""How far apart sets of pictures are: in what they show, in how they are drawn, and pixel by pixel."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from models.webtoon_tiny.classifier_network import Judge, to_batch

Pixels = NDArray[np.uint8]
STYLE_LEVELS = 2
EDGE_REACH_px = 2


def gram(judge: Judge, pictures_HWC: Sequence[Pixels]) -> list[NDArray[np.float64]]:
    """Mean over the pictures of the Gram matrices of the classifier's first two levels; pictures of one size."""
    sums: list[NDArray[np.float64]] = []
    for start in range(0, len(pictures_HWC), 32):
        with torch.no_grad():
            levels = judge.network.levels(to_batch(pictures_HWC[start : start + 32]))[:STYLE_LEVELS]
        for level, features_BCHW in enumerate(levels):
            flat = features_BCHW.flatten(2)
            total = (flat @ flat.transpose(1, 2) / flat.shape[2]).sum(0).double().numpy()
            if len(sums) <= level:
                sums.append(np.zeros_like(total))
            sums[level] += total
    return [total / len(pictures_HWC) for total in sums]


def style_distance(first: Sequence[NDArray[np.float64]], second: Sequence[NDArray[np.float64]]) -> float:
    """Mean over the levels of the Frobenius norm of the difference, as a share of the second's norm."""
    return float(np.mean([np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(first, second, strict=True)]))


def feature_distance(first_NC: NDArray[np.float64], second_NC: NDArray[np.float64]) -> float:
    """Frechet distance of two sets of classifier features, as in FID."""
    means = first_NC.mean(0) - second_NC.mean(0)
    spreads = [np.cov(features, rowvar=False) for features in (first_NC, second_NC)]
    # The trace of the root of a product of covariances is the sum of the roots of its eigenvalues.
    roots = np.sqrt(np.linalg.eigvals(spreads[0] @ spreads[1]).real.clip(min=0))
    return float(means @ means + np.trace(spreads[0] + spreads[1]) - 2 * roots.sum())


def edges(picture_HWC: Pixels) -> NDArray[np.bool_]:
    """Canny edges (H, W) of the picture, slightly blurred, with thresholds from its own contrast."""
    gray = cv2.GaussianBlur(cv2.cvtColor(picture_HWC, cv2.COLOR_RGB2GRAY), (0, 0), 1.4)
    high, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    high = min(150.0, max(40.0, 0.6 * high))
    return np.asarray(cv2.Canny(gray, 0.5 * high, high) > 0)


def edge_f1(found_HWC: Pixels, true_HWC: Pixels) -> float:
    """F1 of the first picture's edges against the second's, two pixels of tolerance; 1 where neither has any."""
    found, true = edges(found_HWC), edges(true_HWC)
    if not found.any() and not true.any():
        return 1.0
    if not found.any() or not true.any():
        return 0.0
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * EDGE_REACH_px + 1, 2 * EDGE_REACH_px + 1))
    near = [cv2.dilate(one.astype(np.uint8), reach) > 0 for one in (found, true)]
    precision, recall = (found & near[1]).sum() / found.sum(), (true & near[0]).sum() / true.sum()
    return float(2 * precision * recall / max(1e-9, precision + recall))


def difference(first_HWC: Pixels, second_HWC: Pixels) -> float:
    """Root mean square difference in levels."""
    return float(np.sqrt(np.square(first_HWC.astype(np.float64) - second_HWC.astype(np.float64)).mean()))
