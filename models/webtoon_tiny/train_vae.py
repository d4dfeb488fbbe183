"""Trains the autoencoder on pictures that this package draws: `python -m models.webtoon_tiny.train_vae`.

Resumes from the committed fp16 weights where they exist; the optimiser starts anew behind a warm-up.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from diffusers.training_utils import EMAModel
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.webtoon_tiny import manifest
from models.webtoon_tiny.measure_vae import measure
from models.webtoon_tiny.pictures.characters import draw_character
from models.webtoon_tiny.pictures.characters_looks import sample_look, sample_pose
from models.webtoon_tiny.pictures.collage import draw_collage, draw_texture
from models.webtoon_tiny.pictures.styles import sample_style
from models.webtoon_tiny.pictures.supply import draw_captioned
from models.webtoon_tiny.training import RUNS, WEIGHTS, LossLog, learning_rate, save_averaged


@dataclass(frozen=True, slots=True, kw_only=True)
class VaeRecipe:
    """Everything that decides the run.

    `decoder_only` keeps the encoder, and with it every latent that other networks were trained on; `latent_noise` is
    the most noise, in standard deviations of the latents, that the decoder then learns to look through.
    """

    seed: int = 5
    widths: tuple[int, ...] = (16, 32, 64, 96)
    norm_groups: int = 1
    latent_channels: int = 16
    crop_px: int = 64
    picture_px: int = 128
    batch: int = 4
    steps: int = 4000
    peak_rate: float = 5e-4
    warmup: int = 60
    decay_from: float = 0.6
    gradient_weight: float = 0.6
    kl_weight: float = 1e-6
    average_decay: float = 0.998
    pool: int = 256
    fresh_per_step: int = 1
    scene_share: float = 0.5
    texture_share: float = 0.12
    figure_share: float = 0.22
    save_every_seconds: float = 240.0
    decoder_only: bool = False
    latent_noise: float = 0.0


def build_vae(recipe: VaeRecipe) -> AutoencoderKL:
    """An untrained autoencoder of the recipe's widths."""
    levels = len(recipe.widths)
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        vae = AutoencoderKL(
            block_out_channels=recipe.widths,
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            layers_per_block=1,
            norm_num_groups=recipe.norm_groups,
            latent_channels=recipe.latent_channels,
            mid_block_add_attention=False,
            sample_size=recipe.picture_px,
        )
        _start_linear(vae)
    # Almost no latent noise at first: with the usual deviation of one, a thousand steps learn only a mean colour.
    with torch.no_grad():
        vae.quant_conv.bias[recipe.latent_channels :] -= 8.0
    return vae


def _start_linear(vae: AutoencoderKL) -> None:
    """Starts as a shrink-and-enlarge of the picture: unit gain along the skip path, quiet residual branches, no biases.

    With torch's default start every convolution shrinks the signal and adds a constant, so that deep in the network the
    normalisations see little but constants, and thousands of steps pass before colours come through. Colours travel
    as a pair (x, -x), because silu(x) - silu(-x) = x passes the last activation unbent.
    """
    for name, module in vae.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            carried = torch.nn.init.dirac_(torch.empty_like(module.weight))
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)
            if name.endswith(("conv1", "conv2")):
                module.weight.data.mul_(1.0 if name.endswith("conv1") else 0.1)
            else:
                module.weight.data.mul_(torch.where(carried.sum(dim=(1, 2, 3), keepdim=True) > 0, 0.1, 0.5)).add_(
                    carried
                )
    for inward, outward in ((vae.encoder.conv_in, vae.encoder.conv_out), (vae.decoder.conv_in, vae.decoder.conv_out)):
        for channel in range(3):
            inward.weight.data[channel + 3] = -inward.weight.data[channel]
            outward.weight.data[channel, channel + 3, 1, 1] -= 1.0


