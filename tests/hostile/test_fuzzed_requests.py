"""Fuzzed messages and bytes to every RPC of every service: served or refused by name, never another's.

A few run with the suite; `make test-hostile` sends thirty times as many.
"""

import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from hypothesis import HealthCheck, Phase, given, settings

from services.common.identity.assertions import METADATA_KEY
from tests.fakes.all_services import AllServices, Networks, Things, all_services
from tests.fakes.hostile_messages import hostile_requests
from tests.fakes.owners import SIGNER
from tests.wire.test_isolation_of_rpcs import ALICE, MALLORY, METHODS, ROWS

CALL_SECONDS = 60
MOST_GROWTH_BYTES = 600 * 1024**2
REFUSALS = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.ABORTED,
}


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


def generated(method: MethodDescriptor, count: int) -> list[bytes]:
    made: list[bytes] = []

    @settings(
        max_examples=count, derandomize=True, database=None, deadline=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(hostile_requests(method.input_type, me=MALLORY, owner=ALICE))
    def collect(request: Message) -> None:
        made.append(request.SerializeToString())

    collect()
    return made


def damaged(things: Things, name: str, count: int) -> list[bytes]:
    """Right requests with bytes changed, cut, doubled and put in: most are no message any more."""
    dice = random.Random(f"{name} {count}")
    found = []
    for row in (row for row in ROWS if row.method == name):
        for _ in range(count):
            content = bytearray(row.build(things, MALLORY).SerializeToString())
            for _ in range(dice.randint(1, 4)):
                at = dice.randrange(len(content) or 1)
                piece = dice.randbytes(dice.randint(0, 6))
                content[at : at + dice.choice([0, 1, 8])] = dice.choice([piece, content[at : at + 40], b"\xff" * 10])
            found.append(bytes(content))
    return found


async def send(services: AllServices, method: MethodDescriptor, content: bytes) -> tuple[grpc.StatusCode, bytes]:
    name = f"/{method.containing_service.full_name}/{method.name}"
    shape: Any = services.channel.unary_stream if method.server_streaming else services.channel.unary_unary
    signed = (METADATA_KEY, SIGNER.sign(MALLORY, audience=method.containing_service.full_name))
    answering = shape(name)(content, timeout=CALL_SECONDS, metadata=(signed,))
    try:
        said = [one async for one in answering] if method.server_streaming else [await answering]
    except grpc.aio.AioRpcError as error:
        return error.code(), (error.details() or "").encode()
    return grpc.StatusCode.OK, b"".join(said)


def rows_of(services: AllServices, owner: str) -> list[tuple[Any, ...]]:
    return [row for row in services.rows() if owner in row]


async def complaints(services: AllServices, things: Things, outcomes: Counter[str], count: int) -> list[str]:
    """What was answered wrongly, or reached something of Alice's."""
    found, secrets = [], [ALICE, things.waiting_training, things.ended_training]
    hers = rows_of(services, ALICE)
    for name, method in METHODS.items():
        for content in [*generated(method, count), *damaged(things, name, count)]:
            services.store.touched.clear()
            code, said = await send(services, method, content)
            outcomes[code.name] += 1
            # What was asked may be quoted; what was not can only be known from looking.
            leaked = [one for one in secrets if one.encode() in said and one.encode() not in content]
            reached = [touched for touched in services.store.touched if f" {ALICE}/" in touched]
            if leaked or reached or code not in {grpc.StatusCode.OK, *REFUSALS}:
                found.append(f"{name}: {code.name} {said[:200]!r} {leaked} {reached} {content[:300]!r}")
    return found + (["rows of another were changed"] if rows_of(services, ALICE) != hers else [])


async def probe(services: AllServices, things: Things, outcomes: Counter[str], count: int) -> None:
    before = psutil.Process().memory_info().rss
    assert await complaints(services, things, outcomes, count) == []
    growth = psutil.Process().memory_info().rss - before
    outcomes["grew by MiB"] = growth // 1024**2
    assert growth < MOST_GROWTH_BYTES


async def test_some_fuzzed_requests_are_served_or_refused_by_name(
    services: AllServices, things: Things, outcomes: Counter[str]
) -> None:
    assert len(METHODS) >= 14
    await probe(services, things, outcomes, 6)


@pytest.mark.slow
@pytest.mark.timeout(2400)
async def test_thousands_of_fuzzed_requests_are_served_or_refused_by_name(
    services: AllServices, things: Things, outcomes: Counter[str]
) -> None:
    await probe(services, things, outcomes, 200)
