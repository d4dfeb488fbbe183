"""One training from its first picture to its last sample, going on from a checkpoint when there is one.

The checkpoint's object is stored before anybody is told of it, and its key is new each time: a process that lost its
job can overwrite nothing.
"""

import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict

import safetensors.torch

from services.common.artifacts import ArtifactStore, get_checked
from services.common.errors import InvalidInput, ServiceError, Unavailable
from services.common.pictures import decode
from services.common.telemetry.gpus import gpu_memory
from services.common.telemetry.tracing import span
from services.style_train.courses import Course, prepare
from services.style_train.engine.frozen import Form
from services.style_train.engine.lora import StylePicture
from services.style_train.engine.memory import fitting_batch, free_bytes, sample_bytes
from services.style_train.engine.networks import Networks
from services.style_train.engine.training import steps_within, train
from services.style_train.model import choose_device, load_networks
from services.style_train.presets import planned_steps
from services.style_train.records import (
    Learned,
    Measured,
    Method,
    Position,
    Preset,
    Progress,
    Report,
    Task,
    folder,
)
from services.style_train.samples import GENERIC_CAPTION, Sampler
from services.style_train.settings import StyleTrainSettings

_REPORT_SECONDS = 0.4
_SKETCH_SHARE = 0.1  # of the time, at most, goes into drawing at checkpoints
_LOSSES = 20  # the loss that is reported is the mean of this many steps


class Stopped(Exception):
    """The process was asked to stop; where the training stands has been stored."""


