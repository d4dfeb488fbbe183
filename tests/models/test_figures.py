"""The character maker: skeletons, keypoints and pictures."""

import numpy as np
import pytest

from models.webtoon_tiny.pictures.characters import draw_character
from models.webtoon_tiny.pictures.characters_looks import POSES, mirrored, sample_look, sample_pose
from models.webtoon_tiny.pictures.characters_points import COUNT, HIDDEN, OCCLUDED, SEEN
from models.webtoon_tiny.pictures.characters_scenes import draw_people, sample_figure
from models.webtoon_tiny.pictures.characters_skeleton import Arm, Body, Pose, place
from models.webtoon_tiny.pictures.styles import Style, sample_style
from models.webtoon_tiny.pose_network import MIRROR

LEFT_WRIST, RIGHT_WRIST, NOSE = 9, 10, 0


def test_seen_points_lie_on_the_drawn_figure() -> None:
    rng = np.random.default_rng(3)
    on_figure, seen = 0, 0
    for seed in range(12):
        _, drawn = draw_character(sample_look(rng), sample_pose(rng), Style(), width=192, height=256, seed=seed)
        points = drawn.keypoints_K2[drawn.visibility_K == SEEN].astype(int)
        on_figure += int((drawn.alpha_HW[points[:, 1], points[:, 0]] > 127).sum())
        seen += len(points)
    assert on_figure / seen > 0.97


def test_the_same_seed_draws_the_same_picture_and_another_does_not() -> None:
    def drawn(seed: int) -> bytes:
        rng = np.random.default_rng(seed)
        return draw_character(sample_look(rng), sample_pose(rng), sample_style(rng), width=96, height=128, seed=seed)[
            0
        ].tobytes()

    assert drawn(5) == drawn(5)
    assert drawn(5) != drawn(6)


def test_left_is_the_persons_own_left() -> None:
    look = sample_look(np.random.default_rng(1))
    for view, left_is_right_in_picture in ((0.0, True), (180.0, False)):
        _, drawn = draw_character(look, Pose(view=view), Style(), width=96, height=128, seed=0)
        assert (drawn.keypoints_K2[LEFT_WRIST, 0] > drawn.keypoints_K2[RIGHT_WRIST, 0]) == left_is_right_in_picture


def test_a_face_turned_away_is_hidden() -> None:
    look = sample_look(np.random.default_rng(1))
    _, front = draw_character(look, Pose(view=0), Style(), width=96, height=128, seed=0)
    _, back = draw_character(look, Pose(view=180), Style(), width=96, height=128, seed=0)
    assert (front.visibility_K[23:91] == SEEN).all()
    assert (back.visibility_K[23:91] == HIDDEN).all()
    assert back.visibility_K[NOSE] == HIDDEN


def test_the_box_is_what_the_alpha_covers() -> None:
    rng = np.random.default_rng(2)
    _, drawn = draw_character(sample_look(rng), sample_pose(rng), Style(), width=96, height=128, seed=0)
    rows, columns = np.nonzero(drawn.alpha_HW > 127)
    assert drawn.box_4.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_a_cut_off_figure_has_hidden_points_and_a_box_inside_the_picture() -> None:
    rng = np.random.default_rng(4)
    figure = sample_figure(rng, aspect=0.75, margin=0.05, zoom=2.5)
    drawn = draw_people([figure], Style(), np.full((128, 96, 3), 255, np.uint8), rng).people[0]
    outside = (drawn.keypoints_K2 < 0).any(axis=1) | (drawn.keypoints_K2 >= [96, 128]).any(axis=1)
    assert outside.any()
    assert (drawn.visibility_K[outside] == HIDDEN).all()
    assert drawn.box_4[0] >= 0
    assert drawn.box_4[3] <= 128


def test_a_nearer_figure_occludes_points_of_the_one_behind() -> None:
    rng = np.random.default_rng(5)
    behind = sample_figure(rng, aspect=0.75, margin=0.05)
    before = sample_figure(rng, aspect=0.75, margin=0.05)
    white = np.full((128, 96, 3), 255, np.uint8)
    alone = draw_people([behind], Style(), white, rng).people[0]
    covered = draw_people([behind, before], Style(), white, rng).people[0]
    assert (covered.visibility_K == OCCLUDED).sum() > (alone.visibility_K == OCCLUDED).sum()


def test_angles_beyond_a_joints_limits_are_refused() -> None:
    with pytest.raises(ValueError, match="elbow"):
        Arm(elbow=-20)


def test_bones_keep_their_length_in_every_pose() -> None:
    body, rng = Body(), np.random.default_rng(6)
    lengths = []
    for _ in range(20):
        joints = place(body, sample_pose(rng)).joints
        lengths.append(np.linalg.norm(joints["left_elbow"] - joints["left_wrist"]))
    assert np.ptp(lengths) < 1e-9


def test_mirroring_a_pose_mirrors_its_keypoints() -> None:
    look = sample_look(np.random.default_rng(7))
    pose = POSES["walk"]
    _, drawn = draw_character(look, pose, Style(), width=128, height=128, seed=0)
    _, flipped = draw_character(look, mirrored(pose), Style(), width=128, height=128, seed=0)
    expected = drawn.keypoints_K2[MIRROR] * [-1, 1] + [128, 0]
    assert sorted(MIRROR) == list(range(COUNT))
    assert np.abs(flipped.keypoints_K2 - expected).max() < 1.5
