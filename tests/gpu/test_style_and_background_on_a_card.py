"""Training and drawing on an NVIDIA card: run by `make test-gpu` where there is one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from services.background.engine.painter import Painter
from services.background.engine.records import Adapter, AdapterUse, Delta, DrawingSpec
from services.background.model import StyleTargets, load_painter
from services.common.families import load_family
from services.style_train.engine.dreamstyler import DreamStylerTrainer
from services.style_train.engine.lora import LoraTrainer, StylePicture
from services.style_train.engine.recipes import DreamStylerRecipe, LoraRecipe
from services.style_train.engine.training import train
from services.style_train.model import load_networks
from tests.fakes.families import build_random_family
from tests.fakes.styles import draw_alone

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA card here: torch.cuda.is_available() is false"),
]
SPEC = DrawingSpec(prompt="a beach", steps=3, seed=5, width=32, height=32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_random_family(tmp_path_factory.mktemp("card") / "family")


@pytest.fixture(scope="module")
def loaded(folder: Path) -> tuple[Painter, StyleTargets]:
    return load_painter(load_family(folder), device=torch.device("cuda"))


def pictures() -> list[StylePicture]:
    rng = np.random.default_rng(0)
    return [StylePicture(image_HWC=rng.integers(0, 255, (40, 48, 3), dtype=np.uint8), caption="a beach")] * 2


def test_a_lora_learns_in_float32_beside_bfloat16(folder: Path) -> None:
    networks = load_networks(folder, torch.device("cuda"))
    trainer = LoraTrainer(networks, pictures(), LoraRecipe(steps=5, batch=2, rate=1e-3, rank=4, alpha=4.0, seed=1))
    train(trainer, lambda _step, _loss: None)
    assert networks.unet.dtype is torch.bfloat16
    assert {parameter.dtype for parameter in trainer.parameters.values()} == {torch.float32}
    assert all(np.isfinite(trainer.losses))
    assert all(bool(module.up.any()) for module in trainer.modules().values())


def test_stage_tokens_learn(folder: Path) -> None:
    networks = load_networks(folder, torch.device("cuda"))
    trainer = DreamStylerTrainer(networks, pictures()[:1], DreamStylerRecipe(steps=5, rate=1e-3, seed=1))
    before = trainer.rows_TC.detach().clone()
    train(trainer, lambda _step, _loss: None)
    assert bool((trainer.rows_TC.detach() != before).any(dim=1).all())


def test_a_card_draws_what_a_processor_draws(folder: Path, loaded: tuple[Painter, StyleTargets]) -> None:
    on_cpu, _ = load_painter(load_family(folder), device=torch.device("cpu"))
    difference = np.abs(draw_alone(loaded[0], SPEC)[0].astype(int) - draw_alone(on_cpu, SPEC)[0])
    assert difference.mean() < 4  # half precision


def test_a_broken_style_changes_no_neighbour_on_a_card(loaded: tuple[Painter, StyleTargets]) -> None:
    painter, targets = loaded
    broken = {}
    for path, module in targets.unet.items():
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        points = (1, 1) if weight.ndim == 4 else ()
        down = torch.full((4, *weight.shape[1:]), float("nan"), device=weight.device, dtype=weight.dtype)
        up = torch.ones((weight.shape[0], 4, *points), device=weight.device, dtype=weight.dtype)
        broken[path] = Delta(down=down, up=up)
    poison = AdapterUse(adapter=Adapter(unet=broken, text={}, trigger="", size_bytes=0), weight=1.0)
    canvases = [painter.begin(spec)[0] for spec in (SPEC, replace(SPEC, adapters=(poison,)), replace(SPEC, seed=6))]
    for _ in range(SPEC.steps):
        painter.step(canvases)
    assert torch.isfinite(canvases[0].latents_1CHW).all()
    assert not torch.isfinite(canvases[1].latents_1CHW).all()
    assert torch.isfinite(canvases[2].latents_1CHW).all()
