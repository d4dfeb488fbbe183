"""Seconds of one denoising step of pose transfer, ours against the original's order of work, on the same weights.

Both sides have the full-size networks of AnimateAnyone with random weights (`small-random` is a shape for trying this
program), the same latents, character, pose and context, and run one after the other. Both are timed by the CPU seconds
that the process used, which others on the machine do not stretch, and by the clock; `ratio` is of CPU seconds. Printed
beside it: the largest difference of the two velocities, and of the latents after the step. Before that, a line on what
is done once per character: the reference pass of both sides, and what a second pose of the same character is spared;
and one on the multiply-adds of a step, which are counted and need no time.

Where the processor has bfloat16 of its own (avx512_bf16 or amx_bf16) our step in bfloat16 is measured too; elsewhere
it would be slower than float32, and is not.

    python benchmarks/pose_transfer.py [--family sd15-random] [--side 512] [--rounds 1] [--threads 2] [--quick]
                                       [--only arithmetic|reference|step]

sd15-random needs about 6.5 GiB.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from benchmarks.original_transfer import (
    Bank,
    OverwritingAttention,
    StoringAttention,
    TemporalModule,
    TemporalModules,
    hook_in,
)
from benchmarks.reporting import report
from services.pose.transfer.attention import Reading, keys_and_values, prepare_unet
from services.pose.transfer.model import TorchNetworks
from services.pose.transfer.references import Reference, ReferenceCache
from services.pose.transfer.schedule import denoising_steps
from services.pose.transfer.weights import Parts

SEED, GUIDANCE, STEPS = 5, 3.5, 30
R = TypeVar("R")
DOWN = ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D")
UP = ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of a family."""

    channels: tuple[int, int, int, int]
    context: int


SHAPES = {
    "sd15-random": Shape(channels=(320, 640, 1280, 1280), context=768),
    "small-random": Shape(channels=(32, 64, 128, 128), context=64),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    wall_seconds: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What both sides are given."""

    latents: Tensor
    reference_latents: Tensor
    pose: Tensor
    context_11D: Tensor


def filled(build: Callable[[], Any], *, zero: tuple[str, ...] = ()) -> Any:
    """A network of random weights with a gain of about one, without the time that its own initialisation takes."""
    with torch.device("meta"):
        network = build()
    network = network.to_empty(device="cpu").requires_grad_(requires_grad=False).eval()
    block = torch.randn(2**22, generator=torch.Generator().manual_seed(SEED))
    for name, parameter in network.named_parameters():
        if parameter.dim() == 1 or name.startswith(zero or "-"):
            parameter.fill_(float(name.endswith("weight") and not name.startswith(zero or "-")))
            continue
        fan_in = parameter[0].numel()
        whole, rest = divmod(parameter.numel(), len(block))
        flat = parameter.view(-1)
        for index in range(whole):
            flat[index * len(block) : (index + 1) * len(block)] = block.roll(index)
        flat[whole * len(block) :] = block[:rest]
        parameter.mul_(fan_in**-0.5)
    return network


def build_unet(shape: Shape) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=64,
        block_out_channels=shape.channels,
        down_block_types=DOWN,
        up_block_types=UP,
        cross_attention_dim=shape.context,
        attention_head_dim=8,
    )


def build_guider(shape: Shape) -> ControlNetConditioningEmbedding:
    return ControlNetConditioningEmbedding(
        conditioning_embedding_channels=shape.channels[0], block_out_channels=(16, 32, 96, 256)
    )


def build_temporal(channels: int) -> nn.Module:
    module: nn.Module = filled(lambda: TemporalModule(channels), zero=("proj_out",))
    for buffer in module.buffers():
        buffer.zero_()
    return module


def timed(work: Callable[[], R]) -> tuple[R, Timed]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, Timed(wall_seconds=time.perf_counter() - wall, cpu_seconds=time.process_time() - cpu)


def make_inputs(shape: Shape, side: int) -> Inputs:
    generator = torch.Generator().manual_seed(SEED)
    return Inputs(
        latents=torch.randn((1, 4, side // 8, side // 8), generator=generator),
        reference_latents=torch.randn((1, 4, side // 8, side // 8), generator=generator),
        pose=torch.rand((1, 3, side, side), generator=generator),
        context_11D=torch.randn((1, 1, shape.context), generator=generator),
    )


def our_networks(shape: Shape, reference: Any, denoiser: Any, guider: nn.Module, dtype: torch.dtype) -> TorchNetworks:
    """The service's own class; the autoencoder and the image encoder have no part in this and hold no weights."""
    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, prediction_type="v_prediction", timestep_spacing="trailing",
        rescale_betas_zero_snr=True, clip_sample=False, steps_offset=1,
    )  # fmt: skip
    with torch.device("meta"):
        vae = AutoencoderKL(block_out_channels=(32, 32, 32, 32), norm_num_groups=32)
        encoder = CLIPVisionModelWithProjection(CLIPVisionConfig(projection_dim=shape.context))
    parts = Parts(
        reference_unet=reference,
        denoising_unet=denoiser,
        pose_guider=guider,
        image_encoder=encoder,
        vae=vae,
        alphas_cumprod=scheduler.alphas_cumprod,
    )
    return TorchNetworks(parts, device=torch.device("cpu"), dtype=dtype)


