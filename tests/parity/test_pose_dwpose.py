"""Pose estimation gives what DWPose gives, to the last bit, on every set that is found."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from services.pose.estimation import detection, keypoints
from services.pose.estimation.engine import LookSpec, PoseEngine
from services.pose.sizes import DRAWING_SIDE, working_size
from services.pose.skeleton import clearest_person, draw_people, to_openpose
from tests.parity.dwpose_sets import (
    CROP,
    DETECTION,
    DRAWING,
    LETTERBOX,
    ORDER,
    RESIZE,
    SIMCC,
    SIZE,
    WHOLE,
    suppressions,
    suppressions_by_class,
)
from tests.parity.pose_sets import NpzCase, npz_cases

Arrays = dict[str, NDArray[Any]]

DETECTOR_SIDE, CROP_WH = 640, (288, 384)  # where a case does not show it
BINS_PER_PIXEL = 2

# OpenCV 5 warps otherwise: the largest and the mean difference in grey levels.
EXACT_WARP = cv2.__version__.startswith("4.")
WARP_LEVELS, WARP_MEAN = (0, 0) if EXACT_WARP else (6, 0.1)
SMALLEST_DEVIATION = 57.12  # grey levels by which the pose network's input is divided


def square_side(raw_1AR: NDArray[Any]) -> int:
    """The detector's input side, from its number of anchors."""
    return int(np.rint((raw_1AR.shape[1] / sum(1 / stride**2 for stride in detection.STRIDES)) ** 0.5))


def bins_to_crop(simcc_NKX: NDArray[Any], simcc_NKY: NDArray[Any]) -> tuple[int, int]:
    return simcc_NKX.shape[2] // BINS_PER_PIXEL, simcc_NKY.shape[2] // BINS_PER_PIXEL


def equal_where_given(arrays: Arrays, **found: Any) -> None:
    """Whatever of these the case has is exactly the same; nothing is nothing, in whatever shape."""
    for name in found.keys() & arrays.keys():
        if np.size(found[name]) or arrays[name].size:
            np.testing.assert_array_equal(found[name], arrays[name], err_msg=name)


@pytest.mark.parametrize("case", npz_cases(SIZE), ids=str)
def test_pictures_are_looked_at_in_the_same_size(case: NpzCase) -> None:
    (height, width), network_hw = case.read()["input_hw"].tolist(), case.read()["network_hw"]
    found_wh = working_size((width, height), short_side=int(min(network_hw)))
    np.testing.assert_array_equal(found_wh[::-1], network_hw)


@pytest.mark.parametrize("case", npz_cases(RESIZE), ids=str)
def test_pictures_are_resized_to_the_same_pixels(case: NpzCase) -> None:
    arrays = case.read()
    short_side = min(arrays["resized_bgr"].shape[:2])
    found_HWC = detection.to_working_picture(arrays["image_rgb"], short_side=short_side)
    np.testing.assert_array_equal(found_HWC, arrays["resized_bgr"])


@pytest.mark.parametrize("case", npz_cases(LETTERBOX), ids=str)
def test_the_detector_sees_the_same_square(case: NpzCase) -> None:
    arrays = case.read()
    side = arrays["tensor_u8_chw"].shape[1] if "tensor_u8_chw" in arrays else DETECTOR_SIDE
    found_1CHW, scale = detection.letterbox(arrays["image_bgr"], side)
    equal_where_given(arrays, tensor_u8_chw=found_1CHW[0], ratio=scale)


@pytest.mark.parametrize("case", npz_cases(DETECTION), ids=str)
def test_the_same_boxes_are_found(case: NpzCase) -> None:
    arrays = case.read()
    raw_1AR, side = arrays["raw"], square_side(arrays["raw"])
    scale = float(min(side / arrays["image_hw"][0], side / arrays["image_hw"][1]))
    found = detection.find_people(raw_1AR, scale, side, min_score=0.3)
    filled_N = np.flatnonzero(raw_1AR[0].any(axis=1))
    rows_N = arrays.get("decoded_rows", filled_N)
    decoded_N4 = detection.decode_anchors(raw_1AR[0][rows_N], detection.anchor_grid(side)[rows_N])
    # The original answers otherwise when there is no candidate of any class; for us, nobody is nobody.
    scores_AC = raw_1AR[0, :, 4:5] * raw_1AR[0, :, 5:]
    equal_where_given(
        arrays,
        boxes_xyxy=found.xyxy_N4,
        decoded_rows=filled_N,
        decoded_xywh=decoded_N4,
        returned_empty_list=not (scores_AC > np.float32(detection.CANDIDATE_SCORE)).any(),
    )


@pytest.mark.parametrize("case", suppressions(), ids=lambda case: f"{case}-{case.family.results[0]}")
def test_the_same_boxes_survive_suppression(case: NpzCase) -> None:
    arrays, result = case.read(), case.family.results[0]
    max_overlap = float(result.removeprefix("keep_"))
    kept_N = detection.suppress_overlaps(arrays["boxes"], arrays["scores"], max_overlap)
    np.testing.assert_array_equal(kept_N, arrays[result])


