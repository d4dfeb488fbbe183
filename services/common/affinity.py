"""Chooses among the replicas of a service by a key: what one of them keeps in memory for it is used again there.

Rendezvous hashing with bounded loads. A key's calls go to the replica that it ranks first, unless that one has had more
than its share of late or is far busier than the others now; then to the next that is not. When a replica comes or goes,
only the keys that it wins or had move. gRPC's own `ring_hash` takes a key from a header too (gRFC A76), but bounds no
load.
"""

import asyncio
import hashlib
import math
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import grpc

from services.common.clients import FreshChannels

MOST_OVER_MEAN = 1.15  # of the calls of late
MOST_OVER_MEAN_NOW = 2.0  # of those under way: chance alone makes small numbers uneven
SLACK_CALLS = 2.0  # above the bound of late, so that a few calls after a pause are nobody's too many
RECENT_CALLS = 25  # for each replica: those before weigh less and less
LOOK_SECONDS = 5.0  # how soon a new replica is found
AVOID_SECONDS = 2.0  # a replica that refused or could not be reached is asked again after this

Resolve = Callable[[str], Awaitable[Sequence[str]]]


def choose(key: str, busy: Mapping[str, int], recent: Mapping[str, float]) -> str:
    """The replica for one more call of `key`, of those in `busy` with the calls that each has under way.

    `recent` are the calls that each had of late. None gets one more while it has above twice the mean under way, this
    call counted. Of the others it is the first that is idle or has had no more than its share; one always has room.
    """
    room = math.ceil(MOST_OVER_MEAN_NOW * (sum(busy.values()) + 1) / len(busy)) + 1
    share = MOST_OVER_MEAN * (sum(recent[one] for one in busy) + 1) / len(busy) + SLACK_CALLS
    best_first = sorted((one for one in busy if busy[one] < room), key=lambda one: _rank(key, one), reverse=True)
    return next((one for one in best_first if not busy[one] or recent[one] + 1 <= share), best_first[0])


def _rank(key: str, replica: str) -> bytes:
    return hashlib.sha256(f"{key} {replica}".encode()).digest()


async def addresses_of(target: str) -> list[str]:
    """host:port of each replica behind a gRPC target, none where its name cannot be looked up just now.

    Of a name with addresses of both kinds the IPv4 ones count: the others lead to the same replicas.
    """
    scheme, _, listed = target.partition(":")
    if scheme in ("ipv4", "ipv6"):
        return listed.split(",")
    if scheme == "unix":
        return [target]
    host, _, port = target.rpartition("/")[2].rpartition(":")
    loop = asyncio.get_running_loop()
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            found = await loop.getaddrinfo(host.strip("[]"), int(port), family=family, type=socket.SOCK_STREAM)
            shape = "{}:{}" if family == socket.AF_INET else "[{}]:{}"
            return sorted({shape.format(*place[:2]) for *_, place in found})
    return []


def name_of(target: str) -> str | None:
    """The name that the certificates of all replicas have; None where the target lists addresses."""
    if target.partition(":")[0] in ("ipv4", "ipv6", "unix"):
        return None
    return target.rpartition("/")[2].rpartition(":")[0].strip("[]")


class Replicas:
    """The replicas of one service, a channel to each. Belongs to one event loop."""

    def __init__(
        self,
        target: str,
        channels: FreshChannels,
        *,
        resolve: Resolve = addresses_of,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._target = target
        self._channels = channels
        self._resolve = resolve
        self._clock = clock
        self._addresses: Sequence[str] = ()
        self._looked_at = -math.inf
        self._busy: Counter[str] = Counter()
        self._recent: dict[str, float] = {}
        self._avoided_until: dict[str, float] = {}

    @asynccontextmanager
    async def near(self, key: str) -> AsyncIterator[grpc.aio.Channel]:
        """A channel for one call of `key`; the replica counts as busy with it until the context ends."""
        busy = await self._candidates()
        address = choose(key, busy, self._counted(busy))
        self._busy[address] += 1
        self._recent[address] += 1
        try:
            yield self._channels[address]
        except grpc.aio.AioRpcError as error:
            if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
                self._avoided_until[address] = self._clock() + AVOID_SECONDS
            raise
        finally:
            self._busy[address] -= 1

    async def close(self) -> None:
        await self._channels.close()

    def _counted(self, candidates: Mapping[str, int]) -> Mapping[str, float]:
        """Calls of late of each, as of now. A new one counts as if it had had its share: it has nothing to catch up."""
        known = [calls for one, calls in self._recent.items() if one in candidates]
        usual = sum(known) / len(known) if known else 0.0
        fading = 1 - 1 / (RECENT_CALLS * len(candidates))
        self._recent = {one: calls * fading for one, calls in self._recent.items()}
        self._recent |= {one: usual * fading for one in candidates if one not in self._recent}
        return self._recent

    async def _candidates(self) -> dict[str, int]:
        """Calls under way at each replica that did not just fail; at each of all when all did."""
        now = self._clock()
        if now >= self._looked_at + LOOK_SECONDS:
            self._looked_at = now
            await self._look()
        known = self._addresses or (self._target,)
        good = [one for one in known if now >= self._avoided_until.get(one, -math.inf)]
        return {one: self._busy[one] for one in good or known}

    async def _look(self) -> None:
        found = await self._resolve(self._target)
        if not found:  # names that cannot be asked for just now: those that were known may still be there
            return
        for gone in set(self._addresses) - set(found):
            self._channels.retire(gone)
            self._avoided_until.pop(gone, None)
            self._recent.pop(gone, None)
        self._addresses = found
