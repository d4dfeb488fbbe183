"""Every RPC of every service, tried by everybody whom it must refuse: nothing is read and nothing is written.

A new RPC, and a new reference in an old one's request, fail here until they have a row.
"""

import importlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from oma.background.v1 import background_service_pb2 as background_pb
from oma.image.v1 import image_pb2
from oma.pose.v1 import pose_estimation_service_pb2 as estimation_pb
from oma.pose.v1 import pose_transfer_service_pb2 as transfer_pb
from oma.style.v1 import style_train_service_pb2 as training_pb

from services.common.identity.assertions import METADATA_KEY, Signer
from services.common.leases import Job
from services.style_train.store import TrainingStore
from tests.fakes.all_services import DEADLINE_SECONDS, AllServices, Networks, Things, all_services
from tests.fakes.owners import KEY, SIGNER
from tests.fakes.pose_messages import flat_picture, person

GEN = Path(__file__).parents[2] / "gen"
ALICE, MALLORY = "alice", "mallory"
REFERENCES = {"oma.image.v1.Picture", "oma.image.v1.Artifact", "oma.style.v1.StyleUse"}
BACKGROUND = "oma.background.v1.BackgroundService"
ESTIMATION = "oma.pose.v1.PoseEstimationService"
TRANSFER = "oma.pose.v1.PoseTransferService"
TRAINING = "oma.style.v1.StyleTrainService"

Build = Callable[[Things, str], Message]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One RPC and one thing that a request of it can refer to; `build` takes the things and the request's owner."""

    method: str
    refers_by: str | None
    build: Build

    def __str__(self) -> str:
        return f"{self.method.rpartition('/')[2]} by {self.refers_by}"


def by_id(method: str, request: Any, which: str = "waiting_training") -> Row:
    return Row(
        method=f"{TRAINING}/{method}",
        refers_by="id",
        build=lambda things, owner: request(owner=owner, id=getattr(things, which)),
    )


def draws_with(things: Things, owner: str, **references: Any) -> Message:
    return background_pb.GenerateBackgroundRequest(
        request_id="r1", owner=owner, prompt="a beach", steps=1, width=32, height=32, **references
    )


def transfers(things: Things, owner: str, **references: Any) -> Message:
    references = {"character": things.picture, **references}
    pose = transfer_pb.TargetPose(person=person(), width=100, height=100)
    return transfer_pb.TransferPoseRequest(request_id="r1", owner=owner, pose=pose, steps=1, **references)


def trains(things: Things, owner: str) -> Message:
    picture = training_pb.StylePicture(picture=things.picture)
    return training_pb.CreateTrainingRequest(request_id="r1", owner=owner, name="ink", pictures=[picture])


def lora_of(things: Things) -> image_pb2.Artifact:
    style = things.styles["METHOD_LORA"]
    return image_pb2.Artifact(key=style.key, sha256=style.sha256)


ROWS = [
    Row(
        method=f"{BACKGROUND}/GenerateBackground",
        refers_by="picture",
        build=lambda things, owner: draws_with(things, owner, picture=things.picture),
    ),
    Row(
        method=f"{BACKGROUND}/GenerateBackground",
        refers_by="mask",
        build=lambda things, owner: draws_with(things, owner, picture=things.picture, mask=things.picture),
    ),
    *(
        Row(
            method=f"{BACKGROUND}/GenerateBackground",
            refers_by="styles",
            build=lambda things, owner, kind=kind: draws_with(things, owner, styles=[things.styles[kind]]),  # type: ignore[misc]
        )
        for kind in ("METHOD_LORA", "METHOD_DREAMSTYLER")
    ),
    Row(
        method=f"{BACKGROUND}/TranslatePrompt",
        refers_by=None,
        build=lambda _things, _owner: background_pb.TranslatePromptRequest(prompt="바다"),
    ),
    *(
        Row(
            method=f"{BACKGROUND}/SeparateLayers",
            refers_by=field,
            build=lambda things, owner, field=field: background_pb.SeparateLayersRequest(  # type: ignore[misc]
                **{"request_id": "r1", "owner": owner, "picture": things.picture, field: things.picture}
            ),
        )
        for field in ("picture", "original")
    ),
    Row(
        method=f"{BACKGROUND}/ConvertStyle",
        refers_by="file",
        build=lambda things, owner: background_pb.ConvertStyleRequest(
            request_id="r1", owner=owner, file=lora_of(things)
        ),
    ),
    *(
        Row(
            method=f"{BACKGROUND}/ReadStyle",
            refers_by=field,
            build=lambda things, owner: background_pb.ReadStyleRequest(
                owner=owner, picture=things.picture, pages=[things.picture]
            ),
        )
        for field in ("picture", "pages")
    ),
    Row(
        method=f"{ESTIMATION}/EstimatePose",
        refers_by="picture",
        build=lambda things, owner: estimation_pb.EstimatePoseRequest(owner=owner, picture=things.picture),
    ),
    Row(
        method=f"{ESTIMATION}/DrawSkeleton",
        refers_by=None,
        build=lambda _things, _owner: estimation_pb.DrawSkeletonRequest(people=[person()], width=64, height=64),
    ),
    Row(
        method=f"{ESTIMATION}/ReadSkeleton",
        refers_by=None,
        build=lambda _things, _owner: estimation_pb.ReadSkeletonRequest(
            content=b'{"people": [{"pose_keypoints_2d": [%s]}]}' % b",".join([b"1"] * 54)
        ),
    ),
    Row(method=f"{TRANSFER}/TransferPose", refers_by="character", build=transfers),
    Row(
        method=f"{TRANSFER}/TransferPose",
        refers_by="styles",
        build=lambda things, owner: transfers(
            things, owner, character=flat_picture(90), styles=[things.styles["METHOD_LORA"]]
        ),
    ),
    Row(method=f"{TRAINING}/CreateTraining", refers_by="pictures", build=trains),
    Row(
        method=f"{TRAINING}/ListTrainings",
        refers_by=None,
        build=lambda _things, owner: training_pb.ListTrainingsRequest(owner=owner),
    ),
    by_id("GetTraining", training_pb.GetTrainingRequest),
    by_id("WatchTraining", training_pb.WatchTrainingRequest),
    by_id("CancelTraining", training_pb.CancelTrainingRequest),
    by_id("DeleteTraining", training_pb.DeleteTrainingRequest, "ended_training"),
]


