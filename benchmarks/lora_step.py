"""Seconds and memory of one LoRA training step at the full size of Stable Diffusion 1.5, batch 1, random weights.

Ours stands against
- example: the order of work of diffusers' `train_text_to_image_lora.py`: every step encodes the picture and the caption
  again, and everything is float32;
- tuned: what kohya's best settings do: latents and text encoded once, the frozen denoiser in bfloat16 under autocast,
  adapters in float32. Where the processor has no bfloat16 of its own that would be slower than float32, so there the
  tuned peer computes in float32; the measured rates of both are printed.

All sides adapt the same 128 attention projections at rank 4, start from the same adapter and see the same noise. Each
runs in a process of its own, one after another, so that peaks of memory are its own. Prints a line of JSON for each
comparison; the last one is against the example at the smallest resolution asked for.

    python benchmarks/lora_step.py [--quick] [--resolutions 256 512] [--steps 3] [--threads 2] [--clock wall|cpu]

`--clock cpu` counts the process's CPU seconds, for a machine on which others work too (with `--threads 1`).
It needs about 8 GiB.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from peft import LoraConfig
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPTextConfig, CLIPTextModel

from benchmarks.reporting import report
from services.common.style_files import attention_modules
from services.style_train.engine.diffusion import NoiseSchedule, loss_per_sample
from services.style_train.engine.frozen import bring_into
from services.style_train.engine.low_rank import attach, gradient_norm, parameters_of
from services.style_train.model import suiting_form

RANK, SEED, CAPTION_LENGTH = 4, 7, 77
DOWN = ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D")
UP = ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D")
SMALL = (32, 64, 128, 128)
FULL = (320, 640, 1280, 1280)


def filled(build: Callable[[], Any]) -> Any:
    """A network of random weights, without the seconds that its own initialisation takes."""
    with torch.device("meta"):
        network = build()
    network = network.to_empty(device="cpu").requires_grad_(requires_grad=False).eval()
    generator = torch.Generator().manual_seed(SEED)
    block = torch.randn(2**20, generator=generator)
    for name, parameter in network.named_parameters():
        width = parameter[0].numel() if parameter.ndim > 1 else 1
        values = block.repeat(-(-parameter.numel() // len(block)))[: parameter.numel()].reshape(parameter.shape)
        is_norm = parameter.ndim == 1 and name.endswith("weight")
        parameter.copy_(torch.ones_like(parameter) if is_norm else values * (0.7 / width**0.5 if width > 1 else 0.01))
    for module in network.modules():
        for name, buffer in module.named_buffers(recurse=False):
            if name == "position_ids":
                buffer.copy_(torch.arange(buffer.numel()).reshape(buffer.shape))
    return network


def build_unet(widths: tuple[int, ...]) -> Any:
    groups = 32 if widths == FULL else 8
    return filled(
        lambda: UNet2DConditionModel(
            sample_size=64,
            block_out_channels=widths,
            down_block_types=DOWN,
            up_block_types=UP,
            cross_attention_dim=768,
            attention_head_dim=8,
            norm_num_groups=groups,
        )
    )


class Step:
    """One side: `run(index)` makes a step and returns its loss."""

    def __init__(self, widths: tuple[int, ...], px: int) -> None:
        self.unet = build_unet(widths)
        self.schedule = DDPMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000
        )
        generator = torch.Generator().manual_seed(SEED)
        self.latents = torch.randn((1, 4, px // 8, px // 8), generator=generator)
        self.noises = [torch.randn(self.latents.shape, generator=generator) for _ in range(8)]
        self.hidden = torch.randn((1, CAPTION_LENGTH, 768), generator=generator)
        self.times = [torch.tensor([200 + 90 * index]) for index in range(8)]

    def add_peft(self) -> Any:
        """The adapter as the scripts add it, with its optimiser."""
        names = ["to_q", "to_k", "to_v", "to_out.0"]
        self.unet.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=names))
        trained = [parameter for parameter in self.unet.parameters() if parameter.requires_grad]
        generator = torch.Generator().manual_seed(SEED)
        for name, parameter in self.unet.named_parameters():
            if "lora_A" in name:
                bound = 1 / parameter.shape[1] ** 0.5
                parameter.data = (torch.rand(parameter.shape, generator=generator) * 2 - 1) * bound
            elif "lora_B" in name:
                parameter.data = parameter.data.float()
        self.trained = trained
        return torch.optim.AdamW(trained, lr=1e-4, weight_decay=1e-2)

    def descend(self, optimiser: Any, predicted: Any, noise: Any) -> float:
        loss = torch.nn.functional.mse_loss(predicted.float(), noise.float())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        return float(loss.detach())


class Example(Step):
    def __init__(self, widths: tuple[int, ...], px: int) -> None:
        super().__init__(widths, px)
        small = widths != FULL
        kind = "DownEncoderBlock2D", "UpDecoderBlock2D"
        self.vae = filled(
            lambda: AutoencoderKL(
                block_out_channels=(8, 16, 16, 16) if small else (128, 256, 512, 512),
                down_block_types=(kind[0],) * 4,
                up_block_types=(kind[1],) * 4,
                layers_per_block=2,
                norm_num_groups=8 if small else 32,
            )
        )
        layers = {"num_hidden_layers": 2 if small else 12, "num_attention_heads": 12, "intermediate_size": 3072}
        config = CLIPTextConfig(hidden_size=768, **layers)
        self.text_encoder = filled(lambda: CLIPTextModel(config))
        self.optimiser = self.add_peft()
        self.picture = torch.rand((1, 3, px, px), generator=torch.Generator().manual_seed(SEED)) * 2 - 1
        self.ids = torch.arange(1, CAPTION_LENGTH + 1)[None]

    def run(self, index: int) -> float:
        latents = self.vae.encode(self.picture).latent_dist.sample() * 0.18215
        hidden = self.text_encoder(self.ids)[0]
        # What was just worked for is set aside: all sides learn from the same numbers, so that losses can be compared.
        latents, hidden = self.latents + 0 * latents, self.hidden + 0 * hidden
        noise = self.noises[index]
        noisy = self.schedule.add_noise(latents, noise, self.times[index])
        return self.descend(self.optimiser, self.unet(noisy, self.times[index], hidden).sample, noise)


class Tuned(Step):
    def __init__(self, widths: tuple[int, ...], px: int, *, bfloat16: bool) -> None:
        super().__init__(widths, px)
        self.bfloat16 = bfloat16
        if bfloat16:
            self.unet.to(torch.bfloat16)
            self.hidden = self.hidden.to(torch.bfloat16)
        self.optimiser = self.add_peft()

    def run(self, index: int) -> float:
        noise = self.noises[index]
        noisy = self.schedule.add_noise(self.latents, noise, self.times[index])
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            predicted = self.unet(noisy, self.times[index], self.hidden).sample
        return self.descend(self.optimiser, predicted, noise)


class Ours(Step):
    def __init__(self, widths: tuple[int, ...], px: int) -> None:
        super().__init__(widths, px)
        bring_into(suiting_form(self.unet, torch.device("cpu")), self.unet)
        generator = torch.Generator().manual_seed(SEED)
        self.parameters = parameters_of(
            attach(attention_modules(self.unet), rank=RANK, alpha=RANK, generator=generator)
        )
        self.optimiser = torch.optim.AdamW(self.parameters.values(), lr=1e-4, weight_decay=1e-2, fused=True)
        self.noised = NoiseSchedule.of(self.schedule.config).noised
        self.loss, self.norm = loss_per_sample, gradient_norm

    def run(self, index: int) -> float:
        noise, dtype = self.noises[index], self.unet.dtype
        noisy = self.noised(self.latents, noise, self.times[index])
        predicted = self.unet(noisy.to(dtype), self.times[index], self.hidden.to(dtype)).sample
        loss = self.loss(predicted, noise).mean()
        loss.backward()
        self.norm(self.parameters.values(), most=1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return float(loss.detach())


def matrix_rate(dtype_name: str) -> float:
    """GFLOP a CPU second of square matrix products."""
    side = 1024 if dtype_name == "float32" else 256  # without instructions of its own bfloat16 takes minutes
    first = torch.randn(side, side).to(getattr(torch, dtype_name))
    first @ first
    began = time.process_time()
    rounds = 4
    for _ in range(rounds):
        first @ first
    return 2 * rounds * side**3 / (time.process_time() - began) / 1e9


def where_time_goes(step: Step) -> dict[str, float]:
    """Shares of the CPU time of one step by kind of work."""
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiled:
        step.run(0)
    kinds = {
        "convolutions": ("conv", "im2col", "col2im"),
        "matrix products": ("mm", "linear"),
        "attention": ("attention",),
        "norms": ("norm",),
        "activations": ("silu", "gelu"),
        "copies and widening": ("copy", "clone", "cat", "contiguous", "zero", "fill"),
    }
    shares: dict[str, float] = {}
    total = 0.0
    for event in profiled.key_averages():
        own = float(event.self_cpu_time_total)
        kind = next((kind for kind, words in kinds.items() if any(word in event.key for word in words)), "other")
        shares[kind] = shares.get(kind, 0.0) + own
        total += own
    return {kind: round(own / total, 3) for kind, own in sorted(shares.items(), key=lambda one: -one[1])}


def run_side(side: str, px: int, steps: int, threads: int, widths: tuple[int, ...]) -> None:
    torch.set_num_threads(threads)
    rates = {name: matrix_rate(name) for name in ("float32", "bfloat16")}
    # The tuned peer takes the precision that is the faster here.
    makers: dict[str, Callable[[], Any]] = {
        "example": lambda: Example(widths, px),
        "tuned": lambda: Tuned(widths, px, bfloat16=rates["bfloat16"] > rates["float32"]),
        "ours": lambda: Ours(widths, px),
    }
    step = makers[side]()
    losses, wall, cpu = [step.run(0)], [], []
    for index in range(1, steps + 1):
        times = time.perf_counter(), time.process_time()
        losses.append(step.run(index % len(step.noises)))
        wall.append(time.perf_counter() - times[0])
        cpu.append(time.process_time() - times[1])
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 2**20
    told: dict[str, object] = {"wall": min(wall), "cpu": min(cpu), "peak_GiB": round(peak, 2), "losses": losses}
    told["gflop_per_cpu_second"] = {name: round(rate, 1) for name, rate in rates.items()}
    if side == "ours":
        told |= {"forward_gflop": count_gflop(step), "where_time_goes": where_time_goes(step)}
    print(json.dumps(told))


def count_gflop(step: Step) -> float:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        step.unet(step.latents.to(step.unet.dtype), step.times[0], step.hidden.to(step.unet.dtype))
    return counter.get_total_flops() / 1e9


def measured(side: str, px: int, options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--side", side, "--resolutions", str(px), "--steps", str(options.steps)]
    command += ["--threads", str(options.threads)] + (["--quick"] if options.quick else [])
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 (this very file)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(json.dumps({"side": side, "px": px, **found}), flush=True)
    return found


def compare(px: int, options: argparse.Namespace) -> None:
    """All sides at one resolution."""
    sides = {side: measured(side, px, options) for side in options.sides}
    ours = sides.pop("ours")
    rate = ours["gflop_per_cpu_second"]["float32"]
    for name, peer in reversed(sides.items()):
        gap = max(abs(a - b) / b for a, b in zip(ours["losses"], peer["losses"], strict=True))
        report(
            f"lora_step.{px}px.{name}",
            ours=ours[options.clock],
            peer=peer[options.clock],
            ratio=peer[options.clock] / ours[options.clock],
            unit=f"{options.clock} seconds a step",
            detail={
                "peak_GiB": {"ours": ours["peak_GiB"], "peer": peer["peak_GiB"]},
                "memory_share": round(ours["peak_GiB"] / peer["peak_GiB"], 3),
                "largest_difference_of_losses": round(gap, 4),
                "mean_loss": round(statistics.mean(ours["losses"]), 4),
                # Forward, and as much again for the gradients of what flows; the weights have none.
                "share_of_matrix_rate": round(2 * ours["forward_gflop"] / ours["cpu"] / rate, 3),
                "where_time_goes": ours["where_time_goes"],
                "gflop_per_cpu_second": ours["gflop_per_cpu_second"],
                "threads": options.threads,
                "steps": options.steps,
                "widths": SMALL if options.quick else FULL,
            },
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the width: shows that it runs, not the claim")
    parser.add_argument("--resolutions", type=int, nargs="+", default=[512, 256])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    parser.add_argument(
        "--sides", nargs="+", choices=["ours", "tuned", "example"], default=["ours", "example", "tuned"]
    )
    parser.add_argument("--side", choices=["ours", "tuned", "example"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        widths = SMALL if options.quick else FULL
        run_side(options.side, options.resolutions[0], options.steps, options.threads, widths)
        return
    if options.quick and options.resolutions == [512, 256]:
        options.resolutions = [256]
    for px in options.resolutions:
        compare(px, options)


if __name__ == "__main__":
    main()
