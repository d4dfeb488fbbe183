"""Trains a low-rank adapter of the denoiser on an artist's pictures.

The adapter is float32 over frozen weights of any precision. Pictures and captions are encoded once; what is kept of
a picture is its posterior, so every step sees a fresh sample of it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from services.common.errors import InvalidInput
from services.common.pictures import Pixels
from services.common.style_files import (
    LoraModule,
    attention_modules,
    text_modules,
    transformer_modules,
    wide_modules,
)
from services.style_train.engine.diffusion import NoiseSchedule, loss_per_sample, rate_at
from services.style_train.engine.draws import plan_batches, stream
from services.style_train.engine.geometry import bucket_size, fit
from services.style_train.engine.held_out import HeldOut
from services.style_train.engine.low_rank import attach, gradient_norm, parameters_of
from services.style_train.engine.networks import Networks, Posterior, encode_picture
from services.style_train.engine.recipes import LoraRecipe
from services.style_train.engine.state import pack, unpack
from services.style_train.engine.text import encode_ids, encode_prompts, tokenise

_REACHES = {"attention": attention_modules, "transformers": transformer_modules, "wide": wide_modules}
_LOOK_TIMESTEPS = 4  # at which the held-out loss is measured, from little noise to much
_TEXT = "text/"  # before the names of the text encoder's parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class StylePicture:
    """A picture to learn from, and what it shows."""

    image_HWC: Pixels
    caption: str


class LoraTrainer:
    """One training: `plan`, then `step` until `step_done` is `steps`."""

    def __init__(self, networks: Networks, pictures: Sequence[StylePicture], recipe: LoraRecipe) -> None:
        self._networks = networks
        self._recipe = recipe
        self._schedule = NoiseSchedule.of(networks.scheduler_config)
        captions = ["", *(picture.caption for picture in pictures)]
        self._posteriors = [self._encode(picture) for picture in pictures]
        self._ids_PL = tokenise(networks, captions)
        self._hidden_PLC = encode_prompts(networks, captions)
        networks.unet.requires_grad_(requires_grad=False)
        networks.text_encoder.requires_grad_(requires_grad=False)
        init = partial(attach, rank=recipe.rank, alpha=recipe.alpha, generator=stream(recipe.seed, "init"))
        self._unet = init(_REACHES[recipe.reach](networks.unet))
        self._text = init(text_modules(networks.text_encoder)) if recipe.text_rate else {}
        unet, text = parameters_of(self._unet), parameters_of(self._text)
        self.parameters = {**unet, **{_TEXT + name: value for name, value in text.items()}}
        self._rates = [recipe.rate, recipe.text_rate]
        groups = [{"params": list(own.values())} for own in (unet, text) if own]
        self.optimiser = torch.optim.AdamW(groups, lr=recipe.rate, weight_decay=recipe.weight_decay, fused=True)
        self._noise = stream(recipe.seed, "noise")
        self.losses: list[float] = []
        self.held_out = HeldOut() if recipe.look_every and len(pictures) > 1 else None
        self.step_done = 0
        self.plan(recipe.steps, batch=recipe.batch)

    @property
    def trained(self) -> int:
        """How many numbers are learned."""
        return sum(parameter.numel() for parameter in self.parameters.values())

    @property
    def frozen(self) -> nn.Module:
        """The network whose weights stay."""
        unet: nn.Module = self._networks.unet
        return unet

    def plan(self, steps: int, *, batch: int) -> None:
        """Decide every discrete choice of all steps; noise is drawn as it is needed."""
        recipe, shape = self._recipe, (steps, batch)
        self.steps, self.batch = steps, batch
        kept = self._posteriors[:-1] if self.held_out is not None else self._posteriors
        sizes = [tuple(posterior.mean_CHW.shape) for posterior in kept]
        self._members = plan_batches(sizes, steps=steps, batch=batch, order=stream(recipe.seed, "order"))
        times = stream(recipe.seed, "timesteps")
        self._timesteps_SB = torch.randint(self._schedule.timesteps, shape, generator=times)
        drops = stream(recipe.seed, "dropout")
        self._dropped_SB = torch.rand(shape, generator=drops) < recipe.caption_dropout

    def step(self) -> float:
        """One update; the loss before it."""
        recipe = self._recipe
        loss = self._draw_loss(self.step_done, self._noise)
        for group, rate in zip(self.optimiser.param_groups, self._rates, strict=False):
            group["lr"] = rate_at(self.step_done, rate=rate, steps=self.steps, warmup=recipe.warmup, curve=recipe.curve)
        self.update(loss)
        self.step_done += 1
        self.losses.append(float(loss.detach()))
        if self.held_out is not None and (self.step_done % recipe.look_every == 0 or self.step_done == self.steps):
            self._look(self.held_out)
        return self.losses[-1]

    def try_step(self) -> None:
        """The work of a step, with nothing changed by it: for measuring how long one takes."""
        torch.autograd.backward(self._draw_loss(0, stream(self._recipe.seed, "trial")))
        self.optimiser.zero_grad()

    def try_sample(self) -> Tensor:
        """The loss of one sample, as it is before the way back."""
        posterior, device = self._posteriors[0], self._networks.device
        noise = torch.randn((1, *posterior.mean_CHW.shape), generator=stream(self._recipe.seed, "trial")).to(device)
        captions_B = torch.zeros(1, dtype=torch.long, device=device)
        return self.loss(posterior.mean_CHW[None], noise, captions_B, self._hidden(captions_B))

    def update(self, loss: Tensor) -> None:
        """One step of the optimiser down this loss.

        Raises:
            InvalidInput: the gradient is not finite (`LOSS_NOT_FINITE`); nothing was changed.
        """
        torch.autograd.backward(loss)
        if not math.isfinite(gradient_norm(self.parameters.values(), most=self._recipe.clip_norm)):
            raise InvalidInput(
                f"the gradient is not a number after {self.step_done} steps: leave out damaged pictures, or try again",
                reason="LOSS_NOT_FINITE",
            )
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
        """The denoiser's adapter as it stands, by path of the adapted module."""
        return {path: one.as_module() for path, one in self._unet.items()}

    def text_modules(self) -> dict[str, LoraModule]:
        """The text encoder's; empty where it is not trained."""
        return {path: one.as_module() for path, one in self._text.items()}

    def state(self) -> dict[str, Tensor]:
        looked = self.held_out.state() if self.held_out is not None else {}
        return {**pack(self.parameters, self.optimiser, self._noise, self.losses), **looked}

    def restore(self, state: Mapping[str, Tensor], *, step_done: int) -> None:
        self.losses = unpack(state, self.parameters, self.optimiser, self._noise)
        if self.held_out is not None:
            self.held_out.restore(state)
            if self.held_out.tired:
                self.steps = step_done
        self.step_done = step_done

    @torch.no_grad()
    def _look(self, held_out: HeldOut) -> None:
        """Measure the picture that is held out; when that has been in vain for long, this was the last step."""
        posterior, last = self._posteriors[-1], len(self._posteriors)
        noise = stream(self._recipe.seed, "held out")
        shape = (_LOOK_TIMESTEPS, *posterior.mean_CHW.shape)
        fresh, noise_BCHW = (torch.randn(shape, generator=noise).to(self._networks.device) for _ in range(2))
        parts_B = (torch.arange(_LOOK_TIMESTEPS) * 2 + 1) / (2 * _LOOK_TIMESTEPS)
        timesteps_B = (parts_B * self._schedule.timesteps).long().to(self._networks.device)
        latents_BCHW = posterior.mean_CHW + posterior.std_CHW * fresh
        hidden_BLC = self._hidden(torch.full((_LOOK_TIMESTEPS,), last, device=self._networks.device))
        held_out.look(float(self.loss(latents_BCHW, noise_BCHW, timesteps_B, hidden_BLC)), self.parameters)
        if held_out.tired:
            self.steps = self.step_done
        if self.step_done == self.steps:
            held_out.put_back(self.parameters)

    def _hidden(self, captions_B: Tensor) -> Tensor:
        """Hidden states of captions by number; 0 is the empty one. Encoded anew where the text encoder learns too."""
        return (
            encode_ids(self._networks, self._ids_PL[captions_B.cpu()]) if self._text else self._hidden_PLC[captions_B]
        )

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
        return self.loss(mean_BCHW + std_BCHW * fresh, noise_BCHW, timesteps_B, self._hidden(captions_B))

    def _encode(self, picture: StylePicture) -> Posterior:
        height, width = picture.image_HWC.shape[:2]
        networks = self._networks
        size_wh = bucket_size(width, height, resolution=networks.resolution, step=networks.size_step)
        return encode_picture(networks, fit(picture.image_HWC, size_wh))