def every_method() -> Iterator[MethodDescriptor]:
    """From the generated code, so that nothing is forgotten here."""
    for file in sorted(GEN.rglob("*_service_pb2.py")):
        module = importlib.import_module(".".join(file.relative_to(GEN).with_suffix("").parts))
        for service in module.DESCRIPTOR.services_by_name.values():
            yield from service.methods


METHODS = {f"{method.containing_service.full_name}/{method.name}": method for method in every_method()}


def holds_a_reference(message: Descriptor | None) -> bool:
    if message is None:
        return False
    return message.full_name in REFERENCES or any(holds_a_reference(field.message_type) for field in message.fields)


def references_of(request: Descriptor) -> set[str | None]:
    """The fields by which a request can name something that belongs to somebody."""
    return {field.name for field in request.fields if field.name == "id" or holds_a_reference(field.message_type)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Somebody who must not get in: the assertions that they bring, and what they are to be told."""

    brings: Callable[[str], list[str]]  # for the called service
    code: grpc.StatusCode
    reason: str


LATE = Signer(lambda: KEY, clock=lambda: time.time() - 200)
FORGER = Signer(Ed25519PrivateKey.generate)
UNKNOWN = grpc.StatusCode.UNAUTHENTICATED
EVERYBODY_ELSE = {
    "without an assertion": Refused(brings=lambda _: [], code=UNKNOWN, reason="ASSERTION_MISSING"),
    "with an expired one": Refused(
        brings=lambda service: [LATE.sign(ALICE, audience=service)], code=UNKNOWN, reason="ASSERTION_EXPIRED"
    ),
    "with a forged one": Refused(
        brings=lambda service: [FORGER.sign(ALICE, audience=service)], code=UNKNOWN, reason="ASSERTION_FORGED"
    ),
    "with one for another service": Refused(
        brings=lambda service: [SIGNER.sign(ALICE, audience=BACKGROUND if service != BACKGROUND else TRAINING)],
        code=UNKNOWN,
        reason="ASSERTION_AUDIENCE",
    ),
    "with a broken one": Refused(brings=lambda _: ["broken"], code=UNKNOWN, reason="ASSERTION_MALFORMED"),
    "with two": Refused(
        brings=lambda service: 2 * [SIGNER.sign(ALICE, audience=service)], code=UNKNOWN, reason="ASSERTION_MISSING"
    ),
    "with another owner's": Refused(
        brings=lambda service: [SIGNER.sign(MALLORY, audience=service)],
        code=grpc.StatusCode.PERMISSION_DENIED,
        reason="OWNER_DIFFERS",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one call, before and behind the service's door."""

    code: grpc.StatusCode
    reason: str
    said: bytes
    touched: list[str]
    wrote: bool


async def attempt(services: AllServices, row: Row, request: Message, assertions: list[str]) -> Outcome:
    method = METHODS[row.method]
    shape = services.channel.unary_stream if method.server_streaming else services.channel.unary_unary
    call: Any = shape(f"/{row.method}", type(request).SerializeToString, GetMessageClass(method.output_type).FromString)
    metadata = tuple((METADATA_KEY, one) for one in assertions)
    rows, said, code, reason = services.rows(), [], grpc.StatusCode.OK, ""
    services.store.touched.clear()
    try:
        answering = call(request, timeout=DEADLINE_SECONDS, metadata=metadata)
        answers = [one async for one in answering] if method.server_streaming else [await answering]
        said = [answer.SerializeToString() for answer in answers]
    except grpc.aio.AioRpcError as error:
        told: Any = dict(error.trailing_metadata())  # type: ignore[arg-type]  # pairs, whatever its stub says
        code, reason = error.code(), told.get("oma-reason", "")
    touched = list(services.store.touched)
    return Outcome(code=code, reason=reason, said=b"".join(said), touched=touched, wrote=services.rows() != rows)


async def breaches(
    services: AllServices, things: Things, row: Row, everybody: Mapping[str, Refused] = EVERYBODY_ELSE
) -> list[str]:
    """Who got further with one of Alice's things than to their refusal."""
    found = []
    for who, refused in everybody.items():
        if refused.reason == "OWNER_DIFFERS" and "owner" not in METHODS[row.method].input_type.fields_by_name:
            continue  # such a request names nothing of anybody's; see below
        brought = refused.brings(row.method.partition("/")[0])
        outcome = await attempt(services, row, row.build(things, ALICE), brought)
        if outcome != Outcome(code=refused.code, reason=refused.reason, said=b"", touched=[], wrote=False):
            found.append(f"{row} {who}: {outcome}")
    return found


async def breaches_by_another(services: AllServices, things: Things, row: Row) -> list[str]:
    """What Mallory, who is let in, gets of Alice's things by naming them."""
    assertions = [SIGNER.sign(MALLORY, audience=row.method.partition("/")[0])]
    outcome = await attempt(services, row, row.build(things, MALLORY), assertions)
    hers = [touched for touched in outcome.touched if f" {ALICE}/" in touched]
    leaked = any(name.encode() in outcome.said for name in (ALICE, things.waiting_training, things.ended_training))
    expected = grpc.StatusCode.OK if row.refers_by is None else grpc.StatusCode.NOT_FOUND
    if outcome.code is expected and not hers and not leaked and not outcome.wrote:
        return []
    return [f"{row}: {outcome}"]


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Networks:
    return Networks.load(tmp_path_factory.mktemp("networks"))


@pytest.fixture
async def services(networks: Networks, tmp_path: Path) -> AsyncIterator[AllServices]:
    async with all_services(networks, tmp_path) as running:
        yield running


@pytest.fixture
async def things(services: AllServices) -> Things:
    return await services.give_things_to(ALICE)


def test_every_rpc_has_a_row_for_everything_that_its_request_can_refer_to() -> None:
    assert len(METHODS) >= 10, "no methods found; this test has gone blind"
    rows: dict[str, set[str | None]] = {}
    for row in ROWS:
        rows.setdefault(row.method, set()).add(row.refers_by)
    wanted = {name: references_of(method.input_type) or {None} for name, method in METHODS.items()}
    assert rows == wanted


def test_a_request_without_an_owner_names_nothing_of_anybodys() -> None:
    ownerless = [one for one in METHODS.values() if "owner" not in one.input_type.fields_by_name]
    assert {one.name for one in ownerless if references_of(one.input_type)} == set()


async def test_nobody_else_reads_or_writes_anything(services: AllServices, things: Things) -> None:
    assert [breach for row in ROWS for breach in await breaches(services, things, row)] == []


async def test_another_owner_finds_nothing_under_somebody_elses_names(services: AllServices, things: Things) -> None:
    assert [breach for row in ROWS for breach in await breaches_by_another(services, things, row)] == []


async def test_the_owner_gets_in(services: AllServices, things: Things) -> None:
    for row in ROWS:
        assertions = [SIGNER.sign(ALICE, audience=row.method.partition("/")[0])]
        outcome = await attempt(services, row, row.build(things, ALICE), assertions)
        assert outcome.code is grpc.StatusCode.OK, (str(row), outcome)


class OpenGate:
    """Believes every request."""

    def admit(self, context: Any, method: str, request: Any) -> str:
        return str(getattr(request, "owner", ALICE))


async def test_with_the_gate_open_every_row_shows_a_breach(networks: Networks, tmp_path: Path) -> None:
    async with all_services(networks, tmp_path, gate=OpenGate()) as services:
        things = await services.give_things_to(ALICE)
        one_of_them = {who: EVERYBODY_ELSE[who] for who in ("without an assertion",)}
        for row in ROWS:
            assert await breaches(services, things, row, one_of_them) != [], f"{row} is blind"


class CarelessStore(TrainingStore):
    """Style training's rows with its own check removed: an id is enough."""

    def get(self, *, owner: str, job_id: str) -> Job:
        found = self._queue.get(job_id)
        assert found is not None
        return found


async def test_with_one_servicers_own_check_removed_its_rows_show_a_breach(networks: Networks, tmp_path: Path) -> None:
    careless = lambda engine: CarelessStore(engine, max_queued=100)  # noqa: E731
    async with all_services(networks, tmp_path, trainings=careless) as services:
        things = await services.give_things_to(ALICE)
        broken = {row.method for row in ROWS if await breaches_by_another(services, things, row)}
    assert broken == {f"{TRAINING}/{name}Training" for name in ("Get", "Watch", "Cancel", "Delete")}
