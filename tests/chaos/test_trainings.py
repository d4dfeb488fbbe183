"""Real trainings on the small family, killed at random moments: every style is learned, and is the same style.

`worker` kills the worker, and with it the training's process; `process` kills only the latter.
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
METHODS = (style_pb2.METHOD_LORA, style_pb2.METHOD_DREAMSTYLER)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    family = ROOT / "models/webtoon_tiny/weights"
    with open_place(f"sqlite:///{tmp_path}/style.db", tmp_path, family, max_queued=PIECE) as place:
        yield place


def style_request(seed: int, dice: random.Random) -> pb.CreateTrainingRequest:
    styles = sorted((ROOT / "samples/styles").iterdir())
    style = styles[seed % len(styles)]
    chosen = dice.sample(sorted(style.glob("*.png")), PICTURES)
    images = [image_pb2.Image(content=path.read_bytes(), media_type="image/png") for path in chosen]
    pictures = [
        pb.StylePicture(picture=image_pb2.Picture(inline=image), caption=path.stem.split("-")[1])
        for image, path in zip(images, chosen, strict=True)
    ]
    return pb.CreateTrainingRequest(
        request_id=f"r{seed}",
        owner="ann",
        name=style.name,
        pictures=pictures,
        methods=[METHODS[seed % len(METHODS)]],
        preset=pb.PRESET_QUICK,
        seed=seed,
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
