"""Pose estimation gives what DWPose gives, to the last bit, on every set that is found."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.pose.estimation import detection, keypoints
from services.pose.estimation.engine import LookSpec, PoseEngine
from services.pose.sizes import working_size
from services.pose.skeleton import clearest_person, draw_people, to_openpose
from tests.parity.pose_sets import FOLDER, NpzCase, case_name, npz_cases, npz_keys, read_npz

LETTERBOXES = npz_cases(".tensor_u8_chw", ".image_bgr", ".ratio")
DETECTIONS = npz_cases(".raw", ".image_hw", ".boxes_xyxy")
CROPS = npz_cases(".warped_u8_nhwc", ".image_bgr", ".boxes")
SIMCC = npz_cases(".keypoints_in_crop", ".simcc_x", ".simcc_y")
ORDERS = npz_cases(".keypoints134", ".keypoints133")
DRAWINGS = npz_cases(".canvas_all_people", ".keypoints133")
WHOLE = npz_cases("det_raw", "image_rgb", "simcc_x")
SUPPRESSIONS = [
    (path, key) for path in sorted(FOLDER.glob("*.npz")) for key in npz_keys(path) if key.startswith("nms.keep_")
]
ALL_CLASSES = npz_cases("mnms.dets", "mnms.scores", "nms.boxes")

EXACT_WARP = cv2.__version__.startswith("4.")


def test_there_are_sets_of_every_kind() -> None:
    assert all([LETTERBOXES, DETECTIONS, CROPS, SIMCC, ORDERS, DRAWINGS, WHOLE, SUPPRESSIONS, ALL_CLASSES])


def square_side(raw_1AR: NDArray[Any]) -> int:
    """The detector's input side, from its number of anchors."""
    return int(np.rint((raw_1AR.shape[1] / sum(1 / stride**2 for stride in detection.STRIDES)) ** 0.5))


@pytest.mark.parametrize("case", LETTERBOXES, ids=case_name)
def test_the_detector_sees_the_same_square(case: NpzCase) -> None:
    arrays = read_npz(case)
    expected_CHW = arrays[".tensor_u8_chw"]
    found_1CHW, scale = detection.letterbox(arrays[".image_bgr"], expected_CHW.shape[1])
    np.testing.assert_array_equal(found_1CHW[0], expected_CHW.astype(np.float32))
    assert scale == arrays[".ratio"]


@pytest.mark.parametrize("case", DETECTIONS, ids=case_name)
def test_the_same_boxes_are_found(case: NpzCase) -> None:
    arrays = read_npz(case)
    side = square_side(arrays[".raw"])
    scale = min(side / arrays[".image_hw"][0], side / arrays[".image_hw"][1])
    found = detection.find_people(arrays[".raw"], float(scale), side, min_score=0.3)
    np.testing.assert_array_equal(found.xyxy_N4, arrays[".boxes_xyxy"])
    rows_N = arrays[".decoded_rows"]
    decoded_N4 = detection.decode_anchors(arrays[".raw"][0][rows_N], detection.anchor_grid(side)[rows_N])
    np.testing.assert_array_equal(decoded_N4, arrays[".decoded_xywh"])


@pytest.mark.parametrize("case", SUPPRESSIONS, ids=case_name)
def test_the_same_boxes_survive_suppression(case: NpzCase) -> None:
    arrays = read_npz((case[0], ""))
    threshold = float(case[1].removeprefix("nms.keep_"))
    kept_N = detection.suppress_overlaps(arrays["nms.boxes"], arrays["nms.scores"], threshold)
    np.testing.assert_array_equal(kept_N, arrays[case[1]])


@pytest.mark.parametrize("case", ALL_CLASSES, ids=case_name)
def test_suppression_class_by_class_gives_the_same_rows(case: NpzCase) -> None:
    arrays = read_npz(case)
    rows = []
    for number, all_scores_N in enumerate(arrays["mnms.scores"].T):
        candidates_N = np.flatnonzero(all_scores_N > detection.CANDIDATE_SCORE)
        box_N4, score_N = arrays["nms.boxes"][candidates_N], all_scores_N[candidates_N]
        kept_N = detection.suppress_overlaps(box_N4, score_N, detection.MAX_OVERLAP)
        rows.append(np.column_stack([box_N4[kept_N], score_N[kept_N], np.full(len(kept_N), float(number))]))
    np.testing.assert_array_equal(np.concatenate(rows), arrays["mnms.dets"])


@pytest.mark.parametrize("case", CROPS, ids=case_name)
def test_the_pose_network_sees_the_same_crops(case: NpzCase) -> None:
    arrays = read_npz(case)
    picture_HWC, expected_NHWC = arrays[".image_bgr"], arrays[".warped_u8_nhwc"]
    box_N4 = arrays[".boxes"]
    if not len(box_N4):
        box_N4 = np.array([[0, 0, picture_HWC.shape[1], picture_HWC.shape[0]]], np.float64)
    crop_wh = (expected_NHWC.shape[2], expected_NHWC.shape[1])
    crops = keypoints.crops_around(box_N4, crop_wh)
    np.testing.assert_array_equal(crops.centre_N2, arrays[".center"])
    np.testing.assert_array_equal(crops.scale_N2, arrays[".scale"])
    for centre_2, scale_2, expected in zip(crops.centre_N2, crops.scale_N2, arrays[".warp_matrix"], strict=True):
        np.testing.assert_allclose(keypoints.warp_matrix(centre_2, scale_2, crop_wh), expected, atol=1e-5, rtol=0)
    found_NHWC = keypoints.cut_crops(picture_HWC, crops, crop_wh)
    difference = np.abs(found_NHWC.astype(int) - expected_NHWC)
    assert difference.max() <= (0 if EXACT_WARP else 6)
    if ".first_tensor_chw_f32" in arrays:
        np.testing.assert_array_equal(keypoints.normalise(expected_NHWC)[0], arrays[".first_tensor_chw_f32"])


