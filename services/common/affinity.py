"""Chooses among the replicas of a service by a key: what one of them keeps in memory for it is used again there.

Rendezvous hashing with bounded loads. A key's calls go to the replica that it ranks first, unless that one is busier
than the others by a quarter; then to the next that is not. When a replica comes or goes, only the keys that it wins or
had move. gRPC's own `ring_hash` takes a key from a header too (gRFC A76), but bounds no load.
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

MOST_OVER_MEAN = 1.25
LOOK_SECONDS = 5.0  # how soon a new replica is found
AVOID_SECONDS = 2.0  # a replica that refused or could not be reached is asked again after this

Resolve = Callable[[str], Awaitable[Sequence[str]]]


def choose(key: str, busy: Mapping[str, int]) -> str:
    """The replica for one more call of `key`, of those in `busy` with the calls that each has under way.

    None gets more than a quarter above the mean, this call counted; one always has room.
    """
    room = math.ceil(MOST_OVER_MEAN * (sum(busy.values()) + 1) / len(busy))
    return max((one for one, calls in busy.items() if calls < room), key=lambda one: _rank(key, one))


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
        self._avoided_until: dict[str, float] = {}

    @asynccontextmanager
    async def near(self, key: str) -> AsyncIterator[grpc.aio.Channel]:
        """A channel for one call of `key`; the replica counts as busy with it until the context ends."""
        address = choose(key, await self._candidates())
        self._busy[address] += 1
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
        self._addresses = found
