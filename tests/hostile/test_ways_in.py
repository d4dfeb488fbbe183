"""Hostile files through every way in: the gateway's upload, and the pictures of all four services, inline and stored.

Each is taken or refused by its name with a remedy: no crash, no INTERNAL, no 5xx. The command line uploads through the
gateway. A few files run with the suite; `make test-hostile` runs all.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from oma.background.v1 import background_service_pb2 as background_pb
from oma.background.v1 import background_service_pb2_grpc as background_grpc
from oma.image.v1 import image_pb2
from oma.pose.v1 import pose_estimation_service_pb2 as estimation_pb
from oma.pose.v1 import pose_estimation_service_pb2_grpc as estimation_grpc
from oma.pose.v1 import pose_transfer_service_pb2_grpc as transfer_grpc
from oma.style.v1 import style_train_service_pb2 as training_pb

from services.common.clients import to_service_error
from services.common.pictures import MAX_INLINE_BYTES
from tests.fakes.all_services import AllServices, Networks, all_services
from tests.fakes.hostile_pictures import Hostile, corpus
from tests.fakes.owners import acting_for_owners
from tests.fakes.pose_messages import transfer_request

OWNER = "mina"
CALL_SECONDS = 120
QUICK = {
    "nothing", "svg", "animated gif", "half a png", "900 megapixels of nothing",
    "profile that inflates to 200 mebibytes", "animated webp", "exif in a circle", "cmyk", "picture and zip at once",
}  # fmt: skip
SMALL_REASON = "PICTURE_TOO_SMALL"  # said of a picture of a few pixels
NEED_SIZE = {"estimation", "transfer", "training"}

Way = Callable[[AllServices, image_pb2.Picture], Awaitable[Any]]


async def draw(services: AllServices, picture: image_pb2.Picture) -> None:
    stub = acting_for_owners(background_grpc.BackgroundServiceStub(services.channel))
    request = background_pb.GenerateBackgroundRequest(
        request_id="r", owner=OWNER, prompt="a beach", picture=picture, steps=1, strength=0.5
    )
    async for _ in stub.GenerateBackground(request, timeout=CALL_SECONDS):
        pass


async def estimate(services: AllServices, picture: image_pb2.Picture) -> None:
    stub = acting_for_owners(estimation_grpc.PoseEstimationServiceStub(services.channel))
    request = estimation_pb.EstimatePoseRequest(owner=OWNER, picture=picture, whole_picture_if_nobody=True)
    await stub.EstimatePose(request, timeout=CALL_SECONDS)


async def transfer(services: AllServices, picture: image_pb2.Picture) -> None:
    stub = acting_for_owners(transfer_grpc.PoseTransferServiceStub(services.channel))
    request = transfer_request(owner=OWNER)
    request.character.CopyFrom(picture)
    async for _ in stub.TransferPose(request, timeout=CALL_SECONDS):
        pass


async def train(services: AllServices, picture: image_pb2.Picture) -> None:
    digest = hashlib.sha256(picture.SerializeToString()).hexdigest()
    request = training_pb.CreateTrainingRequest(
        request_id=digest, owner=OWNER, name="ink", pictures=[training_pb.StylePicture(picture=picture)]
    )
    await acting_for_owners(services.training).CreateTraining(request, timeout=CALL_SECONDS)


WAYS: dict[str, Way] = {"background": draw, "estimation": estimate, "transfer": transfer, "training": train}


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Networks:
    return Networks.load(tmp_path_factory.mktemp("networks"))


@pytest.fixture
async def services(networks: Networks, tmp_path: Path) -> AsyncIterator[AllServices]:
    async with all_services(networks, tmp_path) as running:
        yield running


async def outcome(way: Way, services: AllServices, picture: image_pb2.Picture) -> str | None:
    try:
        await way(services, picture)
    except grpc.aio.AioRpcError as error:
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error  # noqa: PT017 (of either outcome)
        return to_service_error(error, "the service").reason
    return None


def inline(content: bytes) -> image_pb2.Picture:
    return image_pb2.Picture(inline=image_pb2.Image(content=content, media_type="image/png"))


def stored(services: AllServices, content: bytes) -> image_pb2.Picture:
    ref = services.store.put(f"{OWNER}/in/upload", content, "image/png")
    return image_pb2.Picture(artifact=image_pb2.Artifact(key=ref.key, sha256=ref.sha256))


def expected(one: Hostile, name: str) -> set[str | None]:
    if one.reason is None and name in NEED_SIZE:
        return {None, SMALL_REASON}
    return {one.reason, "ARTIFACT_TOO_LARGE"} if one.name == "too many bytes" else {one.reason}


async def try_all(name: str, services: AllServices, files: list[Hostile]) -> None:
    for one in files:
        content = one.make()
        assert await outcome(WAYS[name], services, stored(services, content)) in expected(one, name), one.name
        if len(content) <= MAX_INLINE_BYTES:
            assert await outcome(WAYS[name], services, inline(content)) in expected(one, name), one.name


@pytest.mark.parametrize("name", WAYS)
async def test_a_few_hostile_files_are_taken_or_refused_by_name(name: str, services: AllServices) -> None:
    few = [one for one in corpus() if one.name in QUICK]
    assert len(few) == len(QUICK)
    await try_all(name, services, few)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", WAYS)
async def test_every_hostile_file_is_taken_or_refused_by_name(name: str, services: AllServices) -> None:
    await try_all(name, services, corpus())
