"""The geometry of detection, and the engine around scripted networks. The numbers are proven in tests/parity."""

import numpy as np
import pytest

from services.common.errors import InvalidInput, NotFound
from services.pose.estimation import detection, keypoints
from services.pose.estimation.engine import LookSpec, PoseEngine
from tests.fakes.pose_networks import ScriptedDetector, ScriptedPoints

GREY = 114


@pytest.mark.parametrize(
    ("size_wh", "expected_wh"),
    [((640, 640), (640, 640)), ((320, 240), (640, 480)), ((1280, 640), (640, 320)), ((203, 360), (360, 640))],
)
def test_the_picture_lies_upper_left_in_a_grey_square(size_wh: tuple[int, int], expected_wh: tuple[int, int]) -> None:
    white_HWC = np.full((size_wh[1], size_wh[0], 3), 255, np.uint8)
    square_1CHW, scale = detection.letterbox(white_HWC, 640)
    width, height = expected_wh
    assert square_1CHW.shape == (1, 3, 640, 640)
    assert (square_1CHW[:, :, :height, :width] == 255).all()
    assert (square_1CHW[:, :, height:] == GREY).all()
    assert (square_1CHW[:, :, :, width:] == GREY).all()
    assert scale == pytest.approx(min(640 / size_wh[0], 640 / size_wh[1]))


def test_anchors_go_row_by_row_from_the_finest_grid() -> None:
    grid_A3 = detection.anchor_grid(640)
    assert grid_A3.shape == (8400, 3)
    assert grid_A3[1].tolist() == [1, 0, 8]
    assert grid_A3[80].tolist() == [0, 1, 8]
    assert grid_A3[6400].tolist() == [0, 0, 16]
    assert grid_A3[8399].tolist() == [19, 19, 32]


@pytest.mark.parametrize(
    ("shift", "kept"),
    [(0, [1]), (2, [1]), (8, [1, 0]), (30, [1, 0])],
)
def test_the_less_certain_of_two_overlapping_boxes_goes(shift: float, kept: list[int]) -> None:
    boxes_N4 = np.array([[0, 0, 20, 20], [shift, 0, 20 + shift, 20]], np.float32)
    found_N = detection.suppress_overlaps(boxes_N4, np.array([0.5, 0.9], np.float32), 0.45)
    assert found_N.tolist() == kept


@pytest.mark.parametrize(
    ("box", "scale"),
    [
        ((0, 0, 30, 80), (75.0, 100.0)),  # narrow: made wider
        ((0, 0, 120, 80), (150.0, 200.0)),  # wide: made taller
        ((0, 0, 60, 80), (75.0, 100.0)),
    ],
)
def test_a_crop_is_a_quarter_larger_and_has_the_networks_aspect(
    box: tuple[float, ...], scale: tuple[float, float]
) -> None:
    crops = keypoints.crops_around(np.array([box], np.float64), (288, 384))
    assert crops.scale_N2[0].tolist() == pytest.approx(scale)
    assert crops.centre_N2[0].tolist() == [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]


def test_the_crop_is_what_lies_around_the_box() -> None:
    picture_HWC = np.zeros((200, 200, 3), np.uint8)
    picture_HWC[100:, :, 0] = 200
    crops = keypoints.Crops(centre_N2=np.array([[100.0, 100.0]]), scale_N2=np.array([[60.0, 80.0]]))
    (crop_HWC,) = keypoints.cut_crops(picture_HWC, crops, (30, 40))
    assert (crop_HWC[:19, :, 0] == 0).all()
    assert (crop_HWC[21:, :, 0] == 200).all()


@pytest.mark.parametrize(
    ("peak_x", "peak_y", "score_x", "score_y", "expected"),
    [
        (0, 0, 0.5, 0.7, (50, 60, 0.5)),
        (288, 384, 0.5, 0.9, (125, 160, 0.5)),
        (575, 767, 1.2, 1.1, (199.74, 259.74, 1.1)),
        (288, 384, 0.0, 0.9, (49.74, 59.74, 0.0)),  # not seen: both bins count as -1
    ],
)
def test_a_point_is_where_its_bins_are_highest(
    peak_x: int, peak_y: int, score_x: float, score_y: float, expected: tuple[float, float, float]
) -> None:
    simcc_NKX, simcc_NKY = np.zeros((1, 1, 576), np.float32), np.zeros((1, 1, 768), np.float32)
    simcc_NKX[0, 0, peak_x], simcc_NKY[0, 0, peak_y] = score_x, score_y
    crops = keypoints.Crops(centre_N2=np.array([[125.0, 160.0]]), scale_N2=np.array([[150.0, 200.0]]))
    xy_NK2, score_NK = keypoints.decode_simcc(simcc_NKX, simcc_NKY, crops, (288, 384))
    assert (*xy_NK2[0, 0].tolist(), float(score_NK[0, 0])) == pytest.approx(expected, abs=0.01)


