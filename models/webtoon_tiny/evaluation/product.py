"""The services' own engines on one family: drawing, learning a style, and drawing in what was learned."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from services.background.engine.painter import Canvas, Painter
from services.background.engine.records import AdapterUse, DrawingSpec
from services.background.engine.text import with_triggers
from services.background.model import load_painter
from services.background.styles import StyleShelf
from services.common.artifacts import FolderStore
from services.common.errors import InvalidInput
from services.common.families import Family, load_family
from services.style_train.courses import prepare
from services.style_train.engine.lora import StylePicture
from services.style_train.engine.training import steps_within, train
from services.style_train.model import load_networks
from services.style_train.records import Method, Order, Preset

Pixels = NDArray[np.uint8]
OWNER = "evaluation"
ROWS = 16
LONGEST_SECONDS = 80.0  # of one training, by a measured step: with all around it, it shall not exceed 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Fast:
    """The family's fast setting."""

    steps: int = 8
    scheduler: str = "UniPCMultistepScheduler"


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A learned style's file in the store, and how long learning took."""

    method: Method
    key: str
    sha256: str
    trigger: str
    seconds: float
    steps: int


class Product:
    """One family, loaded as the background service loads it."""

    def __init__(self, folder: Path) -> None:
        self.family: Family = load_family(folder)
        self.painter: Painter
        self.painter, targets = load_painter(self.family, device=torch.device("cpu"))
        self._artifacts = tempfile.TemporaryDirectory(prefix="webtoon-tiny-evaluation-")
        self._store = FolderStore(Path(self._artifacts.name))
        self._shelf = StyleShelf(self._store, targets, max_bytes=2**30)

    def close(self) -> None:
        """Removes the learned styles."""
        self._artifacts.cleanup()

    def spec(self, prompt: str, seed: int, **changes: object) -> DrawingSpec:
        """A native picture as the service draws it by default."""
        side, family = self.family.resolution, self.family
        plain = DrawingSpec(
            prompt=prompt, seed=seed, width=side, height=side, steps=family.default_steps,
            guidance=family.default_guidance,
        )  # fmt: skip
        return replace(plain, **changes)  # type: ignore[arg-type]

    def takes(self, prompt: str) -> bool:
        """Whether the family's text encoder has room for the prompt; the service refuses a longer one by name."""
        try:
            self.painter.begin(self.spec(prompt, 0))
        except InvalidInput as refusal:
            if refusal.reason == "PROMPT_TOO_LONG":
                return False
            raise
        return True

    def draw(self, specs: Sequence[DrawingSpec]) -> list[Pixels]:
        """One picture for each; those of one size and number of steps share the denoiser's calls, as in the service."""
        results: list[Pixels | None] = [None] * len(specs)
        groups: dict[tuple[int, int, int], list[int]] = {}
        for index, spec in enumerate(specs):
            groups.setdefault((spec.width, spec.height, spec.steps), []).append(index)
        for members in groups.values():
            for start in range(0, len(members), ROWS // 2):
                chosen = members[start : start + ROWS // 2]
                for index, picture in zip(chosen, self._together([specs[one] for one in chosen]), strict=True):
                    results[index] = picture
        return [picture for picture in results if picture is not None]

    def _together(self, specs: Sequence[DrawingSpec]) -> list[Pixels]:
        canvases: list[Canvas] = [self.painter.begin(spec)[0] for spec in specs]
        while unfinished := [canvas for canvas in canvases if not canvas.finished]:
            self.painter.step(unfinished)
        return [self.painter.finish(canvas) for canvas in canvases]

    def learn(self, method: Method, pictures: Sequence[tuple[Pixels, str]], *, seed: int) -> Learned:
        """Learns from pictures and captions with the quick preset; the seconds are all of it, loading left out."""
        networks = load_networks(self.family.folder, torch.device("cpu"))
        order = Order(name="unseen hand", pictures=(), methods=(method,), preset=Preset.QUICK, seed=seed)
        own = [StylePicture(image_HWC=picture, caption=caption) for picture, caption in pictures]
        began = time.perf_counter()
        course = prepare(method, order, networks, own, job_id=f"{seed:08d}")
        trainer = course.trainer
        trainer.plan(steps_within(trainer, LONGEST_SECONDS, most=trainer.steps), batch=trainer.batch)
        train(trainer, lambda _step, _loss: None)
        seconds = time.perf_counter() - began
        key = f"{OWNER}/style/{method}-{seed}.safetensors"
        ref = self._store.put(key, course.write_file(), "application/octet-stream")
        return Learned(
            method=method, key=key, sha256=ref.sha256, trigger=course.trigger, seconds=seconds,
            steps=trainer.steps,
        )  # fmt: skip

    def styled(self, spec: DrawingSpec, style: Learned) -> DrawingSpec:
        """The same drawing in a learned style."""
        prompt = with_triggers(spec.prompt, [style.trigger])
        if style.method is Method.LORA:
            adapter = self._shelf.adapter(style.key, style.sha256, owner=OWNER)
            return replace(spec, prompt=prompt, adapters=(AdapterUse(adapter=adapter, weight=1.0),))
        return replace(spec, prompt=prompt, stage_tokens=self._shelf.stage_tokens(style.key, style.sha256, owner=OWNER))

    def seconds_of(self, spec: DrawingSpec, *, times: int = 3) -> float:
        """Median wall-clock seconds of this one drawing alone, after one that does not count."""
        measured = []
        for _ in range(times + 1):
            began = time.perf_counter()
            self._together([spec])
            measured.append(time.perf_counter() - began)
        return float(np.median(measured[1:]))
