"""PoseEstimationService over a real channel, with real (random) ONNX networks."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import numpy as np
import pytest
from oma.image.v1 import image_pb2
from oma.pose.v1 import pose_estimation_service_pb2 as pb
from oma.pose.v1 import pose_estimation_service_pb2_grpc as pb_grpc
from oma.pose.v1 import pose_pb2
from PIL import Image

from services.common.admission import Places
from services.common.artifacts import FolderStore
from services.common.clients import our_errors
from services.common.compute import ComputeLane
from services.common.errors import InvalidInput, NotFound
from services.common.pictures import encode_png
from services.common.serving import create_server
from services.common.wire import to_artifact
from services.pose.estimation.model import load_networks
from services.pose.estimation.servicer import PoseEstimationServicer
from tests.fakes.owners import GATE, acting_for_owners
from tests.fakes.pose_families import write_dwpose
from tests.fakes.pose_messages import flat_picture, person

if TYPE_CHECKING:
    Stub = pb_grpc.PoseEstimationServiceAsyncStub

DEADLINE_SECONDS = 20
DARK, BRIGHT = 10, 250


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("family")
    write_dwpose(folder / "dwpose")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


@pytest.fixture
async def stub(family: Path, store: FolderStore) -> "AsyncIterator[Stub]":
    networks = load_networks(family, threads=1)
    reading, looking = ComputeLane(max_pending=4), ComputeLane(max_pending=4)
    server = create_server(GATE)
    servicer = PoseEstimationServicer(networks, store, places=Places(4), reading=reading, looking=looking)
    pb_grpc.add_PoseEstimationServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield acting_for_owners(pb_grpc.PoseEstimationServiceStub(channel))
    await server.stop(None)
    reading.close()
    looking.close()


async def test_a_person_comes_back_with_133_points_and_a_box_in_the_pictures_own_pixels(stub: "Stub") -> None:
    request = pb.EstimatePoseRequest(owner="mina", picture=flat_picture(DARK, width=300, height=200))
    response = await stub.EstimatePose(request, timeout=DEADLINE_SECONDS)
    (found,) = response.people
    assert (response.width, response.height) == (300, 200)
    assert len(found.keypoints) == 133
    assert all(0 <= point.score <= 1 for point in found.keypoints)
    assert (found.box.left + found.box.width / 2, found.box.top + found.box.height / 2) == pytest.approx(
        (150, 150), abs=2
    )
    assert 0.3 < found.box.score <= 1
    assert not response.used_whole_picture


async def test_a_picture_without_people_is_an_empty_answer(stub: "Stub") -> None:
    request = pb.EstimatePoseRequest(owner="mina", picture=flat_picture(BRIGHT))
    response = await stub.EstimatePose(request, timeout=DEADLINE_SECONDS)
    assert not response.people
    assert not response.used_whole_picture


async def test_the_whole_picture_is_one_person_only_when_asked(stub: "Stub") -> None:
    request = pb.EstimatePoseRequest(owner="mina", picture=flat_picture(BRIGHT), whole_picture_if_nobody=True)
    response = await stub.EstimatePose(request, timeout=DEADLINE_SECONDS)
    (found,) = response.people
    assert response.used_whole_picture
    assert (found.box.width, found.box.height) == pytest.approx((80, 100))


async def test_a_higher_score_can_be_demanded(stub: "Stub") -> None:
    request = pb.EstimatePoseRequest(owner="mina", picture=flat_picture(DARK), min_score=0.99)
    assert not (await stub.EstimatePose(request, timeout=DEADLINE_SECONDS)).people


async def test_the_answer_says_whether_anybody_was_seen(stub: "Stub") -> None:
    for brightness, seen in ((DARK, 1), (BRIGHT, 0)):
        request = pb.EstimatePoseRequest(owner="mina", picture=flat_picture(brightness), min_pose_score=1.0)
        response = await stub.EstimatePose(request, timeout=DEADLINE_SECONDS)
        assert (response.people_seen, len(response.people)) == (seen, 0)


async def test_a_stored_picture_is_read_by_reference(stub: "Stub", store: FolderStore) -> None:
    stored = store.put("mina/in/a.png", encode_png(np.full((64, 64, 3), DARK, np.uint8)), "image/png")
    request = pb.EstimatePoseRequest(owner="mina", picture=image_pb2.Picture(artifact=to_artifact(stored)))
    assert len((await stub.EstimatePose(request, timeout=DEADLINE_SECONDS)).people) == 1


async def test_another_owners_picture_does_not_exist(stub: "Stub", store: FolderStore) -> None:
    stored = store.put("mina/in/a.png", encode_png(np.full((64, 64, 3), DARK, np.uint8)), "image/png")
    request = pb.EstimatePoseRequest(owner="juno", picture=image_pb2.Picture(artifact=to_artifact(stored)))
    with pytest.raises(NotFound), our_errors("pose"):
        await stub.EstimatePose(request, timeout=DEADLINE_SECONDS)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"picture": image_pb2.Picture()}, "PICTURE_REQUIRED"),
        (
            {"picture": image_pb2.Picture(inline=image_pb2.Image(content=b"no", media_type="image/png"))},
            "NOT_A_PICTURE",
        ),
        ({"picture": flat_picture(DARK, width=9)}, "PICTURE_TOO_SMALL"),
        ({"owner": "../mina"}, "OWNER"),
        ({"max_people": 0}, "MAX_PEOPLE"),
        ({"max_people": 65}, "MAX_PEOPLE"),
        ({"min_score": 1.5}, "MIN_SCORE"),
        ({"min_pose_score": -0.1}, "MIN_POSE_SCORE"),
        ({"person": 64}, "PERSON"),
        ({"min_score": float("nan")}, "MIN_SCORE"),
    ],
)
async def test_what_is_wrong_with_a_request_is_said(stub: "Stub", changes: dict[str, object], reason: str) -> None:
    fields: dict[str, object] = {"owner": "mina", "picture": flat_picture(DARK), **changes}
    with pytest.raises(InvalidInput) as caught, our_errors("pose"):
        await stub.EstimatePose(pb.EstimatePoseRequest(**fields), timeout=DEADLINE_SECONDS)  # type: ignore[arg-type]
    assert caught.value.reason == reason


async def test_a_skeleton_is_drawn_at_the_size_asked_for(stub: "Stub") -> None:
    request = pb.DrawSkeletonRequest(people=[person(), person(seed=1)], width=120, height=90)
    response = await stub.DrawSkeleton(request, timeout=DEADLINE_SECONDS)
    assert response.skeleton.media_type == "image/png"
    drawing = Image.open(io.BytesIO(response.skeleton.content))
    assert drawing.size == (120, 90)
    assert np.asarray(drawing).max() > 200


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"people": []}, "PEOPLE_COUNT"),
        ({"people": [pose_pb2.Person(keypoints=[pose_pb2.Keypoint()])]}, "KEYPOINT_COUNT"),
        ({"people": [person(score=1.5)]}, "KEYPOINT_SCORE"),
        ({"people": [person(size=float("nan"))]}, "KEYPOINT_RANGE"),
        ({"people": [person(size=1e9)]}, "KEYPOINT_RANGE"),
        ({"width": 15}, "WIDTH"),
        ({"height": 5000}, "HEIGHT"),
    ],
)
async def test_what_cannot_be_drawn_is_refused(stub: "Stub", changes: dict[str, object], reason: str) -> None:
    fields: dict[str, object] = {"people": [person()], "width": 64, "height": 64, **changes}
    with pytest.raises(InvalidInput) as caught, our_errors("pose"):
        await stub.DrawSkeleton(pb.DrawSkeletonRequest(**fields), timeout=DEADLINE_SECONDS)  # type: ignore[arg-type]
    assert caught.value.reason == reason
