"""Loads a model family for training; the only file that knows how it lies on disk."""

import json
import logging
from pathlib import Path

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from services.common.errors import NotReady
from services.common.families import load_family
from services.style_train.engine.frozen import Form, bring_into, fitting_form, multiplies_bfloat16
from services.style_train.engine.memory import free_bytes
from services.style_train.engine.networks import Networks

log = logging.getLogger(__name__)

_AUTOENCODERS = {"AutoencoderKL": AutoencoderKL, "AutoencoderTiny": AutoencoderTiny}


def choose_device(wanted: str) -> torch.device:
    """The device of a setting: "auto" takes a GPU when there is one."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(wanted)


def load_networks(folder: Path, device: torch.device, *, form: Form | None = None) -> Networks:
    """The family's parts, frozen; the adapter alone is always in float32.

    The denoiser's weights take the `form` that is given, as a training that goes on must, else the one that suits this
    machine (`fitting_form`).

    Raises:
        NotReady: no family there, or one whose parts cannot be read.
    """
    family = load_family(folder)
    # The autoencoder stays exact: half precision overflows in published ones.
    half = device.type != "cpu" and form in (None, Form.BFLOAT16)
    loaded = torch.bfloat16 if half else torch.float32
    try:
        autoencoder = _AUTOENCODERS[json.loads((folder / "vae/config.json").read_text())["_class_name"]]
        unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=loaded, use_safetensors=True)
        vae = autoencoder.from_pretrained(folder / "vae", torch_dtype=torch.float32, use_safetensors=True)
        text_encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32, use_safetensors=True)
        tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        scheduler_config = json.loads((folder / "scheduler/scheduler_config.json").read_text())
    except (OSError, KeyError, ValueError) as error:
        raise NotReady(f"the model family at {folder} cannot be read: {error}", reason="FAMILY_DAMAGED") from error
    for module in (unet, vae, text_encoder):
        module.requires_grad_(requires_grad=False)
        module.to(device).eval()
    form = form or suiting_form(unet, device)
    if form is Form.BFLOAT16 and not multiplies_bfloat16(device):
        log.warning("a training that began in bfloat16 goes on so, slowly: this processor does not multiply it")
    bring_into(form, unet)
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
        form=form,
    )


def suiting_form(unet: UNet2DConditionModel, device: torch.device) -> Form:
    """The form in which a denoiser of this size is the fastest to train beside, on this machine as it is now."""
    return fitting_form(
        unet.num_parameters(),
        bfloat16=multiplies_bfloat16(device),
        on_gpu=device.type != "cpu",
        free_bytes=free_bytes(device),
    )
