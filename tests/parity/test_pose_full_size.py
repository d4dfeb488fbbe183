"""The full-size networks through the same code: every key and shape, and a pass on tensors without storage."""

import gzip
import json
from typing import Any

import torch
from torch import Tensor

from services.pose.transfer.attention import Reading, block_paths, keys_and_values
from services.pose.transfer.weights import UNUSED_BY_REFERENCE, build_guider, build_unet
from tests.parity.pose_sets import OWN_ROOT, ROOT

# Sets of other networks need not bring the list of the published ones.
SHAPES = next(path for folder in (ROOT, OWN_ROOT) if (path := folder / "animate_anyone_state_dict.json.gz").exists())
UNET: dict[str, Any] = {  # Stable Diffusion 1.5
    "block_out_channels": [320, 640, 1280, 1280],
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
    "down_block_types": [*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"],
    "up_block_types": ["UpBlock2D", *["CrossAttnUpBlock2D"] * 3],
    "sample_size": 64,
}
GUIDER = {
    "conditioning_embedding_channels": 320,
    "conditioning_channels": 3,
    "block_out_channels": [16, 32, 96, 256],
}
BLOCKS = 16


def empty_weights(module: str) -> dict[str, Tensor]:
    with gzip.open(SHAPES, "rt", encoding="utf-8") as file:
        shapes: dict[str, list[int]] = json.load(file)[module]
    return {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}


def test_the_published_keys_and_shapes_are_ours() -> None:
    """Building refuses a missing or unknown key, and loading a shape that differs."""
    denoiser = build_unet(UNET, empty_weights("denoising_unet"))
    reference = build_unet(UNET, empty_weights("reference_unet"), may_lack=UNUSED_BY_REFERENCE)
    assert sum(parameter.numel() for parameter in denoiser.parameters()) == 859_520_964
    assert sum(parameter.numel() for parameter in reference.parameters()) == 859_508_800
    assert block_paths(denoiser) == block_paths(reference)
    assert len(block_paths(denoiser)) == BLOCKS
    build_guider(GUIDER, empty_weights("pose_guider"))


def test_a_full_size_step_runs_from_character_and_pose_to_velocity() -> None:
    denoiser = build_unet(UNET, empty_weights("denoising_unet"))
    reference = build_unet(UNET, empty_weights("reference_unet"), may_lack=UNUSED_BY_REFERENCE)
    guider = build_guider(GUIDER, empty_weights("pose_guider"))
    context_11D = torch.empty(1, 1, 768, device="meta")
    latents = torch.empty(1, 4, 12, 9, device="meta")  # 9 does not halve evenly

    bank: dict[str, Tensor] = {}
    reference(latents, 0, context_11D, cross_attention_kwargs={"written": bank})
    assert bank["mid_block.attentions.0.transformer_blocks.0"].shape == (1, 2 * 2, 1280)
    guide = guider(torch.empty(1, 3, 96, 72, device="meta"))
    reading = Reading(keys_values=keys_and_values(denoiser, bank), plain_rows=1)
    velocity = denoiser(
        torch.cat([latents, guide], dim=1).expand(2, -1, -1, -1),
        999,
        context_11D.expand(2, -1, -1),
        cross_attention_kwargs={"reading": reading},
        return_dict=False,
    )[0]
    assert velocity.shape == (2, 4, 12, 9)
