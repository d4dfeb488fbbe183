"""Pose transfer gives what AnimateAnyone gives, on every set that is found; on the CPU in float32."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from services.pose.transfer.engine import (
    Prepared,
    TransferEngine,
    TransferSpec,
    clip_crop,
    initial_noise,
    to_clip_tensor,
    to_unit_tensor,
)
from services.pose.transfer.schedule import denoising_steps
from services.pose.transfer.weights import build_unet
from tests.parity.pose_sets import (
    describes,
    largest_difference,
    one_frame,
    read_tensors,
    set_name,
    tensor_keys,
    weights,
)
from tests.parity.transfer_sets import (
    BANK,
    FRAMES,
    GUIDE,
    NETWORK,
    NOT_OURS,
    PICTURE,
    PREDICTED,
    REFERENCE_END,
    SAMPLED,
    SAMPLED_IN,
    TransferCase,
    Variant,
    cases_with,
    computed,
    motion_sets,
    networks_of,
    networks_of_whole,
    transfer_cases,
    whole_sets,
)

FACTOR = 8  # a working size is a multiple of it, whatever the VAE


@pytest.mark.parametrize("path", sorted({case.path for case in transfer_cases()}), ids=set_name)
def test_the_networks_have_as_many_weights_as_is_told(path: Path) -> None:
    parts, told = networks_of(path).parts, describes(path).get("n_params", {})
    found = {name: sum(weight.numel() for weight in getattr(parts, name).parameters()) for name in told}
    assert found == told


@pytest.mark.parametrize("case", cases_with(GUIDE), ids=str)
def test_the_pose_guider_is_the_same(case: TransferCase) -> None:
    assert largest_difference(computed(case).guide, one_frame(case.expected("pose_guider"))) <= NETWORK


def both_rows(case: TransferCase) -> tuple[dict[str, Tensor], Tensor]:
    """Bank and last features of the reference network, without context and with it; ours runs the second row only."""
    networks, ends = networks_of(case.path), []
    contexts = torch.zeros_like(case.given("clip_embeds")), case.given("clip_embeds")
    hook = networks.parts.reference_unet.up_blocks[-1].register_forward_hook(lambda _, __, end: ends.append(end))
    try:
        rows = [networks.reference_features(case.given("ref_latents"), context_11D) for context_11D in contexts]
    finally:
        hook.remove()
    return {path: torch.cat([row[path] for row in rows]) for path in rows[0]}, torch.cat(ends)


@torch.inference_mode()
@pytest.mark.parametrize("case", cases_with(BANK), ids=str)
def test_every_block_of_the_reference_network_hands_over_the_same(case: TransferCase) -> None:
    found, _ = both_rows(case)
    expected = {match["path"]: case.expected(match[0]) for match in map(BANK.fullmatch, case.outputs) if match}
    assert found.keys() == expected.keys()
    for path, features_2LC in found.items():
        # Row 1 is the one that has seen the character. Nothing reads row 0, which rounding reaches more easily.
        assert largest_difference(features_2LC[:1], expected[path][:1]) <= SAMPLED, path
        assert largest_difference(features_2LC[1:], expected[path][1:]) <= NETWORK, path


@torch.inference_mode()
@pytest.mark.parametrize("case", cases_with(REFERENCE_END), ids=str)
def test_the_reference_network_ends_in_the_same_features(case: TransferCase) -> None:
    _, end = both_rows(case)
    expected = case.expected("reference_unet_sample")
    # Not normalised, unlike what a block hands over: its numbers are large, and so is their rounding.
    assert largest_difference(end, expected) <= NETWORK * max(1.0, float(expected.abs().max()))


@torch.inference_mode()
@pytest.mark.parametrize(
    ("case", "name"),
    [(case, name) for case in cases_with(PREDICTED) for name in case.outputs if PREDICTED.fullmatch(name)],
    ids=str,
)
def test_the_denoiser_predicts_the_same(case: TransferCase, name: str) -> None:
    own, match = computed(case), PREDICTED.fullmatch(name)
    assert match
    variant = Variant.named(match["variant"])
    reference = own.networks.reference(variant, own.bank, case.given("clip_embeds"))
    latents = one_frame(case.given("noisy_latents"))
    found = own.networks.predict(latents, int(match["timestep"]), reference, own.guide, guided=variant.guided)
    assert largest_difference(found, one_frame(case.expected(name))) <= variant.tolerance(NETWORK)


@cache
@torch.inference_mode()
def sampled(case: TransferCase, variant: Variant, steps: int) -> dict[str, Tensor]:
    """The latents and guided predictions of every step, and the last latents."""
    own, guidance = computed(case), case.config["guidance_scale"]
    reference = own.networks.reference(variant, own.bank, case.given("clip_embeds"))
    latents, guided = one_frame(case.given("init_noise")), variant.guided and guidance > 1
    all_latents, predictions = [], []
    for step in denoising_steps(own.networks.alphas_cumprod, steps):
        velocity = own.networks.predict(latents, step.timestep, reference, own.guide, guided=guided)
        if guided:
            plain, seeing = velocity.chunk(2)
            velocity = plain + guidance * (seeing - plain)
        latents, _ = step.advance(latents, velocity)
        predictions.append(velocity)
        all_latents.append(latents)
    return {
        "final": latents,
        "latents_per_step": torch.stack(all_latents),
        "guided_pred_per_step": torch.stack(predictions),
    }


@pytest.mark.parametrize(
    ("case", "name"),
    [(case, name) for case in cases_with(SAMPLED_IN) for name in case.outputs if SAMPLED_IN.fullmatch(name)],
    ids=str,
)
def test_sampling_goes_the_same_way_to_the_same_end(case: TransferCase, name: str) -> None:
    match = SAMPLED_IN.fullmatch(name)
    assert match
    variant = Variant.named(match["variant"])
    found = sampled(case, variant, int(match["steps"] or case.config["ddim_steps"]))[match["what"]]
    frame_axis = -3
    assert case.expected(name).shape[frame_axis] == 1
    assert largest_difference(found, case.expected(name).squeeze(frame_axis)) <= variant.tolerance(SAMPLED)


@cache
@torch.inference_mode()
def whole_way(path: Path) -> dict[str, tuple[Tensor, float]]:
    """What we make of a set's two pictures, by the names of the set's results, with the tolerance of each."""
    tensors, networks = read_tensors(path), networks_of_whole(path)
    source_HWC, pose_HWC = tensors["in.source_image"].numpy(), tensors["in.pose_map"].numpy()
    source_wh = (source_HWC.shape[1], source_HWC.shape[0])
    size_wh = (source_wh[0] // FACTOR * FACTOR, source_wh[1] // FACTOR * FACTOR)

    # The original squashes both pictures to the nearest size; we pad instead, so these two resizes are the test's own.
    resized_HWC = np.asarray(Image.fromarray(source_HWC).resize(size_wh, Image.Resampling.LANCZOS))
    stretched_HWC = np.asarray(Image.fromarray(pose_HWC).resize(source_wh, Image.Resampling.BILINEAR))
    stretched = to_unit_tensor(stretched_HWC)
    guided_by = functional.interpolate(stretched, size=(size_wh[1], size_wh[0]), mode="nearest")

    clip = to_clip_tensor(clip_crop(source_HWC, networks.clip_side))
    pixels = to_unit_tensor(resized_HWC) * 2 - 1
    latents = networks.encode(pixels)
    context_11D = networks.refer(latents, clip).context_11D
    width, height = (side // networks.latent_factor for side in size_wh)
    noise = initial_noise((1, networks.latent_channels, height, width), describes(path)["seed"])
    return {
        "out.pose_tensor_product": (stretched[0], NETWORK),
        "out.pose_guider_input": (guided_by[:, :, None], NETWORK),
        "out.pose_guider": (networks.guide(guided_by)[:, :, None], NETWORK),
        "out.clip_pixel_values": (clip, NETWORK),
        "out.clip_image_embeds": (context_11D[:, 0], NETWORK),
        "out.ref_image_tensor": (pixels, NETWORK),
        "out.ref_latents_scaled": (latents, NETWORK),
        "out.initial_latents": (noise[:, :, None], 0),
    }


@cache
@torch.inference_mode()
def drawn(path: Path, variant: Variant) -> dict[str, tuple[Tensor, float]]:
    """The same of what a variant draws, by the ends of the names; everything from our own results, nothing given."""
    networks, told = networks_of_whole(path), describes(path)
    before = {name: tensor for name, (tensor, _) in whole_way(path).items()}
    context_11D = before["out.clip_image_embeds"][:, None]
    bank = networks.reference_features(before["out.ref_latents_scaled"], context_11D)
    prepared = Prepared(
        reference=networks.reference(variant, bank, context_11D), guide=one_frame(before["out.pose_guider"])
    )
    height, width = before["out.ref_image_tensor"].shape[2:]
    spec = TransferSpec(
        character_HWC=read_tensors(path)["in.source_image"].numpy(),
        xy_K2=np.zeros((133, 2)),
        score_K=np.zeros(133),
        size_wh=(width, height),
        steps=told["steps"],
        guidance=told["guidance_scale"],
    )
    engine = TransferEngine(networks, cache_bytes=0)
    image_HWC = engine.draw(spec, prepared, told["seed"], lambda _, __: None, previews=False)
    latents, scale = networks.decoded, float(networks.parts.vae.config["scaling_factor"])
    unit_HWC = (networks.decode(latents)[0] / 2 + 0.5).clamp(0, 1).permute(1, 2, 0)
    sampled_to = variant.tolerance(SAMPLED)
    return {
        f"out.{variant.name}.final_latents": (latents[:, :, None], sampled_to),
        f"out.vae_decode_input.{variant.name}": (latents / scale, sampled_to / scale),
        f"out.{variant.name}.image_float_hwc": (unit_HWC, PICTURE),
        f"out.{variant.name}.image_uint8_hwc": (torch.from_numpy(image_HWC), 1),
    }


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (path, name)
        for path in whole_sets()
        for name in sorted(tensor_keys(path))
        if name.startswith("out.") and name not in NOT_OURS
    ],
    ids=lambda value: set_name(value) if isinstance(value, Path) else value,
)
def test_the_whole_pipeline_is_the_same_from_pixels_to_pixels(path: Path, name: str) -> None:
    found = whole_way(path)
    if name not in found:
        match = re.fullmatch(r"out\.(?:vae_decode_input\.)?(?P<variant>[^.]+)(?:\..+)?", name)
        assert match, f"no test knows {name!r}"
        found = drawn(path, Variant.named(match["variant"]))
    assert name in found, f"no test knows {name!r}"
    tensor, tolerance = found[name]
    assert largest_difference(tensor, read_tensors(path)[name]) <= tolerance


@torch.inference_mode()
@pytest.mark.parametrize("path", motion_sets(), ids=set_name)
def test_the_denoiser_without_motion_modules_is_a_plain_unet_on_every_frame(path: Path) -> None:
    tensors = read_tensors(path)
    plain = {key: tensor for key, tensor in weights(tensors, "denoising_unet").items() if "motion_modules" not in key}
    unet = build_unet(describes(path)["config"], plain).eval()
    context_21D = torch.cat([torch.zeros_like(tensors["in.clip_embeds"]), tensors["in.clip_embeds"]])
    for match in filter(None, map(FRAMES.fullmatch, sorted(tensors))):
        frames, expected = match["frames"], tensors[match[0]]
        posed = torch.cat([tensors[f"in.f{frames}.sample"], tensors[f"in.f{frames}.pose_fea"]], dim=1)
        assert expected.shape[2] == int(frames)
        for frame in range(int(frames)):
            found = unet(posed[:, :, frame], int(match["timestep"]), context_21D, return_dict=False)[0]
            assert largest_difference(found, expected[:, :, frame]) <= NETWORK, match[0]
