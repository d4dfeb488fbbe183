"""Styles on the denoiser: low-rank changes that travel with a call, as what it reads of a character does.

The weights never change. What a call adds is known to that call alone: each thread has its own value of the context
variable below, and the one who set it takes it back. So requests in flight together never see another's style.
A change of one module is up @ down: down (r, in) or (r, in, kh, kw), up (out, r).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from services.common.style_files import LoraModule


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """The change of one module; alpha / rank and the style's weight are in `up`."""

    down: Tensor
    up: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Style:
    """What a request adds to the denoiser, by the modules' paths; `key` is equal for equal files and weights."""

    deltas: Mapping[str, Delta]
    key: str


_NOTHING: Mapping[str, Delta] = {}
_applied: ContextVar[Mapping[str, Delta]] = ContextVar("applied", default=_NOTHING)


def take_styles(modules: Mapping[str, nn.Module]) -> None:
    """Let these modules be changed by `applying`; once, for good."""
    for path, module in modules.items():
        module.register_forward_hook(_hook(path))


@contextmanager
def applying(style: Style | None) -> Iterator[None]:
    """Within, and in this thread only, the modules' outputs get the style's changes."""
    token = _applied.set(style.deltas if style is not None else _NOTHING)
    try:
        yield
    finally:
        _applied.reset(token)


def combined(
    uses: Sequence[tuple[Mapping[str, LoraModule], float]], *, device: torch.device, dtype: torch.dtype
) -> dict[str, Delta]:
    """Several styles with their weights as one: of their ranks' sum in each module."""
    parts: dict[str, list[tuple[Tensor, Tensor]]] = defaultdict(list)
    for modules, weight in uses:
        for path, module in modules.items():
            scale = weight * module.alpha / len(module.down)
            parts[path].append((module.down.float(), module.up.float().flatten(1) * scale))
    return {
        path: Delta(
            down=torch.cat([down for down, _ in own]).to(device, dtype),
            up=torch.cat([up for _, up in own], dim=1).to(device, dtype),
        )
        for path, own in parts.items()
    }


def _hook(path: str) -> Callable[[nn.Module, Any, Tensor], None]:
    def add_delta(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        delta = _applied.get().get(path)
        if delta is None:
            return
        if isinstance(module, nn.Conv2d):
            low = functional.conv2d(args[0], delta.down, None, module.stride, module.padding)
            output.add_(functional.conv2d(low, delta.up[:, :, None, None]))
        else:
            output.add_(functional.linear(functional.linear(args[0], delta.down), delta.up))

    return add_delta
