"""Drawings under way, and the one denoising step that serves several of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

import torch
from torch import Tensor

from services.background.engine.adapters import AdaptedModules, Plan, RowDeltas, plan_of
from services.background.engine.latents import PixelSide
from services.background.engine.line_control import LineControl, Lines
from services.background.engine.records import DrawingSpec
from services.background.engine.redraw import Kept, free_latents, put_back
from services.background.engine.schedules import create_scheduler, schedule_length, stage_of
from services.background.engine.text import TextSide
from services.common.pictures import Pixels
from services.common.style_files import wide_modules


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class Canvas:
    """One result being drawn; nothing of it is shared with another drawing."""

    spec: DrawingSpec
    index: int
    negative_1LC: Tensor
    prompt_TLC: Tensor  # the prompt's vectors for each stage
    scheduler: Any
    timesteps: list[int]
    latents_1CHW: Tensor
    clean_1CHW: Tensor  # the finished latents as guessed at the last step
    apart: tuple[Tensor, Tensor] | None = None  # vectors of the content (1, L, C) and of the style (T, L, C) alone
    kept: Kept | None = None
    steps_done: int = field(default=0)

    @property
    def seed(self) -> int:
        return self.spec.seed + self.index

    @property
    def finished(self) -> bool:
        return self.steps_done == len(self.timesteps)

    @property
    def rows(self) -> int:
        """Rows that it takes in a batch: with guidance the prompt and what to avoid are drawn side by side."""
        if self.apart is not None:
            return 4
        return 2 if self.spec.guidance > 1 else 1

    def hidden(self, stage: int) -> list[Tensor]:
        """What each of its rows reads."""
        prompt_1LC = self.prompt_TLC[stage : stage + 1]
        if self.apart is not None:
            content_1LC, style_TLC = self.apart
            return [self.negative_1LC, prompt_1LC, content_1LC, style_TLC[stage : stage + 1]]
        return [self.negative_1LC, prompt_1LC][-self.rows :]

    def guided(self, predicted: Tensor) -> Tensor:
        """One answer from its rows'."""
        if self.apart is not None and self.spec.style_guidance is not None:
            return self.spec.style_guidance.combined(predicted)
        if self.rows == 1:
            return predicted
        without, asked = predicted.chunk(2)
        return without + self.spec.guidance * (asked - without)


