"""Measures the detector and the pose network on held-out drawings.

`python -m models.webtoon_tiny.figure_quality {pose,detector} MODEL.onnx HELD_OUT.npz` prints JSON.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.webtoon_tiny import detector_data, pose_data
from models.webtoon_tiny.detector_network import grid
from models.webtoon_tiny.pictures.characters_points import OCCLUDED, SEEN

PARTS = {"body": slice(0, 17), "feet": slice(17, 23), "face": slice(23, 91), "hands": slice(91, 133)}
_GRID = grid()
HELD_OUT_SEED = 990_000
DETECTOR, POSE = Path("dwpose/detector.onnx"), Path("dwpose/pose.onnx")
REACH = 0.1
"""Tolerance of a correct point, as a share of the distance from nose to the middle of the hips."""


def session(path: Path) -> onnxruntime.InferenceSession:
    """The model on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def read_points(
    simcc_x: NDArray[np.float32], simcc_y: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Crop points (N, 133, 2) and scores (N, 133)."""
    points = np.stack([simcc_x.argmax(axis=-1), simcc_y.argmax(axis=-1)], axis=-1).astype(np.float32) * np.float32(0.5)
    return points, np.minimum(simcc_x.max(axis=-1), simcc_y.max(axis=-1))


def correct(found_NK2: NDArray[np.float32], true_NK2: NDArray[np.float32], reach: float = REACH) -> NDArray[np.bool_]:
    """Which points (N, 133) lie within the tolerance."""
    length_N = np.linalg.norm(true_NK2[:, 0] - true_NK2[:, 11:13].mean(axis=1), axis=1)
    return np.asarray(np.linalg.norm(found_NK2 - true_NK2, axis=-1) <= reach * length_N[:, None])


def measure_figures(family: Path, *, seed: int = HELD_OUT_SEED, count: int = 100) -> dict[str, float]:
    """`detector_ap50`, `pck_body`, `pck_hands` and `pck_face` of a family, on `count` crops and as many pictures that
    are drawn anew from the seed: characters, poses, styles and backdrops that no training set holds.
    """
    people = detector_quality(family / DETECTOR, detector_data.draw_set(count, seed))
    points = pose_quality(family / POSE, pose_data.draw_set(count, seed + 1))
    return {"detector_ap50": people["ap50"], **{key: points[key] for key in ("pck_body", "pck_hands", "pck_face")}}


def pose_quality(model: Path, data: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """PCK@0.1 of the points that are expected, and how well scores over 0.3 tell expected from absent points.

    `data` holds crops, points and visibilities as `pose_data.draw_set` draws them.
    """
    run = session(model)
    crops_NHWC = data["pixels_NHWC"].repeat(2, axis=1).repeat(2, axis=2)[..., ::-1].astype(np.float32)
    inputs = (
        ((crops_NHWC - [123.675, 116.28, 103.53]) / [58.395, 57.12, 57.375]).transpose(0, 3, 1, 2).astype(np.float32)
    )
    outputs = [run.run(None, {"input": inputs[start : start + 20]}) for start in range(0, len(inputs), 20)]
    points, scores = read_points(*(np.concatenate([output[index] for output in outputs]) for index in (0, 1)))
    visibility = data["visibility_NK"]
    expected = expected_points(visibility)
    right = correct(points, data["keypoints_NK2"])
    quality = {f"pck_{part}": float(right[:, where][expected[:, where]].mean()) for part, where in PARTS.items()}
    for part, where in PARTS.items():
        quality[f"seen_{part}"] = float((scores[:, where][expected[:, where]] > 0.3).mean())
        quality[f"absent_{part}"] = float((scores[:, where][visibility[:, where] == 0] <= 0.3).mean())
    return {name: round(value, 4) for name, value in quality.items()}


def expected_points(visibility_NK: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which points a good estimator finds: joints of body and feet also where something covers them."""
    expected_NK = np.asarray(visibility_NK == SEEN)
    expected_NK[:, :23] = visibility_NK[:, :23] >= OCCLUDED
    return expected_NK


def read_people(rows_A85: NDArray[np.float32], least: float = 0.3) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes (P, 4) in detector pixels and scores (P,), best first, greedy suppression at IoU 0.45."""
    corner, stride = (tensor.numpy() for tensor in _GRID)
    score = rows_A85[:, 4] * rows_A85[:, 5]
    keep = score > least
    centre = (rows_A85[keep, :2] + corner[keep]) * stride[keep]
    half = 0.5 * np.exp(rows_A85[keep, 2:4]) * stride[keep]
    boxes, scores = np.concatenate([centre - half, centre + half], axis=1), score[keep]
    left, chosen = list(np.argsort(-scores)), []
    while left:
        best = left.pop(0)
        chosen.append(best)
        left = [other for other in left if iou(boxes[best], boxes[other]) <= 0.45]
    return boxes[chosen], scores[chosen]


def iou(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Intersection over union of two boxes."""
    shared = np.prod(np.clip(np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2]), 0, None))
    return float(shared / (np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2]) - shared))


def detector_quality(model: Path, data: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """Average precision at IoU 0.5, and recall at the score the service uses, on pictures of `detector_data`."""
    run = session(model)
    found: list[tuple[float, bool]] = []
    total = at_threshold = 0
    for pixels_HWC, boxes_M4 in zip(data["pixels_NHWC"], data["boxes_NM4"], strict=True):
        images = (
            pixels_HWC.repeat(4, axis=0).repeat(4, axis=1)[None, ..., ::-1].transpose(0, 3, 1, 2).astype(np.float32)
        )
        boxes, scores = read_people(run.run(None, {"images": np.ascontiguousarray(images)})[0][0], least=0.01)
        wanted = [box for box in boxes_M4 if not np.isnan(box).any()]
        total += len(wanted)
        for box, score in zip(boxes, scores, strict=True):
            overlaps = [iou(box, other) for other in wanted]
            hit = bool(overlaps) and max(overlaps) >= 0.5
            found.append((float(score), hit))
            at_threshold += hit and score > 0.3
            if hit:
                wanted.pop(int(np.argmax(overlaps)))
    return {
        "ap50": round(_average_precision(found, total), 4),
        "recall_at_0.3": round(at_threshold / total, 4),
        "people": total,
    }


def _average_precision(found: list[tuple[float, bool]], total: int) -> float:
    hits = np.cumsum([hit for _, hit in sorted(found, reverse=True)])
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    recall = np.concatenate([[0.0], hits / total])
    return float((np.diff(recall) * precision).sum())


if __name__ == "__main__":
    measure = pose_quality if sys.argv[1] == "pose" else detector_quality
    print(json.dumps(measure(Path(sys.argv[2]), np.load(sys.argv[3])), indent=1))
