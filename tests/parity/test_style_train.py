"""Steps of both trainers against reference results, found by what is in them."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from services.common.style_files import attention_modules, transformer_modules, wide_modules
from services.style_train.engine.diffusion import NoiseSchedule, stage_of
from services.style_train.engine.dreamstyler import DreamStylerTrainer
from services.style_train.engine.lora import LoraTrainer, StylePicture
from services.style_train.engine.networks import Networks
from services.style_train.engine.recipes import DreamStylerRecipe, LoraRecipe, Reach
from services.style_train.engine.text import PlacedPrompt
from services.style_train.model import load_networks
from tests.fakes.families import write_manifest

ROOT = Path(os.environ.get("OMA_PARITY_ROOT", str(Path(__file__).parent / "fixtures"))) / "style" / "parity"
CPU = torch.device("cpu")
ROWS_AFTER = 1e-5


def folders(key: str) -> list[Path]:
    """Cases whose arrays include this key."""
    found = [path.parent for path in sorted(ROOT.rglob("io.safetensors")) if key in load_file(path)]
    assert found, f"no case with {key!r} below {ROOT}"
    return found


def case_of(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    return json.loads((folder / "case.json").read_text(encoding="utf-8")), load_file(folder / "io.safetensors")


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parity") / "family"
    shutil.copytree(ROOT / "pipeline", folder)
    write_manifest(folder, resolution=64)
    return folder


def load(family: Path, prediction_type: str) -> Networks:
    path = family / "scheduler" / "scheduler_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "prediction_type": prediction_type}), encoding="utf-8")
    return load_networks(family, CPU)


def picture() -> StylePicture:
    return StylePicture(image_HWC=np.zeros((64, 64, 3), np.uint8), caption="a painting")


def near(found: Tensor, expected: Tensor, tolerance: float = 1e-4) -> bool:
    scale = max(1.0, float(expected.abs().max()))
    return float((found - expected).abs().max()) <= tolerance * scale


def reach_of(networks: Networks, paths: set[str]) -> Reach:
    """The reach that adapts just these modules."""
    reaches: dict[Reach, Any] = {
        "attention": attention_modules,
        "transformers": transformer_modules,
        "wide": wide_modules,
    }
    return next(reach for reach, modules in reaches.items() if set(modules(networks.unet)) == paths)


def near_gradient(found: Tensor, expected: Tensor, largest: float) -> bool:
    return float((found - expected).abs().max()) <= 1e-4 * largest


@pytest.mark.parametrize("folder", folders("min_snr_weight"), ids=lambda path: path.name)
@pytest.mark.parametrize("variant", ["first_step", "plain", "min_snr", "noise_offset_min_snr"])
def test_a_style_lora_step_is_the_reference_s(family: Path, folder: Path, variant: str) -> None:
    case, arrays = case_of(folder)
    optimiser = case["optimizer"]
    networks = load(family, case["prediction_type"])
    starts = [name.removeprefix("start.") for name in arrays if name.startswith("start.")]
    recipe = LoraRecipe(
        steps=1,
        batch=1,
        rate=optimiser["lr"],
        rank=case["rank"],
        alpha=case["alpha"],
        seed=0,
        reach=reach_of(networks, {name.removesuffix(".lora_A.weight") for name in starts if "lora_A" in name}),
        weight_decay=optimiser["weight_decay"],
        clip_norm=optimiser["max_grad_norm"],
        snr_gamma=case["snr_gamma"] if "min_snr" in variant else None,
    )
    trainer = LoraTrainer(networks, [picture()], recipe)
    spelled = {
        name: name.replace(".down", ".lora_A.weight").replace(".up", ".lora_B.weight") for name in trainer.parameters
    }
    for name, parameter in trainer.parameters.items():
        parameter.data.copy_(arrays[f"start.{spelled[name]}"])
        if variant == "first_step" and name.endswith(".up"):
            parameter.data.zero_()
    noise = arrays["noise"]
    if variant.startswith("noise_offset"):
        noise = noise + case["noise_offset"] * arrays["noise_offset_draw"]
    loss = trainer.loss(arrays["latents"], noise, arrays["timesteps"], arrays["hidden"])
    assert near(loss.detach(), arrays[f"{variant}.loss"])
    found = dict(
        zip(
            trainer.parameters,
            torch.autograd.grad(loss, list(trainer.parameters.values()), retain_graph=True),
            strict=True,
        )
    )
    largest = max(float(arrays[f"{variant}.grad.{spelled[name]}"].abs().max()) for name in found)
    for name, gradient in found.items():
        assert near_gradient(gradient, arrays[f"{variant}.grad.{spelled[name]}"], largest), name
    if variant in ("first_step", "plain"):
        trainer.update(loss)
        for name, parameter in trainer.parameters.items():
            assert near(parameter.detach(), arrays[f"{variant}.after.{spelled[name]}"], ROWS_AFTER), name


@pytest.mark.parametrize("folder", folders("rows.start"), ids=lambda path: path.name)
def test_two_style_dreamstyler_steps_are_the_reference_s(family: Path, folder: Path) -> None:
    case, arrays = case_of(folder)
    optimiser = case["optimizer"]
    recipe = DreamStylerRecipe(
        steps=2, rate=optimiser["lr"], seed=0, stages=case["num_stages"], weight_decay=optimiser["weight_decay"]
    )
    networks = load(family, case["prediction_type"])
    trainer = DreamStylerTrainer(networks, [picture()], recipe)
    trainer.rows_TC.data.copy_(arrays["rows.start"])
    vocabulary = networks.text_encoder.config.vocab_size
    for step in ("step1", "step2"):
        prompt = placed(arrays[f"{step}.input_ids"], vocabulary)
        given = (arrays[f"{step}.latents"], arrays[f"{step}.noise"], arrays[f"{step}.timesteps"])
        loss = trainer.loss(*given, prompt)
        assert near(loss.detach(), arrays[f"{step}.loss"])
        (gradient,) = torch.autograd.grad(loss, [trainer.rows_TC], retain_graph=True)
        expected = arrays[f"{step}.grad_rows"]
        assert near_gradient(gradient, expected, float(expected.abs().max()))
        trainer.update(loss)
        assert near(trainer.rows_TC.detach(), arrays[f"{step}.rows_after"], ROWS_AFTER)


def placed(input_ids_BL: Tensor, vocabulary: int) -> PlacedPrompt:
    """The prompt that all samples share but for the stage's token."""
    ids_L = input_ids_BL[0].clone()
    places = (ids_L >= vocabulary).nonzero()
    assert places.shape == (1, 1)
    ids_L[places[0, 0]] = 0
    return PlacedPrompt(ids_L=ids_L, place=int(places[0, 0]))


def test_style_tables_are_the_reference_s(family: Path) -> None:
    tables = json.loads((ROOT / "tables.json").read_text(encoding="utf-8"))
    schedule = NoiseSchedule.of(load(family, "epsilon").scheduler_config)
    for timestep, kept in tables["alphas_cumprod"].items():
        assert float(schedule.kept_N[int(timestep)]) == pytest.approx(kept, rel=1e-5)
    for timestep, weight in tables["min_snr_5_weight_eps"].items():
        found = float(schedule.min_snr_weight(torch.tensor([int(timestep)]), 5.0)[0])
        assert found == pytest.approx(weight, rel=1e-4)
    count = schedule.timesteps
    for stages, firsts in tables["stage_first_timestep"].items():
        found_firsts = [
            next(t for t in range(count) if stage_of(t, stages=int(stages), timesteps=count) == stage)
            for stage in range(int(stages))
        ]
        assert found_firsts == list(firsts)
