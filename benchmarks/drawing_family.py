"""The shipped family for both sides of a benchmark: our engine, and diffusers' own pipeline, with the same styles."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline

from services.background.engine.painter import Painter
from services.background.model import StyleTargets, load_painter
from services.common.families import Family, load_family
from services.common.style_files import LoraModule, write_lora

ROOT = Path(__file__).parents[1]
FAMILY = ROOT / "models/webtoon_tiny/weights"
RANK = 12  # as our trainings write


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Both sides; each has networks of its own."""

    family: Family
    painter: Painter
    targets: StyleTargets
    pipeline: Any


def load(folder: Path = FAMILY) -> Loaded:
    family = load_family(folder)
    painter, targets = load_painter(family, device=torch.device("cpu"))
    return Loaded(family=family, painter=painter, targets=targets, pipeline=load_pipeline(folder))


def load_pipeline(folder: Path = FAMILY) -> Any:
    pipeline = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32)  # the files are half
    pipeline.set_progress_bar_config(disable=True)
    pipeline.unet.requires_grad_(requires_grad=False)
    return pipeline


def style_file(targets: StyleTargets, seed: int) -> bytes:
    """A LoRA file as our trainings write them, with random weights small enough to draw with."""
    generator = torch.Generator().manual_seed(seed)
    modules = {}
    for path, module in targets.unet.items():
        if ".attentions." not in path:  # kohya's default: the transformer blocks, their entry and exit
            continue
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        points = (1, 1) if weight.ndim == 4 else ()  # noqa: PLR2004 (a convolution's out, in, kh, kw)
        down = torch.randn((RANK, *weight.shape[1:]), generator=generator) / weight[0].numel() ** 0.5
        up = torch.randn((weight.shape[0], RANK, *points), generator=generator) * 0.05
        modules[path] = LoraModule(down=down, up=up, alpha=RANK)
    return write_lora(modules, metadata={}, dtype=torch.float32)
