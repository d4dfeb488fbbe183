"""Stable Diffusion 1.5 directories load through the same code: its names, its depths, its published scheduler."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, PNDMScheduler, UNet2DConditionModel
from diffusers import StableDiffusionPipeline as Pipeline
from transformers import CLIPTextConfig, CLIPTextModel

from services.background.engine.painter import Painter
from services.background.engine.records import Adapter, DrawingSpec
from services.background.model import StyleTargets, assemble_painter, load_painter
from services.background.styles import StyleShelf
from services.common.artifacts import FolderStore
from services.common.families import load_family
from services.common.style_files import (
    attention_modules,
    read_lora,
    text_modules,
    transformer_modules,
    wide_modules,
)
from tests.fakes.families import build_tokenizer, write_index, write_manifest
from tests.fakes.styles import draw_alone, lora_file

SCHEDULER = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
}
Widths = tuple[int, int, int, int]
DOWN = ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D")
UP = ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D")


def build_sd15_unet(
    widths: tuple[int, int, int, int] = (320, 640, 1280, 1280), groups: int = 32
) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=64,
        block_out_channels=widths,
        down_block_types=DOWN,
        up_block_types=UP,
        cross_attention_dim=768,
        attention_head_dim=8,
        norm_num_groups=groups,
    )


def build_sd15_text(layers: int = 12, words: int = 49408) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=words,
        hidden_size=768,
        intermediate_size=3072,
        num_hidden_layers=layers,
        num_attention_heads=12,
        bos_token_id=words - 2,
        eos_token_id=words - 1,
        pad_token_id=words - 1,
    )
    return CLIPTextModel(config)


def build_sd15_vae(widths: Widths = (128, 256, 512, 512), groups: int = 32) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=widths,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        norm_num_groups=groups,
        sample_size=512,
    )


@pytest.fixture(scope="module")
def thin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of 1.5's blocks and names, a sixteenth as wide, with the scheduler it was published with."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("thin")
    tokenizer = build_tokenizer()
    tokenizer.save_pretrained(folder / "tokenizer")
    build_sd15_text(layers=2, words=len(tokenizer)).save_pretrained(folder / "text_encoder")
    build_sd15_unet((16, 32, 64, 64), groups=8).save_pretrained(folder / "unet")
    build_sd15_vae((8, 16, 16, 16), groups=8).save_pretrained(folder / "vae")
    PNDMScheduler(**SCHEDULER).save_pretrained(folder / "scheduler")
    write_index(folder, scheduler="PNDMScheduler")
    write_manifest(folder, resolution=64, size_step=8)
    return folder


@pytest.fixture(scope="module")
def thin(thin_folder: Path) -> tuple[Painter, StyleTargets]:
    return load_painter(load_family(thin_folder), device=torch.device("cpu"))


def test_all_278_modules_and_72_of_the_text_encoder_take_adapters() -> None:
    with torch.device("meta"):
        unet, text = build_sd15_unet(), build_sd15_text()
    assert len(wide_modules(unet)) == 278
    assert len(transformer_modules(unet)) == 192
    assert len(attention_modules(unet)) == 128
    assert len(text_modules(text)) == 72


def test_a_wide_file_of_the_full_size_is_read_back_module_by_module() -> None:
    with torch.device("meta"):
        unet, text = wide_modules(build_sd15_unet()), text_modules(build_sd15_text())
    file = read_lora(lora_file(unet, text, seed=1), unet=unet, text=text)
    assert file.unet.keys() == unet.keys()
    assert file.text.keys() == text.keys()


def test_a_1_5_directory_draws_what_diffusers_draws_from_it(
    thin: tuple[Painter, StyleTargets], thin_folder: Path
) -> None:
    spec = DrawingSpec(prompt="a city street", negative_prompt="night", steps=3, seed=4, width=64, height=64)
    pipeline = Pipeline.from_pretrained(thin_folder)
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(
        json.loads((thin_folder / "scheduler" / "scheduler_config.json").read_text(encoding="utf-8"))
    )
    pipeline.set_progress_bar_config(disable=True)
    expected = pipeline(
        "a city street",
        negative_prompt="night",
        num_inference_steps=3,
        width=64,
        height=64,
        generator=torch.Generator().manual_seed(4),
        output_type="np",
    ).images[0]
    assert np.abs(draw_alone(thin[0], spec)[0] / 255 - expected).max() <= 0.5 / 255 + 1e-4


def test_styles_of_all_its_modules_load(thin: tuple[Painter, StyleTargets], tmp_path: Path) -> None:
    targets = thin[1]
    store = FolderStore(tmp_path)
    content = lora_file(targets.unet, targets.text, seed=1, size=0.1)
    store.put("ann/style/a", content, "application/octet-stream")
    shelf = StyleShelf(store, targets, max_bytes=2**30)
    style = shelf.adapter("ann/style/a", hashlib.sha256(content).hexdigest(), owner="ann")
    assert isinstance(style, Adapter)
    assert len(style.unet) == 278


@pytest.mark.slow
def test_the_full_size_draws_at_a_tiny_resolution() -> None:
    """Random weights, 3.4 GB of them; what is shown is that every shape fits."""
    torch.manual_seed(0)
    tokenizer = build_tokenizer()
    text, unet, vae = build_sd15_text(words=len(tokenizer)), build_sd15_unet(), build_sd15_vae()
    for network in (text, unet, vae):
        network.requires_grad_(requires_grad=False).eval()
    config = {"_class_name": "PNDMScheduler", **SCHEDULER}
    painter, _ = assemble_painter(tokenizer, text, vae, unet, config)
    drawn = draw_alone(painter, DrawingSpec(prompt="a street", steps=1, width=64, height=64))[0]
    assert drawn.shape == (64, 64, 3)
