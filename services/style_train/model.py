"""Loads a model family for training; the only file that knows how it lies on disk."""

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from services.common.errors import NotReady
from services.common.families import load_family
from services.style_train.engine.networks import Networks

_AUTOENCODERS = {"AutoencoderKL": AutoencoderKL, "AutoencoderTiny": AutoencoderTiny}


def choose_device(wanted: str) -> torch.device:
    """The device of a setting: "auto" takes a GPU when there is one."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(wanted)


def load_networks(folder: Path, device: torch.device) -> Networks:
    """The family's parts, frozen; in bfloat16 on a GPU, where the adapter alone stays in float32.

    Raises:
        NotReady: no family there, or one whose parts cannot be read.
    """
    family = load_family(folder)
    # The autoencoder stays exact: half precision overflows in published ones.
    frozen = torch.bfloat16 if device.type == "cuda" else torch.float32
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