class Lesson:
    def __init__(
        self,
        task: Task,
        settings: StyleTrainSettings,
        artifacts: ArtifactStore,
        *,
        report: Callable[[Report], None],
        stopping: Callable[[], bool],
    ) -> None:
        self._task, self._order, self._settings = task, task.order, settings
        self._artifacts = artifacts
        self._report = report
        self._stopping = stopping
        self._checkpoint = task.checkpoint
        self._folder = folder(task.owner, task.job_id)
        self._writer = uuid.uuid4().hex[:8]
        self._said = time.monotonic()
        self._sampler = Sampler(
            order=self._order, artifacts=artifacts, folder=self._folder, writer=self._writer, on_step=self._get_on
        )

    def run(self) -> None:
        """Learn what is not learned yet.

        Raises:
            Stopped: on request.
            ServiceError: the training cannot end well; trying again as it is would not help.
        """
        pictures = [self._load(index) for index in range(len(self._order.pictures))]
        for method in self._order.methods:
            if method not in {learned.method for learned in self._checkpoint.learned}:
                self._learn(method, pictures)

    def _learn(self, method: Method, pictures: Sequence[StylePicture]) -> None:
        # Loaded anew for each method: the one before has changed the denoiser.
        begun = self._checkpoint.forms.get(method)
        device, form = choose_device(self._settings.device), Form(begun) if begun is not None else None
        networks = load_networks(self._settings.family, device, form=form)
        self._get_on()
        course = prepare(method, self._order, networks, pictures, job_id=self._task.job_id)
        self._get_on()
        self._decide_steps(method, course, networks.form)
        self._resume(method, course)
        with span(f"train {method}", steps=course.trainer.steps - course.trainer.step_done):
            train(course.trainer, self._follow(method, course, self._sketching(method, course, networks, pictures)))
        learned = self._keep(method, course, networks)
        steps = {**self._checkpoint.steps, method: course.trainer.step_done}  # fewer where it ended early
        self._move(learned=(*self._checkpoint.learned, learned), position=None, steps=steps)

    def _decide_steps(self, method: Method, course: Course, form: Form) -> None:
        """Once for a job, whoever goes on with it: another number would be another style."""
        if method not in self._checkpoint.forms:
            self._move(forms={**self._checkpoint.forms, method: form})
        if method not in self._checkpoint.steps:
            steps, batch = course.trainer.steps, self._fitting(course)
            course.trainer.plan(steps, batch=batch)
            if self._order.preset is Preset.QUICK:
                steps = steps_within(course.trainer, self._settings.quick_seconds, most=steps)
            batches = {**self._checkpoint.batch, method: course.trainer.batch}
            self._move(steps={**self._checkpoint.steps, method: steps}, batch=batches)
        batch = self._checkpoint.batch.get(method, course.trainer.batch)
        course.trainer.plan(self._checkpoint.steps[method], batch=batch)

    def _fitting(self, course: Course) -> int:
        """The planned batch, or the largest that fits into memory."""
        trainer = course.trainer
        one_sample_bytes = sample_bytes(trainer.try_sample, trainer.frozen)
        free = free_bytes(choose_device(self._settings.device))
        return fitting_batch(trainer.batch, one_sample_bytes=one_sample_bytes, trained=trainer.trained, free_bytes=free)

    def _resume(self, method: Method, course: Course) -> None:
        position = self._checkpoint.position
        if position is not None and position.method is method:
            content = get_checked(self._artifacts, position.key, position.sha256, owner=self._task.owner)
            course.trainer.restore(safetensors.torch.load(content), step_done=position.step)

    def _sketching(
        self, method: Method, course: Course, networks: Networks, pictures: Sequence[StylePicture]
    ) -> Callable[[], None]:
        """What draws at a checkpoint, unless that would take more than a tenth of the time."""
        next_at = 0.0

        def sketch() -> None:
            nonlocal next_at
            began = time.monotonic()
            if not self._settings.checkpoint_samples or began < next_at:
                return
            drawn = self._sampler.draw_over(method, course, networks, pictures)
            self._move(samples=(*self._checkpoint.samples, drawn))
            took_seconds = time.monotonic() - began
            next_at = began + took_seconds / _SKETCH_SHARE

        return sketch

    def _follow(self, method: Method, course: Course, sketch: Callable[[], None]) -> Callable[[int, float], None]:
        """What happens after each step: numbers to whoever waits, a checkpoint now and then, and the wish to stop."""
        losses: deque[float] = deque(maxlen=_LOSSES)
        first_step, started = course.trainer.step_done, time.monotonic()
        reported = saved = stepped = started
        step_seconds: list[float] = []

        def on_step(step: int, loss: float) -> None:
            nonlocal reported, saved, stepped
            losses.append(loss)
            now = time.monotonic()
            step_seconds.append(round(now - stepped, 6))
            if now - reported > _REPORT_SECONDS or step == course.trainer.steps:
                reported = now
                mean_seconds = (now - started) / (step - first_step)
                self._tell(method, step, step_seconds=mean_seconds, loss=sum(losses) / len(losses))
                self._report(Report(measured=_measured(method, step_seconds)))
                step_seconds.clear()
            stopping = self._stopping()
            halfway = step == course.trainer.steps // 2  # a short training has a checkpoint too
            due = halfway or now - saved > self._settings.checkpoint_seconds
            if stopping or due:
                self._save(method, course)
                saved = time.monotonic()
            if stopping:
                raise Stopped
            if due:
                sketch()
            stepped = time.monotonic()  # saving is no part of a step

        return on_step

    def _tell(self, method: Method, step: int, *, step_seconds: float, loss: float) -> None:
        learned = [one.method for one in self._checkpoint.learned]
        done = sum(self._steps(one) for one in learned) + step
        total = sum(self._steps(one) for one in self._order.methods)
        left = (total - done) * step_seconds
        progress = Progress(method=method, steps_done=done, steps_total=total, seconds_left=left, loss=loss)
        self._report(Report(progress=progress))

    def _steps(self, method: Method) -> int:
        pictures, strength = len(self._order.pictures), self._order.strength
        planned = planned_steps(method, self._order.preset, pictures=pictures, strength=strength)
        return self._checkpoint.steps.get(method, planned)

    def _save(self, method: Method, course: Course) -> None:
        step = course.trainer.step_done
        key = f"{self._folder}checkpoints/{method}-{step:05d}-{self._writer}.safetensors"
        ref = self._artifacts.put(key, safetensors.torch.save(course.trainer.state()), "application/octet-stream")
        self._move(position=Position(method=method, step=step, key=key, sha256=ref.sha256))

    def _keep(self, method: Method, course: Course, networks: Networks) -> Learned:
        name = f"{self._folder}{method}-{self._writer}"
        file = self._artifacts.put(f"{name}.safetensors", course.write_file(), "application/octet-stream")
        record = self._artifacts.put(f"{name}.json", self._told(method, course, networks), "application/json")
        samples = self._sampler.draw_learned(method, course, networks, count=self._settings.sample_pictures)
        return Learned(method=method, file=file, trigger=course.trigger, samples=samples, record=record)

    def _told(self, method: Method, course: Course, networks: Networks) -> bytes:
        """Everything about how this was learned: settings, losses, memory."""
        trainer, held_out = course.trainer, getattr(course.trainer, "held_out", None)
        told = {
            "method": method,
            "family": networks.name,
            "preset": self._order.preset,
            "strength": self._order.strength,
            "recipe": asdict(course.recipe),
            "frozen_weights": networks.form,
            "pictures": len(self._order.pictures),
            "batch": trainer.batch,
            "steps": trainer.step_done,
            "losses": [round(loss, 6) for loss in trainer.losses],
            "held_out_losses": [round(loss, 6) for loss in held_out.curve] if held_out is not None else [],
            "bytes_per_sample": sample_bytes(trainer.try_sample, trainer.frozen),
            "trained_numbers": trainer.trained,
        }
        return json.dumps(told, indent=1).encode()

    def _get_on(self) -> None:
        """Between steps that make no progress worth a number: say that this does not hang, and stop if asked."""
        if self._stopping():
            raise Stopped
        if time.monotonic() - self._said > _REPORT_SECONDS:
            self._said = time.monotonic()
            self._report(Report())

    def _move(self, **changes: object) -> None:
        self._checkpoint = self._checkpoint.model_copy(update=changes)
        self._report(Report(checkpoint=self._checkpoint))

    def _load(self, index: int) -> StylePicture:
        picture = self._order.pictures[index]
        try:
            content = get_checked(self._artifacts, self._folder + picture.name, picture.sha256, owner=self._task.owner)
            return StylePicture(image_HWC=decode(content), caption=picture.caption or GENERIC_CAPTION)
        except Unavailable:
            raise
        except ServiceError as error:
            raise InvalidInput(
                f"picture {index + 1} cannot be read any more: start a new training", reason="PICTURE_LOST"
            ) from error


def _measured(method: Method, step_seconds: Sequence[float]) -> Measured:
    first = {kind: size_bytes for (device, kind), size_bytes in gpu_memory().items() if device == 0}
    return Measured(method=method, step_seconds=tuple(step_seconds), gpu_bytes=first)
