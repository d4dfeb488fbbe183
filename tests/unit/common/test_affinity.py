"""Which replica a key's calls go to: the same as ever, unless it is busier than the others."""

import math
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.affinity import (
    AVOID_SECONDS,
    LOOK_SECONDS,
    MOST_OVER_MEAN_NOW,
    RECENT_CALLS,
    Replicas,
    addresses_of,
    choose,
    name_of,
)
from services.common.clients import FreshChannels

FOUR = {f"10.0.0.{number}:50052": 0 for number in range(4)}
KEYS = [f"style{number}" for number in range(64)]


def at_rest(key: str, replicas: Iterable[str]) -> str:
    """Where a call of `key` goes while nothing is under way, and all have had as much."""
    return choose(key, dict.fromkeys(replicas, 0), dict.fromkeys(replicas, 0.0))


def test_a_key_goes_where_it_went_before() -> None:
    assert [at_rest(key, FOUR) for key in KEYS] == [at_rest(key, [*reversed(FOUR)]) for key in KEYS]
    assert {at_rest(key, FOUR) for key in KEYS} == set(FOUR)


def test_when_a_replica_goes_only_its_keys_move() -> None:
    gone, *rest = FOUR
    before = {key: at_rest(key, FOUR) for key in KEYS}
    after = {key: at_rest(key, rest) for key in KEYS}
    assert {key for key in KEYS if before[key] != after[key]} == {key for key in KEYS if before[key] == gone}


LOADS = st.dictionaries(st.text(min_size=1), st.tuples(st.integers(0, 50), st.floats(0, 100)), min_size=1)


@given(loads=LOADS, key=st.text())
def test_whoever_is_chosen_has_room(loads: dict[str, tuple[int, float]], key: str) -> None:
    busy = {one: calls for one, (calls, _) in loads.items()}
    chosen = choose(key, busy, {one: calls for one, (_, calls) in loads.items()})
    assert busy[chosen] <= math.ceil(MOST_OVER_MEAN_NOW * (sum(busy.values()) + 1) / len(busy))


