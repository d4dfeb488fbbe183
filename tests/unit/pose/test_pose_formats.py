"""Skeletons as OpenPose's JSON, both ways, and as SVG."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from oma.pose.v1 import pose_estimation_service_pb2 as pb

from services.common.errors import InvalidInput
from services.pose import openpose
from services.pose.estimation.convert import draw_skeleton, read_skeleton
from services.pose.svg import people_svg
from tests.fakes.pose_messages import person

RNG = np.random.default_rng(4)
BODY_OF_ZEROS = json.dumps({"people": [{"pose_keypoints_2d": [0] * 54}]})
XY_PK2, SCORE_PK = RNG.uniform(1, 500, (2, 133, 2)).round(2), RNG.uniform(0.4, 1, (2, 133)).round(3)


@pytest.mark.parametrize("body", openpose.BODIES)
def test_a_skeleton_comes_back_from_openposes_json(body: int) -> None:
    xy_PK2, score_PK = openpose.from_json(openpose.to_json(XY_PK2, SCORE_PK, body=body))
    kept_K = np.ones(133, np.bool_)
    kept_K[17:23] = body == 25  # OpenPose's 18 have no feet
    assert np.allclose(xy_PK2[:, kept_K], XY_PK2[:, kept_K])
    assert np.allclose(score_PK[:, kept_K], SCORE_PK[:, kept_K])
    assert (score_PK[:, ~kept_K] == 0).all()


def test_the_file_is_laid_out_as_openposes() -> None:
    people = json.loads(openpose.to_json(XY_PK2, SCORE_PK, body=25))["people"]
    assert [len(people[0][f"{part}_keypoints_2d"]) for part in ("pose", "face", "hand_left", "hand_right")] == [
        75, 210, 63, 63,
    ]  # fmt: skip
    body_B3 = np.array(people[1]["pose_keypoints_2d"]).reshape(-1, 3)
    assert np.allclose(body_B3[0, :2], XY_PK2[1, 0])  # nose
    assert np.allclose(body_B3[1, :2], XY_PK2[1, [5, 6]].mean(axis=0))  # neck
    assert np.allclose(body_B3[8, :2], XY_PK2[1, [11, 12]].mean(axis=0), atol=1e-3)  # between the hips
    assert np.allclose(body_B3[4, :2], XY_PK2[1, 10])  # right wrist
    assert np.allclose(body_B3[19, :2], XY_PK2[1, 17])  # left big toe


def test_what_was_not_seen_is_zero_there_and_unseen_here() -> None:
    score_PK = SCORE_PK.copy()
    score_PK[0, 10] = 0
    text = openpose.to_json(XY_PK2, score_PK)
    assert json.loads(text)["people"][0]["pose_keypoints_2d"][12:15] == [0, 0, 0]
    assert openpose.from_json(text)[1][0, 10] == 0


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"people": []}', '{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}', '{"people": [{}]}',
     '{"people": [{"pose_keypoints_2d": [null]}]}', '{"people": 3}', '{"people": [3]}', "[" * 100_000, "\x00",
     BODY_OF_ZEROS.replace(" 0", "1" * 400),
     BODY_OF_ZEROS.replace(" 0", "NaN"),
     '{"people": {"a": 1}}', json.dumps({"people": [{"pose_keypoints_2d": [1.0] * 54}] * 65})],
)  # fmt: skip
def test_what_is_no_openpose_file_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        openpose.from_json(text)


def test_an_svg_holds_a_line_for_each_limb_and_a_dot_for_each_point_that_is_seen() -> None:
    score_K = SCORE_PK[:1].copy()
    root = ET.fromstring(people_svg(XY_PK2[:1], score_K, (640, 480)))  # noqa: S314 (our own text)
    kinds = [element.tag.rpartition("}")[2] for element in root]
    assert (kinds.count("line"), kinds.count("circle")) == (17 + 40, 18 + 42 + 68)
    score_K[0, 9] = 0  # a wrist takes its limb along
    fewer = people_svg(XY_PK2[:1], score_K, (640, 480))
    assert (fewer.count("<line"), fewer.count("<circle")) == (16 + 40, 17 + 42 + 68)


@pytest.mark.parametrize(
    ("asked", "media_type"),
    [
        (pb.SKELETON_FORMAT_UNSPECIFIED, "image/png"),
        (pb.SKELETON_FORMAT_PNG, "image/png"),
        (pb.SKELETON_FORMAT_SVG, "image/svg+xml"),
        (pb.SKELETON_FORMAT_OPENPOSE_18, "application/json"),
        (pb.SKELETON_FORMAT_OPENPOSE_25, "application/json"),
    ],
)
def test_the_service_sends_the_format_that_is_asked_for(asked: "pb.SkeletonFormat.ValueType", media_type: str) -> None:
    request = pb.DrawSkeletonRequest(people=[person()], width=100, height=100, format=asked)
    assert draw_skeleton(request).skeleton.media_type == media_type


def test_an_unknown_format_is_refused() -> None:
    request = pb.DrawSkeletonRequest(people=[person()], width=100, height=100)
    request.format = 77  # type: ignore[assignment]
    with pytest.raises(InvalidInput) as told:
        draw_skeleton(request)
    assert told.value.reason == "SKELETON_FORMAT"


@pytest.mark.parametrize("asked", [pb.SKELETON_FORMAT_OPENPOSE_18, pb.SKELETON_FORMAT_OPENPOSE_25])
def test_what_the_service_wrote_for_another_program_it_reads_back(asked: "pb.SkeletonFormat.ValueType") -> None:
    request = pb.DrawSkeletonRequest(people=[person(), person(seed=1)], width=9000, height=100, format=asked)
    written = draw_skeleton(request).skeleton.content
    read = read_skeleton(pb.ReadSkeletonRequest(content=written))
    feet = slice(17, 23) if asked == pb.SKELETON_FORMAT_OPENPOSE_18 else slice(0)
    for before, after in zip(request.people, read.people, strict=True):
        expected_K3 = np.array([(point.x, point.y, point.score) for point in before.keypoints])
        expected_K3[expected_K3[:, 2] == 0] = 0
        expected_K3[feet] = 0
        read_K3 = np.array([(point.x, point.y, point.score) for point in after.keypoints])
        assert np.allclose(read_K3, expected_K3, atol=1e-3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe{", "OPENPOSE_JSON"),
        (b" " * (4 * 2**20 + 1), "OPENPOSE_JSON"),
        (json.dumps({"people": [{"pose_keypoints_2d": [2e5, 1, 1] * 18}]}).encode(), "KEYPOINT_RANGE"),
        (json.dumps({"people": [{"pose_keypoints_2d": [1e300, 1, 1] * 18}]}).encode(), "KEYPOINT_RANGE"),
        (b'{"people": []}', "OPENPOSE_PEOPLE"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_what_is_wrong_with_it(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput) as told:
        read_skeleton(pb.ReadSkeletonRequest(content=content))
    assert told.value.reason == reason


def test_only_a_picture_is_bounded_in_pixels() -> None:
    request = pb.DrawSkeletonRequest(people=[person()], width=9000, height=9000, format=pb.SKELETON_FORMAT_SVG)
    assert b'width="9000"' in draw_skeleton(request).skeleton.content
    request.format = pb.SKELETON_FORMAT_PNG
    with pytest.raises(InvalidInput):
        draw_skeleton(request)
