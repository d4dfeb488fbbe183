"""Adapters applied row by row of a batch: the base weights never change, and no row sees another row's style."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from services.background.engine.records import Delta


@dataclass(frozen=True, slots=True)
class RowDeltas:
    """Which rows of the batch get which changes, each with its weight."""

    rows: slice
    deltas: Sequence[tuple[Mapping[str, Delta], float]]


class AdaptedModules:
    """The modules of one network that take adapters.

    Each gets a hook once, for good; what the hooks add is decided anew for every call of the network, by `applied`.
    """

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        self._plan: Mapping[str, list[tuple[slice, Delta, float]]] = {}
        for path, module in modules.items():
            module.register_forward_hook(self._hook(path))

    @contextmanager
    def applied(self, batch: Sequence[RowDeltas]) -> Iterator[None]:
        """Within, a call of the network adds these changes to these rows; other rows are the base's own."""
        plan = defaultdict(list)
        for part in batch:
            for deltas, weight in part.deltas:
                for path, delta in deltas.items():
                    plan[path].append((part.rows, delta, weight))
        self._plan = plan
        try:
            yield
        finally:
            self._plan = {}

    def _hook(self, path: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def add_deltas(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
            for rows, delta, weight in self._plan.get(path, ()):
                output[rows].add_(_change(module, delta, args[0][rows]), alpha=weight)

        return add_deltas


def _change(module: nn.Module, delta: Delta, values: Tensor) -> Tensor:
    if isinstance(module, nn.Conv2d):
        low = functional.conv2d(values, delta.down, None, module.stride, module.padding)
        return functional.conv2d(low, delta.up)
    return functional.linear(functional.linear(values, delta.down), delta.up)


def fold(down: Tensor, up: Tensor, alpha: float, *, device: torch.device, dtype: torch.dtype) -> Delta:
    """A change with its scale inside: adapters whose alpha differs from module to module keep each its own."""
    rank = down.shape[0]
    return Delta(down=down.to(device, dtype), up=(up.float() * (alpha / rank)).to(device, dtype))
