"""The pure parts of the trainers: sizes, schedules, choices."""

from collections import Counter

import numpy as np
import pytest
import torch

from services.style_train.engine.diffusion import NoiseSchedule, rate_at, stage_bounds, stage_of
from services.style_train.engine.draws import plan_batches, stream
from services.style_train.engine.geometry import bucket_size, fit
from services.style_train.engine.training import steps_within


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (500, 500, (128, 128)),
        (128, 128, (128, 128)),
        (690, 1000, (96, 144)),
        (1600, 900, (160, 96)),
        (300, 9000, (96, 160)),
        (10_000, 20, (160, 96)),
    ],
)
def test_a_picture_is_trained_at_the_size_nearest_to_its_shape(
    width: int, height: int, expected: tuple[int, int]
) -> None:
    assert bucket_size(width, height, resolution=128, step=16) == expected


def test_fitting_keeps_the_middle_and_mirrors_nothing() -> None:
    image_HWC = np.zeros((40, 120, 3), np.uint8)
    image_HWC[:, 40:60] = 100  # left half of the middle third
    image_HWC[:, 60:80] = 200
    fitted_HWC = fit(image_HWC, (40, 40))
    assert fitted_HWC.shape == (40, 40, 3)
    assert fitted_HWC[20, 8].tolist() == [100, 100, 100]
    assert fitted_HWC[20, 32].tolist() == [200, 200, 200]


def test_a_stage_begins_where_the_reference_says() -> None:
    assert [first for first, _ in stage_bounds(6, 1000)] == [0, 167, 334, 500, 667, 834]


@pytest.mark.parametrize("stages", [1, 2, 5, 6, 7, 32])
def test_bounds_and_stages_agree_for_every_timestep(stages: int) -> None:
    for stage, (first, after) in enumerate(stage_bounds(stages, 1000)):
        found = {stage_of(timestep, stages=stages, timesteps=1000) for timestep in range(first, after)}
        assert found == {stage}


def test_min_snr_damps_only_little_noise() -> None:
    schedule = NoiseSchedule.of({"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"})
    weights = schedule.min_snr_weight(torch.arange(1000), 5.0)
    assert int((weights < 1).sum()) == 147
    assert weights.max() == 1


def test_the_cosine_ends_near_nothing_and_the_warm_up_begins_low() -> None:
    given = {"rate": 1.0, "steps": 100, "curve": "cosine"}
    assert rate_at(0, warmup=0, **given) == 1.0  # type: ignore[arg-type]
    assert rate_at(99, warmup=0, **given) < 0.001  # type: ignore[arg-type]
    assert rate_at(0, warmup=10, **given) == pytest.approx(0.1)  # type: ignore[arg-type]


def test_a_batch_holds_one_size_and_every_picture_comes_equally_often() -> None:
    buckets = ["wide", "tall", "wide", "wide"]
    plan = plan_batches(buckets, steps=400, batch=3, order=stream(1, "order"))
    for members in plan:
        assert len({buckets[member] for member in members}) == 1
    counts = Counter(member for members in plan for member in members)
    assert counts[0] == pytest.approx(300, rel=0.2)
    assert counts[1] == pytest.approx(300, rel=0.2)


def test_one_picture_fills_a_batch() -> None:
    assert plan_batches(["only"], steps=2, batch=3, order=stream(1, "order")) == [(0, 0, 0)] * 2


def test_choices_follow_the_seed_and_their_name() -> None:
    drawn = [torch.rand(3, generator=stream(seed, name)) for seed, name in ((1, "a"), (1, "a"), (1, "b"), (2, "a"))]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0], drawn[3])


class SlowTrainer:
    """A trainer whose step takes a known time by its own clock."""

    def __init__(self, step_seconds: float) -> None:
        self._step_seconds = step_seconds
        self.now = 0.0

    def try_step(self) -> None:
        self.now += self._step_seconds


@pytest.mark.parametrize(("step_seconds", "expected"), [(0.01, 200), (0.5, 60), (100.0, 1)])
def test_steps_are_as_many_as_fit_into_the_time_but_no_more_than_planned(step_seconds: float, expected: int) -> None:
    trainer = SlowTrainer(step_seconds)
    assert steps_within(trainer, 30.0, most=200, clock=lambda: trainer.now) == expected
