"""What reference results of AnimateAnyone are made of, and our networks with a set's weights."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from services.pose.transfer.attention import keys_and_values
from services.pose.transfer.model import TorchNetworks
from services.pose.transfer.references import Reference
from services.pose.transfer.weights import UNUSED_BY_REFERENCE, Parts, build_guider, build_unet, read_alphas
from tests.parity.pose_sets import (
    describes,
    json_files,
    named_set,
    one_frame,
    read_json,
    read_tensors,
    set_name,
    tensor_files,
    tensor_keys,
    weights,
)

NETWORK, SAMPLED, ROUNDED, PICTURE = 1e-5, 1e-4, 5e-4, 1e-3  # largest differences allowed

_VARIANT = re.compile(r"(?P<reads>bank|midup|nocfg)(?P<bits>16|32)|nobank")
_GIVEN = re.compile(r"in\.(?P<case>.+)\.ref_latents")
_WEIGHT = re.compile(r"weights\.(reference_unet|denoising_unet|pose_guider|vae|image_encoder)\..+")

# What a case holds besides what is given, by the name without the case's.
PREDICTED = re.compile(r"unet\.(?P<variant>[^.]+)\.t(?P<timestep>\d+)")
SAMPLED_IN = re.compile(
    r"ddim(?P<steps>\d*)\.(?P<variant>[^.]+)\.(?P<what>final|latents_per_step|guided_pred_per_step)"
)
BANK = re.compile(r"bank\.(?P<path>.+)")
GUIDE = re.compile(r"pose_guider")
REFERENCE_END = re.compile(r"reference_unet_sample")
COMPARED = (PREDICTED, SAMPLED_IN, BANK, GUIDE, REFERENCE_END)
CASE_GIVEN = frozenset({"ref_latents", "noisy_latents", "init_noise", "pose_image", "clip_embeds"})

WHOLE_GIVEN = frozenset({"in.source_image", "in.pose_map"})
WHOLE_OUT = re.compile(r"out\..+")
# The original's first crop for CLIP, which its own training does not match; we crop as the product.
NOT_OURS = frozenset({"out.clip_pixel_values_upstream_squash"})

FRAMES = re.compile(r"out\.f(?P<frames>\d+)\.nomotion\.t(?P<timestep>\d+)")
FRAMES_GIVEN = re.compile(r"in\.(clip_embeds|f\d+\.(sample|pose_fea))")
# Motion modules are never built for single pictures.
FRAMES_NOT_OURS = re.compile(r"out\.f\d+\.motion\.t\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What the denoiser may read of a character."""

    name: str
    reads: str
    rounded: bool  # through half precision, as the original hands it over

    @classmethod
    def named(cls, name: str) -> "Variant":
        match = _VARIANT.fullmatch(name)
        assert match, f"no test knows the variant {name!r}"
        return cls(name=name, reads=match["reads"] or "nobank", rounded=match["bits"] == "16")

    @property
    def guided(self) -> bool:
        """Whether there is an unconditional row."""
        return self.reads != "nocfg"

    def tolerance(self, exact: float) -> float:
        return ROUNDED if self.rounded else exact

    def seen(self, bank: Mapping[str, Tensor]) -> dict[str, Tensor]:
        skipped = {"nobank": "", "midup": "down_blocks."}.get(self.reads)
        return {
            path: features.half().float() if self.rounded else features
            for path, features in bank.items()
            if skipped is None or not path.startswith(skipped)
        }


@dataclass(frozen=True, slots=True)
class TransferCase:
    """One case of a set."""

    path: Path
    name: str

    def __str__(self) -> str:
        return f"{set_name(self.path)}-{self.name}"

    @property
    def config(self) -> dict[str, Any]:
        return describes(self.path)

    @property
    def outputs(self) -> list[str]:
        """The results, by their names without the case's."""
        prefix = f"out.{self.name}."
        return sorted(key.removeprefix(prefix) for key in tensor_keys(self.path) if key.startswith(prefix))

    def given(self, name: str) -> Tensor:
        return read_tensors(self.path)[f"in.{self.name}.{name}"]

    def expected(self, name: str) -> Tensor:
        return read_tensors(self.path)[f"out.{self.name}.{name}"]

    @property
    def known(self) -> set[str]:
        """The tensors that tests compare, or need for that."""
        compared = {name for name in self.outputs if any(pattern.fullmatch(name) for pattern in COMPARED)}
        return {f"out.{self.name}.{name}" for name in compared} | {f"in.{self.name}.{name}" for name in CASE_GIVEN}


