"""Pose transfer gives what AnimateAnyone gives, on every set that is found; on the CPU in float32."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from PIL import Image
from torch import Tensor
from torch.nn import functional
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from services.pose.transfer.attention import keys_and_values
from services.pose.transfer.engine import (
    Prepared,
    TransferEngine,
    TransferSpec,
    clip_crop,
    initial_noise,
    to_clip_tensor,
    to_unit_tensor,
)
from services.pose.transfer.model import TorchNetworks
from services.pose.transfer.references import Reference
from services.pose.transfer.schedule import denoising_steps
from services.pose.transfer.weights import (
    UNUSED_BY_REFERENCE,
    Parts,
    build_guider,
    build_unet,
    read_alphas,
)
from tests.parity.pose_sets import json_sets, largest_difference, one_frame, read_json, read_tensors, weights

TINY = json_sets("cases")
WHOLE = json_sets("uses_unet_and_pose_guider_weights_from")
MOTION = json_sets("frames")
SCHEDULES = json_sets("schedules")
CASES = [(path, case) for path in TINY for case in read_json(path)["cases"]]
ROUNDED_CASES = [(path, case) for path, case in CASES if f"out.{case}.ddim.bank16.final" in read_tensors(path)]

NETWORK, SAMPLED, ROUNDED, PICTURE = 1e-5, 1e-4, 5e-4, 1e-3  # largest differences allowed


def set_name(value: Path | str) -> str:
    return value.stem if isinstance(value, Path) else value


def test_there_are_sets_of_every_kind() -> None:
    assert all([CASES, WHOLE, MOTION, SCHEDULES])


@cache
def networks_of(path: Path, whole: Path | None = None) -> TorchNetworks:
    """The set's own networks; image encoder and VAE come from a whole-pipeline set, or are absent."""
    tensors, config = read_tensors(path), read_json(path)
    vae = AutoencoderKL(block_out_channels=(8, 8, 8, 8), norm_num_groups=4).eval()
    encoder = CLIPVisionModelWithProjection(CLIPVisionConfig(hidden_size=8, num_attention_heads=1, num_hidden_layers=1))
    if whole is not None:
        vae = AutoencoderKL.from_config(read_json(whole)["vae_config"]).eval()
        vae.load_state_dict(weights(read_tensors(whole), "vae"))
        encoder = CLIPVisionModelWithProjection(CLIPVisionConfig(**read_json(whole)["clip_config"]))
        encoder.load_state_dict(weights(read_tensors(whole), "image_encoder"))
    parts = Parts(
        reference_unet=build_unet(
            config["config"], weights(tensors, "reference_unet"), may_lack=UNUSED_BY_REFERENCE
        ).eval(),
        denoising_unet=build_unet(config["config"], weights(tensors, "denoising_unet")).eval(),
        pose_guider=build_guider(config["pose_guider"], weights(tensors, "pose_guider")).eval(),
        image_encoder=encoder.eval(),
        vae=vae,
        alphas_cumprod=read_alphas(config["scheduler"]),
    )
    return TorchNetworks(parts, device=torch.device("cpu"), dtype=torch.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case of a tiny set, with the features that our own networks computed for it."""

    config: dict[str, Any]
    tensors: dict[str, Tensor]
    name: str
    networks: TorchNetworks
    bank: dict[str, Tensor]
    guide: Tensor

    def given(self, name: str) -> Tensor:
        return self.tensors[f"in.{self.name}.{name}"]

    def expected(self, name: str) -> Tensor:
        return self.tensors[f"out.{self.name}.{name}"]

    def reference(self, bank: dict[str, Tensor]) -> Reference:
        denoiser = self.networks._parts.denoising_unet  # noqa: SLF001 (the set's banks go where ours would)
        return Reference(context_11D=self.given("clip_embeds"), keys_values=keys_and_values(denoiser, bank))

    def variants(self) -> dict[str, tuple[dict[str, Tensor], bool, float]]:
        """By name: what the denoiser may read, whether there is an unconditional row, and the tolerance."""
        half = {path: features.half().float() for path, features in self.bank.items()}
        mid_up = {path: features for path, features in self.bank.items() if not path.startswith("down_blocks")}
        return {
            "bank32": (self.bank, True, NETWORK),
            "bank16": (half, True, ROUNDED),
            "midup32": (mid_up, True, NETWORK),
            "nocfg32": (self.bank, False, NETWORK),
            "nobank": ({}, True, NETWORK),
        }


def case_id(case: tuple[Path, str]) -> str:
    return f"{case[0].stem}-{case[1]}"


@pytest.fixture(params=CASES, ids=case_id)
def case(request: pytest.FixtureRequest) -> Case:
    path, name = request.param
    tensors, networks = read_tensors(path), networks_of(path)
    with torch.inference_mode():
        return Case(
            config=read_json(path),
            tensors=tensors,
            name=name,
            networks=networks,
            bank=networks.reference_features(tensors[f"in.{name}.ref_latents"], tensors[f"in.{name}.clip_embeds"]),
            guide=networks.guide(one_frame(tensors[f"in.{name}.pose_image"])),
        )


def test_the_pose_guider_is_the_same(case: Case) -> None:
    assert largest_difference(case.guide, one_frame(case.expected("pose_guider"))) <= NETWORK


def test_every_block_of_the_reference_network_hands_over_the_same(case: Case) -> None:
    prefix = f"out.{case.name}.bank."
    expected = {key.removeprefix(prefix): bank for key, bank in case.tensors.items() if key.startswith(prefix)}
    assert case.bank.keys() == expected.keys()
    for path, features_1LC in case.bank.items():
        # Row 1 is the one that has seen the character's CLIP token; nothing reads row 0.
        assert largest_difference(features_1LC, expected[path][1:]) <= NETWORK, path


@torch.inference_mode()
def test_the_denoiser_predicts_the_same_in_every_variant(case: Case) -> None:
    checked = 0
    for name, (bank, guided, tolerance) in case.variants().items():
        reference = case.reference(bank)
        for timestep in case.config["test_timesteps"]:
            if f"out.{case.name}.unet.{name}.t{timestep}" not in case.tensors:
                continue
            latents = one_frame(case.given("noisy_latents"))
            found = case.networks.predict(latents, timestep, reference, case.guide, guided=guided)
            expected = one_frame(case.expected(f"unet.{name}.t{timestep}"))
            assert largest_difference(found, expected) <= tolerance, (name, timestep)
            checked += 1
    assert checked >= 2


def sample(case: Case, bank: dict[str, Tensor], steps: int) -> tuple[list[Tensor], list[Tensor]]:
    """Latents after each step, and the guided predictions."""
    reference, latents = case.reference(bank), one_frame(case.given("init_noise"))
    guidance = case.config["guidance_scale"]
    all_latents, predictions = [], []
    for step in denoising_steps(case.networks.alphas_cumprod, steps):
        plain, seeing = case.networks.predict(latents, step.timestep, reference, case.guide, guided=True).chunk(2)
        predictions.append(plain + guidance * (seeing - plain))
        latents, _ = step.advance(latents, predictions[-1])
        all_latents.append(latents)
    return all_latents, predictions


@torch.inference_mode()
def test_every_step_of_sampling_is_the_same(case: Case) -> None:
    latents, predictions = sample(case, case.bank, case.config["ddim_steps"])
    steps = denoising_steps(case.networks.alphas_cumprod, len(latents))
    assert [step.timestep for step in steps] == case.config["ddim_timesteps"]
    for found, name in ((latents, "latents_per_step"), (predictions, "guided_pred_per_step")):
        expected = case.expected(f"ddim.bank32.{name}")
        assert largest_difference(torch.cat(found), one_frame(expected.squeeze(1))) <= SAMPLED
    assert largest_difference(latents[-1], one_frame(case.expected("ddim.bank32.final"))) <= SAMPLED


@torch.inference_mode()
def test_sampling_ends_the_same_when_the_steps_do_not_divide_the_schedule(case: Case) -> None:
    steps = case.config["ddim_steps2"]
    latents, _ = sample(case, case.bank, steps)
    assert largest_difference(latents[-1], one_frame(case.expected(f"ddim{steps}.bank32.final"))) <= SAMPLED


@torch.inference_mode()
@pytest.mark.parametrize("case", ROUNDED_CASES, indirect=True, ids=case_id)
def test_sampling_ends_the_same_with_the_originals_rounding(case: Case) -> None:
    half = {path: features.half().float() for path, features in case.bank.items()}
    latents, _ = sample(case, half, case.config["ddim_steps"])
    assert largest_difference(latents[-1], one_frame(case.expected("ddim.bank16.final"))) <= ROUNDED


@torch.inference_mode()
@pytest.mark.parametrize("path", WHOLE, ids=set_name)
def test_the_whole_pipeline_is_the_same_from_pixels_to_pixels(path: Path) -> None:
    description, tensors = read_json(path), read_tensors(path)
    networks = networks_of(
        path.parent / Path(description["uses_unet_and_pose_guider_weights_from"]).with_suffix(".json"), path
    )
    source_HWC, pose_HWC = tensors["in.source_image"].numpy(), tensors["in.pose_map"].numpy()
    source_wh = (source_HWC.shape[1], source_HWC.shape[0])
    size_wh = (source_wh[0] // 8 * 8, source_wh[1] // 8 * 8)

    # The original squashes both pictures to the nearest size; we pad instead, so these two resizes are the test's own.
    resized_HWC = np.asarray(Image.fromarray(source_HWC).resize(size_wh, Image.Resampling.LANCZOS))
    stretched_HWC = np.asarray(Image.fromarray(pose_HWC).resize(source_wh, Image.Resampling.BILINEAR))
    assert largest_difference(to_unit_tensor(stretched_HWC)[0], tensors["out.pose_tensor_product"]) <= NETWORK
    guided_by = functional.interpolate(to_unit_tensor(stretched_HWC), size=(size_wh[1], size_wh[0]), mode="nearest")

    clip = to_clip_tensor(clip_crop(source_HWC, networks.clip_side))
    assert largest_difference(clip, tensors["out.clip_pixel_values"]) <= NETWORK
    pixels = to_unit_tensor(resized_HWC) * 2 - 1
    assert largest_difference(pixels, tensors["out.ref_image_tensor"]) <= NETWORK
    latents = networks.encode(pixels)
    assert largest_difference(latents, tensors["out.ref_latents_scaled"]) <= NETWORK
    reference, guide = networks.refer(latents, clip), networks.guide(guided_by)
    assert largest_difference(reference.context_11D[:, 0], tensors["out.clip_image_embeds"]) <= NETWORK
    assert largest_difference(guide, one_frame(tensors["out.pose_guider"])) <= NETWORK
    width, height = (side // networks.latent_factor for side in size_wh)
    noise_shape = (1, networks.latent_channels, height, width)
    assert torch.equal(initial_noise(noise_shape, description["seed"]), one_frame(tensors["out.initial_latents"]))

    spec = TransferSpec(
        character_HWC=source_HWC,
        xy_K2=np.zeros((133, 2)),
        score_K=np.zeros(133),
        size_wh=size_wh,
        steps=description["steps"],
        guidance=description["guidance_scale"],
    )
    found_HWC = TransferEngine(networks, cache_bytes=0).draw(
        spec, Prepared(reference=reference, guide=guide), description["seed"], lambda _, __: None, previews=False
    )
    difference = np.abs(found_HWC.astype(int) - tensors["out.bank32.image_uint8_hwc"].numpy())
    assert difference.max() <= 1
    decoded = networks.decode(one_frame(tensors["out.bank32.final_latents"]))
    unit_HWC = (decoded[0] / 2 + 0.5).clamp(0, 1).permute(1, 2, 0)
    assert largest_difference(unit_HWC, tensors["out.bank32.image_float_hwc"]) <= PICTURE


@torch.inference_mode()
@pytest.mark.parametrize("path", MOTION, ids=set_name)
def test_the_denoiser_without_motion_modules_is_a_plain_unet_on_every_frame(path: Path) -> None:
    description, tensors = read_json(path), read_tensors(path)
    plain = {key: tensor for key, tensor in weights(tensors, "denoising_unet").items() if "motion_modules" not in key}
    unet = build_unet(description["config"], plain).eval()
    context_21D = torch.cat([torch.zeros_like(tensors["in.clip_embeds"]), tensors["in.clip_embeds"]])
    for frames in description["frames"]:
        posed = torch.cat([tensors[f"in.f{frames}.sample"], tensors[f"in.f{frames}.pose_fea"]], dim=1)
        for timestep in description["test_timesteps"]:
            expected = tensors[f"out.f{frames}.nomotion.t{timestep}"]
            for frame in range(frames):
                found = unet(posed[:, :, frame], timestep, context_21D, return_dict=False)[0]
                assert largest_difference(found, expected[:, :, frame]) <= NETWORK


@pytest.mark.parametrize("path", SCHEDULES, ids=set_name)
def test_the_schedule_is_the_same_for_every_number_of_steps(path: Path) -> None:
    description = read_json(path)
    scheduler = read_json(TINY[0])["scheduler"]
    alphas_cumprod = read_alphas(scheduler)
    assert torch.equal(alphas_cumprod, torch.tensor(description["alphas_cumprod_float32"]))
    for count, expected in description["schedules"].items():
        steps = denoising_steps(alphas_cumprod, int(count))
        assert [step.timestep for step in steps] == expected["timesteps"]
        assert [step.alpha_bar.item() for step in steps] == expected["alpha_bar_t"]
        assert [step.alpha_bar_after.item() for step in steps] == expected["alpha_bar_prev"]
