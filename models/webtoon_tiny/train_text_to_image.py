"""Trains text encoder and UNet together from scratch: `python -m models.webtoon_tiny.train_text_to_image`.

Latents come from the frozen autoencoder; the pool of encoded pictures grows while training goes on. Resumes from the
committed fp16 weights where they exist; the optimiser starts anew behind a warm-up.
"""

import argparse
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, DDPMScheduler, UNet2DConditionModel
from diffusers.training_utils import EMAModel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from models.webtoon_tiny import manifest
from models.webtoon_tiny.pictures.captions import caption
from models.webtoon_tiny.pictures.scenes import sample_scene
from models.webtoon_tiny.pictures.styles import sample_style
from models.webtoon_tiny.pictures.supply import draw_captioned
from models.webtoon_tiny.tokenizer import MAX_TOKENS, train_tokenizer
from models.webtoon_tiny.training import RUNS, WEIGHTS, LossLog, load_widened, run_course, save_averaged


@dataclass(frozen=True, slots=True, kw_only=True)
class TextToImageRecipe:
    """Everything that decides the run."""

    seed: int = 11
    widths: tuple[int, int, int] = (64, 128, 256)
    text_width: int = 160
    text_layers: int = 3
    heads: int = 4
    picture_px: tuple[int, int] = (128, 128)
    batch: int = 16
    steps: int = 2000
    peak_rate: float = 6e-4
    warmup: int = 100
    decay_from: float = 0.7
    average_decay: float = 0.998
    caption_dropout: float = 0.1
    first_pool: int = 2048
    fresh_per_step: int = 4
    save_every_seconds: float = 600.0


def scheduler_config() -> dict[str, object]:
    """The noise schedule: more at the end than Stable Diffusion's, as a 16 x 16 latent shows its mean through more."""
    return {
        "num_train_timesteps": 1000,
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "beta_end": 0.018,
        "prediction_type": "v_prediction",
        "clip_sample": False,
        "set_alpha_to_one": False,
        "steps_offset": 1,
        "timestep_spacing": "leading",
    }


def build_unet(recipe: TextToImageRecipe, latent_channels: int) -> UNet2DConditionModel:
    """An untrained denoiser with Stable Diffusion's block names."""
    return UNet2DConditionModel(
        sample_size=recipe.picture_px[0] // 8,
        in_channels=latent_channels,
        out_channels=latent_channels,
        block_out_channels=recipe.widths,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=recipe.text_width,
        attention_head_dim=recipe.heads,
        norm_num_groups=16,
    )


