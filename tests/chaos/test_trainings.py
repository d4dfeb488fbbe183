"""Real trainings on the small family, killed at random moments: every style is learned, and is the same style.

`worker` kills the worker, and with it the training's process; `process` kills only the latter. Short trainings are
killed once each; one of each method, as long and thorough as the presets make it, twenty times.
"""

import asyncio
import os
import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from oma.image.v1 import image_pb2
from oma.style.v1 import style_pb2
from oma.style.v1 import style_train_service_pb2 as pb

from tests.chaos.conftest import Measure
from tests.fakes.trainings import (
    Place,
    Workers,
    create,
    largest_difference,
    learned,
    open_place,
    open_stub,
    undisturbed,
)

ROOT = Path(__file__).parents[2]
STEPS, TRAININGS = 16, 20
PICTURES = 3
SAME = 1e-6
PIECE = 2  # trainings of one test; ten of these make twenty
WHOLE_PICTURES = 8  # enough to hold one out
WHILE_LOADING = 0.2  # share of the kills that come before the first step
METHODS = (style_pb2.METHOD_LORA, style_pb2.METHOD_DREAMSTYLER)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    family = ROOT / "models/webtoon_tiny/weights"
    with open_place(f"sqlite:///{tmp_path}/style.db", tmp_path, family, max_queued=PIECE) as place:
        yield place


def style_request(
    seed: int, dice: random.Random, *, pictures: int = PICTURES, **fields: Any
) -> pb.CreateTrainingRequest:
    styles = sorted((ROOT / "samples/styles").iterdir())
    style = styles[seed % len(styles)]
    chosen = dice.sample(sorted(style.glob("*.png")), pictures)
    images = [image_pb2.Image(content=path.read_bytes(), media_type="image/png") for path in chosen]
    shown = [
        pb.StylePicture(picture=image_pb2.Picture(inline=image), caption=path.stem.split("-")[1])
        for image, path in zip(images, chosen, strict=True)
    ]
    given = {"methods": [METHODS[seed % len(METHODS)]], "preset": pb.PRESET_QUICK, **fields}
    return pb.CreateTrainingRequest(
        request_id=f"r{seed}", owner="ann", name=style.name, pictures=shown, seed=seed, **given
    )