def transfer_cases() -> list[TransferCase]:
    return [
        TransferCase(path, match["case"])
        for path in tensor_files()
        for match in map(_GIVEN.fullmatch, sorted(tensor_keys(path)))
        if match
    ]


def cases_with(pattern: re.Pattern[str]) -> list[TransferCase]:
    """Those that have a result of such a name."""
    return [case for case in transfer_cases() if any(map(pattern.fullmatch, case.outputs))]


def whole_sets() -> list[Path]:
    """Whole pipelines, from pictures to a picture."""
    return [path for path in tensor_files() if tensor_keys(path) >= WHOLE_GIVEN]


def motion_sets() -> list[Path]:
    return [path for path in tensor_files() if any(map(FRAMES.fullmatch, tensor_keys(path)))]


def schedules() -> list[Path]:
    return [path for path in json_files() if "schedules" in read_json(path)]


def passed_over(path: Path) -> list[str]:
    """The tensors of a file that no test compares."""
    known = {key for key in tensor_keys(path) if _WEIGHT.fullmatch(key)}
    for case in transfer_cases():
        if case.path == path:
            known |= case.known
    if path in whole_sets():
        known |= WHOLE_GIVEN | {key for key in tensor_keys(path) if WHOLE_OUT.fullmatch(key)}
    if path in motion_sets():
        patterns = (FRAMES, FRAMES_GIVEN, FRAMES_NOT_OURS)
        known |= {key for key in tensor_keys(path) if any(pattern.fullmatch(key) for pattern in patterns)}
    return sorted(tensor_keys(path) - known)


def build_parts(path: Path, whole: Path | None = None) -> Parts:
    """The set's own networks; image encoder and VAE are a whole pipeline's, or any."""
    tensors, config = read_tensors(path), describes(path)
    vae = AutoencoderKL(block_out_channels=(8, 8, 8, 8), norm_num_groups=4)
    encoder = CLIPVisionModelWithProjection(CLIPVisionConfig(hidden_size=8, num_attention_heads=1, num_hidden_layers=1))
    if whole is not None:
        vae = AutoencoderKL.from_config(describes(whole)["vae_config"])
        vae.load_state_dict(weights(read_tensors(whole), "vae"))
        encoder = CLIPVisionModelWithProjection(CLIPVisionConfig(**describes(whole)["clip_config"]))
        encoder.load_state_dict(weights(read_tensors(whole), "image_encoder"))
    reference = build_unet(config["config"], weights(tensors, "reference_unet"), may_lack=UNUSED_BY_REFERENCE)
    return Parts(
        reference_unet=reference.eval(),
        denoising_unet=build_unet(config["config"], weights(tensors, "denoising_unet")).eval(),
        pose_guider=build_guider(config["pose_guider"], weights(tensors, "pose_guider")).eval(),
        image_encoder=encoder.eval(),
        vae=vae.eval(),
        alphas_cumprod=read_alphas(config["scheduler"]),
    )


class Watched(TorchNetworks):
    """Our networks; keeps the latents that were decoded last."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts, device=torch.device("cpu"), dtype=torch.float32)
        self.parts = parts
        self.decoded = torch.zeros(0)

    def decode(self, latents_1CHW: Tensor, /) -> Tensor:
        self.decoded = latents_1CHW
        return super().decode(latents_1CHW)

    def reference(self, variant: Variant, bank: Mapping[str, Tensor], context_11D: Tensor) -> Reference:
        """The character as a variant sees it."""
        seen = variant.seen(bank)
        return Reference(context_11D=context_11D, keys_values=keys_and_values(self.parts.denoising_unet, seen))


@cache
def networks_of(path: Path) -> Watched:
    return Watched(build_parts(path))


@cache
def networks_of_whole(path: Path) -> Watched:
    named = Path(describes(path)["uses_unet_and_pose_guider_weights_from"]).with_suffix(".safetensors")
    return Watched(build_parts(named_set(named.name, path), path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """What our networks make of what a case gives, before anything is denoised."""

    networks: Watched
    bank: dict[str, Tensor]
    guide: Tensor


@cache
@torch.inference_mode()
def computed(case: TransferCase) -> Computed:
    networks = networks_of(case.path)
    return Computed(
        networks=networks,
        bank=networks.reference_features(case.given("ref_latents"), case.given("clip_embeds")),
        guide=networks.guide(one_frame(case.given("pose_image"))),
    )
