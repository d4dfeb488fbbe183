"""Reading the networks of a pose transfer family; a file with other keys than the network's is refused.

<family>/animate_anyone/{reference_unet,denoising_unet,pose_guider,image_encoder,scheduler}
<family>/animate_anyone/alpha, which not every family has
<family>/vae
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import CLIPVisionModelWithProjection

from services.common.errors import NotReady
from services.pose.transfer.alpha import AlphaConfig, AlphaNetwork
from services.pose.transfer.attention import block_paths, prepare_unet

FOLDER = "animate_anyone"

# The reference network's output is never used, so its last two layers may be left out of the file.
UNUSED_BY_REFERENCE = frozenset({"conv_norm_out.weight", "conv_norm_out.bias", "conv_out.weight", "conv_out.bias"})

_SAMPLING = {  # what the sampler here does; a family that was trained for another is refused
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
    "set_alpha_to_one": True,
    "clip_sample": False,
    "thresholding": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The networks of one family, ready to use."""

    reference_unet: Any
    denoising_unet: Any
    pose_guider: nn.Module
    image_encoder: Any
    vae: Any
    alphas_cumprod: Tensor


def load_parts(family_folder: Path, *, device: torch.device, dtype: torch.dtype) -> Parts:
    """Everything that pose transfer needs of a family.

    Raises:
        NotReady: a part is missing, or is not what the others need.
    """
    folder = family_folder / FOLDER
    try:
        parts = Parts(
            reference_unet=build_unet(
                _config(folder / "reference_unet"),
                _tensors(folder / "reference_unet", dtype),
                may_lack=UNUSED_BY_REFERENCE,
            ),
            denoising_unet=build_unet(_config(folder / "denoising_unet"), _tensors(folder / "denoising_unet", dtype)),
            pose_guider=build_guider(_config(folder / "pose_guider"), _tensors(folder / "pose_guider", dtype)),
            image_encoder=CLIPVisionModelWithProjection.from_pretrained(
                folder / "image_encoder", local_files_only=True, use_safetensors=True, dtype=dtype
            ),
            vae=AutoencoderKL.from_pretrained(
                family_folder / "vae", local_files_only=True, use_safetensors=True, torch_dtype=dtype
            ),
            alphas_cumprod=read_alphas(_config(folder / "scheduler", name="scheduler_config.json")),
        )
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise NotReady(f"{family_folder} has no whole pose transfer: {error}", reason="NO_POSE_TRANSFER") from error
    check_parts(parts)
    for module in (parts.reference_unet, parts.denoising_unet, parts.pose_guider, parts.image_encoder, parts.vae):
        module.to(device).eval().requires_grad_(False)  # noqa: FBT003 (torch's own spelling)
    return parts


def has_alpha(family_folder: Path) -> bool:
    return (family_folder / FOLDER / "alpha").is_dir()


def load_alpha(family_folder: Path, *, device: torch.device, dtype: torch.dtype) -> AlphaNetwork:
    """The network that tells a character from what is behind it.

    Raises:
        NotReady: the family has none, or its file holds other tensors.
    """
    folder = family_folder / FOLDER / "alpha"
    try:
        config, tensors = _config(folder), _tensors(folder, dtype)
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise NotReady(f"{family_folder} has no alpha network: {error}", reason="NO_ALPHA_NETWORK") from error
    network = AlphaNetwork(AlphaConfig(channels=tuple(config["channels"])))
    _fill(network, tensors)
    network.to(device).eval().requires_grad_(False)  # noqa: FBT003 (torch's own spelling)
    return network


def build_unet(
    config: dict[str, Any], tensors: dict[str, Tensor], *, may_lack: frozenset[str] = frozenset()
) -> UNet2DConditionModel:
    """A UNet with these weights and our processors; layers whose keys may be lacking are dropped."""
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(config)
    if may_lack:
        unet.conv_norm_out, unet.conv_out = nn.Identity(), nn.Identity()
        tensors = {key: tensor for key, tensor in tensors.items() if key not in may_lack}
    _fill(unet, tensors)
    prepare_unet(unet)
    return unet


def build_guider(config: dict[str, Any], tensors: dict[str, Tensor]) -> ControlNetConditioningEmbedding:
    guider = empty_guider(config)
    _fill(guider, tensors)
    return guider


def empty_guider(config: dict[str, Any]) -> ControlNetConditioningEmbedding:
    """The guider without weights."""
    with torch.device("meta"):
        return ControlNetConditioningEmbedding(
            conditioning_embedding_channels=config["conditioning_embedding_channels"],
            conditioning_channels=config.get("conditioning_channels", 3),
            block_out_channels=tuple(config["block_out_channels"]),
        )


def read_alphas(config: dict[str, Any]) -> Tensor:
    """The table of alpha-bar (float32) of a DDIM scheduler that samples as `schedule.py` does."""
    scheduler = DDIMScheduler.from_config(config)
    for name, needed in _SAMPLING.items():
        if scheduler.config[name] != needed:
            raise NotReady(
                f"the scheduler's {name} is {scheduler.config[name]!r}, not {needed!r}", reason="OTHER_SAMPLER"
            )
    alphas_cumprod: Tensor = scheduler.alphas_cumprod
    return alphas_cumprod


def check_parts(parts: Parts) -> None:
    """Refuse parts that do not fit together."""
    levels = math.log2(latent_factor(parts.vae))
    strided = sum(isinstance(module, nn.Conv2d) and module.stride == (2, 2) for module in parts.pose_guider.modules())
    if strided != levels:
        raise NotReady(f"the pose guider halves {strided} times, the VAE {levels:g} times", reason="PARTS_DIFFER")
    if block_paths(parts.reference_unet) != block_paths(parts.denoising_unet):
        raise NotReady("the two UNets have different attention blocks", reason="PARTS_DIFFER")


def latent_factor(vae: AutoencoderKL) -> int:
    """Pixels per latent."""
    return int(2 ** (len(vae.config["block_out_channels"]) - 1))


def _config(folder: Path, *, name: str = "config.json") -> dict[str, Any]:
    return dict(json.loads((folder / name).read_text(encoding="utf-8")))


def _tensors(folder: Path, dtype: torch.dtype) -> dict[str, Tensor]:
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise NotReady(f"{folder} holds {len(files)} safetensors files, not one", reason="NO_POSE_TRANSFER")
    return {key: tensor.to(dtype) for key, tensor in load_file(files[0]).items()}


def _fill(module: nn.Module, tensors: dict[str, Tensor]) -> None:
    result = module.load_state_dict(tensors, strict=False, assign=True)
    if result.missing_keys or result.unexpected_keys:
        raise NotReady(
            f"{type(module).__name__}: {len(result.missing_keys)} keys are missing {result.missing_keys[:3]}, "
            f"{len(result.unexpected_keys)} are unknown {result.unexpected_keys[:3]}",
            reason="OTHER_KEYS",
        )
