"""Random styles for a family's modules, and a way to draw without a service around."""

from collections.abc import Mapping

import torch
from torch import nn

from services.background.engine.painter import Painter
from services.background.engine.records import DrawingSpec
from services.common.pictures import Pixels
from services.common.style_files import TRIGGER_KEY, LoraModule, write_dreamstyler, write_lora


def random_lora(
    modules: Mapping[str, nn.Module], *, seed: int, rank: int = 4, size: float = 0.3
) -> dict[str, LoraModule]:
    """An adapter of every module; ranks and alphas differ from one to the next."""
    generator = torch.Generator().manual_seed(seed)
    adapter = {}
    for index, (path, module) in enumerate(modules.items()):
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        own_rank = rank + index % 3
        points = (1, 1) if weight.ndim == 4 else ()
        down = torch.randn((own_rank, *weight.shape[1:]), generator=generator) / weight[0].numel() ** 0.5
        up = torch.randn((weight.shape[0], own_rank, *points), generator=generator) * size
        adapter[path] = LoraModule(down=down, up=up, alpha=float(1 + index % 5))
    return adapter


def lora_file(
    unet: Mapping[str, nn.Module],
    text: Mapping[str, nn.Module] | None = None,
    *,
    seed: int,
    trigger: str = "",
    size: float = 0.3,
) -> bytes:
    """A LoRA file, in fp32 so that nothing is rounded."""
    metadata = {TRIGGER_KEY: trigger} if trigger else {}
    return write_lora(
        random_lora(unet, seed=seed, size=size),
        random_lora(text or {}, seed=seed + 1, size=size),
        metadata=metadata,
        dtype=torch.float32,
    )


def dreamstyler_file(*, width: int, seed: int, stages: int = 6, trigger: str = "sks03") -> bytes:
    rows_TC = torch.randn((stages, width), generator=torch.Generator().manual_seed(seed))
    return write_dreamstyler(rows_TC, trigger=trigger, metadata={})


def draw_alone(painter: Painter, spec: DrawingSpec) -> list[Pixels]:
    """All results of a drawing that has the painter to itself, in their order."""
    pictures = []
    for canvas in painter.begin(spec):
        while not canvas.finished:
            painter.step([canvas])
        pictures.append(painter.finish(canvas))
    return pictures
