"""Drawing with both kinds of style against reference results, found by what is in them."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from services.background.engine.adapters import AdaptedModules, RowDeltas, fold, plan_of
from services.background.engine.painter import Painter
from services.background.engine.records import Adapter, AdapterUse, Delta, DrawingSpec, StageTokens, StyleGuidance
from services.background.engine.schedules import create_scheduler, stage_of
from services.background.engine.text import TextSide
from services.background.model import load_painter
from services.common.families import load_family
from services.common.style_files import LoraFile, LoraModule, read_lora, text_modules, wide_modules
from tests.fakes.families import write_manifest

ROOT = Path(os.environ.get("OMA_PARITY_ROOT", str(Path(__file__).parent / "fixtures"))) / "style" / "parity"
CPU = torch.device("cpu")
VAE = json.loads((ROOT / "pipeline" / "vae" / "config.json").read_text(encoding="utf-8"))
FACTOR = 2 ** (len(VAE["block_out_channels"]) - 1)  # pixels of a side for each latent


def folders(key: str) -> list[Path]:
    """Cases whose arrays include this key."""
    found = [path.parent for path in sorted(ROOT.rglob("io.safetensors")) if key in load_file(path)]
    assert found, f"no case with {key!r} below {ROOT}"
    return found


def case_of(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    return json.loads((folder / "case.json").read_text(encoding="utf-8")), load_file(folder / "io.safetensors")


def near(found: Tensor, expected: Tensor) -> bool:
    assert found.shape == expected.shape
    return float((found - expected).abs().max()) <= 1e-4 * max(1.0, float(expected.abs().max()))


def deltas(modules: Mapping[str, LoraModule]) -> dict[str, Delta]:
    return {path: fold(one.down, one.up, one.alpha, device=CPU, dtype=torch.float32) for path, one in modules.items()}


class Adapted:
    """The fixtures' networks, drawn through our hooks."""

    def __init__(self) -> None:
        self.unet = UNet2DConditionModel.from_pretrained(ROOT / "pipeline" / "unet").eval()
        encoder = CLIPTextModel.from_pretrained(ROOT / "pipeline" / "text_encoder").eval()
        self._unet_modules, self._text_modules = wide_modules(self.unet), text_modules(encoder)
        self._adapted = AdaptedModules(self._unet_modules)
        self._text = TextSide(CLIPTokenizer.from_pretrained(ROOT / "pipeline" / "tokenizer"), encoder)

    def read(self, path: Path) -> LoraFile:
        return read_lora(path.read_bytes(), unet=self._unet_modules, text=self._text_modules)

    def predict(self, arrays: Mapping[str, Tensor], hidden: Tensor, uses: list[tuple[LoraFile, float]]) -> Tensor:
        parts = [(deltas(file.unet), weight) for file, weight in uses]
        rows = [RowDeltas(slice(row, row + 1), parts) for row in range(len(hidden))]
        with torch.inference_mode(), self._adapted.applied(plan_of(rows)):
            predicted: Tensor = self.unet(arrays["sample"], arrays["timesteps"], hidden).sample
        return predicted

    def encode(self, prompts: list[str], uses: list[tuple[LoraFile, float]]) -> Tensor:
        adapters = tuple(
            AdapterUse(adapter=Adapter(unet={}, text=deltas(file.text), trigger="", size_bytes=0), weight=weight)
            for file, weight in uses
        )
        specs = [DrawingSpec(prompt=prompt, width=8, height=8, adapters=adapters) for prompt in prompts]
        return torch.cat([self._text.encode(spec)[1] for spec in specs])


@pytest.fixture(scope="module")
def adapted() -> Adapted:
    return Adapted()


@pytest.mark.parametrize("folder", folders("mix.eps"), ids=lambda path: path.name)
def test_style_files_of_every_rank_and_alpha_change_the_networks_as_they_should(adapted: Adapted, folder: Path) -> None:
    case, arrays = case_of(folder)
    assert near(adapted.encode(case["prompts"], []), arrays["hidden"])
    for kind in case["adapters"]:
        file = adapted.read(folder / f"kohya_{kind}.safetensors")
        for scale in case["scales"]:
            uses = [(file, float(scale))]
            name = f"{kind}.scale{float(scale)}"
            hidden = adapted.encode(case["prompts"], uses)
            assert near(hidden, arrays[f"{name}.hidden"]), name
            assert near(adapted.predict(arrays, arrays["hidden"], uses), arrays[f"{name}.eps"]), name
            assert near(adapted.predict(arrays, hidden, uses), arrays[f"{name}.eps_full_chain"]), name


def spellings() -> list[tuple[Path, str]]:
    """Every style file beside a case's arrays, and which of the case's adapters it holds."""
    found = []
    for folder in folders("mix.eps"):
        kinds = case_of(folder)[0]["adapters"]
        for path in sorted(folder.glob("*.safetensors")):
            found += [(path, kind) for kind in kinds if kind in path.stem.split("_")]
    assert len(found) >= len(folders("mix.eps"))
    return found


@pytest.mark.parametrize(("path", "kind"), spellings(), ids=lambda value: getattr(value, "stem", value))
def test_style_files_of_every_dialect_say_the_same(adapted: Adapted, path: Path, kind: str) -> None:
    case, arrays = case_of(path.parent)
    uses = [(adapted.read(path), float(case["scales"][-1]))]
    name = f"{kind}.scale{uses[0][1]}"
    hidden = adapted.encode(case["prompts"], uses)
    assert near(hidden, arrays[f"{name}.hidden"])
    assert near(adapted.predict(arrays, hidden, uses), arrays[f"{name}.eps_full_chain"])


