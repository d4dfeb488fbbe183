"""Picture to keypoints, keypoints edited, character re-posed: with the family that is shipped, over real channels.

Axes: J points of both arms.
"""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray
from oma.pose.v1 import pose_estimation_service_pb2 as estimation_pb
from oma.pose.v1 import pose_estimation_service_pb2_grpc as estimation_grpc
from oma.pose.v1 import pose_pb2
from oma.pose.v1 import pose_transfer_service_pb2 as transfer_pb
from oma.pose.v1 import pose_transfer_service_pb2_grpc as transfer_grpc
from PIL import Image

from models.webtoon_tiny.transfer_quality import held_out
from services.common.admission import Places
from services.common.artifacts import FolderStore
from services.common.compute import ComputeLane
from services.common.families import load_family
from services.common.pictures import Pixels
from services.common.serving import create_server
from services.pose.estimation.model import load_networks as load_dwpose
from services.pose.estimation.servicer import PoseEstimationServicer
from services.pose.transfer.engine import TransferEngine
from services.pose.transfer.model import load_networks
from services.pose.transfer.servicer import PoseTransferServicer
from tests.fakes.owners import GATE, acting_for_owners
from tests.fakes.pose_messages import to_picture

if TYPE_CHECKING:
    Estimation = estimation_grpc.PoseEstimationServiceAsyncStub
    Transfer = transfer_grpc.PoseTransferServiceAsyncStub

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

WEIGHTS = Path(__file__).parents[2] / "models/webtoon_tiny/weights"
SIDE = 128
CHARACTERS = 6
DEADLINE_SECONDS = 120

# Shoulder, and what hangs from it that we look at; the hand moves with them.
ARMS = ((5, [7, 9], slice(91, 112)), (6, [8, 10], slice(112, 133)))
NOSE, HIPS = 0, [11, 12]
MOVED, NEARER = 0.3, 0.75  # shares: of the length from nose to hips, and of the joints


@asynccontextmanager
async def both_services(folder: Path) -> "AsyncIterator[tuple[Estimation, Transfer]]":
    family, store = load_family(WEIGHTS), FolderStore(folder)
    lanes = [ComputeLane(max_pending=4) for _ in range(4)]
    engine = TransferEngine(load_networks(WEIGHTS, device_name="cpu"), cache_bytes=1 << 26)
    server = create_server(GATE)
    estimation_grpc.add_PoseEstimationServiceServicer_to_server(
        PoseEstimationServicer(
            load_dwpose(WEIGHTS, threads=1), store, places=Places(4), reading=lanes[0], looking=lanes[1]
        ),
        server,
    )
    transfer_grpc.add_PoseTransferServiceServicer_to_server(
        PoseTransferServicer(engine, family, store, places=Places(4), reading=lanes[2], drawing=lanes[3]), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield (
            acting_for_owners(estimation_grpc.PoseEstimationServiceStub(channel)),
            acting_for_owners(transfer_grpc.PoseTransferServiceStub(channel)),
        )
    await server.stop(None)
    for lane in lanes:
        lane.close()


async def look(stub: "Estimation", image_HWC: Pixels) -> pose_pb2.Person:
    request = estimation_pb.EstimatePoseRequest(
        owner="mina", picture=to_picture(image_HWC), whole_picture_if_nobody=True, max_people=1
    )
    return (await stub.EstimatePose(request, timeout=DEADLINE_SECONDS)).people[0]


async def repose(stub: "Transfer", character_HWC: Pixels, person: pose_pb2.Person, name: str) -> Pixels:
    request = transfer_pb.TransferPoseRequest(
        request_id=name,
        owner="mina",
        character=to_picture(character_HWC),
        pose=transfer_pb.TargetPose(person=person, width=SIDE, height=SIDE),
        steps=20,
        seed=42,
        width=SIDE,
        height=SIDE,
        inline_results=True,
    )
    events = [event async for event in stub.TransferPose(request, timeout=DEADLINE_SECONDS)]
    (drawn,) = (event.image for event in events if event.HasField("image"))
    return np.asarray(Image.open(io.BytesIO(drawn.inline.content)).convert("RGB"))


def points(person: pose_pb2.Person) -> NDArray[np.float64]:
    return np.array([(point.x, point.y) for point in person.keypoints])


def with_arms_turned_over(person: pose_pb2.Person) -> pose_pb2.Person:
    """As an artist drags them: what hung from a shoulder is raised, what was raised hangs."""
    xy_K2 = points(person)
    for shoulder, joints, hand in ARMS:
        for moved in (joints, hand):
            xy_K2[moved, 1] = np.clip(2 * xy_K2[shoulder, 1] - xy_K2[moved, 1], 2, SIDE - 2)
    scores = [point.score for point in person.keypoints]
    return pose_pb2.Person(
        keypoints=[
            pose_pb2.Keypoint(x=x, y=y, score=score) for (x, y), score in zip(xy_K2.tolist(), scores, strict=True)
        ]
    )


def nearer_to(first: pose_pb2.Person, second: pose_pb2.Person, seen: pose_pb2.Person) -> NDArray[np.bool_]:
    """Of the arms' joints that differ clearly between two poses: whether each is seen nearer to its first place."""
    joints = [joint for _, arm, _ in ARMS for joint in arm]
    first_K2, second_K2, seen_K2 = points(first), points(second), points(seen)
    reach = np.linalg.norm(first_K2[NOSE] - first_K2[HIPS].mean(axis=0))
    apart_J = np.linalg.norm((first_K2 - second_K2)[joints], axis=1) > MOVED * reach
    to_first_J = np.linalg.norm((seen_K2 - first_K2)[joints], axis=1)
    to_second_J = np.linalg.norm((seen_K2 - second_K2)[joints], axis=1)
    return np.asarray((to_first_J < to_second_J)[apart_J])


async def test_dragging_the_arms_of_a_pose_drags_the_arms_of_the_drawing(tmp_path: Path) -> None:
    edited_seen: list[NDArray[np.bool_]] = []
    original_seen: list[NDArray[np.bool_]] = []
    async with both_services(tmp_path) as (estimation, transfer):
        for number in range(CHARACTERS):
            case = held_out(number)
            original = await look(estimation, case.true_HWC)
            edited = with_arms_turned_over(original)
            for person, other, found in ((edited, original, edited_seen), (original, edited, original_seen)):
                name = f"{number}-{len(edited_seen)}-{len(original_seen)}"
                result_HWC = await repose(transfer, case.reference_HWC, person, name)
                found.append(nearer_to(person, other, await look(estimation, result_HWC)))
    # The unedited pose is drawn too: a reading that always said "edited" would show there.
    for found in (edited_seen, original_seen):
        nearer_J = np.concatenate(found)
        assert len(nearer_J) >= CHARACTERS
        assert nearer_J.mean() >= NEARER
