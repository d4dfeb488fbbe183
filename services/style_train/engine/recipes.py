"""Everything that decides a training, beside the pictures and the family."""

from dataclasses import dataclass
from typing import Literal

Reach = Literal["attention", "transformers", "wide"]
Curve = Literal["constant", "cosine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraRecipe:
    """How a low-rank adapter of the denoiser is trained."""

    steps: int
    batch: int
    rate: float  # at alpha = rank; the change of a weight goes with rate * alpha / rank
    rank: int
    alpha: float
    seed: int
    reach: Reach = "transformers"  # what kohya adapts by default: 192 modules of Stable Diffusion 1.5
    curve: Curve = "cosine"
    warmup: int = 0
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    snr_gamma: float | None = 5.0
    noise_offset: float = 0.05
    caption_dropout: float = 0.1
    text_rate: float = 0.0  # of the text encoder's adapter; 0 leaves the text encoder alone
    look_every: int = 0  # steps between looks at the last picture, which is held out; 0 learns from it too


@dataclass(frozen=True, slots=True, kw_only=True)
class DreamStylerRecipe:
    """How one token vector for each stage of the denoising is trained."""

    steps: int
    rate: float
    seed: int
    stages: int = 6
    repeats: int = 1  # each stage is in every batch this many times
    init_words: str = "painting"  # every row begins as the mean of these words' vectors
    curve: Curve = "constant"
    warmup: int = 0
    weight_decay: float = 0.01