@dataclass
class Killer:
    """Strikes each training once, at a moment between its claim and its end, unless it ends before that."""

    place: Place
    workers: Workers
    victim: str
    dice: random.Random
    struck: dict[str, float] = field(default_factory=dict)  # by training: the share of its steps that was shown

    async def run(self, trainings: list[pb.Training]) -> None:
        moments = {training.id: self.dice.uniform(-0.3, 1.0) for training in trainings}
        running = {"standby": self.workers.start(), "first": self.workers.start()}
        while open_ones := [one for one in map(self._job, trainings) if not one.ended]:
            for job in open_ones:
                shown = job.progress.get("steps_done", 0) / STEPS
                if job.state != "running" or job.id in self.struck or shown < moments[job.id]:
                    continue
                if moments[job.id] < 0:  # while libraries and networks are loaded
                    await asyncio.sleep(self.dice.uniform(0.0, 2.0))
                if self._strike(str(job.worker)):
                    self.struck[job.id] = shown
                    for name, process in running.items():
                        if self.victim == "worker" and str(job.worker).endswith(f":{process.pid}"):
                            process.wait()
                            running[name] = self.workers.start()
            await asyncio.sleep(0.05)

    def _job(self, training: pb.Training) -> Any:
        return self.place.store.get(owner=training.owner, job_id=training.id)

    def _strike(self, worker: str) -> bool:
        process = psutil.Process(int(worker.rpartition(":")[2]))
        if self.victim == "worker":
            process.kill()
            return True
        found = process.children()
        for child in found:
            os.kill(child.pid, signal.SIGKILL)
        return found != []


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("piece", range(TRAININGS // PIECE))
@pytest.mark.parametrize("victim", ["worker", "process"])
async def test_a_training_that_is_killed_at_a_random_moment_learns_the_same_style(
    place: Place, measured: Measure, victim: str, piece: int
) -> None:
    dice = random.Random(f"{victim} {piece}")
    async with open_stub(place) as stub:
        requests = [style_request(piece * PIECE + number, dice) for number in range(PIECE)]
        trainings = [place.shorten(await create(stub, one), steps=STEPS) for one in requests]
        expected = [await asyncio.to_thread(undisturbed, place, training) for training in trainings]
        workers = Workers(place.environment)
        try:
            killer = Killer(place, workers, victim, dice)
            await killer.run(trainings)
        finally:
            workers.stop()
        found = [await learned(stub, place, training) for training in trainings]
    differences = [largest_difference(*pair) for pair in zip(found, expected, strict=True)]
    measured(
        trainings=len(trainings),
        finished=len(found),
        worker_kills=len(killer.struck) if victim == "worker" else 0,
        child_kills=len(killer.struck) if victim == "process" else 0,
        moments=sorted(round(share, 2) for share in killer.struck.values()),
        unequal=sum(difference > SAME for difference in differences),
        largest_difference=max(differences),
    )
    assert killer.struck, "the trainings ended before they could be killed"
    assert max(differences) <= SAME


@dataclass
class Siege:
    """Kills the worker of one training again and again, at moments of it that were drawn before."""

    place: Place
    workers: Workers
    dice: random.Random
    kills: int
    struck: list[float] = field(default_factory=list)  # the shares of its steps that were shown

    async def run(self, training: pb.Training) -> None:
        moments = sorted(self.dice.uniform(0.0, 0.95) for _ in range(self.kills))
        while_loading = [self.dice.random() < WHILE_LOADING for _ in moments]
        running = {process.pid: process for process in (self.workers.start(), self.workers.start())}
        seen: object = None  # what the one before had shown; the next begins with the same
        while not (job := self.place.store.get(owner=training.owner, job_id=training.id)).ended:
            await asyncio.sleep(0.05)
            pid = int(str(job.worker).rpartition(":")[2]) if job.state == "running" else 0
            if len(self.struck) == self.kills or pid not in running:
                continue
            shown = job.progress.get("steps_done", 0) / job.progress.get("steps_total", 1)
            if while_loading[len(self.struck)]:
                await asyncio.sleep(self.dice.uniform(0.0, 3.0))
            elif job.progress == seen or shown < moments[len(self.struck)]:
                continue
            process = running.pop(pid)
            process.kill()
            process.wait()
            self.struck.append(shown)
            seen = self.place.store.get(owner=training.owner, job_id=training.id).progress
            process = self.workers.start()
            running[process.pid] = process


@pytest.mark.chaos
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("method", METHODS, ids=["lora", "dreamstyler"])
@pytest.mark.parametrize(("kills", "steps"), [(4, 60), (20, None)], ids=["short", "whole"])
async def test_a_training_whose_worker_is_killed_again_and_again_learns_the_same_style(
    place: Place, measured: Measure, kills: int, steps: int | None, method: int
) -> None:
    """`whole`: every setting is a preset's own, steps, batch and held-out picture too."""
    dice = random.Random(f"siege {kills} {method}")
    message = style_request(0, dice, pictures=WHOLE_PICTURES, methods=[method], preset=pb.PRESET_UNSPECIFIED)
    async with open_stub(place) as stub:
        training = await create(stub, message)
        if steps is not None:
            place.shorten(training, steps=steps)
        expected = await asyncio.to_thread(undisturbed, place, training)
        workers = Workers(place.environment)
        siege = Siege(place, workers, dice, kills)
        try:
            await siege.run(training)
        finally:
            workers.stop()
        found = await learned(stub, place, training)
        ended = place.store.get(owner=training.owner, job_id=training.id)
    difference = largest_difference(found, expected)
    measured(
        trainings=1,
        finished=1,
        worker_kills=len(siege.struck),
        child_kills=0,
        steps=ended.progress["steps_total"],
        moments=[round(share, 2) for share in siege.struck],
        unequal=int(difference > SAME),
        largest_difference=difference,
    )
    assert len(siege.struck) == kills
    assert difference <= SAME
