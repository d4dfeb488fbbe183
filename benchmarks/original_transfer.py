"""The order of work of the original pose transfer, for the benchmark only: written from its description.

Every step it runs temporal modules that change nothing, lets all rows attend to the character and then computes the
rows anew that must not see it, and attends to a single context token as if there were many. Before the steps it runs
the reference network on a second row that nobody reads.
"""

from collections.abc import Callable
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional

Bank = dict[str, Tensor]
_SELF = ".attn1.processor"
_HEADS, _GROUPS, _FRAMES = 8, 32, 32


class TemporalModule(nn.Module):
    """One temporal transformer block over frames, with its last layer zero, as it is before its weights are loaded."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(_GROUPS, channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, channels)
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(3))
        self.attentions = nn.ModuleList(
            nn.ModuleDict({name: nn.Linear(channels, channels, bias=name == "out") for name in ("q", "k", "v", "out")})
            for _ in range(2)
        )
        self.widen, self.narrow = nn.Linear(channels, 8 * channels), nn.Linear(4 * channels, channels)
        self.proj_out = nn.Linear(channels, channels)
        self.register_buffer("positions", torch.zeros(1, _FRAMES, channels))
        self.positions: Tensor

    def forward(self, x_BCHW: Tensor) -> Tensor:
        batch, channels, height, width = x_BCHW.shape
        tokens = self.proj_in(self.norm(x_BCHW).permute(0, 2, 3, 1).reshape(batch * height * width, 1, channels))
        for norm, attention in zip(self.norms, self.attentions, strict=False):
            seen = norm(tokens) + self.positions[:, :1]
            query, key, value = (
                attention[name](seen).unflatten(2, (_HEADS, -1)).transpose(1, 2)  # type: ignore[index]
                for name in ("q", "k", "v")
            )
            attended = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
            tokens = tokens + attention["out"](attended)  # type: ignore[index]
        value, gate = self.widen(self.norms[2](tokens)).chunk(2, dim=2)
        tokens = tokens + self.narrow(value * functional.gelu(gate))
        back = self.proj_out(tokens).reshape(batch, height, width, channels).permute(0, 3, 1, 2)
        return x_BCHW + back


class StoringAttention:
    """Self-attention of the reference network: stores its input."""

    def __init__(self, path: str, bank: Bank) -> None:
        self._path, self._bank = path, bank

    def __call__(self, attn: Any, hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        self._bank[self._path] = hidden_states.clone()
        return attend(attn, hidden_states, hidden_states)


class OverwritingAttention:
    """Self-attention of the denoiser: all rows see the character, then the first row is computed anew without it."""

    def __init__(self, path: str, bank: Bank) -> None:
        self._path, self._bank = path, bank

    def __call__(self, attn: Any, hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        seen = torch.cat([hidden_states, self._bank[self._path]], dim=1)
        found = attend(attn, hidden_states, seen)
        plain = len(hidden_states) // 2
        found[:plain] = attend(attn, hidden_states[:plain], hidden_states[:plain])
        return found


class PlainAttention:
    """Cross-attention, whatever the number of tokens."""

    def __call__(self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        return attend(attn, hidden_states, encoder_hidden_states)


def attend(attn: Any, asking: Tensor, asked: Tensor) -> Tensor:
    query, key, value = (
        projected.unflatten(2, (attn.heads, -1)).transpose(1, 2)
        for projected in (attn.to_q(asking), attn.to_k(asked), attn.to_v(asked))
    )
    attended = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
    projected: Tensor = attn.to_out[0](attended)
    return projected


def hook_in(unet: UNet2DConditionModel, bank: Bank, kind: Callable[[str, Bank], Any]) -> None:
    """Give every self-attention one that knows `bank`."""
    unet.set_attn_processor(
        {
            name: kind(name.removesuffix(_SELF), bank) if name.endswith(_SELF) else PlainAttention()
            for name in unet.attn_processors
        }
    )


def places_of_temporal_modules(unet: UNet2DConditionModel) -> list[tuple[nn.Module, int]]:
    """After each pair of residual block and transformer, and in the middle: the module there, and its channels."""
    found = []
    for block in [*unet.down_blocks, *unet.up_blocks]:
        for index, resnet in enumerate(block.resnets):
            after = block.attentions[index] if hasattr(block, "attentions") else resnet
            found.append((after, resnet.out_channels))
    middle = unet.mid_block
    found.append((middle.attentions[0], middle.resnets[0].out_channels))
    return found


class TemporalModules:
    """The temporal modules of a UNet, each run after its place while `on`."""

    def __init__(self, unet: UNet2DConditionModel, build: Callable[[int], nn.Module]) -> None:
        self.on = False
        places = places_of_temporal_modules(unet)
        self.count = len(places)
        for place, channels in places:
            place.register_forward_hook(self._after(build(channels)))

    def _after(self, module: nn.Module) -> Callable[[nn.Module, Any, Any], Any]:
        def run(_: nn.Module, __: Any, output: Any) -> Any:
            if not self.on:
                return output
            return (module(output[0]), *output[1:]) if isinstance(output, tuple) else module(output)

        return run