class Painter:
    """The networks of one family. Only one thread may call it."""

    def __init__(
        self,
        *,
        text: TextSide,
        pixels: PixelSide,
        unet: Any,
        scheduler_config: dict[str, Any],
        control: LineControl | None = None,
    ) -> None:
        self._text = text
        self._pixels = pixels
        self._unet = unet
        self._control = control
        self._adapted = AdaptedModules(wide_modules(unet))
        # By the first canvas of a step, with all of them: what was laid out for a step serves the next one, and is gone
        # with the drawing.
        self._plans: WeakKeyDictionary[Canvas, tuple[list[ReferenceType[Canvas]], Plan]] = WeakKeyDictionary()
        self._scheduler_config = scheduler_config
        self._train_steps = int(create_scheduler(scheduler_config).config.num_train_timesteps)

    @torch.inference_mode()
    def begin(self, spec: DrawingSpec) -> list[Canvas]:
        """The canvases of a drawing, one for each result.

        Raises:
            InvalidInput: the prompt is too long.
        """
        negative_1LC, prompt_TLC = self._text.encode(spec)
        reads_picture = spec.strength < 1 or spec.redraw is not None
        posterior = self._pixels.encode(spec.image_HWC) if spec.image_HWC is not None and reads_picture else None
        apart = self._text.encode_apart(spec) if spec.style_guidance and spec.stage_tokens else None
        canvases = []
        for index in range(spec.count):
            scheduler, timesteps = self._schedule(spec)
            latents, kept = self._first_latents(spec, index, scheduler, timesteps, posterior)
            canvases.append(
                Canvas(
                    spec=spec,
                    index=index,
                    negative_1LC=negative_1LC,
                    prompt_TLC=prompt_TLC,
                    scheduler=scheduler,
                    timesteps=timesteps,
                    latents_1CHW=latents,
                    clean_1CHW=latents,
                    apart=apart,
                    kept=kept,
                )
            )
        return canvases

    @torch.inference_mode()
    def step(self, canvases: Sequence[Canvas]) -> None:
        """One denoising step of each canvas, in one call of the UNet; all are of one size, none is finished."""
        latents, times, hidden = [], [], []
        lines: list[Lines | None] = []
        for canvas in canvases:
            time = canvas.timesteps[canvas.steps_done]
            scaled = canvas.scheduler.scale_model_input(canvas.latents_1CHW, time)
            stage = stage_of(time, stages=len(canvas.prompt_TLC), train_steps=self._train_steps)
            latents += [scaled] * canvas.rows
            times += [time] * canvas.rows
            lines += [canvas.spec.lines] * canvas.rows
            hidden += canvas.hidden(stage)
        with self._adapted.applied(self._plan(canvases)):
            batch = torch.cat(latents), torch.tensor(times, device=self._unet.device), torch.cat(hidden)
            added = self._control.residuals(*batch, lines) if self._control is not None else {}
            predicted = self._unet(*batch, **added, return_dict=False)[0]
        for canvas, rows in zip(canvases, predicted.split([canvas.rows for canvas in canvases]), strict=True):
            self._advance(canvas, rows)

    def finish(self, canvas: Canvas) -> Pixels:
        """The drawn picture.

        Raises:
            InvalidInput: it is not finite.
        """
        drawn_HWC = self._pixels.decode(canvas.latents_1CHW)
        return drawn_HWC if canvas.spec.redraw is None else put_back(canvas.spec.redraw, drawn_HWC)

    def preview(self, canvas: Canvas) -> Pixels:
        """A rough look at what it becomes."""
        return self._pixels.preview(canvas.clean_1CHW)

    def _plan(self, canvases: Sequence[Canvas]) -> Plan:
        kept = self._plans.get(canvases[0])
        if kept is not None and [one() for one in kept[0]] == list(canvases):
            return kept[1]
        batch, start = [], 0
        for canvas in canvases:
            uses = [(use.adapter.unet, use.weight) for use in canvas.spec.adapters]
            batch.append(RowDeltas(slice(start, start + canvas.rows), uses))
            start += canvas.rows
        plan = plan_of(batch)
        self._plans.clear()
        self._plans[canvases[0]] = [ref(one) for one in canvases], plan
        return plan

    def _schedule(self, spec: DrawingSpec) -> tuple[Any, list[int]]:
        scheduler = create_scheduler(self._scheduler_config, spec.scheduler)
        if spec.strength <= 0:
            return scheduler, []
        scheduler.set_timesteps(schedule_length(spec.steps, spec.strength))
        timesteps = [int(time) for time in scheduler.timesteps]
        skipped = len(timesteps) - min(spec.steps, len(timesteps))
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(skipped)
        return scheduler, timesteps[skipped:]

    def _first_latents(
        self,
        spec: DrawingSpec,
        index: int,
        scheduler: Any,
        timesteps: list[int],
        posterior: tuple[Tensor, Tensor] | None,
    ) -> tuple[Tensor, Kept | None]:
        """Noise, or the picture's latents with as much noise as the strength asks for; and what of it stays."""
        generator = torch.Generator().manual_seed(spec.seed + index)
        shape = (1, self._pixels.channels, spec.height // self._pixels.factor, spec.width // self._pixels.factor)
        if posterior is None:
            return self._noise(shape, generator) * float(scheduler.init_noise_sigma), None
        mean, std = posterior
        if not timesteps:
            return self._pixels.scaled(mean), None
        clean, noise = self._pixels.scaled(mean + std * self._noise(shape, generator)), self._noise(shape, generator)
        noisy: Tensor = scheduler.add_noise(clean, noise, torch.tensor(timesteps[:1]))
        return noisy, self._kept(spec, clean, noise)

    def _kept(self, spec: DrawingSpec, clean: Tensor, noise: Tensor) -> Kept | None:
        if spec.redraw is None:
            return None
        factor = self._pixels.factor
        free = free_latents(spec.redraw.mask_HW, width=spec.width, height=spec.height, factor=factor)
        return Kept(free_11HW=free.to(clean), clean_1CHW=clean, noise_1CHW=noise)

    def _noise(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        # Drawn on CPU: another device's generator gives another picture for the same seed.
        return torch.randn(shape, generator=generator).to(self._unet.device, self._unet.dtype)

    def _advance(self, canvas: Canvas, predicted: Tensor) -> None:
        predicted = canvas.guided(predicted)
        time = canvas.timesteps[canvas.steps_done]
        before = canvas.latents_1CHW
        canvas.clean_1CHW = _clean(canvas.scheduler, before, predicted, time)
        canvas.latents_1CHW = canvas.scheduler.step(predicted, time, before, return_dict=False)[0]
        canvas.steps_done += 1
        if canvas.kept is not None:
            canvas.latents_1CHW = canvas.kept.held(canvas.latents_1CHW, _known(canvas, canvas.kept))


def _known(canvas: Canvas, kept: Kept) -> Tensor:
    """The picture's latents with as much noise as the canvas has now."""
    if canvas.finished:
        return kept.clean_1CHW
    time = torch.tensor(canvas.timesteps[canvas.steps_done :][:1])
    noisy: Tensor = canvas.scheduler.add_noise(kept.clean_1CHW, kept.noise_1CHW, time)
    return noisy


def _clean(scheduler: Any, latents: Tensor, predicted: Tensor, time: int) -> Tensor:
    """The finished latents that this prediction means."""
    kept: Tensor = scheduler.alphas_cumprod[time].to(latents)
    if scheduler.config.prediction_type == "v_prediction":
        return kept.sqrt() * latents - (1 - kept).sqrt() * predicted
    if scheduler.config.prediction_type == "epsilon":
        return (latents - (1 - kept).sqrt() * predicted) / kept.sqrt()
    return predicted
