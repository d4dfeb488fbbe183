"""Adapters applied row by row of a batch: the base weights never change, and no row sees another row's style.

Rows of one style are served by one pair of matrix products. Rows of several styles are served together too: the
low-rank matrices are laid side by side, a pair for each row, and multiplied in one batched product for each module.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from services.background.engine.records import Delta

_MOST_PADDING = 2.0  # times the ranks that are there; more is served style by style


@dataclass(frozen=True, slots=True)
class RowDeltas:
    """Which rows of the batch get which changes, each with its weight."""

    rows: slice
    deltas: Sequence[tuple[Mapping[str, Delta], float]]


@dataclass(frozen=True, slots=True)
class _Shared:
    """One change for all of these rows."""

    rows: slice
    down: Tensor  # (r, in), or (r, in, kh, kw)
    up: Tensor  # (out, r)

    def add_to(self, output: Tensor, module: nn.Module, values: Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            low = functional.conv2d(values[self.rows], self.down, None, module.stride, module.padding)
            output[self.rows].add_(functional.conv2d(low, self.up[:, :, None, None]))
        else:
            output[self.rows].add_(functional.linear(functional.linear(values[self.rows], self.down), self.up))


@dataclass(frozen=True, slots=True)
class _Stacked:
    """A change for each of these rows, ranks filled up with zeros."""

    rows: slice
    down: Tensor  # (B, r, in), or (B, r, in, kh, kw)
    up: Tensor  # (B, out, r)

    def add_to(self, output: Tensor, module: nn.Module, values: Tensor) -> None:
        own, into = values[self.rows], output[self.rows]
        if isinstance(module, nn.Conv2d):
            count, rank = self.down.shape[:2]
            side_by_side = own.reshape(1, -1, *own.shape[2:])
            low = functional.conv2d(
                side_by_side, self.down.flatten(0, 1), None, module.stride, module.padding, groups=count
            )
            into.add_(torch.bmm(self.up, low.reshape(count, rank, -1)).reshape(into.shape))
        else:
            count = len(own)
            low = torch.bmm(own.reshape(count, -1, own.shape[-1]), self.down.mT)
            into.add_(torch.bmm(low, self.up.mT).reshape(into.shape))


Plan: TypeAlias = Mapping[str, Sequence[_Shared | _Stacked]]


def plan_of(batch: Sequence[RowDeltas]) -> Plan:
    """What a call of the network adds to which rows; worth keeping while the batch stays the same."""
    parts: dict[str, list[_Shared]] = defaultdict(list)
    for rows, uses in _merged(batch):
        for path in dict.fromkeys(path for deltas, _ in uses for path in deltas):
            own = [(deltas[path], weight) for deltas, weight in uses if path in deltas]
            parts[path].append(_combined(rows, own))
    return {path: _side_by_side(own) for path, own in parts.items()}


class AdaptedModules:
    """The modules of one network that take adapters.

    Each gets a hook once, for good; what the hooks add is decided anew for every call of the network, by `applied`.
    """

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        self._plan: Plan = {}
        for path, module in modules.items():
            module.register_forward_hook(self._hook(path))

    @contextmanager
    def applied(self, plan: Plan) -> Iterator[None]:
        """Within, a call of the network adds these changes to their rows; other rows are the base's own."""
        self._plan = plan
        try:
            yield
        finally:
            self._plan = {}

    def _hook(self, path: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def add_deltas(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
            for change in self._plan.get(path, ()):
                change.add_to(output, module, args[0])

        return add_deltas


def fold(down: Tensor, up: Tensor, alpha: float, *, device: torch.device, dtype: torch.dtype) -> Delta:
    """A change with its scale inside: adapters whose alpha differs from module to module keep each its own."""
    rank = down.shape[0]
    return Delta(down=down.to(device, dtype), up=(up.float() * (alpha / rank)).to(device, dtype))


def _merged(batch: Sequence[RowDeltas]) -> Iterator[tuple[slice, Sequence[tuple[Mapping[str, Delta], float]]]]:
    """Neighbours with the same styles and weights as one."""

    def styles(part: RowDeltas) -> list[tuple[int, float]]:
        return [(id(deltas), weight) for deltas, weight in part.deltas]

    for _, group in groupby(batch, key=styles):
        same = list(group)
        yield slice(same[0].rows.start, same[-1].rows.stop), same[0].deltas


def _combined(rows: slice, own: Sequence[tuple[Delta, float]]) -> _Shared:
    """Several adapters of one row are one of their ranks' sum; weights go into `up`."""
    downs = [delta.down for delta, _ in own]
    ups = [delta.up.flatten(1) * weight if weight != 1 else delta.up.flatten(1) for delta, weight in own]
    if len(own) == 1:
        return _Shared(rows, downs[0], ups[0])
    return _Shared(rows, torch.cat(downs), torch.cat(ups, dim=1))


def _side_by_side(own: Sequence[_Shared]) -> Sequence[_Shared | _Stacked]:
    """One change for all rows where that is not mostly padding, and where the rows are neighbours."""
    ranks = [len(one.down) for one in own]
    apart = any(one.rows.stop != after.rows.start for one, after in pairwise(own))
    if len(own) == 1 or apart or max(ranks) * len(ranks) > _MOST_PADDING * sum(ranks):
        return own
    counts = torch.tensor([one.rows.stop - one.rows.start for one in own], device=own[0].down.device)
    down = nn.utils.rnn.pad_sequence([one.down for one in own], batch_first=True)
    up = nn.utils.rnn.pad_sequence([one.up.T for one in own], batch_first=True).mT
    return [
        _Stacked(
            slice(own[0].rows.start, own[-1].rows.stop),
            down.repeat_interleave(counts, dim=0),
            up.repeat_interleave(counts, dim=0),
        )
    ]
