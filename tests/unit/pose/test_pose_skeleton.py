"""Skeletons: the order of the points and what is drawn. Pixel-exactness is proven in tests/parity."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.pose.sizes import working_size
from services.pose.skeleton import clearest_person, draw_people, people_picture, pose_picture, to_openpose

NOSE, LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_WRIST = 0, 5, 6, 9
FIRST_FACE, FIRST_LEFT_HAND = 23, 91


def one_person(
    *seen: int, at: tuple[float, float] = (100, 100), score: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Everything at one place; only the points named are seen."""
    score_PK = np.zeros((1, 133))
    score_PK[0, list(seen)] = score
    return np.full((1, 133, 2), at, np.float64), score_PK


@pytest.mark.parametrize(
    ("size_wh", "expected"),
    [
        ((512, 512), (512, 512)),
        ((217, 333), (512, 768)),
        ((410, 300), (704, 512)),
        ((2000, 1000), (1024, 512)),
        ((16, 4096), (64, 4096)),
        ((128, 128), (512, 512)),
    ],
)
def test_the_working_size_has_a_short_side_of_512_in_steps_of_64(
    size_wh: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert working_size(size_wh) == expected


def test_the_neck_lies_between_the_shoulders() -> None:
    xy_PK2, score_PK = one_person(LEFT_SHOULDER, RIGHT_SHOULDER)
    xy_PK2[0, LEFT_SHOULDER], xy_PK2[0, RIGHT_SHOULDER] = (80, 60), (40, 50)
    xy_PO2, score_PO = to_openpose(xy_PK2, score_PK)
    assert xy_PO2.shape == (1, 134, 2)
    assert xy_PO2[0, 1].tolist() == [60, 55]
    assert score_PO[0, 1] == 1


@pytest.mark.parametrize("seen", [(LEFT_SHOULDER,), (RIGHT_SHOULDER,), ()])
def test_without_both_shoulders_there_is_no_neck(seen: tuple[int, ...]) -> None:
    _, score_PO = to_openpose(*one_person(*seen))
    assert score_PO[0, 1] == 0


@pytest.mark.parametrize(
    ("coco", "openpose"),
    [(0, 0), (6, 2), (8, 3), (10, 4), (5, 5), (7, 6), (9, 7), (12, 8), (11, 11), (2, 14), (1, 15), (4, 16), (3, 17)],
)
def test_body_points_move_to_openpose_places(coco: int, openpose: int) -> None:
    _, score_PO = to_openpose(*one_person(coco))
    assert score_PO[0, openpose] == 1


@pytest.mark.parametrize(
    ("coco", "openpose"), [(17, 18), (22, 23), (23, 24), (90, 91), (91, 92), (112, 113), (132, 133)]
)
def test_feet_face_and_hands_move_up_by_the_neck(coco: int, openpose: int) -> None:
    _, score_PO = to_openpose(*one_person(coco))
    assert score_PO[0, openpose] == 1


def test_the_person_with_the_clearest_body_is_chosen_and_the_first_of_equals() -> None:
    score_PO = np.zeros((3, 134))
    score_PO[0, 30:] = 1  # a clear face does not count
    score_PO[1:, :18] = 0.5
    assert clearest_person(score_PO) == 1


def test_points_that_were_not_seen_are_not_drawn() -> None:
    assert draw_people(*one_person(), (200, 200)).max() == 0


def test_a_face_point_is_white_and_a_hand_point_blue() -> None:
    face_HWC = draw_people(*one_person(FIRST_FACE), (200, 200))
    hand_HWC = draw_people(*one_person(FIRST_LEFT_HAND), (200, 200))
    assert face_HWC[100, 100].tolist() == [255, 255, 255]
    assert hand_HWC[100, 100].tolist() == [0, 0, 255]


def test_a_hand_needs_a_score_of_three_tenths_and_a_body_joint_more_than_that() -> None:
    assert draw_people(*one_person(FIRST_LEFT_HAND, score=0.3), (200, 200)).max() > 0
    assert draw_people(*one_person(NOSE, score=0.3), (200, 200)).max() == 0
    assert draw_people(*one_person(NOSE, score=0.31), (200, 200)).max() > 0


def test_a_hand_point_on_the_very_edge_is_left_out() -> None:
    assert draw_people(*one_person(FIRST_LEFT_HAND, at=(0.9, 100)), (200, 200)).max() == 0
    assert draw_people(*one_person(FIRST_LEFT_HAND, at=(1.0, 100)), (200, 200)).max() > 0


def test_points_far_outside_are_clipped() -> None:
    xy_PK2, score_PK = one_person(*range(133))
    xy_PK2[0] = np.random.default_rng(0).uniform(-100_000, 100_000, (133, 2))
    assert draw_people(xy_PK2, score_PK, (64, 64)).shape == (64, 64, 3)


def test_a_pose_picture_has_the_size_asked_for_and_strokes_in_proportion() -> None:
    small_PK2, score_PK = one_person(LEFT_WRIST, at=(32, 32))
    brightness = [
        pose_picture(small_PK2[0] * scale, score_PK[0], (64 * scale, 64 * scale)).mean() for scale in (1, 2, 8)
    ]
    assert brightness == pytest.approx([brightness[2]] * 3, rel=0.1)


def test_several_people_share_one_picture() -> None:
    left, right = one_person(NOSE, at=(16, 32)), one_person(NOSE, at=(48, 32))
    both_HWC = people_picture(np.concatenate([left[0], right[0]]), np.concatenate([left[1], right[1]]), (64, 64))
    assert both_HWC[32, 16].max() > 40
    assert both_HWC[32, 48].max() > 40
