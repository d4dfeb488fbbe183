"""Reference attention on diffusers' own UNet: what a call reads and writes is passed with the call.

Nothing about a request is kept in the modules, so any number of requests may be in flight on the same weights.
Axes: B rows of the batch, L tokens of one block (row by row), C channels.
"""
# ruff: noqa: ARG002 (diffusers passes by name, and drops what the signature does not list)

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from diffusers import UNet2DConditionModel
from torch import Tensor, cat, nn
from torch.nn import functional

KeysValues = Mapping[str, tuple[Tensor, Tensor]]

_SELF, _CROSS = ".attn1.processor", ".attn2.processor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the denoiser sees of a character: keys and values (1, L, C) of each block, by the block's path.

    The first `plain_rows` rows of the batch do not see it; nor do blocks that are not listed.
    """

    keys_values: KeysValues
    plain_rows: int


class SelfAttention:
    """Attention processor of one block's self-attention."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        written: dict[str, Tensor] | None = None,
        reading: Reading | None = None,
    ) -> Tensor:
        if written is not None:
            written[self._path] = hidden_states
        query, key, value = attn.to_q(hidden_states), attn.to_k(hidden_states), attn.to_v(hidden_states)
        seen = reading.keys_values.get(self._path) if reading is not None else None
        if reading is None or seen is None:
            return _project(attn, _attend(attn.heads, query, key, value))
        plain = reading.plain_rows
        rows = [_attend(attn.heads, query[:plain], key[:plain], value[:plain])] if plain else []
        reading_key, reading_value = (
            cat([own[plain:], shared.expand(len(own) - plain, -1, -1)], dim=1)
            for own, shared in zip((key, value), seen, strict=True)
        )
        rows.append(_attend(attn.heads, query[plain:], reading_key, reading_value))
        return _project(attn, cat(rows))


class SingleTokenCrossAttention:
    """Attention to one token: the softmax over it is 1, so queries and keys cannot matter and are not computed."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        written: dict[str, Tensor] | None = None,
        reading: Reading | None = None,
    ) -> Tensor:
        if encoder_hidden_states.shape[1] != 1:
            raise ValueError(f"{encoder_hidden_states.shape[1]} context tokens, not 1")
        return _project(attn, attn.to_v(encoder_hidden_states)).expand_as(hidden_states)


class PosedConvIn(nn.Conv2d):
    """A UNet's first convolution; channels past those that it convolves are added to its output."""

    @classmethod
    def over(cls, conv: nn.Conv2d) -> "PosedConvIn":
        """The same convolution, on the same weights."""
        # On "meta" nothing is allocated for the weights that are replaced at once.
        posed = cls(conv.in_channels, conv.out_channels, conv.kernel_size, padding=conv.padding, device="meta")  # type: ignore[arg-type]  # the stub wants pairs
        posed.weight, posed.bias = conv.weight, conv.bias
        return posed

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (the base class's name)
        added = input[:, self.in_channels :]
        convolved = super().forward(input[:, : self.in_channels])
        return convolved + added if added.shape[1] else convolved


def prepare_unet(unet: UNet2DConditionModel) -> None:
    """Give a UNet the processors and the first convolution of this file. Its keys stay as they are."""
    unet.set_attn_processor(
        {
            name: SelfAttention(name.removesuffix(_SELF)) if name.endswith(_SELF) else SingleTokenCrossAttention()
            for name in unet.attn_processors
        }
    )
    unet.conv_in = PosedConvIn.over(cast("nn.Conv2d", unet.conv_in))


def block_paths(unet: UNet2DConditionModel) -> set[str]:
    """Paths of the transformer blocks."""
    return {name.removesuffix(_SELF) for name in unet.attn_processors if name.endswith(_SELF)}


def keys_and_values(unet: UNet2DConditionModel, bank: Mapping[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    """What the self-attention of `unet`, the denoiser, makes of the features that the reference network wrote."""
    found = {}
    for path, features_BLC in bank.items():
        attn = unet.get_submodule(f"{path}.attn1")
        found[path] = (attn.to_k(features_BLC), attn.to_v(features_BLC))
    return found


def _attend(heads: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    query, key, value = (tensor.view(*tensor.shape[:2], heads, -1).transpose(1, 2) for tensor in (query, key, value))
    return functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


def _project(attn: Any, attended: Tensor) -> Tensor:
    linear, dropout = attn.to_out
    return cast("Tensor", dropout(linear(attended)))