def original_bank(reference: UNet2DConditionModel, inputs: Inputs) -> Bank:
    """The reference network at timestep 0 on two rows, the first with an empty context."""
    bank: Bank = {}
    hook_in(reference, bank, StoringAttention)
    context = torch.cat([torch.zeros_like(inputs.context_11D), inputs.context_11D])
    reference(inputs.reference_latents.expand(2, -1, -1, -1), 0, context)
    return bank


def original_step(denoiser: UNet2DConditionModel, bank: Bank, inputs: Inputs, guide: Tensor, timestep: int) -> Tensor:
    """Velocities of both rows; the pose is added to the first convolution's output."""
    hook_in(denoiser, bank, OverwritingAttention)
    handle = denoiser.conv_in.register_forward_hook(lambda _, __, output: output + guide)
    context = torch.cat([torch.zeros_like(inputs.context_11D), inputs.context_11D])
    velocity: Tensor = denoiser(inputs.latents.expand(2, -1, -1, -1), timestep, context, return_dict=False)[0]
    handle.remove()
    return velocity


def bfloat16_units() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def bank_shapes(unet: UNet2DConditionModel, side: int) -> dict[str, tuple[int, int, int]]:
    """What each self-attention of one row is given (1, L, C), by its block's path."""
    levels = [("down_blocks", index, index) for index in range(3)]
    levels += [("up_blocks", index, 3 - index) for index in range(1, 4)]
    found = {"mid_block.attentions.0.transformer_blocks.0": (1, (side // 64) ** 2, unet.config.block_out_channels[3])}
    for name, block, level in levels:
        size = (1, (side // 8 // 2**level) ** 2, unet.config.block_out_channels[level])
        for attention in range(2 if name == "down_blocks" else 3):
            found[f"{name}.{block}.attentions.{attention}.transformer_blocks.0"] = size
    return found


@torch.inference_mode()
def measure_reference(family: str, side: int) -> None:
    """What is done once per character, and what the second pose of the same character is spared."""
    shape = SHAPES[family]
    inputs, reference, guider = make_inputs(shape, side), filled(lambda: build_unet(shape)), build_guider(shape)
    bank, original = timed(lambda: original_bank(reference, inputs))
    prepare_unet(reference)
    networks = our_networks(shape, reference, reference, guider, torch.float32)
    cache = ReferenceCache(2**32)

    def refer() -> Reference:
        features = networks.reference_features(inputs.reference_latents, inputs.context_11D)
        # Any UNet of this shape stands in for the denoiser here: only its keys and values are asked for.
        return Reference(context_11D=inputs.context_11D, keys_values=keys_and_values(reference, features))

    _, first = timed(lambda: cache.get_or_make("character", refer))
    _, second = timed(lambda: cache.get_or_make("character", refer))
    _, guiding = timed(lambda: networks.guide(inputs.pose))
    features = networks.reference_features(inputs.reference_latents, inputs.context_11D)
    report(
        f"pose_transfer_reference_{family}_{side}",
        ours=first.cpu_seconds,
        peer=original.cpu_seconds,
        ratio=original.cpu_seconds / first.cpu_seconds,
        unit="CPU seconds per character",
        detail={
            "before_the_steps_of_the_first_pose": round(first.cpu_seconds + guiding.cpu_seconds, 3),
            "before_the_steps_of_the_second_pose": round(second.cpu_seconds + guiding.cpu_seconds, 3),
            "kept_megabytes": round(cache.size_bytes / 1e6, 1),
            "largest_difference_of_features": max(
                float((features[path] - bank[path][1:]).abs().max()) for path in features
            ),
            "threads": torch.get_num_threads(),
        },
    )


@torch.inference_mode()
def measure_step(family: str, side: int, rounds: int) -> None:
    """One denoising step of both, on the same random features of a character."""
    shape = SHAPES[family]
    inputs, denoiser, guider = make_inputs(shape, side), filled(lambda: build_unet(shape)), build_guider(shape)
    torch.nn.init.normal_(guider.conv_out.weight, std=0.05, generator=torch.Generator().manual_seed(SEED))
    generator = torch.Generator().manual_seed(SEED + 1)
    features = {path: torch.randn(size, generator=generator) for path, size in bank_shapes(denoiser, side).items()}
    bank = {path: tensor.expand(2, -1, -1) for path, tensor in features.items()}
    seen = Reference(context_11D=inputs.context_11D, keys_values=keys_and_values(denoiser, features))
    guide = guider(inputs.pose)
    temporal = TemporalModules(denoiser, build_temporal)
    step = denoising_steps(our_networks(shape, denoiser, denoiser, guider, torch.float32).alphas_cumprod, STEPS)[1]

    def ours(reference: Reference = seen) -> Tensor:
        temporal.on = False
        prepare_unet(denoiser)
        dtype = reference.context_11D.dtype
        networks = our_networks(shape, denoiser, denoiser, guider, dtype)
        return networks.predict(inputs.latents, step.timestep, reference, guide.to(dtype), guided=True)

    def original() -> Tensor:
        temporal.on = True
        return original_step(denoiser, bank, inputs, guide, step.timestep)

    pairs = [(timed(ours), timed(original)) for _ in range(rounds)]
    velocity, original_velocity = pairs[-1][0][0], pairs[-1][1][0]
    after, original_after = (
        step.advance(inputs.latents, both[:1] + GUIDANCE * (both[1:] - both[:1]))[0]
        for both in (velocity, original_velocity)
    )
    our_cpu, original_cpu = (min(pair[index][1].cpu_seconds for pair in pairs) for index in (0, 1))
    our_wall, original_wall = (min(pair[index][1].wall_seconds for pair in pairs) for index in (0, 1))
    bfloat16: object = "this processor has no units for it: not measured"
    if bfloat16_units():
        denoiser.to(torch.bfloat16)
        rounded, spent = timed(lambda: ours(in_bfloat16(seen)))
        bfloat16 = {
            "cpu_seconds_per_step": round(spent.cpu_seconds, 3),
            "ratio": round(original_cpu / spent.cpu_seconds, 3),
            "largest_difference_of_velocity": float((rounded - original_velocity).abs().max()),
        }
    report(
        f"pose_transfer_step_{family}_{side}",
        ours=our_cpu,
        peer=original_cpu,
        ratio=original_cpu / our_cpu,
        unit="CPU seconds per denoising step",
        detail={
            "rounds": rounds,
            "wall_seconds_per_step": {"ours": round(our_wall, 2), "original": round(original_wall, 2)},
            "wall_ratio": round(original_wall / our_wall, 3),
            "largest_difference_of_velocity": float((velocity - original_velocity).abs().max()),
            "largest_velocity": float(original_velocity.abs().max()),
            "largest_difference_of_latents": float((after - original_after).abs().max()),
            "temporal_modules": temporal.count,
            "threads": torch.get_num_threads(),
            "bfloat16": bfloat16,
        },
    )


@torch.inference_mode()
def count_arithmetic(family: str, side: int) -> None:
    """Multiply-adds of one step of both, counted on tensors without storage: nothing is computed or timed."""
    shape = SHAPES[family]
    with torch.device("meta"):
        denoiser, latents = build_unet(shape), torch.empty(2, 4, side // 8, side // 8)
        guide, context = torch.empty(2, shape.channels[0], side // 8, side // 8), torch.empty(2, 1, shape.context)
        features = {path: torch.empty(size) for path, size in bank_shapes(denoiser, side).items()}
    prepare_unet(denoiser)
    seen = Reading(keys_values=keys_and_values(denoiser, features), plain_rows=1)
    with FlopCounterMode(display=False) as ours:
        denoiser(torch.cat([latents, guide], dim=1), 500, context, cross_attention_kwargs={"reading": seen})
    temporal = TemporalModules(denoiser, lambda channels: TemporalModule(channels).to("meta"))
    temporal.on = True
    bank = {path: tensor.expand(2, -1, -1) for path, tensor in features.items()}
    with FlopCounterMode(display=False) as original:
        hook_in(denoiser, bank, OverwritingAttention)
        denoiser(latents, 500, context)
    counts = [counted.get_total_flops() / 2e9 for counted in (ours, original)]
    report(
        f"pose_transfer_arithmetic_{family}_{side}",
        ours=counts[0],
        peer=counts[1],
        ratio=counts[1] / counts[0],
        unit="billion multiply-adds per denoising step",
        detail={"temporal_modules": temporal.count},
    )


def in_bfloat16(reference: Reference) -> Reference:
    pairs = reference.keys_values.items()
    return Reference(
        context_11D=reference.context_11D.bfloat16(),
        keys_values={path: (key.bfloat16(), value.bfloat16()) for path, (key, value) in pairs},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", choices=SHAPES, default="sd15-random")
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="the small shape at 128 pixels")
    parser.add_argument("--only", choices=("arithmetic", "reference", "step"))
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    family, side = ("small-random", 128) if given.quick else (given.family, given.side)
    if given.only in (None, "arithmetic"):
        count_arithmetic(family, side)
    if given.only in (None, "reference"):
        measure_reference(family, side)
    if given.only in (None, "step"):
        measure_step(family, side, given.rounds)


if __name__ == "__main__":
    main()
