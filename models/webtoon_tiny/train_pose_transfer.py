"""Trains the pose transfer networks end to end: `python -m models.webtoon_tiny.train_pose_transfer DATA_FOLDER
[--steps N]`.

Resumes from the family's fp16 weights unless told `--fresh`; the optimiser starts anew behind a warm-up. DATA_FOLDER
holds `transfer_*.npz` sets made by `models.webtoon_tiny.transfer_data`. Latents of all pictures are computed once with
the family's autoencoder and kept there. One picture of a character is the reference, the others are targets in their
own poses.
"""

import argparse
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from models.webtoon_tiny.training import WEIGHTS, LossLog, learning_rate, load_widened
from models.webtoon_tiny.transfer_network import Transfer, TransferConfig, build_scheduler

CLIP_MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
CLIP_STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferTraining:
    """One run: seed, steps, characters a batch (each with three targets), peak rate, share of targets that see no
    reference.
    """

    seed: int = 13
    steps: int = 1200
    characters: int = 4
    rate: float = 1.0e-3
    warmup: int = 40
    decay_from: float = 0.3
    decay: float = 0.01
    blind: float = 0.12
    average: float = 0.995


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferBatch:
    """Characters C with T targets each: CLIP pixels (C, 3, 224, 224), reference latents (C, channels, h, w), targets
    (C * T, channels, h, w), skeletons (C * T, 3, H, W).
    """

    clip_C3HW: Tensor
    reference_CChw: Tensor
    target_NChw: Tensor
    skeleton_N3HW: Tensor


def clip_pixels(pictures_NHWC: NDArray[np.uint8], side: int) -> Tensor:
    """Square RGB pictures as the image encoder takes them."""
    unit = torch.from_numpy(np.ascontiguousarray(pictures_NHWC)).permute(0, 3, 1, 2).float() / 255
    resized = functional.interpolate(unit, size=(side, side), mode="bicubic", antialias=True).clamp(0, 1)
    return (resized - CLIP_MEAN) / CLIP_STD


@torch.inference_mode()
def encode_pictures(vae: AutoencoderKL, pictures_NHWC: NDArray[np.uint8]) -> Tensor:
    """Scaled latents (N, C, h, w), the mean of the autoencoder's distribution."""
    latents = []
    for start in range(0, len(pictures_NHWC), 16):
        unit = torch.from_numpy(np.ascontiguousarray(pictures_NHWC[start : start + 16])).permute(0, 3, 1, 2).float()
        latents.append(vae.encode(unit / 127.5 - 1).latent_dist.mean * vae.config["scaling_factor"])
    return torch.cat(latents)


def prepare_latents(folder: Path, vae: AutoencoderKL) -> None:
    """Writes `transfer_*.latents.safetensors` beside each set that has none."""
    for path in sorted(folder.glob("transfer_*.npz")):
        kept = path.with_suffix(".latents.safetensors")
        if not kept.exists():
            pictures = np.load(path)["pictures_NPHWC"]
            latents = encode_pictures(vae, pictures.reshape(-1, *pictures.shape[2:]))
            save_file({"latents_NPChw": latents.view(*pictures.shape[:2], *latents.shape[1:]).contiguous()}, kept)


def load_sets(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Tensor]:
    """Pictures and skeletons (N, P, H, W, 3) and latents (N, P, C, h, w) of all training sets."""
    paths = [
        path for path in sorted(folder.glob("transfer_[0-9]*.npz")) if path.with_suffix(".latents.safetensors").exists()
    ]
    sets = [np.load(path) for path in paths]
    latents = [load_file(path.with_suffix(".latents.safetensors"))["latents_NPChw"] for path in paths]
    return (
        np.concatenate([s["pictures_NPHWC"] for s in sets]),
        np.concatenate([s["skeletons_NPHWC"] for s in sets]),
        torch.cat(latents),
    )


def batches(
    sets: tuple[NDArray[np.uint8], NDArray[np.uint8], Tensor], config: TransferTraining, clip_side: int
) -> Iterator[TransferBatch]:
    """Endless shuffled passes; the reference of a character changes from pass to pass."""
    pictures, skeletons, latents = sets
    rng = np.random.default_rng(config.seed)
    poses = pictures.shape[1]
    while True:
        order = rng.permutation(len(pictures))
        for start in range(0, len(order) - config.characters + 1, config.characters):
            rows = order[start : start + config.characters]
            shift = rng.integers(poses, size=len(rows))
            others = (shift[:, None] + np.arange(1, poses)) % poses
            drawn = np.ascontiguousarray(skeletons[rows[:, None], others].reshape(-1, *skeletons.shape[2:]))
            yield TransferBatch(
                clip_C3HW=clip_pixels(pictures[rows, shift], clip_side),
                reference_CChw=latents[rows, shift],
                target_NChw=latents[rows[:, None], others].flatten(0, 1),
                skeleton_N3HW=torch.from_numpy(drawn).permute(0, 3, 1, 2).float() / 255,
            )


