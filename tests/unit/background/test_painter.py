"""A drawing alone is what the plain diffusers pipeline draws from the same weights, scheduler and seed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionPipeline,
    UniPCMultistepScheduler,
)
from numpy.typing import NDArray

from services.background.engine.painter import Painter
from services.background.engine.records import DrawingSpec
from services.background.engine.schedules import schedule_length
from services.background.model import load_painter
from services.common.families import load_family
from services.common.pictures import Pixels
from tests.fakes.families import build_random_family
from tests.fakes.styles import draw_alone

PROMPT = "a beach at sunset, two palm trees"
NEGATIVE = "night"
OTHERS = {kind.__name__: kind for kind in (DPMSolverMultistepScheduler, UniPCMultistepScheduler)}


@pytest.fixture(scope="module", params=["epsilon", "v_prediction"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_random_family(tmp_path_factory.mktemp("family"), prediction_type=request.param)


def use_scheduler(folder: Path, name: str) -> None:
    path = folder / "scheduler" / "scheduler_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "_class_name": name}), encoding="utf-8")


def load(folder: Path) -> Painter:
    return load_painter(load_family(folder), device=torch.device("cpu"))[0]


def pipeline_picture(kind: Any, folder: Path, **arguments: Any) -> NDArray[np.float32]:
    pipeline = kind.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    name = json.loads((folder / "scheduler" / "scheduler_config.json").read_text(encoding="utf-8"))["_class_name"]
    others = {
        "DPMSolverMultistepScheduler": DPMSolverMultistepScheduler,
        "UniPCMultistepScheduler": UniPCMultistepScheduler,
    }
    if name in others:
        pipeline.scheduler = others[name].from_config(pipeline.scheduler.config)
    picture: NDArray[np.float32] = pipeline(output_type="np", **arguments).images[0]
    return picture


def gradient(height: int, width: int) -> Pixels:
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 255 // height, columns * 255 // width, np.full_like(rows, 90)], axis=2).astype(np.uint8)


@pytest.mark.parametrize("scheduler", ["DDIMScheduler", "DPMSolverMultistepScheduler", "UniPCMultistepScheduler"])
@pytest.mark.parametrize("guidance", [1.0, 7.5])
def test_text_alone_draws_what_diffusers_draws(folder: Path, scheduler: str, guidance: float) -> None:
    use_scheduler(folder, scheduler)
    spec = DrawingSpec(
        prompt=PROMPT, negative_prompt=NEGATIVE, guidance=guidance, steps=5, seed=11, width=48, height=32
    )
    expected = pipeline_picture(
        StableDiffusionPipeline,
        folder,
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
        guidance_scale=guidance,
        num_inference_steps=5,
        width=48,
        height=32,
        generator=torch.Generator().manual_seed(11),
    )
    drawn = draw_alone(load(folder), spec)[0]
    assert np.abs(drawn / 255 - expected).max() <= 0.5 / 255 + 1e-4


@pytest.mark.parametrize("scheduler", ["DDIMScheduler", "DPMSolverMultistepScheduler", "UniPCMultistepScheduler"])
@pytest.mark.parametrize("strength", [0.3, 0.6, 0.9])
def test_a_photograph_becomes_what_diffusers_makes_of_it(folder: Path, scheduler: str, strength: float) -> None:
    use_scheduler(folder, scheduler)
    image_HWC = gradient(32, 48)
    spec = DrawingSpec(prompt=PROMPT, image_HWC=image_HWC, strength=strength, steps=4, seed=3, width=48, height=32)
    expected = pipeline_picture(
        StableDiffusionImg2ImgPipeline,
        folder,
        prompt=PROMPT,
        image=(image_HWC / np.float32(255))[None],
        strength=strength,
        num_inference_steps=schedule_length(4, strength),
        generator=torch.Generator().manual_seed(3),
    )
    drawn = draw_alone(load(folder), spec)[0]
    assert np.abs(drawn / 255 - expected).max() <= 0.5 / 255 + 1e-4


def test_strength_0_returns_the_reconstruction(painter: Painter, family_folder: Path) -> None:
    image_HWC = gradient(32, 32)
    spec = DrawingSpec(prompt="a beach", image_HWC=image_HWC, strength=0, steps=4, width=32, height=32)
    vae = StableDiffusionPipeline.from_pretrained(family_folder).vae
    with torch.inference_mode():
        pixels = torch.from_numpy(image_HWC).permute(2, 0, 1)[None].float() / 127.5 - 1
        again = vae.decode(vae.encode(pixels).latent_dist.mean).sample[0].permute(1, 2, 0) / 2 + 0.5
    assert np.abs(draw_alone(painter, spec)[0] / 255 - again.clamp(0, 1).numpy()).max() <= 0.5 / 255 + 1e-4


def test_strength_1_forgets_the_picture(painter: Painter) -> None:
    with_picture = DrawingSpec(prompt="a beach", image_HWC=gradient(32, 32), strength=1, steps=2, width=32, height=32)
    without = DrawingSpec(prompt="a beach", steps=2, width=32, height=32)
    assert np.array_equal(draw_alone(painter, with_picture)[0], draw_alone(painter, without)[0])


def test_result_i_is_drawn_from_seed_plus_i(painter: Painter) -> None:
    both = draw_alone(painter, DrawingSpec(prompt="a room", steps=3, seed=7, count=2, width=32, height=32))
    second = draw_alone(painter, DrawingSpec(prompt="a room", steps=3, seed=8, width=32, height=32))[0]
    assert np.array_equal(both[1], second)
    assert not np.array_equal(both[0], both[1])


def test_the_preview_is_as_large_as_the_picture(painter: Painter) -> None:
    canvas = painter.begin(DrawingSpec(prompt="a room", steps=2, width=48, height=32))[0]
    painter.step([canvas])
    assert painter.preview(canvas).shape == (32, 48, 3)