@pytest.mark.parametrize("folder", folders("mix.eps"), ids=lambda path: path.name)
def test_styles_mixed_by_weight_change_the_networks_as_they_should(adapted: Adapted, folder: Path) -> None:
    case, arrays = case_of(folder)
    uses = [
        (adapted.read(folder / f"kohya_{kind}.safetensors"), float(weight))
        for kind, weight in case["mix_weights"].items()
    ]
    hidden = adapted.encode(case["prompts"], uses)
    assert near(hidden, arrays["mix.hidden"])
    assert near(adapted.predict(arrays, arrays["hidden"], uses), arrays["mix.eps"])


def dreamstyler_spec(folder: Path, case: dict[str, Any], latents: Tensor, **changes: Any) -> DrawingSpec:
    rows = load_file(folder / "embedding" / "final.safetensors")
    style = StageTokens(
        embeddings_TC=torch.stack([rows[name] for name in case["token_names"]]), trigger="sks1", size_bytes=0
    )
    given = {
        "prompt": case["prompt"].format("sks1"),
        "negative_prompt": case["negative_prompt"],
        "guidance": case["guidance_scale"],
        "steps": case["num_inference_steps"],
        "width": FACTOR * latents.shape[-1],
        "height": FACTOR * latents.shape[-2],
        "scheduler": case["t2i_scheduler"].partition(".")[0],
        "stage_tokens": style,
    }
    return DrawingSpec(**{**given, **changes})


@pytest.mark.parametrize("guidance", ["cfg", "sc"])
@pytest.mark.parametrize("folder", folders("t2i.init_latents"), ids=lambda path: path.name)
def test_a_dreamstyler_style_draws_every_step_as_the_reference(folder: Path, tmp_path: Path, guidance: str) -> None:
    case, arrays = case_of(folder)
    painter = load_copy(tmp_path / "family")
    latents = arrays["t2i.init_latents"]
    apart = StyleGuidance(style=case["sty_gamma"], content=case["con_gamma"], avoid=case["neg_gamma"])
    spec = dreamstyler_spec(folder, case, latents, style_guidance=apart if guidance == "sc" else None)
    canvas = painter.begin(spec)[0]
    assert near(canvas.prompt_TLC, arrays["embeds.prompt"])
    assert near(canvas.negative_1LC, arrays["embeds.negative"][:1])
    assert canvas.timesteps == arrays["t2i.timesteps"].tolist()
    canvas.latents_1CHW = latents
    for expected in arrays[f"t2i.{guidance}.path"][1:]:
        painter.step([canvas])
        assert near(canvas.latents_1CHW, expected.reshape(latents.shape))


@pytest.mark.parametrize("folder", folders("i2i.img2img.path"), ids=lambda path: path.name)
def test_a_picture_in_a_dreamstyler_style_is_drawn_as_the_reference(folder: Path, tmp_path: Path) -> None:
    """UniPC; of its schedule the steps from `i2i_start_index` on are run."""
    case, arrays = case_of(folder)
    painter = load_copy(tmp_path / "family")
    path = arrays["i2i.img2img.path"]
    whole, start = case["num_inference_steps"], case["i2i_start_index"]
    spec = dreamstyler_spec(
        folder,
        case,
        path[0],
        negative_prompt=case["i2i_unconditional_prompt"],
        scheduler=case["i2i_scheduler"].partition(".")[0],
        steps=whole - start,
        strength=(whole - start) / whole,
        image_HWC=np.zeros((FACTOR * path.shape[-2], FACTOR * path.shape[-1], 3), np.uint8),
    )
    canvas = painter.begin(spec)[0]
    assert canvas.timesteps == arrays["i2i.timesteps"].tolist()
    first = torch.tensor(canvas.timesteps[:1])
    canvas.latents_1CHW = canvas.scheduler.add_noise(arrays["i2i.clean_latents"], arrays["i2i.noise"], first)
    for expected in path[1:]:
        painter.step([canvas])
        assert near(canvas.latents_1CHW, expected.reshape(canvas.latents_1CHW.shape))


def test_style_schedules_are_the_reference_s() -> None:
    tables = json.loads((ROOT / "tables.json").read_text(encoding="utf-8"))
    config = json.loads((ROOT / "pipeline" / "scheduler" / "scheduler_config.json").read_text(encoding="utf-8"))
    names = {"dpmpp_2m": "DPMSolverMultistepScheduler", "unipc": "UniPCMultistepScheduler"}
    for key, expected in tables["timesteps"].items():
        kind, _, steps = key.rpartition("_")
        scheduler = create_scheduler(config, names[kind])
        scheduler.set_timesteps(int(steps))
        assert scheduler.timesteps.tolist() == expected, key
    for name, expected in tables.items():
        if not name.startswith("stages_T"):
            continue
        stages = int(name.removeprefix("stages_T"))
        for key, wanted in expected.items():
            times = tables["timesteps"][key]
            train_steps = config.get("num_train_timesteps", 1000)
            assert [stage_of(time, stages=stages, train_steps=train_steps) for time in times] == wanted


def load_copy(folder: Path) -> Painter:
    shutil.copytree(ROOT / "pipeline", folder)
    write_manifest(folder, resolution=64, size_step=16)
    return load_painter(load_family(folder), device=CPU)[0]