def test_who_had_more_than_its_share_of_late_gets_a_call_only_while_it_is_idle() -> None:
    first = at_rest("one style", FOUR)
    recent = {one: 60.0 if one == first else 30.0 for one in FOUR}
    assert choose("one style", FOUR, recent) == first
    assert choose("one style", {**FOUR, first: 1}, recent) != first
    assert choose("one style", {**FOUR, first: 1}, dict.fromkeys(FOUR, 30.0)) == first


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Names:
    """A name whose addresses can be changed."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked = 0

    async def __call__(self, target: str) -> list[str]:
        self.asked += 1
        return self.addresses


class Calls:
    """Replicas whose channels are told apart by where they lead."""

    def __init__(self, *addresses: str) -> None:
        self.names, self.clock, self.opened = Names(*addresses), Clock(), dict[grpc.aio.Channel, str]()
        channels = FreshChannels(lambda address, _: self._open(address), None)
        self.replicas = Replicas("dns:///draws:1", channels, resolve=self.names, clock=self.clock)

    def _open(self, address: str) -> grpc.aio.Channel:
        channel = grpc.aio.insecure_channel(address)
        self.opened[channel] = address
        return channel

    @asynccontextmanager
    async def call(self, key: str) -> AsyncIterator[str]:
        async with self.replicas.near(key) as channel:
            yield self.opened[channel]

    async def fail(self, key: str, code: grpc.StatusCode) -> str:
        reached, nothing = "", grpc.aio.Metadata()
        with pytest.raises(grpc.aio.AioRpcError):
            async with self.call(key) as reached:
                raise grpc.aio.AioRpcError(code, nothing, nothing, "", "")
        return reached

    async def reach(self, key: str) -> str:
        async with self.call(key) as reached:
            return reached


@pytest.mark.parametrize(
    ("skew", "drawings"), [(0.0, 480), (0.0, 4000), (1.0, 480)], ids=["alike", "alike, for long", "few are popular"]
)
async def test_under_load_replicas_are_even_and_find_their_styles_in_memory(skew: float, drawings: int) -> None:
    """64 styles, 4 replicas with room for 48 each (512 MiB of 10 MB), 16 drawings at once, each as long as another.

    As in `benchmarks/mesh.py`: one drawing of each style first, which nobody can have in memory.
    """
    random, drawn, hits = Random(7), Counter[str](), 0
    calls = Calls(*FOUR)
    kept: dict[str, OrderedDict[str, None]] = {one: OrderedDict() for one in FOUR}
    under_way: list[AsyncExitStack] = []
    weights = [1 / (1 + number) ** skew for number in range(len(KEYS))]
    for number, key in enumerate([*KEYS, *random.choices(KEYS, weights, k=drawings)]):
        if len(under_way) == 16:
            await under_way.pop(random.randrange(16)).aclose()
        under_way.append(AsyncExitStack())
        chosen = await under_way[-1].enter_async_context(calls.call(key))
        if number >= len(KEYS):
            hits += key in kept[chosen]
            drawn[chosen] += 1
        kept[chosen][key] = None
        kept[chosen].move_to_end(key)
        if len(kept[chosen]) > 48:
            kept[chosen].popitem(last=False)
    for one in under_way:
        await one.aclose()
    await calls.replicas.close()
    assert hits / drawings >= 0.9
    assert max(drawn.values()) <= 1.25 * drawings / len(FOUR)


async def test_a_new_replica_has_nothing_to_catch_up() -> None:
    calls = Calls("a:1", "b:1", "c:1")
    for number in range(3 * RECENT_CALLS):
        await calls.reach(f"style{number}")
    calls.names.addresses.append("d:1")
    calls.clock.now += LOOK_SECONDS
    async with AsyncExitStack() as under_way:
        reached = [await under_way.enter_async_context(calls.call(f"another{number}")) for number in range(40)]
    assert 5 <= reached.count("d:1") <= 15
    await calls.replicas.close()


async def test_calls_under_way_count() -> None:
    calls = Calls("a:1", "b:1", "c:1", "d:1")
    async with AsyncExitStack() as under_way:
        reached = [await under_way.enter_async_context(calls.call("one style")) for _ in range(16)]
    assert max(Counter(reached).values()) <= 9
    assert await calls.reach("one style") == reached[0]
    await calls.replicas.close()


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED])
async def test_a_replica_that_fails_is_left_alone_for_a_while(code: grpc.StatusCode) -> None:
    calls = Calls("a:1", "b:1")
    first = await calls.fail("key", code)
    assert await calls.reach("key") != first
    calls.clock.now += AVOID_SECONDS
    assert await calls.reach("key") == first
    await calls.replicas.close()


async def test_when_all_fail_all_are_asked_again() -> None:
    calls = Calls("a:1", "b:1")
    failed = {await calls.fail("key", grpc.StatusCode.UNAVAILABLE) for _ in range(2)}
    assert failed == {"a:1", "b:1"}
    assert await calls.reach("key") in failed
    await calls.replicas.close()


async def test_an_answer_that_is_the_callers_fault_keeps_the_replica() -> None:
    calls = Calls("a:1", "b:1")
    first = await calls.fail("key", grpc.StatusCode.INVALID_ARGUMENT)
    assert await calls.reach("key") == first
    await calls.replicas.close()


async def test_a_new_replica_is_found_and_one_that_is_gone_is_not_called() -> None:
    calls = Calls("a:1")
    assert {await calls.reach(key) for key in KEYS} == {"a:1"}
    calls.names.addresses = ["b:1", "c:1"]
    assert (await calls.reach("key"), calls.names.asked) == ("a:1", 1)
    calls.clock.now += LOOK_SECONDS
    assert {await calls.reach(key) for key in KEYS} == {"b:1", "c:1"}
    calls.names.addresses = []  # names cannot be looked up
    calls.clock.now += LOOK_SECONDS
    assert {await calls.reach(key) for key in KEYS} == {"b:1", "c:1"}
    await calls.replicas.close()


@pytest.mark.parametrize(
    ("target", "addresses"),
    [
        ("127.0.0.1:5", ["127.0.0.1:5"]),
        ("dns:///127.0.0.1:5", ["127.0.0.1:5"]),
        ("localhost:5", ["127.0.0.1:5"]),
        ("[::1]:5", ["[::1]:5"]),
        ("ipv4:10.0.0.1:5,10.0.0.2:5", ["10.0.0.1:5", "10.0.0.2:5"]),
        ("unix:/run/draws", ["unix:/run/draws"]),
        ("dns:///no.such.name.invalid:5", []),
    ],
)
async def test_a_target_is_looked_up(target: str, addresses: list[str]) -> None:
    assert await addresses_of(target) == addresses


@pytest.mark.parametrize(
    ("target", "name"),
    [("dns:///background:50052", "background"), ("127.0.0.1:5", "127.0.0.1"), ("ipv4:10.0.0.1:5,10.0.0.2:5", None)],
)
def test_replicas_share_the_name_in_their_certificates(target: str, name: str | None) -> None:
    assert name_of(target) == name