@pytest.mark.parametrize("case", SIMCC, ids=case_name)
def test_the_same_points_are_decoded(case: NpzCase) -> None:
    arrays = read_npz(case)
    crops = keypoints.Crops(centre_N2=arrays[".center"], scale_N2=arrays[".scale"])
    # Two bins for each pixel of a crop.
    crop_wh = (arrays[".simcc_x"].shape[2] // 2, arrays[".simcc_y"].shape[2] // 2)
    xy_NK2, score_NK = keypoints.decode_simcc(arrays[".simcc_x"], arrays[".simcc_y"], crops, crop_wh)
    np.testing.assert_array_equal(xy_NK2, arrays[".keypoints"])
    np.testing.assert_array_equal(score_NK, arrays[".scores"])


@pytest.mark.parametrize("case", ORDERS, ids=case_name)
def test_openpose_order_and_neck_are_the_same(case: NpzCase) -> None:
    arrays = read_npz(case)
    xy_PO2, score_PO = to_openpose(arrays[".keypoints133"], arrays[".scores133"])
    np.testing.assert_array_equal(xy_PO2, arrays[".keypoints134"])
    np.testing.assert_array_equal(score_PO, arrays[".scores134"])


@pytest.mark.parametrize("case", DRAWINGS, ids=case_name)
def test_every_pixel_of_a_drawing_is_the_same(case: NpzCase) -> None:
    arrays = read_npz(case)
    canvas_wh = (int(arrays[".network_hw"][1]), int(arrays[".network_hw"][0]))
    xy_PK2, score_PK = arrays[".keypoints133"], arrays[".scores133"]
    np.testing.assert_array_equal(draw_people(xy_PK2, score_PK, canvas_wh), arrays[".canvas_all_people"])
    _, score_PO = to_openpose(xy_PK2, score_PK)
    best = clearest_person(score_PO)
    np.testing.assert_array_equal(score_PO[best : best + 1, :18], arrays[".best_body_scores"])
    product_HWC = arrays[".canvas_product"]
    one_HWC = draw_people(xy_PK2[best : best + 1], score_PK[best : best + 1], canvas_wh)
    np.testing.assert_array_equal(cv2.resize(one_HWC, (product_HWC.shape[1], product_HWC.shape[0])), product_HWC)
    input_wh = (int(arrays[".input_hw"][1]), int(arrays[".input_hw"][0]))
    assert working_size(input_wh) == canvas_wh


class Replayed:
    """Both networks: keeps what it was asked and answers with what was recorded."""

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self.side = arrays["det_input_u8"].shape[-1]
        self.crop_wh = (arrays["pose_input_f32_first"].shape[3], arrays["pose_input_f32_first"].shape[2])
        self.square_1CHW = np.zeros(0, np.float32)
        self.crops_NCHW = np.zeros(0, np.float32)
        self._arrays = arrays

    def __call__(self, input_NCHW: NDArray[np.float32], /) -> Any:
        if input_NCHW.shape[-1] == self.side:
            self.square_1CHW = input_NCHW
            return self._arrays["det_raw"]
        self.crops_NCHW = input_NCHW
        return self._arrays["simcc_x"], self._arrays["simcc_y"]


@pytest.mark.parametrize("case", WHOLE, ids=case_name)
def test_the_whole_way_from_picture_to_drawing_is_the_same(case: NpzCase) -> None:
    arrays = read_npz(case)
    networks = Replayed(arrays)
    bgr_HWC = detection.to_working_picture(arrays["image_rgb"])
    np.testing.assert_array_equal(bgr_HWC, arrays["resized_bgr"])
    # The original always takes the whole picture when it finds nobody.
    found = PoseEngine(networks, networks).look(bgr_HWC, LookSpec(whole_picture_if_nobody=True, max_people=10**6))
    np.testing.assert_array_equal(networks.square_1CHW, arrays["det_input_u8"].astype(np.float32))
    if len(arrays["boxes"]):
        np.testing.assert_array_equal(found.box_P4, arrays["boxes"])
    assert found.used_whole_picture == (not len(arrays["boxes"]))
    if EXACT_WARP:
        np.testing.assert_array_equal(networks.crops_NCHW[:1], arrays["pose_input_f32_first"])
        mean_N = np.abs(networks.crops_NCHW.astype(np.float64)).mean(axis=(1, 2, 3))
        np.testing.assert_allclose(mean_N, arrays["pose_input_mean_abs"], rtol=1e-5)
    xy_PO2, score_PO = to_openpose(found.xy_PK2, found.score_PK)
    np.testing.assert_array_equal(xy_PO2, arrays["keypoints134"])
    np.testing.assert_array_equal(score_PO, arrays["scores134"])
    best = clearest_person(score_PO)
    one = slice(best, best + 1)
    canvas_HWC = draw_people(found.xy_PK2[one], found.score_PK[one], (bgr_HWC.shape[1], bgr_HWC.shape[0]))
    np.testing.assert_array_equal(canvas_HWC, arrays["canvas"])