def transfer_loss(
    transfer: Transfer, batch: TransferBatch, config: TransferTraining, alphas_T: Tensor, generator: torch.Generator
) -> Tensor:
    """Mean squared error of the velocity; some targets are denoised without reference and context, as the unguided
    rows of inference.
    """
    context = transfer.image_encoder(batch.clip_C3HW).image_embeds.unsqueeze(1)
    bank = transfer.look(batch.reference_CChw, context)
    count = len(batch.target_NChw)
    each = count // len(batch.reference_CChw)
    looks = torch.rand(count, generator=generator) >= config.blind
    step = torch.randint(0, len(alphas_T), (count,), generator=generator)
    noise = torch.randn(batch.target_NChw.shape, generator=generator)
    signal, spread = (root.view(-1, 1, 1, 1) for root in (alphas_T[step].sqrt(), (1 - alphas_T[step]).sqrt()))
    noisy = signal * batch.target_NChw + spread * noise
    velocity = transfer.velocity(
        noisy,
        step,
        context.repeat_interleave(each, 0) * looks[:, None, None],
        transfer.pose_guider(batch.skeleton_N3HW),
        {name: seen.repeat_interleave(each, 0) for name, seen in bank.items()},
        looks,
    )
    return functional.mse_loss(velocity, signal * noise - spread * batch.target_NChw)


def train_steps(
    transfer: Transfer, supply: Iterator[TransferBatch], config: TransferTraining
) -> Iterator[tuple[int, float]]:
    """Yields (step, loss) after each update."""
    alphas_T = build_scheduler().alphas_cumprod
    generator = torch.Generator().manual_seed(config.seed)
    optimiser = torch.optim.AdamW(transfer.parameters(), lr=config.rate, weight_decay=config.decay, betas=(0.9, 0.98))
    for step in range(config.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(
                step, steps=config.steps, peak=config.rate, warmup=config.warmup, decay_from=config.decay_from
            )
        loss = transfer_loss(transfer, next(supply), config, alphas_T, generator)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(transfer.parameters(), 1.0)
        optimiser.step()
        yield step, float(loss.detach())


def save_family(transfer: Transfer, folder: Path) -> None:
    """Writes the trained parts as fp16 in the family's layout; the reference network goes without its unused last
    layers.
    """
    half = {name: value.detach().half().contiguous() for name, value in transfer.state_dict().items()}
    for part in ("reference_unet", "denoising_unet", "pose_guider", "image_encoder"):
        module, target = getattr(transfer, part), folder / part
        target.mkdir(parents=True, exist_ok=True)
        (module.config.to_json_file if part == "image_encoder" else module.save_config)(
            target / "config.json" if part == "image_encoder" else target
        )
        tensors = {name.removeprefix(f"{part}."): value for name, value in half.items() if name.startswith(f"{part}.")}
        if part == "reference_unet":
            tensors = {
                name: value for name, value in tensors.items() if not name.startswith(("conv_norm_out.", "conv_out."))
            }
        save_file(
            tensors,
            target / ("model.safetensors" if part == "image_encoder" else "diffusion_pytorch_model.safetensors"),
            {"format": "pt"},
        )
    build_scheduler().save_config(folder / "scheduler")


def load_family(transfer: Transfer, folder: Path) -> None:
    """Takes over the weights that `save_family` wrote, also into networks with more latent channels."""
    for part in ("reference_unet", "denoising_unet", "pose_guider", "image_encoder"):
        name = "model.safetensors" if part == "image_encoder" else "diffusion_pytorch_model.safetensors"
        load_widened(getattr(transfer, part), load_file(folder / part / name))


def averaged_into(average: dict[str, Tensor], state: Mapping[str, Tensor], keep: float) -> None:
    """Moves the running average, in place."""
    for name, value in state.items():
        if value.is_floating_point():
            average[name].mul_(keep).add_(value, alpha=1 - keep)
        else:
            average[name].copy_(value)


def main() -> None:
    """Trains; leaves `transfer_state.safetensors` (averaged, fp32) and `transfer_log.jsonl` in the data folder and, at
    the end, the networks in `--family`.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--family", type=Path, default=WEIGHTS)
    parser.add_argument("--steps", type=int, default=TransferTraining().steps)
    parser.add_argument("--seed", type=int, default=TransferTraining().seed)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    config = TransferTraining(steps=arguments.steps, seed=arguments.seed)
    torch.manual_seed(config.seed)
    vae = AutoencoderKL.from_pretrained(arguments.family / "vae", torch_dtype=torch.float32).eval()
    sizes = TransferConfig(latent_channels=vae.config.latent_channels)
    transfer = Transfer(sizes).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    if not arguments.fresh:
        load_family(transfer, arguments.family / "animate_anyone")
    prepare_latents(arguments.folder, vae)
    average = {name: value.clone() for name, value in transfer.state_dict().items()}
    supply = batches(load_sets(arguments.folder), config, sizes.image_side)
    log, begun = LossLog(arguments.folder / "transfer_log.jsonl"), time.process_time()
    state_path = arguments.folder / "transfer_state.safetensors"
    for step, loss in train_steps(transfer, supply, config):
        averaged_into(average, transfer.state_dict(), min(config.average, (1 + step) / (10 + step)))
        log.write(step, loss=loss, cpu_seconds=time.process_time() - begun)
        if step % 50 == 49 or step == config.steps - 1:
            save_file({name: value.contiguous() for name, value in average.items()}, state_path)
    transfer.load_state_dict(load_file(state_path))
    save_family(transfer, arguments.family / "animate_anyone")


if __name__ == "__main__":
    main()
