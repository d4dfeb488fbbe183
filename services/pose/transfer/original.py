"""Brings AnimateAnyone's published weights into a family: `python -m services.pose.transfer.original FOLDER FAMILY`.

They come as pickles of flat dictionaries of tensors, which are read by torch's reader of tensors alone; it runs nothing
that a file may ask for. This is a command for an operator: no service reads pickles. Every key and shape is compared
with the network's own before anything takes its place.

FOLDER holds reference_unet.pth, denoising_unet.pth, pose_guider.pth, image_encoder/ and sd-vae-ft-mse/; and DWPose/
with yolox_l.onnx and dw-ll_ucoco_384.onnx, if the family is to estimate poses too.
"""

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from services.common.errors import InvalidInput, NotFound, ServiceError
from services.common.families import MANIFEST, load_family
from services.pose.transfer.weights import FOLDER, UNUSED_BY_REFERENCE, empty_guider

Shapes = Mapping[str, tuple[int, ...]]
Tensors = dict[str, Tensor]

UNET: dict[str, Any] = {  # Stable Diffusion 1.5
    "_class_name": "UNet2DConditionModel",
    "attention_head_dim": 8,
    "block_out_channels": [320, 640, 1280, 1280],
    "cross_attention_dim": 768,
    "down_block_types": [*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"],
    "sample_size": 64,
    "up_block_types": ["UpBlock2D", *["CrossAttnUpBlock2D"] * 3],
}
GUIDER: dict[str, Any] = {
    "block_out_channels": [16, 32, 96, 256],
    "conditioning_channels": 3,
    "conditioning_embedding_channels": 320,
}
SCHEDULER: dict[str, Any] = {
    "_class_name": "DDIMScheduler",
    "beta_end": 0.012,
    "beta_schedule": "linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "steps_offset": 1,
    "timestep_spacing": "trailing",
}
_DWPOSE = {"yolox_l.onnx": "detector.onnx", "dw-ll_ucoco_384.onnx": "pose.onnx"}
_NAMED = 5  # keys of each kind in an error


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Of the networks that are to be read."""

    unet: dict[str, Any] = field(default_factory=lambda: UNET)
    guider: dict[str, Any] = field(default_factory=lambda: GUIDER)
    resolution: int = 512


def convert(source: Path, target: Path, *, name: str, licence: str, sizes: Sizes | None = None) -> list[str]:
    """Add the weights to the family at `target`, which is made if there is none; returns the files written.

    Raises:
        NotFound: a file is missing.
        InvalidInput: a file holds other tensors than its network's, or the family has such weights already.
    """
    sizes = sizes or Sizes()
    if (target / FOLDER).exists():
        raise InvalidInput(
            f"{target} has an {FOLDER} already: remove it, or name another folder", reason="THERE_ALREADY"
        )
    partial = target / f".{FOLDER}.part"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _write_parts(source, partial, sizes)
        if not (target / "vae").exists():
            _write_vae(source / "sd-vae-ft-mse", partial / "vae")
        _write_dwpose(source / "DWPose", partial / "dwpose", target / "dwpose")
        for folder in sorted(partial.iterdir()):
            folder.rename(target / folder.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return _write_manifest(target, name=name, licence=licence, resolution=sizes.resolution)


def compare(tensors: Mapping[str, Tensor], wanted: Shapes, *, of: str, known_extras: Callable[[str], bool]) -> Tensors:
    """The tensors of a network, known extras left out.

    Raises:
        InvalidInput: some are missing, unknown, of another shape, or no numbers with a point.
    """
    own = {key: tensor for key, tensor in tensors.items() if key in wanted or not known_extras(key)}
    problems = {
        "missing": sorted(wanted.keys() - own.keys()),
        "unknown": sorted(own.keys() - wanted.keys()),
        "of another shape": sorted(
            f"{key} {tuple(own[key].shape)} instead of {shape}"
            for key, shape in wanted.items()
            if key in own and tuple(own[key].shape) != shape
        ),
        "not floating point": sorted(key for key, tensor in own.items() if not tensor.is_floating_point()),
    }
    told = [f"{len(keys)} {kind}: {', '.join(keys[:_NAMED])}" for kind, keys in problems.items() if keys]
    if told:
        raise InvalidInput(f"{of} holds other tensors than its network: {'; '.join(told)}", reason="OTHER_KEYS")
    return own


def unet_shapes(config: Mapping[str, Any]) -> Shapes:
    with torch.device("meta"):
        return _shapes(UNet2DConditionModel.from_config(dict(config)))


def read_tensors(path: Path) -> Tensors:
    """A flat dictionary of tensors; of a pickle, nothing else is read.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it holds something else.
    """
    if not path.is_file():
        raise NotFound(f"there is no {path}", reason="NO_FILE")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=_is_zip(path))
    except (UnpicklingError, SafetensorError, RuntimeError, EOFError, ValueError) as error:
        raise InvalidInput(f"{path.name} holds more than tensors, or is damaged", reason="NOT_TENSORS") from error
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise InvalidInput(f"{path.name} is no flat dictionary of tensors", reason="NOT_TENSORS")
    return loaded


def denoiser_tensors(loaded: Tensors, wanted: Shapes, *, of: str) -> Tensors:
    """The denoiser's; motion modules may be in the file, as long as they change nothing: their last layers are zero."""
    moving = [
        key for key, tensor in loaded.items() if ".motion_modules." in key and ".proj_out." in key and tensor.any()
    ]
    if moving:
        raise InvalidInput(
            f"{of} holds {len(moving)} motion layers that are not zero, {moving[0]} for one: these are not the weights "
            "that draw single pictures",
            reason="MOTION_WEIGHTS",
        )
    return compare(loaded, wanted, of=of, known_extras=lambda key: ".motion_modules." in key)


def _write_parts(source: Path, partial: Path, sizes: Sizes) -> None:
    wanted = unet_shapes(sizes.unet)
    folder = partial / FOLDER
    tensors = denoiser_tensors(read_tensors(source / "denoising_unet.pth"), wanted, of="denoising_unet.pth")
    _write(folder / "denoising_unet", sizes.unet, tensors)
    shown = {key: shape for key, shape in wanted.items() if key not in UNUSED_BY_REFERENCE}
    tensors = compare(
        read_tensors(source / "reference_unet.pth"),
        shown,
        of="reference_unet.pth",
        known_extras=UNUSED_BY_REFERENCE.__contains__,
    )
    _write(folder / "reference_unet", sizes.unet, tensors)
    tensors = compare(
        read_tensors(source / "pose_guider.pth"),
        _shapes(empty_guider(sizes.guider)),
        of="pose_guider.pth",
        known_extras=_none,
    )
    _write(folder / "pose_guider", sizes.guider, tensors)
    _write_image_encoder(source / "image_encoder", folder / "image_encoder")
    (folder / "scheduler").mkdir()
    _write_json(folder / "scheduler" / "scheduler_config.json", SCHEDULER)


def _write_image_encoder(source: Path, target: Path) -> None:
    config = CLIPVisionConfig.from_pretrained(source, local_files_only=True)
    with torch.device("meta"):
        wanted = _shapes(CLIPVisionModelWithProjection(config))
    files = [source / "model.safetensors", source / "pytorch_model.bin"]
    tensors = read_tensors(next((file for file in files if file.is_file()), files[-1]))
    tensors = compare(
        tensors, wanted, of="image_encoder", known_extras=lambda key: key.endswith("embeddings.position_ids")
    )
    _write(target, json.loads(config.to_json_string()), tensors, file="model.safetensors")


def _write_vae(source: Path, target: Path) -> None:
    try:
        vae, told = AutoencoderKL.from_pretrained(source, local_files_only=True, output_loading_info=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise InvalidInput(f"{source} is no VAE: {error}", reason="OTHER_KEYS") from error
    if told["missing_keys"] or told["unexpected_keys"]:
        raise InvalidInput(f"{source} holds other tensors than its network: {told}", reason="OTHER_KEYS")
    vae.save_pretrained(target)


def _write_dwpose(source: Path, target: Path, present: Path) -> None:
    if not source.is_dir() or present.exists():
        return
    target.mkdir(parents=True)
    for theirs, ours in _DWPOSE.items():
        if not (source / theirs).is_file():
            raise NotFound(f"there is no {source / theirs}", reason="NO_FILE")
        shutil.copyfile(source / theirs, target / ours)


def _write(folder: Path, config: dict[str, Any], tensors: Tensors, *, file: str = "") -> None:
    folder.mkdir(parents=True)
    _write_json(folder / "config.json", config)
    whole = {key: tensor.contiguous() for key, tensor in tensors.items()}
    save_file(whole, folder / (file or "diffusion_pytorch_model.safetensors"), {"format": "pt"})


def _write_manifest(target: Path, *, name: str, licence: str, resolution: int) -> list[str]:
    """Beside what the family's manifest says already; a family of its own where there is none."""
    path = target / MANIFEST
    manifest: dict[str, Any] = {"name": name, "licence": licence, "resolution": resolution, "size_step": 8}
    if path.exists():
        manifest = json.loads(path.read_text(encoding="utf-8"))
    else:
        manifest |= {"default_steps": 30, "transfer_guidance": 3.5, "files": {}}
    files = [
        file for part in (FOLDER, "vae", "dwpose") for file in sorted((target / part).rglob("*")) if file.is_file()
    ]
    manifest["files"] |= {file.relative_to(target).as_posix(): _sha256(file) for file in files}
    _write_json(path, manifest)
    return sorted(load_family(target).files)


def _shapes(module: nn.Module) -> Shapes:
    return {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _is_zip(path: Path) -> bool:
    with path.open("rb") as content:
        return content.read(2) == b"PK"


def _none(_key: str) -> bool:
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, metavar="FOLDER")
    parser.add_argument("target", type=Path, metavar="FAMILY")
    parser.add_argument("--name", default="sd15", help="of a family that is made new")
    parser.add_argument("--licence", required=True, help="under which the weights may be used; a family has to say")
    options = parser.parse_args()
    try:
        files = convert(options.source, options.target, name=options.name, licence=options.licence)
    except ServiceError as error:
        sys.exit(f"{error.reason}: {error}")
    sys.stdout.write("".join(f"{file}\n" for file in files))


if __name__ == "__main__":
    main()
