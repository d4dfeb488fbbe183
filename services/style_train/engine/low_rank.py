"""A low-rank change beside a frozen layer: float32 parameters, multiplied in the frozen layer's precision.

Nothing is wrapped and no layer is replaced: a hook adds the change to the layer's answer. For a linear layer that is
two matrix products, the second of which adds in place of writing a tensor of its own.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from services.common.style_files import LoraModule


@dataclass(frozen=True, slots=True, kw_only=True)
class LowRank:
    """The change of one layer: alpha / rank * up @ down."""

    down: nn.Parameter  # (rank, in), or (rank, in, kh, kw) of a convolution
    up: nn.Parameter  # (out, rank), or (out, rank, 1, 1)
    alpha: float

    def add(self, layer: nn.Module, inputs: tuple[Tensor, ...], answer: Tensor) -> Tensor:
        """The layer's answer with the change; a forward hook."""
        values = inputs[0]
        scale = self.alpha / len(self.down)
        down = self.down.to(values.dtype)
        up = (self.up if scale == 1 else self.up * scale).to(values.dtype)
        if isinstance(layer, nn.Conv2d):
            low = functional.conv2d(values, down, None, layer.stride, layer.padding)
            return answer + functional.conv2d(low, up)
        low = functional.linear(values, down)
        return torch.addmm(answer.flatten(0, -2), low.flatten(0, -2), up.T).reshape(answer.shape)

    def as_module(self) -> LoraModule:
        """A copy, as files hold it."""
        return LoraModule(down=self.down.detach().clone(), up=self.up.detach().clone(), alpha=self.alpha)


def attach(
    layers: Mapping[str, nn.Module], *, rank: int, alpha: float, generator: torch.Generator
) -> dict[str, LowRank]:
    """Give each layer a change that changes nothing yet, by the layers' paths."""
    return {path: _attach(layer, rank, alpha, generator) for path, layer in layers.items()}


def parameters_of(changes: Mapping[str, LowRank]) -> dict[str, nn.Parameter]:
    """By path and part, the lower first."""
    return {f"{path}.{part}": getattr(one, part) for path, one in changes.items() for part in ("down", "up")}


def gradient_norm(parameters: Iterable[nn.Parameter], *, most: float) -> float:
    """The norm of all gradients before they are clipped to `most`."""
    # A list: clipping consumes an iterator, and an empty one clips nothing without a word.
    return float(nn.utils.clip_grad_norm_(list(parameters), most))


def _attach(layer: nn.Module, rank: int, alpha: float, generator: torch.Generator) -> LowRank:
    weight = layer.weight
    assert isinstance(weight, Tensor)
    points = (1, 1) if weight.ndim == 4 else ()  # noqa: PLR2004 (a convolution's out, in, kh, kw)
    # Kaiming-uniform with slope sqrt(5), as kohya draws it: U(-1/sqrt(in), 1/sqrt(in)).
    bound = 1 / math.sqrt(weight[0].numel())
    drawn = torch.rand((rank, *weight.shape[1:]), generator=generator) * 2 * bound - bound
    up = torch.zeros((weight.shape[0], rank, *points), device=weight.device)
    change = LowRank(down=nn.Parameter(drawn.to(weight.device)), up=nn.Parameter(up), alpha=alpha)
    layer.register_forward_hook(change.add)
    return change