@pytest.mark.parametrize("case", suppressions_by_class(), ids=str)
def test_suppression_class_by_class_gives_the_same_rows(case: NpzCase) -> None:
    boxes_N4, scores_NC, expected = (case.read()[name] for name in (*case.family.given, *case.family.results))
    rows = []
    for number, all_scores_N in enumerate(scores_NC.T):
        candidates_N = np.flatnonzero(all_scores_N > detection.CANDIDATE_SCORE)
        box_N4, score_N = boxes_N4[candidates_N], all_scores_N[candidates_N]
        kept_N = detection.suppress_overlaps(box_N4, score_N, detection.MAX_OVERLAP)
        rows.append(np.column_stack([box_N4[kept_N], score_N[kept_N], np.full(len(kept_N), float(number))]))
    np.testing.assert_array_equal(np.concatenate(rows), expected)


@pytest.mark.parametrize("case", npz_cases(CROP), ids=str)
def test_the_pose_network_sees_the_same_crops(case: NpzCase) -> None:
    arrays = case.read()
    picture_HWC, box_N4 = arrays["image_bgr"], arrays["boxes"]
    if not len(box_N4):
        box_N4 = np.array([[0, 0, picture_HWC.shape[1], picture_HWC.shape[0]]], np.float64)
    crop_wh = CROP_WH
    if "warped_u8_nhwc" in arrays:
        crop_wh = (arrays["warped_u8_nhwc"].shape[2], arrays["warped_u8_nhwc"].shape[1])
    crops = keypoints.crops_around(box_N4, crop_wh)
    equal_where_given(arrays, center=crops.centre_N2, scale=crops.scale_N2)
    if "warp_matrix" in arrays:
        places = zip(crops.centre_N2, crops.scale_N2, strict=True)
        matrices_N23 = np.stack([keypoints.warp_matrix(*place, crop_wh) for place in places])
        assert matrices_N23.shape == arrays["warp_matrix"].shape
        np.testing.assert_allclose(matrices_N23, arrays["warp_matrix"], atol=1e-5, rtol=0)
    found_NHWC = keypoints.cut_crops(picture_HWC, crops, crop_wh)
    if "warped_u8_nhwc" in arrays:
        assert found_NHWC.shape == arrays["warped_u8_nhwc"].shape
        difference = np.abs(found_NHWC.astype(int) - arrays["warped_u8_nhwc"])
        assert difference.max() <= WARP_LEVELS
        assert difference.mean() <= WARP_MEAN
    # From the reference's own crop, so that this is exact even where the warp is not.
    crop_1HWC = arrays.get("warped_u8_nhwc", found_NHWC)[:1]
    equal_where_given(arrays, first_tensor_chw_f32=keypoints.normalise(crop_1HWC)[0])


@pytest.mark.parametrize("case", npz_cases(SIMCC), ids=str)
def test_the_same_points_are_decoded(case: NpzCase) -> None:
    arrays = case.read()
    simcc_NKX, simcc_NKY = arrays["simcc_x"], arrays["simcc_y"]
    crop_wh = bins_to_crop(simcc_NKX, simcc_NKY)
    crops = keypoints.Crops(centre_N2=arrays["center"], scale_N2=arrays["scale"])
    xy_NK2, score_NK = keypoints.decode_simcc(simcc_NKX, simcc_NKY, crops, crop_wh)
    equal_where_given(arrays, keypoints=xy_NK2, scores=score_NK)
    # A crop that is the picture: its points are the picture's, but for rounding far below the half pixel of a bin.
    size_N2 = np.tile(np.array(crop_wh, np.float64), (len(simcc_NKX), 1))
    itself = keypoints.Crops(centre_N2=size_N2 / 2, scale_N2=size_N2)
    in_crop_NK2, _ = keypoints.decode_simcc(simcc_NKX, simcc_NKY, itself, crop_wh)
    equal_where_given(arrays, keypoints_in_crop=np.rint(in_crop_NK2 * BINS_PER_PIXEL) / BINS_PER_PIXEL)


@pytest.mark.parametrize("case", npz_cases(ORDER), ids=str)
def test_openpose_order_and_neck_are_the_same(case: NpzCase) -> None:
    arrays = case.read()
    xy_PO2, score_PO = to_openpose(arrays["keypoints133"], arrays["scores133"])
    equal_where_given(arrays, keypoints134=xy_PO2, scores134=score_PO)


def draw_clearest(xy_PK2: NDArray[Any], score_PK: NDArray[Any], canvas_wh: tuple[int, int]) -> tuple[Any, Any]:
    """The body scores (1, 18) of the one person who is drawn, and the drawing."""
    _, score_PO = to_openpose(xy_PK2, score_PK)
    one = slice(best := clearest_person(score_PO), best + 1)
    return score_PO[one, :18], draw_people(xy_PK2[one], score_PK[one], canvas_wh)


def as_large_as(canvas_HWC: NDArray[Any], expected_HWC: NDArray[Any]) -> NDArray[Any]:
    """A drawing in the final size, which is the working size for another short side."""
    final_wh = (expected_HWC.shape[1], expected_HWC.shape[0])
    assert working_size((canvas_HWC.shape[1], canvas_HWC.shape[0]), short_side=min(final_wh)) == final_wh
    return cv2.resize(canvas_HWC, final_wh)