def picture(width: int = 64, height: int = 64) -> np.ndarray:
    return np.full((height, width, 3), 128, np.uint8)


def test_the_most_certain_person_comes_first_and_all_share_one_batch() -> None:
    points = ScriptedPoints()
    detector = ScriptedDetector((10, 10, 12, 16, 0.4), (40, 40, 12, 16, 0.8), (20, 50, 12, 16, 0.6))
    found = PoseEngine(detector, points).estimate(picture(), LookSpec())
    assert found.box_score_P.tolist() == pytest.approx([0.8, 0.6, 0.4])
    assert points.batches == [3]
    assert found.xy_PK2[0, 0].tolist() == pytest.approx([40, 40], abs=0.01)


def test_points_and_boxes_are_in_the_pictures_own_pixels() -> None:
    detector = ScriptedDetector((32, 16, 12, 16, 0.9))
    found = PoseEngine(detector, ScriptedPoints()).estimate(picture(400, 200), LookSpec())
    assert found.xy_PK2[0, 5].tolist() == pytest.approx([200, 100], abs=0.1)
    assert found.box_P4[0].tolist() == pytest.approx([162.5, 50, 237.5, 150], abs=0.1)


def test_no_more_people_than_asked_for_are_read() -> None:
    detector = ScriptedDetector((10, 10, 12, 16, 0.4), (40, 40, 12, 16, 0.8))
    points = ScriptedPoints()
    found = PoseEngine(detector, points).estimate(picture(), LookSpec(max_people=1))
    assert found.box_score_P.tolist() == pytest.approx([0.8])
    assert points.batches == [1]


@pytest.mark.parametrize(("min_score", "people"), [(0.05, 2), (0.3, 1), (0.95, 0)])
def test_the_least_score_is_the_callers_choice(min_score: float, people: int) -> None:
    detector = ScriptedDetector((10, 10, 12, 16, 0.08), (40, 40, 12, 16, 0.8))
    found = PoseEngine(detector, ScriptedPoints()).estimate(picture(), LookSpec(min_score=min_score))
    assert len(found.xy_PK2) == people


def test_nobody_is_nobody_and_no_network_is_asked_for_points() -> None:
    points = ScriptedPoints()
    found = PoseEngine(ScriptedDetector(), points).estimate(picture(), LookSpec())
    assert found.xy_PK2.shape == (0, 133, 2)
    assert points.batches == []
    assert not found.used_whole_picture


def test_the_whole_picture_is_taken_for_one_person_when_asked() -> None:
    found = PoseEngine(ScriptedDetector(), ScriptedPoints()).estimate(
        picture(80, 60), LookSpec(whole_picture_if_nobody=True)
    )
    assert found.used_whole_picture
    assert found.box_P4[0].tolist() == pytest.approx([0, 0, 80, 60])
    assert found.xy_PK2[0, 0].tolist() == pytest.approx([40, 30], abs=0.1)


def test_a_picture_too_small_to_look_at_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        PoseEngine(ScriptedDetector(), ScriptedPoints()).estimate(picture(15, 400), LookSpec())
    assert caught.value.reason == "PICTURE_TOO_SMALL"


@pytest.mark.parametrize(("min_pose_score", "people"), [(0.0, 2), (0.8, 2), (0.95, 0)])
def test_whoever_has_no_clear_pose_is_left_out_but_was_seen(min_pose_score: float, people: int) -> None:
    detector = ScriptedDetector((10, 10, 12, 16, 0.4), (40, 40, 12, 16, 0.8))
    found = PoseEngine(detector, ScriptedPoints(0.9)).estimate(picture(), LookSpec(min_pose_score=min_pose_score))
    assert (len(found.xy_PK2), len(found.box_P4), found.seen) == (people, people, 2)


def test_one_of_several_people_can_be_chosen() -> None:
    detector = ScriptedDetector((10, 10, 12, 16, 0.4), (40, 40, 12, 16, 0.8))
    engine = PoseEngine(detector, ScriptedPoints())
    assert engine.estimate(picture(), LookSpec(person=1)).box_score_P.tolist() == pytest.approx([0.4])
    with pytest.raises(NotFound) as caught:
        engine.estimate(picture(), LookSpec(person=2))
    assert caught.value.reason == "NO_SUCH_PERSON"


def test_where_nobody_is_there_is_nobody_to_choose_from() -> None:
    found = PoseEngine(ScriptedDetector(), ScriptedPoints()).estimate(picture(), LookSpec(person=1))
    assert (len(found.xy_PK2), found.seen) == (0, 0)


def test_the_whole_picture_needs_no_clear_pose() -> None:
    spec = LookSpec(whole_picture_if_nobody=True, min_pose_score=0.95)
    assert len(PoseEngine(ScriptedDetector(), ScriptedPoints(0.1)).estimate(picture(), spec).xy_PK2) == 1