def build_text_encoder(recipe: TextToImageRecipe, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """An untrained text encoder for this tokenizer."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=recipe.text_width,
            intermediate_size=4 * recipe.text_width,
            num_hidden_layers=recipe.text_layers,
            num_attention_heads=recipe.heads,
            max_position_embeddings=MAX_TOKENS,
            projection_dim=recipe.text_width,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


class LatentPool:
    """Encoded pictures and their captions; grows by fresh ones, hands out random batches."""

    def __init__(self, recipe: TextToImageRecipe, vae: AutoencoderKL, *, seed: int) -> None:
        self._recipe, self._vae = recipe, vae
        self._rng = np.random.default_rng(seed)
        self._latents: list[Tensor] = []
        self._captions: list[str] = []

    def grow(self, pictures: int) -> None:
        """Draws, encodes and keeps this many pictures."""
        width, height = self._recipe.picture_px
        drawn = [draw_captioned(self._rng, width, height) for _ in range(pictures)]
        batch = torch.from_numpy(np.stack([picture for picture, _ in drawn])).permute(0, 3, 1, 2).float() / 127.5 - 1.0
        with torch.no_grad():
            latents = self._vae.encode(batch).latent_dist.mean * self._vae.config.scaling_factor
        self._latents += list(latents)
        self._captions += [text for _, text in drawn]

    def batch(self, size: int) -> tuple[Tensor, list[str]]:
        """Latents (B, C, h, w) and captions, some of them empty so that guidance can be learnt."""
        chosen = [int(index) for index in self._rng.integers(len(self._latents), size=size)]
        captions = [self._captions[i] if self._rng.random() > self._recipe.caption_dropout else "" for i in chosen]
        return torch.stack([self._latents[i] for i in chosen]), captions


def denoising_loss(
    networks: tuple[CLIPTextModel, UNet2DConditionModel],
    tokenizer: CLIPTokenizer,
    schedule: DDPMScheduler,
    batch: tuple[Tensor, list[str]],
    noise: torch.Generator,
) -> Tensor:
    """Mean squared error of the predicted velocity at random timesteps."""
    text_encoder, unet = networks
    latents, captions = batch
    ids = tokenizer(
        captions, padding="max_length", truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
    ).input_ids
    words = text_encoder(ids).last_hidden_state
    epsilon = torch.randn(latents.shape, generator=noise)
    timesteps = torch.randint(0, 1000, (len(captions),), generator=noise)
    noisy = schedule.add_noise(latents, epsilon, timesteps)
    velocity = unet(noisy, timesteps, words).sample
    loss: Tensor = (velocity - schedule.get_velocity(latents, epsilon, timesteps)).square().mean()
    return loss


def load_networks(
    recipe: TextToImageRecipe, folder: Path, *, resume: bool
) -> tuple[AutoencoderKL, CLIPTokenizer, CLIPTextModel, UNet2DConditionModel]:
    """The frozen autoencoder, the tokenizer, and the two networks to train."""
    vae = (
        AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32)
        .eval()
        .requires_grad_(requires_grad=False)
    )
    if not (folder / "tokenizer" / "vocab.json").exists():
        rng = np.random.default_rng(recipe.seed)
        train_tokenizer((caption(sample_scene(rng), sample_style(rng), rng) for _ in range(6000)), folder / "tokenizer")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    if resume:
        text_encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
        trained = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32)
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            unet = build_unet(recipe, vae.config.latent_channels)
        load_widened(unet, trained.state_dict())
    else:
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            text_encoder, unet = build_text_encoder(recipe, tokenizer), build_unet(recipe, vae.config.latent_channels)
    return vae, tokenizer, text_encoder.train(), unet.train()


def save_pipeline(
    networks: tuple[CLIPTextModel, UNet2DConditionModel], averages: tuple[EMAModel, EMAModel], folder: Path
) -> None:
    """Averaged fp16 weights and the pipeline's index, in Stable Diffusion's layout."""
    save_averaged(networks[0], averages[0], folder / "text_encoder")
    save_averaged(networks[1], averages[1], folder / "unet")
    DDIMScheduler(**scheduler_config()).save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": "0.42.1",
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "feature_extractor": [None, None],
        "image_encoder": [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")


def train(recipe: TextToImageRecipe, folder: Path, log: LossLog, *, resume: bool, save: bool = True) -> list[float]:
    """Runs the recipe on the autoencoder in `folder`; returns the loss of every step."""
    vae, tokenizer, *networks = load_networks(recipe, folder, resume=resume)
    text_encoder, unet = networks
    schedule = DDPMScheduler(**{k: v for k, v in scheduler_config().items() if k != "set_alpha_to_one"})
    averages = tuple(EMAModel(network.parameters(), decay=recipe.average_decay) for network in networks)
    trained = [*text_encoder.parameters(), *unet.parameters()]
    optimiser = torch.optim.AdamW(trained, lr=recipe.peak_rate, betas=(0.9, 0.99), weight_decay=1e-2)
    pool = LatentPool(recipe, vae, seed=recipe.seed)
    for _ in range(-(-recipe.first_pool // 32)):
        pool.grow(min(32, recipe.first_pool))
    noise = torch.Generator().manual_seed(recipe.seed)

    def loss_of_step() -> Tensor:
        pool.grow(recipe.fresh_per_step)
        return denoising_loss((text_encoder, unet), tokenizer, schedule, pool.batch(recipe.batch), noise)

    def after_step() -> None:
        for average, network in zip(averages, networks, strict=True):
            average.step(network.parameters())

    keep = partial(save_pipeline, (text_encoder, unet), (averages[0], averages[1]), folder)
    losses = run_course(
        recipe,
        optimiser,
        log,
        loss_of_step=loss_of_step,
        after_step=after_step,
        clip_norm=1.0,
        keep=keep if save else None,
    )
    if save:
        save_pipeline((text_encoder, unet), (averages[0], averages[1]), folder)
    return losses


def main() -> None:
    """Command line: `--steps N`, `--rate R`, `--size W H`, `--out FOLDER` (with `vae/`), `--fresh` to start anew."""
    defaults = TextToImageRecipe()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=defaults.steps)
    parser.add_argument("--rate", type=float, default=defaults.peak_rate)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--decay-from", type=float, default=defaults.decay_from)
    parser.add_argument("--pool", type=int, default=defaults.first_pool)
    parser.add_argument("--size", type=int, nargs=2, default=defaults.picture_px)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--fresh", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    recipe = TextToImageRecipe(
        steps=given.steps, peak_rate=given.rate, seed=given.seed, decay_from=given.decay_from, first_pool=given.pool,
        picture_px=(given.size[0], given.size[1]),
    )  # fmt: skip
    resume = not given.fresh and (given.out / "unet" / "config.json").exists()
    log = LossLog(RUNS / "text-to-image.jsonl")
    losses = train(recipe, given.out, log, resume=resume)
    run = {
        "seed": recipe.seed,
        "steps": recipe.steps,
        "pictures": recipe.steps * recipe.batch,
        "seconds": round(log.seconds),
    }
    measured = {"velocity_error": round(float(np.mean(losses[-200:])), 5)}
    manifest.add_run(given.out, "text_to_image", run, measured, fresh=not resume)


if __name__ == "__main__":
    main()
