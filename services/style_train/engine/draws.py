"""Every random choice of a training, each kind from a generator of its own, all drawn on the CPU.

A GPU's generator gives other numbers for the same seed; separate generators keep, say, the order of pictures the
same when the share of dropped captions changes.
"""

import hashlib
from collections.abc import Hashable, Sequence
from itertools import islice

import torch


def stream(seed: int, name: str) -> torch.Generator:
    """The generator of one kind of choice."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator("cpu").manual_seed(int.from_bytes(digest[:8], "big"))


def plan_batches(
    buckets: Sequence[Hashable], *, steps: int, batch: int, order: torch.Generator
) -> list[tuple[int, ...]]:
    """Which pictures are in each step: always of one bucket, each picture as often as any other, in shuffled order."""
    members: dict[Hashable, list[int]] = {}
    for index, bucket in enumerate(buckets):
        members.setdefault(bucket, []).append(index)
    queues: dict[Hashable, list[int]] = {bucket: [] for bucket in members}
    plan: list[tuple[int, ...]] = []
    for pick in torch.randint(len(buckets), (steps,), generator=order).tolist():
        bucket = buckets[pick]
        queue = queues[bucket]
        while len(queue) < batch:
            shuffled = torch.randperm(len(members[bucket]), generator=order).tolist()
            queue.extend(members[bucket][place] for place in shuffled)
        plan.append(tuple(islice(queue, batch)))
        del queue[:batch]
    return plan
