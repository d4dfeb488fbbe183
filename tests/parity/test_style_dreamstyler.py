"""Drawing with a DreamStyler style against reference results, found by what is in them: prompts, answers, paths."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from services.background.engine.latents import PixelSide
from services.background.engine.line_control import LineControl, Lines
from services.background.engine.painter import Canvas, Painter
from services.background.engine.records import DrawingSpec, StageTokens, StyleGuidance
from services.background.engine.schedules import stage_of
from services.background.model import assemble_painter
from services.common.pictures import Pixels
from services.style_train.engine.text import place_prompt, tokenise
from tests.parity.style_sets import StyleCase, assert_near, cases, cases_with, near, networks_of

LEVEL = 0.5 / 255 + 1e-4  # of a picture in [0, 1], when it is kept in 8 bits
PATHS = ("img2img", "controlnet")


class Given(nn.Module):
    """A ControlNet that is shown the reference's picture for its rounded copy, as which a drawing keeps it."""

    def __init__(self, network: Any, picture_13HW: Tensor) -> None:
        super().__init__()
        self._network, self._picture_13HW = network, picture_13HW

    def forward(self, latents: Tensor, times: Tensor, hidden: Tensor, shown: Tensor, **options: Any) -> Any:
        exact = self._picture_13HW.expand_as(shown)
        assert float((shown - exact).abs().max()) <= LEVEL
        return self._network(latents, times, hidden, exact, **options)


def unet_of(case: StyleCase) -> Any:
    return UNet2DConditionModel.from_pretrained(case.pipeline / "unet").eval().requires_grad_(requires_grad=False)


def vae_of(case: StyleCase) -> Any:
    return AutoencoderKL.from_pretrained(case.pipeline / "vae").eval()


def painter_of(case: StyleCase, *, controlled: bool = False, **config: Any) -> Painter:
    control = None
    if controlled:
        network = ControlNetModel.from_pretrained(case.pipeline / "controlnet").eval()
        control = LineControl(Given(network, case.arrays["i2i.control_image"]))
    return assemble_painter(
        CLIPTokenizer.from_pretrained(case.pipeline / "tokenizer"),
        CLIPTextModel.from_pretrained(case.pipeline / "text_encoder").eval(),
        vae_of(case),
        unet_of(case),
        {**case.scheduler_config, **config},
        control=control,
    )[0]


def spec_of(case: StyleCase, latents: Tensor, **changes: Any) -> DrawingSpec:
    told, factor = case.told, PixelSide(vae_of(case)).factor
    trigger, rows_TC = told["placeholder_token"], case.rows_TC()
    assert len(rows_TC) == told["num_stages"]
    choices = {
        "prompt": told["prompt"].format(trigger),
        "negative_prompt": told["negative_prompt"],
        "guidance": told["guidance_scale"],
        "steps": told["num_inference_steps"],
        "width": factor * latents.shape[-1],
        "height": factor * latents.shape[-2],
        "scheduler": told["t2i_scheduler"].partition(".")[0],
        "stage_tokens": StageTokens(embeddings_TC=rows_TC, trigger=trigger, size_bytes=0),
    }
    return DrawingSpec(**{**choices, **changes})


def apart_of(case: StyleCase) -> StyleGuidance:
    told = case.told
    return StyleGuidance(style=told["sty_gamma"], content=told["con_gamma"], avoid=told["neg_gamma"])


def given(case: StyleCase, prefix: str) -> set[str]:
    """The rest of the names that begin so."""
    return {name.removeprefix(prefix) for name in case.arrays if name.startswith(prefix)}


def drawings(*keys: str) -> list[tuple[StyleCase, str]]:
    """Every case, and each of its ways of guidance or of starting, that has all of `<way>.path` and these."""
    return [
        (case, name.removesuffix(".path"))
        for case in cases(*keys)
        for name in case.arrays
        if name.endswith(".path") and name.startswith(keys[0].partition(".")[0])
    ]


