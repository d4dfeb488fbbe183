"""The learned style as the bytes of a file that other programs read too."""

import torch

from services.common.palettes import PALETTE_KEY, Palette
from services.common.style_files import write_dreamstyler, write_lora
from services.style_train.engine.dreamstyler import DreamStylerTrainer
from services.style_train.engine.lora import LoraTrainer
from services.style_train.engine.networks import Networks
from services.style_train.engine.recipes import DreamStylerRecipe, LoraRecipe


def lora_file(
    trainer: LoraTrainer, networks: Networks, recipe: LoraRecipe, *, name: str, pictures: int, palette: Palette
) -> bytes:
    """A kohya LoRA file with the metadata that tools show."""
    metadata = {
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(recipe.rank),
        "ss_network_alpha": str(recipe.alpha),
        "ss_network_args": "{}",
        "ss_base_model_version": networks.base_model_version,
        "ss_sd_model_name": networks.name,
        "ss_v2": "False",
        "ss_output_name": name,
        "ss_resolution": f"({networks.resolution}, {networks.resolution})",
        "ss_num_train_images": str(pictures),
        "ss_steps": str(trainer.step_done),
        "ss_max_train_steps": str(trainer.steps),
        "ss_batch_size_per_device": str(recipe.batch),
        "ss_learning_rate": str(recipe.rate),
        "ss_unet_lr": str(recipe.rate),
        "ss_text_encoder_lr": str(recipe.text_rate),
        "ss_optimizer": "torch.optim.adamw.AdamW",
        "ss_lr_scheduler": recipe.curve,
        "ss_mixed_precision": "bf16" if networks.unet.dtype == torch.bfloat16 else "no",
        "ss_seed": str(recipe.seed),
        "ss_min_snr_gamma": str(recipe.snr_gamma),
        "ss_noise_offset": str(recipe.noise_offset),
        "ss_caption_dropout_rate": str(recipe.caption_dropout),
        "modelspec.architecture": "stable-diffusion-v1/lora",
        "modelspec.title": name,
        "modelspec.trigger_phrase": "",
        "modelspec.prediction_type": networks.scheduler_config.get("prediction_type", "epsilon"),
        "modelspec.resolution": f"{networks.resolution}x{networks.resolution}",
        PALETTE_KEY: palette.text(),
    }
    return write_lora(trainer.modules(), trainer.text_modules(), metadata=metadata)


def dreamstyler_file(
    trainer: DreamStylerTrainer,
    networks: Networks,
    recipe: DreamStylerRecipe,
    *,
    name: str,
    trigger: str,
    context: str,
    palette: Palette,
) -> bytes:
    """A DreamStyler file that says what it was learned on and how."""
    metadata = {
        "name": name,
        "family": networks.name,
        "base_model_version": networks.base_model_version,
        "init_token": recipe.init_words,
        "context_prompt": context,
        "steps": str(trainer.step_done),
        "learning_rate": str(recipe.rate),
        "seed": str(recipe.seed),
        PALETTE_KEY: palette.text(),
    }
    return write_dreamstyler(trainer.rows_TC, trigger=trigger, metadata=metadata)
