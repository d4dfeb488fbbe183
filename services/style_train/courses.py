"""The two methods behind one face: a trainer, the file it makes, and how a prompt is drawn in what it learned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from services.common.palettes import palette_of
from services.style_train.engine.diffusion import stage_of
from services.style_train.engine.dreamstyler import DreamStylerTrainer, context_prompt
from services.style_train.engine.files import dreamstyler_file, lora_file
from services.style_train.engine.lora import LoraTrainer, StylePicture
from services.style_train.engine.networks import Networks
from services.style_train.engine.recipes import DreamStylerRecipe, LoraRecipe
from services.style_train.engine.sampling import HiddenAt
from services.style_train.engine.text import encode_prompts, encode_with_rows, place_prompt
from services.style_train.engine.training import Trainer
from services.style_train.presets import dreamstyler_recipe, lora_recipe
from services.style_train.records import Method, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One method on one set of pictures."""

    trainer: Trainer
    trigger: str
    write_file: Callable[[], bytes]
    hidden_for: Callable[[Sequence[str]], HiddenAt]
    recipe: LoraRecipe | DreamStylerRecipe


def prepare(
    method: Method, order: Order, networks: Networks, pictures: Sequence[StylePicture], *, job_id: str
) -> Course:
    if method is Method.LORA:
        return _lora(order, networks, pictures)
    chosen = pictures if order.dreamstyler_from_all else pictures[:1]
    return _dreamstyler(order, networks, chosen, trigger=f"<sks-{job_id[:8]}>")


def _lora(order: Order, networks: Networks, pictures: Sequence[StylePicture]) -> Course:
    recipe = lora_recipe(order.preset, pictures=len(pictures), seed=order.seed, strength=order.strength)
    recipe = replace(recipe, rate=recipe.rate * networks.style_rate)
    if networks.scheduler_config.get("prediction_type") == "v_prediction":
        # Min-SNR all but ignores the noisiest timesteps of v, where palette and light are decided.
        recipe = replace(recipe, snr_gamma=None)
    trainer = LoraTrainer(networks, pictures, recipe)
    palette = palette_of([picture.image_HWC for picture in pictures])

    def hidden_for(prompts: Sequence[str]) -> HiddenAt:
        hidden_BLC = encode_prompts(networks, prompts)
        return lambda _timestep: hidden_BLC

    def write_file() -> bytes:
        count = len(pictures)
        return lora_file(trainer, networks, recipe, name=order.name, pictures=count, palette=palette)

    return Course(trainer=trainer, trigger="", write_file=write_file, hidden_for=hidden_for, recipe=recipe)


def _dreamstyler(order: Order, networks: Networks, pictures: Sequence[StylePicture], *, trigger: str) -> Course:
    recipe = dreamstyler_recipe(order.preset, seed=order.seed, strength=order.strength)
    trainer = DreamStylerTrainer(networks, pictures, recipe)

    def hidden_for(prompts: Sequence[str]) -> HiddenAt:
        with torch.no_grad():
            placed = [place_prompt(networks, context_prompt(prompt)) for prompt in prompts]
            hidden_TBLC = torch.stack([encode_with_rows(networks, one, trainer.rows_TC) for one in placed], dim=1)
        return lambda timestep: hidden_TBLC[stage_of(timestep, stages=recipe.stages, timesteps=trainer.timesteps)]

    def write_file() -> bytes:
        context = context_prompt(pictures[0].caption)
        return dreamstyler_file(
            trainer,
            networks,
            recipe,
            name=order.name,
            trigger=trigger,
            context=context,
            palette=palette_of([picture.image_HWC for picture in pictures]),
        )

    return Course(trainer=trainer, trigger=trigger, write_file=write_file, hidden_for=hidden_for, recipe=recipe)