@pytest.mark.parametrize("case", cases_with("input_ids."), ids=str)
def test_the_words_of_a_style_are_the_reference_s_tokens(case: StyleCase, tmp_path: Path) -> None:
    networks = networks_of(case.pipeline, tmp_path / "family", case.scheduler_config)
    told, arrays = case.told, case.arrays
    plain = {"negative": told["negative_prompt"], "null_style": told["null_style_prompt"], "empty": ""}
    for name in plain.keys() & given(case, "input_ids."):
        assert torch.equal(tokenise(networks, [plain[name]]), arrays[f"input_ids.{name}"]), name
    styled = {"prompt": told["prompt"], "null_context": told["null_context_template"]}
    for name in styled.keys() & given(case, "input_ids."):
        placed = place_prompt(networks, styled[name])
        expected = arrays[f"input_ids.{name}"].clone()
        assert expected[:, placed.place].tolist() == told["token_ids"], name
        expected[:, placed.place] = placed.ids_L[placed.place]
        assert torch.equal(placed.ids_L.expand(told["num_stages"], -1), expected), name


@pytest.mark.parametrize("case", cases_with("embeds."), ids=str)
def test_the_words_of_a_style_become_the_reference_s_vectors(case: StyleCase) -> None:
    painter, anywhere = painter_of(case), torch.zeros(1, 1, 8, 8)
    canvas = painter.begin(spec_of(case, anywhere, style_guidance=apart_of(case)))[0]
    assert canvas.apart is not None
    empty = painter.begin(spec_of(case, anywhere, negative_prompt=""))[0]
    content_1LC, style_TLC = canvas.apart
    found = {"prompt": canvas.prompt_TLC, "null_context": style_TLC, "null_style": content_1LC}
    found |= {"negative": canvas.negative_1LC, "empty": empty.negative_1LC}
    for name in found.keys() & given(case, "embeds."):
        expected = case.arrays[f"embeds.{name}"]  # of all stages the same, where it is told for each
        assert near(found[name].expand_as(expected), expected), name


@pytest.mark.parametrize("case", cases_with("eps."), ids=str)
def test_the_answers_to_a_style_s_words_are_combined_as_the_reference_does(case: StyleCase) -> None:
    arrays, painter, unet = case.arrays, painter_of(case), unet_of(case)
    latents, train_steps = arrays["latents"], case.scheduler_config.get("num_train_timesteps", 1000)
    canvas = painter.begin(spec_of(case, latents, style_guidance=apart_of(case)))[0]
    plain = painter.begin(spec_of(case, latents))[0]
    for place, time in enumerate(arrays["timesteps"].tolist()):
        stage = stage_of(time, stages=case.told["num_stages"], train_steps=train_steps)
        assert stage == int(arrays["stages"][place])
        answers = unet(latents.expand(4, -1, -1, -1), time, torch.cat(canvas.hidden(stage))).sample
        found = dict(zip(("uncond", "text", "null_style", "null_context"), answers, strict=True))
        found |= {"sc": canvas.guided(answers)[0], "cfg": plain.guided(answers[:2])[0]}
        assert_near(found, {name: arrays[f"eps.{name}"][place] for name in given(case, "eps.")})


@pytest.mark.parametrize(("case", "way"), drawings("t2i.init_latents"), ids=str)
def test_a_dreamstyler_style_draws_every_step_as_the_reference(case: StyleCase, way: str) -> None:
    arrays, latents = case.arrays, case.arrays["t2i.init_latents"]
    assert way in ("t2i.cfg", "t2i.sc"), f"{case} draws by {way!r}, which this test does not know"
    spec = spec_of(case, latents, style_guidance=apart_of(case) if way == "t2i.sc" else None)
    painter = painter_of(case)
    canvas = painter.begin(spec)[0]
    assert_schedule(case, canvas, "t2i")
    assert torch.equal(arrays[f"{way}.path"][0].reshape(latents.shape), latents)
    canvas.latents_1CHW = latents
    assert_path(painter, canvas, arrays[f"{way}.path"])
    if f"{way}.image" in arrays:
        drawn_HWC = torch.from_numpy(painter.finish(canvas).astype(np.float32) / 255)
        expected_CHW = arrays[f"{way}.image"][0]
        assert float((drawn_HWC.permute(2, 0, 1) - expected_CHW).abs().max()) <= LEVEL
    if f"{way}.final_sigma_min" in arrays:
        painter = painter_of(case, final_sigmas_type="sigma_min")
        canvas = painter.begin(spec)[0]
        canvas.latents_1CHW = latents
        assert_end(painter, canvas, arrays[f"{way}.final_sigma_min"])


