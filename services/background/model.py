"""Loads a family's drawing networks: the only file that knows how they lie on disk."""

import json
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from safetensors.torch import load_file
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from services.background.engine.latents import PixelSide
from services.background.engine.line_control import LineControl
from services.background.engine.painter import Painter
from services.background.engine.sky import SkyFinder, SkyNetwork
from services.background.engine.text import TextSide
from services.common.errors import NotReady
from services.common.families import Family
from services.common.style_files import text_modules, wide_modules

SKY_FILE = "sky/model.safetensors"


def choose_device(name: str) -> torch.device:
    """The device of that name; "auto" is a GPU where there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleTargets:
    """What a style file must fit."""

    unet: dict[str, nn.Module]
    text: dict[str, nn.Module]
    text_width: int
    device: torch.device
    dtype: torch.dtype


def load_painter(family: Family, *, device: torch.device) -> tuple[Painter, StyleTargets]:
    """The family's networks, ready to draw: fp32 on a CPU, fp16 elsewhere.

    Raises:
        NotReady: a part is missing or damaged.
    """
    dtype = torch.float32 if device.type == "cpu" else torch.float16
    try:
        tokenizer = CLIPTokenizer.from_pretrained(family.folder / "tokenizer")
        text_encoder = CLIPTextModel.from_pretrained(family.folder / "text_encoder", dtype=dtype, use_safetensors=True)
        unet = UNet2DConditionModel.from_pretrained(family.folder / "unet", torch_dtype=dtype, use_safetensors=True)
        vae = AutoencoderKL.from_pretrained(family.folder / "vae", torch_dtype=dtype, use_safetensors=True)
        control = (
            ControlNetModel.from_pretrained(family.folder / "controlnet", torch_dtype=dtype, use_safetensors=True)
            if family.has_line_control
            else None
        )
        config = json.loads((family.folder / "scheduler" / "scheduler_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NotReady(f"the family at {family.folder} is not complete: {error}", reason="FAMILY_DAMAGED") from error
    for network in (text_encoder, unet, vae, *([control] if control is not None else [])):
        network.requires_grad_(requires_grad=False).eval().to(device)
    return assemble_painter(
        tokenizer, text_encoder, vae, unet, config, control=LineControl(control) if control is not None else None
    )


def load_sky(family: Family) -> SkyFinder | None:
    """The family's sky-mask network, on the CPU; None where it has none.

    Raises:
        NotReady: it is damaged.
    """
    if SKY_FILE not in family.files:
        return None
    network = SkyNetwork()
    try:
        network.load_state_dict({name: value.float() for name, value in load_file(family.folder / SKY_FILE).items()})
    except (OSError, RuntimeError) as error:
        raise NotReady(f"{family.folder / SKY_FILE} cannot be read: {error}", reason="FAMILY_DAMAGED") from error
    return SkyFinder(network)


def assemble_painter(
    tokenizer: Any,
    text_encoder: Any,
    vae: Any,
    unet: Any,
    scheduler_config: dict[str, Any],
    *,
    control: LineControl | None = None,
) -> tuple[Painter, StyleTargets]:
    """A painter of these parts, and what styles must fit."""
    painter = Painter(
        text=TextSide(tokenizer, text_encoder),
        pixels=PixelSide(vae),
        unet=unet,
        scheduler_config=scheduler_config,
        control=control,
    )
    targets = StyleTargets(
        unet=wide_modules(unet),
        text=text_modules(text_encoder),
        text_width=int(text_encoder.config.hidden_size),
        device=unet.device,
        dtype=unet.dtype,
    )
    return painter, targets