def load_autoencoder(vae: AutoencoderKL, trained: AutoencoderKL) -> None:
    """Copies trained weights into `vae`, which may have more latent channels: the new ones begin untrained, the mean
    and the deviation of the old ones stay where they belong.
    """
    narrow, wide = trained.config.latent_channels, vae.config.latent_channels
    vae.register_to_config(scaling_factor=trained.config.scaling_factor)
    moments = torch.cat([torch.arange(narrow), wide + torch.arange(narrow)])
    state, source = vae.state_dict(), trained.state_dict()
    with torch.no_grad():
        state["post_quant_conv.weight"][narrow:, :narrow] = 0.0
        for name, old in source.items():
            outward = moments if name.startswith(("quant_conv.", "encoder.conv_out.")) else torch.arange(old.shape[0])
            if name.startswith("post_quant_conv."):
                outward = torch.arange(narrow)
            target = state[name]
            if old.ndim == 4 and target.shape[1] != old.shape[1]:
                inward = moments if name.startswith("quant_conv.") else torch.arange(narrow)
                untouched = torch.zeros_like(target[outward]) if "quant_conv" in name else target[outward]
                target[outward] = untouched.index_copy(1, inward, old)
            else:
                target[outward] = old


def draw_training_picture(recipe: VaeRecipe, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One square picture: a scene, a figure on white, a texture or a collage."""
    size = int(rng.choice([recipe.picture_px, recipe.picture_px, recipe.picture_px * 3 // 2]))
    kind = rng.random()
    if kind >= 1.0 - recipe.figure_share:
        look, pose, style = sample_look(rng), sample_pose(rng, roll=3.0), sample_style(rng)
        return draw_character(look, pose, style, width=size, height=size, seed=int(rng.integers(1 << 31)))[0]
    if kind < recipe.scene_share:
        return draw_captioned(rng, size, size)[0]
    if kind < recipe.scene_share + recipe.texture_share:
        return draw_texture(rng, size)
    return draw_collage(rng, size)


def crops(recipe: VaeRecipe, rng: np.random.Generator) -> Iterator[Tensor]:
    """Endless batches (B, 3, crop, crop) in -1..1, from a pool of pictures that is renewed all the time."""
    pool = [draw_training_picture(recipe, rng) for _ in range(recipe.pool)]
    while True:
        for _ in range(recipe.fresh_per_step):
            pool[int(rng.integers(recipe.pool))] = draw_training_picture(recipe, rng)
        batch = []
        for index in rng.integers(recipe.pool, size=recipe.batch):
            picture_HWC = pool[int(index)]
            top, left = rng.integers(picture_HWC.shape[0] - recipe.crop_px + 1, size=2)
            crop_HWC = picture_HWC[top : top + recipe.crop_px, left : left + recipe.crop_px]
            batch.append(crop_HWC[:, ::-1] if rng.random() < 0.5 else crop_HWC)
        yield torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2).float() / 127.5 - 1.0


def vae_loss(
    vae: AutoencoderKL, picture_BCHW: Tensor, recipe: VaeRecipe, noise: torch.Generator
) -> tuple[Tensor, float]:
    """The training loss, and the mean absolute error alone (in -1..1 units)."""
    posterior = vae.encode(picture_BCHW).latent_dist
    latent = posterior.mean + posterior.std * torch.randn(posterior.mean.shape, generator=noise)
    if recipe.latent_noise:
        amount_B111 = (
            torch.rand((len(latent), 1, 1, 1), generator=noise) * recipe.latent_noise / vae.config.scaling_factor
        )
        latent = latent + amount_B111 * torch.randn(latent.shape, generator=noise)
    drawn_BCHW = vae.decode(latent).sample
    error_BCHW = drawn_BCHW - picture_BCHW
    flat = error_BCHW.abs().mean()
    edges = (error_BCHW.diff(dim=2).abs().mean() + error_BCHW.diff(dim=3).abs().mean()) * 0.5
    coarse = functional.avg_pool2d(error_BCHW, 4).abs().mean()
    loss = flat + recipe.gradient_weight * edges + 0.3 * coarse + recipe.kl_weight * posterior.kl().mean()
    return loss, float(flat.detach())


def measure_scaling(vae: AutoencoderKL, recipe: VaeRecipe, pictures: int = 256) -> float:
    """One over the standard deviation of the latents of fresh pictures."""
    rng = np.random.default_rng(recipe.seed + 1)
    drawn = [draw_captioned(rng, recipe.picture_px, recipe.picture_px)[0] for _ in range(pictures)]
    with torch.no_grad():
        parts = []
        for start in range(0, pictures, 32):
            batch = torch.from_numpy(np.stack(drawn[start : start + 32])).permute(0, 3, 1, 2).float() / 127.5 - 1.0
            parts.append(vae.encode(batch).latent_dist.mean)
    return float(1.0 / torch.cat(parts).std())


def save_vae(vae: AutoencoderKL, average: EMAModel, recipe: VaeRecipe, folder: Path) -> None:
    """Averaged weights with a freshly measured scaling factor."""
    frozen = build_vae(recipe)
    frozen.load_state_dict(vae.state_dict())
    average.copy_to(frozen.parameters())
    if not recipe.decoder_only:
        vae.register_to_config(scaling_factor=round(measure_scaling(frozen.eval(), recipe), 4))
    save_averaged(vae, average, folder)


def train(recipe: VaeRecipe, folder: Path, log: LossLog, *, resume: bool, save: bool = True) -> list[float]:
    """Runs the recipe; returns the loss of every step."""
    vae = build_vae(recipe)
    if resume:
        load_autoencoder(vae, AutoencoderKL.from_pretrained(folder, torch_dtype=torch.float32))
    if recipe.decoder_only:
        vae.encoder.requires_grad_(requires_grad=False)
        vae.quant_conv.requires_grad_(requires_grad=False)
    trained = [parameter for parameter in vae.parameters() if parameter.requires_grad]
    average = EMAModel(vae.parameters(), decay=recipe.average_decay)
    optimiser = torch.optim.AdamW(trained, lr=recipe.peak_rate, betas=(0.9, 0.98), weight_decay=1e-3)
    supply = crops(recipe, np.random.default_rng(recipe.seed))
    noise = torch.Generator().manual_seed(recipe.seed)
    losses: list[float] = []
    saved_seconds = 0.0
    for step in range(recipe.steps):
        rate = learning_rate(
            step, steps=recipe.steps, peak=recipe.peak_rate, warmup=recipe.warmup, decay_from=recipe.decay_from
        )
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss, error = vae_loss(vae, next(supply), recipe, noise)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        average.step(vae.parameters())
        losses.append(float(loss.detach()))
        if step % 50 == 0:
            log.write(step, loss=float(np.mean(losses[-50:])), error=error, rate=rate)
        if save and log.seconds - saved_seconds > recipe.save_every_seconds:
            save_vae(vae, average, recipe, folder)
            saved_seconds = log.seconds
    if save:
        save_vae(vae, average, recipe, folder)
    return losses


def main() -> None:
    """Command line: `--steps N`, `--out FOLDER`, `--fresh` to ignore committed weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=VaeRecipe().steps)
    parser.add_argument("--rate", type=float, default=VaeRecipe().peak_rate)
    parser.add_argument("--seed", type=int, default=VaeRecipe().seed)
    parser.add_argument("--decay-from", type=float, default=VaeRecipe().decay_from)
    parser.add_argument("--latent-noise", type=float, default=0.0)
    parser.add_argument("--decoder-only", action="store_true")
    parser.add_argument("--latent-channels", type=int, default=VaeRecipe().latent_channels)
    parser.add_argument("--batch", type=int, default=VaeRecipe().batch)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=WEIGHTS / "vae")
    parser.add_argument("--fresh", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    recipe = VaeRecipe(
        steps=given.steps,
        peak_rate=given.rate,
        seed=given.seed,
        decay_from=given.decay_from,
        decoder_only=given.decoder_only,
        latent_noise=given.latent_noise,
        latent_channels=given.latent_channels,
        batch=given.batch,
    )
    resume = not given.fresh and (given.out / "config.json").exists()
    log = LossLog(RUNS / "vae.jsonl")
    train(recipe, given.out, log, resume=resume)
    run = {
        "seed": recipe.seed,
        "steps": recipe.steps,
        "pictures": recipe.steps * recipe.batch,
        "seconds": round(log.seconds),
    }
    manifest.add_run(given.out.parent, "vae", run, measure(given.out), fresh=not resume)


if __name__ == "__main__":
    main()
