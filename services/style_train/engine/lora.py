"""Trains a low-rank adapter of the denoiser on an artist's pictures.

The adapter is float32 over frozen weights of any precision. Pictures and captions are encoded once; what is kept of
a picture is its posterior, so every step sees a fresh sample of it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import peft
import torch
from torch import Tensor, nn

from services.common.pictures import Pixels
from services.common.style_files import LoraModule, attention_modules, transformer_modules, wide_modules
from services.style_train.engine.diffusion import NoiseSchedule, loss_per_sample, rate_at
from services.style_train.engine.draws import plan_batches, stream
from services.style_train.engine.geometry import bucket_size, fit
from services.style_train.engine.networks import Networks, Posterior, encode_picture
from services.style_train.engine.recipes import LoraRecipe
from services.style_train.engine.state import pack, unpack
from services.style_train.engine.text import encode_prompts

_ADAPTER = "style"
_REACHES = {"attention": attention_modules, "transformers": transformer_modules, "wide": wide_modules}


@dataclass(frozen=True, slots=True, kw_only=True)
class StylePicture:
    """A picture to learn from, and what it shows."""

    image_HWC: Pixels
    caption: str


def inject_adapter(unet: Any, recipe: LoraRecipe) -> dict[str, Any]:
    """Freeze the denoiser and add an adapter that changes nothing yet; the adapted layers by path."""
    paths = list(_REACHES[recipe.reach](unet))
    unet.requires_grad_(requires_grad=False)
    config = peft.LoraConfig(
        r=recipe.rank, lora_alpha=recipe.alpha, target_modules=paths, init_lora_weights=False, lora_dropout=0.0
    )
    peft.inject_adapter_in_model(config, unet, adapter_name=_ADAPTER)
    generator = stream(recipe.seed, "init")
    layers = {path: unet.get_submodule(path) for path in paths}
    for layer in layers.values():
        down, up = layer.lora_A[_ADAPTER].float(), layer.lora_B[_ADAPTER].float()
        # Kaiming-uniform with slope sqrt(5), as kohya draws it: U(-1/sqrt(in), 1/sqrt(in)).
        bound = 1 / math.sqrt(down.weight[0].numel())
        drawn = torch.rand(down.weight.shape, generator=generator) * 2 * bound - bound
        down.weight.data.copy_(drawn)
        nn.init.zeros_(up.weight)
    return layers


class LoraTrainer:
    """One training: `plan`, then `step` until `step_done` is `steps`."""

    def __init__(self, networks: Networks, pictures: Sequence[StylePicture], recipe: LoraRecipe) -> None:
        self._networks = networks
        self._recipe = recipe
        self._schedule = NoiseSchedule.of(networks.scheduler_config)
        self._posteriors = [self._encode(picture) for picture in pictures]
        self._hidden_PLC = encode_prompts(networks, ["", *(picture.caption for picture in pictures)])
        self._layers = inject_adapter(networks.unet, recipe)
        self.parameters = self._named_parameters()
        self.optimiser = torch.optim.AdamW(
            self.parameters.values(), lr=recipe.rate, weight_decay=recipe.weight_decay, fused=True
        )
        self._noise = stream(recipe.seed, "noise")
        self.step_done = 0
        self.plan(recipe.steps)

    def plan(self, steps: int) -> None:
        """Decide every discrete choice of all steps; noise is drawn as it is needed."""
        recipe, shape = self._recipe, (steps, self._recipe.batch)
        self.steps = steps
        sizes = [tuple(posterior.mean_CHW.shape) for posterior in self._posteriors]
        self._members = plan_batches(sizes, steps=steps, batch=recipe.batch, order=stream(recipe.seed, "order"))
        times = stream(recipe.seed, "timesteps")
        self._timesteps_SB = torch.randint(self._schedule.timesteps, shape, generator=times)
        drops = stream(recipe.seed, "dropout")
        self._dropped_SB = torch.rand(shape, generator=drops) < recipe.caption_dropout

    def step(self) -> float:
        """One update; the loss before it."""
        loss = self._draw_loss(self.step_done, self._noise)
        rate = rate_at(
            self.step_done,
            rate=self._recipe.rate,
            steps=self.steps,
            warmup=self._recipe.warmup,
            curve=self._recipe.curve,
        )
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.update(loss)
        self.step_done += 1
        return float(loss.detach())

    def try_step(self) -> None:
        """The work of a step, with nothing changed by it: for measuring how long one takes."""
        torch.autograd.backward(self._draw_loss(0, stream(self._recipe.seed, "trial")))
        self.optimiser.zero_grad()

    def update(self, loss: Tensor) -> None:
        torch.autograd.backward(loss)
        # A list: clipping consumes an iterator, and an empty one clips nothing without a word.
        nn.utils.clip_grad_norm_(list(self.parameters.values()), self._recipe.clip_norm)
        self.optimiser.step()
        self.optimiser.zero_grad()

    def loss(self, latents_BCHW: Tensor, noise_BCHW: Tensor, timesteps_B: Tensor, hidden_BLC: Tensor) -> Tensor:
        """Mean over the batch of each sample's squared error, weighted by min-SNR when the recipe says so."""
        unet, schedule = self._networks.unet, self._schedule
        noised = schedule.noised(latents_BCHW, noise_BCHW, timesteps_B)
        answer = unet(noised.to(unet.dtype), timesteps_B, hidden_BLC.to(unet.dtype)).sample
        loss_B = loss_per_sample(answer, schedule.target(latents_BCHW, noise_BCHW, timesteps_B))
        if self._recipe.snr_gamma is not None:
            loss_B = loss_B * schedule.min_snr_weight(timesteps_B, self._recipe.snr_gamma)
        return loss_B.mean()

    def modules(self) -> dict[str, LoraModule]:
        """The adapter as it stands, by path of the adapted module."""
        return {
            path: LoraModule(
                down=layer.lora_A[_ADAPTER].weight.detach().clone(),
                up=layer.lora_B[_ADAPTER].weight.detach().clone(),
                alpha=self._recipe.alpha,
            )
            for path, layer in self._layers.items()
        }

    def state(self) -> dict[str, Tensor]:
        return pack(self.parameters, self.optimiser, self._noise)

    def restore(self, state: Mapping[str, Tensor], *, step_done: int) -> None:
        unpack(state, self.parameters, self.optimiser, self._noise)
        self.step_done = step_done

    def _draw_loss(self, step: int, noise: torch.Generator) -> Tensor:
        members, device = self._members[step], self._networks.device
        posteriors = [self._posteriors[member] for member in members]
        mean_BCHW = torch.stack([posterior.mean_CHW for posterior in posteriors])
        std_BCHW = torch.stack([posterior.std_CHW for posterior in posteriors])
        fresh, noise_BCHW = (torch.randn(mean_BCHW.shape, generator=noise).to(device) for _ in range(2))
        if self._recipe.noise_offset:
            offset = torch.randn((*mean_BCHW.shape[:2], 1, 1), generator=noise).to(device)
            noise_BCHW = noise_BCHW + self._recipe.noise_offset * offset
        captions_B = torch.tensor(members) + 1
        captions_B = captions_B.masked_fill(self._dropped_SB[step], 0).to(device)
        timesteps_B = self._timesteps_SB[step].to(device)
        return self.loss(mean_BCHW + std_BCHW * fresh, noise_BCHW, timesteps_B, self._hidden_PLC[captions_B])

    def _encode(self, picture: StylePicture) -> Posterior:
        height, width = picture.image_HWC.shape[:2]
        networks = self._networks
        size_wh = bucket_size(width, height, resolution=networks.resolution, step=networks.size_step)
        return encode_picture(networks, fit(picture.image_HWC, size_wh))

    def _named_parameters(self) -> dict[str, nn.Parameter]:
        found = {}
        for path, layer in self._layers.items():
            found[f"{path}.down"] = layer.lora_A[_ADAPTER].weight
            found[f"{path}.up"] = layer.lora_B[_ADAPTER].weight
        return found