@pytest.mark.parametrize(("case", "way"), drawings("i2i.clean_latents"), ids=str)
def test_a_picture_in_a_dreamstyler_style_is_drawn_as_the_reference(case: StyleCase, way: str) -> None:
    """Of the whole schedule the steps from `i2i_start_index` on are run; that many are asked of ours."""
    told, arrays = case.told, case.arrays
    name = way.removeprefix("i2i.")
    assert name in PATHS, f"{case} draws by {way!r}, which this test does not know"
    whole, start = told["num_inference_steps"], told["i2i_start_index"]
    assert whole - start == min(int(whole * told["strength"]), whole)
    path = arrays[f"{way}.path"]
    lines = None
    if name == "controlnet":
        shown_HW = (arrays["i2i.control_image"][0, 0] * 255).round().to(torch.uint8).numpy()
        lines = Lines(lines_HW=shown_HW, weight=told["controlnet_conditioning_scale"])
    spec = spec_of(
        case,
        path[0],
        negative_prompt=told["i2i_unconditional_prompt"],
        scheduler=told["i2i_scheduler"].partition(".")[0],
        steps=whole - start,
        strength=(whole - start) / whole,
        image_HWC=rounded(arrays["i2i.image"]),
        lines=lines,
    )
    painter = painter_of(case, controlled=lines is not None)
    canvas = begun(painter, spec, arrays)
    assert_schedule(case, canvas, "i2i")
    assert near(canvas.latents_1CHW, path[0].reshape(canvas.latents_1CHW.shape))
    assert_path(painter, canvas, path)
    if f"{way}.final_sigma_min" in arrays:
        painter = painter_of(case, controlled=lines is not None, final_sigmas_type="sigma_min")
        assert_end(painter, begun(painter, spec, arrays), arrays[f"{way}.final_sigma_min"])


@pytest.mark.parametrize("case", cases("i2i.image", "i2i.vae_eps"), ids=str)
def test_a_picture_becomes_the_reference_s_latents(case: StyleCase) -> None:
    arrays, pixels = case.arrays, PixelSide(vae_of(case))
    mean, std = pixels.posterior(arrays["i2i.image"])
    assert near(pixels.scaled(mean + std * arrays["i2i.vae_eps"]), arrays["i2i.clean_latents"])
    # In 8 bits, as pictures come, the same but for what rounding takes.
    mean, std = pixels.encode(rounded(arrays["i2i.image"]))
    assert near(pixels.scaled(mean + std * arrays["i2i.vae_eps"]), arrays["i2i.clean_latents"], 2e-2)


def rounded(image_13HW: Tensor) -> Pixels:
    """A picture in [-1, 1] in 8 bits."""
    levels: Pixels = ((image_13HW[0] + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    return levels


def begun(painter: Painter, spec: DrawingSpec, arrays: dict[str, Tensor]) -> Canvas:
    """A canvas with the reference's noise over the picture."""
    canvas = painter.begin(spec)[0]
    first = torch.tensor(canvas.timesteps[:1])
    canvas.latents_1CHW = canvas.scheduler.add_noise(arrays["i2i.clean_latents"], arrays["i2i.noise"], first)
    return canvas


def assert_schedule(case: StyleCase, canvas: Canvas, kind: str) -> None:
    arrays, stages = case.arrays, case.told["num_stages"]
    train_steps = case.scheduler_config.get("num_train_timesteps", 1000)
    assert canvas.timesteps == arrays[f"{kind}.timesteps"].tolist()
    assert [stage_of(time, stages=stages, train_steps=train_steps) for time in canvas.timesteps] == arrays[
        f"{kind}.stages"
    ].tolist()


def assert_path(painter: Painter, canvas: Canvas, path: Tensor) -> None:
    assert len(path) == len(canvas.timesteps) + 1
    for expected in path[1:]:
        painter.step([canvas])
        assert near(canvas.latents_1CHW, expected.reshape(canvas.latents_1CHW.shape))


def assert_end(painter: Painter, canvas: Canvas, expected: Tensor) -> None:
    while not canvas.finished:
        painter.step([canvas])
    assert near(canvas.latents_1CHW, expected.reshape(canvas.latents_1CHW.shape))
