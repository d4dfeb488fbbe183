"""What the engine is asked for, and what it reports while it draws."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StageTokens:
    """A DreamStyler style: the token vector of each stage of the denoising."""

    embeddings_TC: Tensor  # row 0 belongs to the least noise
    trigger: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterUse:
    adapter: Adapter
    weight: float


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
