"""Trains the line ControlNet against the frozen UNet: `python -m models.webtoon_tiny.train_line_control`.

Its condition is the renderer's exact line layer in some pictures, and in the others the lines that the service's own
detector finds in the picture, since that is what it is given later. It has the UNet's residual blocks but none of its
attention: what the words mean is the UNet's business. Resumes from fp16 weights; the optimiser starts anew.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, ControlNetModel, DDPMScheduler, UNet2DConditionModel
from diffusers.training_utils import EMAModel
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from models.webtoon_tiny import manifest
from models.webtoon_tiny.pictures.captions import caption
from models.webtoon_tiny.pictures.layers import draw_lines
from models.webtoon_tiny.pictures.scenes import draw_scene, sample_scene
from models.webtoon_tiny.pictures.styles import sample_style
from models.webtoon_tiny.tokenizer import MAX_TOKENS
from models.webtoon_tiny.train_text_to_image import scheduler_config
from models.webtoon_tiny.training import RUNS, WEIGHTS, LossLog, run_course, save_averaged
from services.background.engine.lines import find_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class LineControlRecipe:
    """Everything that decides the run."""

    seed: int = 41
    line_widths: tuple[int, int, int, int] = (8, 16, 32, 64)
    picture_px: tuple[int, int] = (128, 128)
    batch: int = 12
    steps: int = 1000
    peak_rate: float = 1e-3
    warmup: int = 40
    decay_from: float = 0.5
    average_decay: float = 0.99
    caption_dropout: float = 0.3
    found_lines: float = 0.4
    noisier: float = 0.6
    first_pool: int = 512
    fresh_per_step: int = 4
    save_every_seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """The family's networks, which do not change."""

    vae: AutoencoderKL
    tokenizer: CLIPTokenizer
    text_encoder: CLIPTextModel
    unet: UNet2DConditionModel

    @classmethod
    def load(cls, folder: Path) -> "Frozen":
        """Those of a family, in fp32."""
        networks = cls(
            vae=AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32),
            tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer"),
            text_encoder=CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32),
            unet=UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32),
        )
        for network in (networks.vae, networks.text_encoder, networks.unet):
            network.eval().requires_grad_(requires_grad=False)
        return networks


def build_control(recipe: LineControlRecipe, unet: UNet2DConditionModel) -> ControlNetModel:
    """A ControlNet that begins with the UNet's own residual blocks and changes nothing yet."""
    levels = len(unet.config.block_out_channels)
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        control = ControlNetModel(
            in_channels=unet.config.in_channels,
            block_out_channels=unet.config.block_out_channels,
            down_block_types=("DownBlock2D",) * levels,
            mid_block_type="UNetMidBlock2D",
            layers_per_block=unet.config.layers_per_block,
            cross_attention_dim=unet.config.cross_attention_dim,
            attention_head_dim=unet.config.attention_head_dim,
            norm_num_groups=unet.config.norm_num_groups,
            conditioning_embedding_out_channels=recipe.line_widths,
        )
    own = control.state_dict()
    shared = {name: value for name, value in unet.state_dict().items() if name in own}
    control.load_state_dict({**own, **shared})
    return control


class LinePool:
    """Encoded pictures with their lines and captions; grows by fresh ones, hands out random batches."""

    def __init__(self, recipe: LineControlRecipe, vae: AutoencoderKL) -> None:
        self._recipe, self._vae = recipe, vae
        self._rng = np.random.default_rng(recipe.seed)
        self._kept: list[tuple[Tensor, Tensor, str]] = []

    def grow(self, pictures: int) -> None:
        """Draws, encodes and keeps this many pictures."""
        rng, (width, height) = self._rng, self._recipe.picture_px
        drawn = []
        for _ in range(pictures):
            scene, style = sample_scene(rng), sample_style(rng)
            picture_HWC = draw_scene(scene, style, width, height, rng)
            found = rng.random() < self._recipe.found_lines
            weight = float(rng.uniform(0.006, 0.016))
            lines_HW = find_lines(picture_HWC) if found else draw_lines(scene, width, height, weight=weight)
            drawn.append((picture_HWC, lines_HW, caption(scene, style, rng)))
        batch = torch.from_numpy(np.stack([one[0] for one in drawn])).permute(0, 3, 1, 2).float() / 127.5 - 1.0
        with torch.no_grad():
            latents = self._vae.encode(batch).latent_dist.mean * self._vae.config.scaling_factor
        self._kept += [
            (latent, torch.from_numpy(lines_HW)[None], words)
            for latent, (_, lines_HW, words) in zip(latents, drawn, strict=True)
        ]

    def batch(self) -> tuple[Tensor, Tensor, list[str]]:
        """Latents (B, C, h, w), lines (B, 3, H, W) in 0..1, and captions, some of them empty."""
        chosen = [self._kept[int(i)] for i in self._rng.integers(len(self._kept), size=self._recipe.batch)]
        said = [words if self._rng.random() > self._recipe.caption_dropout else "" for _, _, words in chosen]
        lines_B1HW = torch.stack([lines for _, lines, _ in chosen]).float() / 255
        return torch.stack([latent for latent, _, _ in chosen]), lines_B1HW.expand(-1, 3, -1, -1), said


