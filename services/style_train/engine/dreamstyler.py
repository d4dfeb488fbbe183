"""Trains one token vector for each stage of the denoising on one picture (Ahn et al. 2023), or, as an extension of
ours, on several with their captions: each step on one of them, each as often as any other.

The vectors are a (T, C) leaf of their own: rows come out as if they were in the token table, which is never touched.
Every batch covers every stage, so no stage is left to chance.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from services.style_train.engine.diffusion import NoiseSchedule, loss_per_sample, rate_at, stage_bounds
from services.style_train.engine.draws import plan_batches, stream
from services.style_train.engine.geometry import bucket_size, fit
from services.style_train.engine.lora import StylePicture
from services.style_train.engine.networks import Networks, Posterior, encode_picture
from services.style_train.engine.recipes import DreamStylerRecipe
from services.style_train.engine.state import pack, unpack
from services.style_train.engine.text import PlacedPrompt, encode_with_rows, place_prompt, word_vector

_STYLE_PHRASE = "in the style of {}"


def context_prompt(caption: str) -> str:
    """What the picture shows, so that only the rest, its style, is left for the vectors to learn."""
    return f"{caption.rstrip(' .,')} {_STYLE_PHRASE}"


class DreamStylerTrainer:
    """One training: `plan`, then `step` until `step_done` is `steps`."""

    def __init__(self, networks: Networks, pictures: Sequence[StylePicture], recipe: DreamStylerRecipe) -> None:
        self._networks = networks
        self._recipe = recipe
        self._schedule = NoiseSchedule.of(networks.scheduler_config)
        self._posteriors = [self._encode(picture) for picture in pictures]
        self.prompts = [place_prompt(networks, context_prompt(picture.caption)) for picture in pictures]
        for module in (networks.unet, networks.text_encoder):
            module.requires_grad_(requires_grad=False)
        start_C = word_vector(networks, recipe.init_words)
        self.rows_TC = nn.Parameter(start_C.repeat(recipe.stages, 1))
        self.optimiser = torch.optim.AdamW([self.rows_TC], lr=recipe.rate, weight_decay=recipe.weight_decay, fused=True)
        self._noise = stream(recipe.seed, "noise")
        self.losses: list[float] = []
        self.step_done = 0
        self.plan(recipe.steps, batch=recipe.stages * recipe.repeats)

    @property
    def timesteps(self) -> int:
        return self._schedule.timesteps

    @property
    def trained(self) -> int:
        """How many numbers are learned."""
        return self.rows_TC.numel()

    @property
    def frozen(self) -> nn.Module:
        """The network whose weights stay."""
        unet: nn.Module = self._networks.unet
        return unet

    def plan(self, steps: int, *, batch: int) -> None:
        """Decide the timesteps of all steps: each stage equally often in each batch, uniform within the stage.

        A batch smaller than the stages would leave some out, so that is the least.
        """
        repeats = max(1, batch // self._recipe.stages)
        self.steps, self.batch = steps, repeats * self._recipe.stages
        times = stream(self._recipe.seed, "timesteps")
        bounds = stage_bounds(self._recipe.stages, self._schedule.timesteps) * repeats
        drawn = [torch.randint(first, after, (steps,), generator=times) for first, after in bounds]
        self.timesteps_SB = torch.stack(drawn, dim=1)
        order = stream(self._recipe.seed, "pictures")
        self.pictures_S = [one for (one,) in plan_batches([0] * len(self.prompts), steps=steps, batch=1, order=order)]

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
        self.losses.append(float(loss.detach()))
        return self.losses[-1]

    def try_step(self) -> None:
        """The work of a step, with nothing changed by it: for measuring how long one takes."""
        torch.autograd.backward(self._draw_loss(0, stream(self._recipe.seed, "trial")))
        self.optimiser.zero_grad()

    def try_sample(self) -> Tensor:
        """The loss of one sample, as it is before the way back."""
        largest = max(self._posteriors, key=lambda posterior: posterior.mean_CHW.numel())
        mean_BCHW, device = largest.mean_CHW[None], self._networks.device
        noise = torch.randn(mean_BCHW.shape, generator=stream(self._recipe.seed, "trial")).to(device)
        return self.loss(mean_BCHW, noise, torch.zeros(1, dtype=torch.long, device=device), self.prompts[0])

    def update(self, loss: Tensor) -> None:
        torch.autograd.backward(loss)
        self.optimiser.step()
        self.optimiser.zero_grad()

    def loss(self, latents_BCHW: Tensor, noise_BCHW: Tensor, timesteps_B: Tensor, prompt: PlacedPrompt) -> Tensor:
        """Plain mean squared error, each sample reading the prompt with its own stage's row."""
        unet, schedule = self._networks.unet, self._schedule
        stages_B = timesteps_B * self._recipe.stages // schedule.timesteps
        hidden_BLC = encode_with_rows(self._networks, prompt, self.rows_TC)[stages_B]
        noised = schedule.noised(latents_BCHW, noise_BCHW, timesteps_B)
        answer = unet(noised.to(unet.dtype), timesteps_B, hidden_BLC.to(unet.dtype)).sample
        return loss_per_sample(answer, schedule.target(latents_BCHW, noise_BCHW, timesteps_B)).mean()

    def state(self) -> dict[str, Tensor]:
        return pack({"rows": self.rows_TC}, self.optimiser, self._noise, self.losses)

    def restore(self, state: Mapping[str, Tensor], *, step_done: int) -> None:
        self.losses = unpack(state, {"rows": self.rows_TC}, self.optimiser, self._noise)
        self.step_done = step_done

    def _draw_loss(self, step: int, noise: torch.Generator) -> Tensor:
        device = self._networks.device
        timesteps_B = self.timesteps_SB[step].to(device)
        posterior, prompt = self._posteriors[self.pictures_S[step]], self.prompts[self.pictures_S[step]]
        shape = (len(timesteps_B), *posterior.mean_CHW.shape)
        fresh, noise_BCHW = (torch.randn(shape, generator=noise).to(device) for _ in range(2))
        latents_BCHW = posterior.mean_CHW + posterior.std_CHW * fresh
        return self.loss(latents_BCHW, noise_BCHW, timesteps_B, prompt)

    def _encode(self, picture: StylePicture) -> Posterior:
        height, width = picture.image_HWC.shape[:2]
        networks = self._networks
        size_wh = bucket_size(width, height, resolution=networks.resolution, step=networks.size_step)
        return encode_picture(networks, fit(picture.image_HWC, size_wh))
