"""Loads a model family for training; the only file that knows how it lies on disk."""

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from services.common.errors import NotReady
from services.common.families import load_family
from services.style_train.engine.frozen import LARGE_NETWORK, halve_weights, multiplies_bfloat16
from services.style_train.engine.networks import Networks

_AUTOENCODERS = {"AutoencoderKL": AutoencoderKL, "AutoencoderTiny": AutoencoderTiny}


def choose_device(wanted: str) -> torch.device:
    """The device of a setting: "auto" takes a GPU when there is one."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(wanted)


def load_networks(folder: Path, device: torch.device) -> Networks:
    """The family's parts, frozen; the adapter alone is always in float32.

    On a GPU the denoiser is in bfloat16. On a CPU a small one stays exact; a large one is in bfloat16 too, multiplied
    so where the processor does that, else widened as it is multiplied.

    Raises:
        NotReady: no family there, or one whose parts cannot be read.
    """
    family = load_family(folder)
    # The autoencoder stays exact: half precision overflows in published ones.
    frozen = torch.float32 if device.type == "cpu" else torch.bfloat16
    try:
        autoencoder = _AUTOENCODERS[json.loads((folder / "vae/config.json").read_text())["_class_name"]]
        unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=frozen, use_safetensors=True)
        vae = autoencoder.from_pretrained(folder / "vae", torch_dtype=torch.float32, use_safetensors=True)
        text_encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32, use_safetensors=True)
        tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        scheduler_config = json.loads((folder / "scheduler/scheduler_config.json").read_text())
    except (OSError, KeyError, ValueError) as error:
        raise NotReady(f"the model family at {folder} cannot be read: {error}", reason="FAMILY_DAMAGED") from error
    for module in (unet, vae, text_encoder):
        module.requires_grad_(requires_grad=False)
        module.to(device).eval()
    lighten(unet, device)
    return Networks(
        unet=unet,
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        scheduler_config=scheduler_config,
        name=family.name,
        base_model_version=family.base_model_version,
        resolution=family.resolution,
        size_step=family.size_step,
        guidance=family.default_guidance,
        style_rate=family.style_rate,
        device=device,
    )


def lighten(unet: UNet2DConditionModel, device: torch.device) -> None:
    """Bring a frozen denoiser into the form in which it takes the least memory and time to train beside."""
    if device.type == "cpu" and unet.num_parameters() < LARGE_NETWORK:
        return
    if multiplies_bfloat16(device):
        unet.to(torch.bfloat16, memory_format=torch.channels_last)
    else:
        halve_weights(unet)