def same_picture(path: Path, found_HWC: NDArray[Any]) -> None:
    """The picture that may lie beside the arrays."""
    if path.exists():
        np.testing.assert_array_equal(found_HWC, np.asarray(Image.open(path).convert("RGB")), err_msg=path.name)


@pytest.mark.parametrize("case", npz_cases(DRAWING), ids=str)
def test_every_pixel_of_a_drawing_is_the_same(case: NpzCase) -> None:
    arrays = case.read()
    beside = f"{case.path.stem}_{case.prefix.strip('.')}"
    canvas_wh = (int(arrays["network_hw"][1]), int(arrays["network_hw"][0]))
    xy_PK2, score_PK = arrays["keypoints133"], arrays["scores133"]
    everybody_HWC = draw_people(xy_PK2, score_PK, canvas_wh)
    same_picture(case.path.with_name(f"{beside}_all_people.png"), everybody_HWC)
    best_scores, one_HWC = draw_clearest(xy_PK2, score_PK, canvas_wh)
    equal_where_given(arrays, canvas_all_people=everybody_HWC, best_body_scores=best_scores)
    if "canvas_product" in arrays:
        final_HWC = as_large_as(one_HWC, arrays["canvas_product"])
        equal_where_given(arrays, canvas_product=final_HWC)
        same_picture(case.path.with_name(f"{beside}_product.png"), final_HWC)


class ReplayedDetector:
    """Keeps what it was shown and answers with what was recorded."""

    def __init__(self, raw_1AR: NDArray[Any]) -> None:
        self.side = square_side(raw_1AR)
        self.square_1CHW = np.zeros(0, np.float32)
        self._raw_1AR = raw_1AR

    def __call__(self, square_1CHW: NDArray[np.float32], /) -> NDArray[np.float32]:
        self.square_1CHW = square_1CHW
        return self._raw_1AR


class ReplayedPoints:
    """Keeps what it was shown; to the crops, in batches of any size, it answers with the recorded rows in turn."""

    def __init__(self, simcc_NKX: NDArray[Any], simcc_NKY: NDArray[Any]) -> None:
        self.crop_wh = bins_to_crop(simcc_NKX, simcc_NKY)
        self.crops_CHW: list[NDArray[np.float32]] = []
        self._simcc = simcc_NKX, simcc_NKY

    def __call__(self, crops_NCHW: NDArray[np.float32], /) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        done = len(self.crops_CHW)
        self.crops_CHW += list(crops_NCHW)
        simcc_NKX, simcc_NKY = (rows[done : len(self.crops_CHW)] for rows in self._simcc)
        return simcc_NKX, simcc_NKY


@pytest.mark.parametrize("case", npz_cases(WHOLE), ids=str)
def test_the_whole_way_from_picture_to_drawing_is_the_same(case: NpzCase) -> None:
    arrays = case.read()
    detector, points = ReplayedDetector(arrays["det_raw"]), ReplayedPoints(arrays["simcc_x"], arrays["simcc_y"])
    short_side = min(arrays["resized_bgr"].shape[:2]) if "resized_bgr" in arrays else DRAWING_SIDE
    bgr_HWC = detection.to_working_picture(arrays["image_rgb"], short_side=short_side)
    # The original always takes the whole picture when it finds nobody.
    found = PoseEngine(detector, points).look(bgr_HWC, LookSpec(whole_picture_if_nobody=True, max_people=10**6))
    assert len(points.crops_CHW) == len(arrays["simcc_x"])
    box_P4 = found.box_P4[:0] if found.used_whole_picture else found.box_P4
    xy_PO2, score_PO = to_openpose(found.xy_PK2, found.score_PK)
    best_scores, canvas_HWC = draw_clearest(found.xy_PK2, found.score_PK, (bgr_HWC.shape[1], bgr_HWC.shape[0]))
    equal_where_given(
        arrays,
        det_input_u8=detector.square_1CHW,
        boxes=box_P4,
        keypoints134=xy_PO2,
        scores134=score_PO,
        best_body_scores=best_scores,
    )
    crops_NCHW, levels = np.stack(points.crops_CHW), WARP_LEVELS / SMALLEST_DEVIATION
    if "pose_input_f32_first" in arrays:
        np.testing.assert_allclose(crops_NCHW[:1], arrays["pose_input_f32_first"], atol=levels, rtol=0, strict=True)
    if "pose_input_mean_abs" in arrays:
        mean_N = np.abs(crops_NCHW.astype(np.float64)).mean(axis=(1, 2, 3))
        np.testing.assert_allclose(mean_N, arrays["pose_input_mean_abs"], atol=levels, rtol=1e-5)
    if "canvas" in arrays:
        final_HWC = as_large_as(canvas_HWC, arrays["canvas"])
        equal_where_given(arrays, canvas=final_HWC)
        same_picture(case.path.with_suffix(".png"), final_HWC)