def control_loss(
    control: ControlNetModel,
    networks: Frozen,
    schedule: DDPMScheduler,
    batch: tuple[Tensor, Tensor, list[str]],
    noise: torch.Generator,
    noisier: float,
) -> Tensor:
    """Mean squared error of the velocity; timesteps are 1000 u ** noisier, since noise is where lines are decided."""
    latents, lines, captions = batch
    tokenised = networks.tokenizer(
        captions, padding="max_length", truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
    )
    with torch.no_grad():
        words = networks.text_encoder(tokenised.input_ids).last_hidden_state
    epsilon = torch.randn(latents.shape, generator=noise)
    timesteps = (1000 * torch.rand(len(captions), generator=noise) ** noisier).long().clamp(max=999)
    noisy = schedule.add_noise(latents, epsilon, timesteps)
    down, mid = control(noisy, timesteps, words, lines, return_dict=False)
    velocity = networks.unet(
        noisy, timesteps, words, down_block_additional_residuals=down, mid_block_additional_residual=mid
    ).sample
    loss: Tensor = (velocity - schedule.get_velocity(latents, epsilon, timesteps)).square().mean()
    return loss


def train(
    recipe: LineControlRecipe, family: Path, folder: Path, log: LossLog, *, resume: bool, save: bool = True
) -> list[float]:
    """Runs the recipe for the UNet of `family`, writes into `folder`; returns the loss of every step."""
    networks = Frozen.load(family)
    control = build_control(recipe, networks.unet)
    if resume:
        control.load_state_dict(ControlNetModel.from_pretrained(folder, torch_dtype=torch.float32).state_dict())
    schedule = DDPMScheduler(**{k: v for k, v in scheduler_config().items() if k != "set_alpha_to_one"})
    average = EMAModel(control.parameters(), decay=recipe.average_decay)
    optimiser = torch.optim.AdamW(control.parameters(), lr=recipe.peak_rate, betas=(0.9, 0.99), weight_decay=1e-2)
    pool = LinePool(recipe, networks.vae)
    for _ in range(-(-recipe.first_pool // 32)):
        pool.grow(min(32, recipe.first_pool))
    noise = torch.Generator().manual_seed(recipe.seed)

    def loss_of_step() -> Tensor:
        pool.grow(recipe.fresh_per_step)
        return control_loss(control, networks, schedule, pool.batch(), noise, recipe.noisier)

    losses = run_course(
        recipe,
        optimiser,
        log,
        loss_of_step=loss_of_step,
        after_step=lambda: average.step(control.parameters()),
        clip_norm=1.0,
        keep=(lambda: save_averaged(control, average, folder)) if save else None,
    )
    if save:
        save_averaged(control, average, folder)
    return losses


def measure(control: ControlNetModel, networks: Frozen, *, batches: int = 12) -> dict[str, float]:
    """Velocity error on held-out pictures with the control, and with the same noise without it."""
    recipe = LineControlRecipe(seed=880_041, batch=16, found_lines=0.5, first_pool=0)
    pool = LinePool(recipe, networks.vae)
    pool.grow(16 * batches)
    schedule = DDPMScheduler(**{k: v for k, v in scheduler_config().items() if k != "set_alpha_to_one"})
    silent = build_control(recipe, networks.unet)
    errors: list[tuple[float, float]] = []
    with torch.no_grad():
        for index in range(batches):
            batch = pool.batch()
            with_lines, without = (
                float(control_loss(one, networks, schedule, batch, torch.Generator().manual_seed(index), 1.0))
                for one in (control, silent)
            )
            errors.append((with_lines, without))
    mean = np.mean(errors, axis=0)
    return {"velocity_error": round(float(mean[0]), 5), "velocity_error_without_lines": round(float(mean[1]), 5)}


def main() -> None:
    """Command line: `--family FOLDER`, `--out FOLDER`, `--steps N`, `--rate R`, `--seed S`, `--fresh`."""
    defaults = LineControlRecipe()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--steps", type=int, default=defaults.steps)
    parser.add_argument("--rate", type=float, default=defaults.peak_rate)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--fresh", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    recipe = LineControlRecipe(steps=given.steps, peak_rate=given.rate, seed=given.seed)
    folder = given.out / "controlnet"
    resume = not given.fresh and (folder / "config.json").exists()
    log = LossLog(RUNS / "line-control.jsonl")
    train(recipe, given.family, folder, log, resume=resume)
    run = {
        "seed": recipe.seed,
        "steps": recipe.steps,
        "pictures": recipe.steps * recipe.batch,
        "seconds": round(log.seconds),
    }
    measured = measure(ControlNetModel.from_pretrained(folder, torch_dtype=torch.float32), Frozen.load(given.family))
    manifest.add_run(given.out, "line_control", run, measured, fresh=not resume)


if __name__ == "__main__":
    main()
