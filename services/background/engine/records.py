"""What the engine is asked for, and what it reports while it draws."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from services.background.engine.line_control import Lines
from services.background.engine.redraw import Redraw
from services.common.palettes import Palette
from services.common.pictures import Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A low-rank change of one module, alpha / rank already folded into `up`."""

    down: Tensor
    up: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Adapter:
    """A LoRA style, ready to be applied; two adapters are the same only if they are the same object."""

    unet: Mapping[str, Delta]
    text: Mapping[str, Delta]
    trigger: str
    size_bytes: int
    palette: Palette | None = None  # of the pictures it was learned from, where its file says it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StageTokens:
    """A DreamStyler style: the token vector of each stage of the denoising."""

    embeddings_TC: Tensor  # row 0 belongs to the least noise
    trigger: str
    size_bytes: int
    palette: Palette | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterUse:
    adapter: Adapter
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleGuidance:
    """How strongly a DreamStyler drawing follows its style and its content, and keeps away from what to avoid.

    It stands in the place of `DrawingSpec.guidance`; with u the answer to what to avoid, y to the whole prompt, c to
    its content and k to its style alone, the step follows
    u + content/2 (c - u) + style/2 (y - c) + style/2 (k - u) + content/2 (y - k) + avoid (y - u).
    """

    style: float = 0.5
    content: float = 3.0
    avoid: float = 5.0

    def combined(self, answers_4CHW: Tensor) -> Tensor:
        """Of the answers u, y, c, k."""
        mean, half = (self.style + self.content) / 2, (self.content - self.style) / 2
        u, y, c, k = torch.split(answers_4CHW, 1)
        guided: Tensor = (1 - mean - self.avoid) * u + (mean + self.avoid) * y + half * c - half * k
        return guided


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingSpec:
    """Everything that decides the pixels of a drawing."""

    prompt: str  # English, triggers included
    negative_prompt: str = ""
    image_HWC: Pixels | None = None  # exactly height x width
    strength: float = 1.0  # 0 keeps the picture, 1 ignores it
    guidance: float = 7.5
    steps: int = 25
    seed: int = 0  # result i uses seed + i
    count: int = 1
    width: int
    height: int
    adapters: tuple[AdapterUse, ...] = ()
    stage_tokens: StageTokens | None = None
    lines: Lines | None = None  # exactly height x width
    style_guidance: StyleGuidance | None = None  # only with stage tokens
    scheduler: str = ""  # a class of diffusers; the family's own when empty
    redraw: Redraw | None = None  # only what it marks is drawn anew; with a picture
    previews: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """`position` drawings are taken up before this one."""

    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """`step` of `steps` denoising steps are done, over all results."""

    step: int
    steps: int
    preview_HWC: Pixels | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One result."""

    index: int
    seed: int
    image_HWC: Pixels


@dataclass(frozen=True, slots=True)
class Done:
    """All results were reported."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The drawing ended without all of its results."""

    error: Exception


Event: TypeAlias = Waiting | Stepped | Drawn | Done | Failed
Listener: TypeAlias = Callable[[Event], None]
