"""Pure arithmetic: sizes of pictures, lengths of schedules, stages, triggers."""

import numpy as np
import pytest

from services.background.engine.geometry import SizeRule, choose_size, fit_picture
from services.background.engine.schedules import create_scheduler, schedule_length, stage_of
from services.background.engine.text import with_triggers
from services.common.errors import InvalidInput, NotReady

RULE = SizeRule(resolution=128, step=32)


@pytest.mark.parametrize(
    ("width", "height", "picture_wh", "expected"),
    [
        (None, None, None, (128, 128)),
        (None, None, (4000, 4000), (128, 128)),
        (None, None, (1600, 900), (160, 96)),
        (None, None, (900, 1600), (96, 160)),
        (None, None, (10000, 100), (1280, 32)),
        (192, None, (200, 100), (192, 96)),
        (None, 96, (200, 100), (192, 96)),
        (64, 256, (200, 100), (64, 256)),
        (160, None, None, (160, 160)),
    ],
)
def test_sizes(
    width: int | None, height: int | None, picture_wh: tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    assert choose_size(RULE, width=width, height=height, picture_wh=picture_wh) == expected


@pytest.mark.parametrize(("width", "named"), [(100, "96 or 128"), (31, "32 or 64"), (0, "32 or 64"), (-64, "32 or 64")])
def test_a_size_in_between_is_refused_with_its_neighbours(width: int, named: str) -> None:
    with pytest.raises(InvalidInput, match=named) as caught:
        choose_size(RULE, width=width, height=None, picture_wh=None)
    assert caught.value.reason == "SIZE_STEP"


def test_too_many_pixels_are_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        choose_size(RULE, width=1024, height=1024, picture_wh=None)
    assert caught.value.reason == "SIZE_RANGE"


def test_a_picture_is_cut_to_its_size_and_never_squashed() -> None:
    image_HWC = np.zeros((100, 300, 3), np.uint8)
    image_HWC[:, 100:200] = 255
    fitted = fit_picture(image_HWC, width=32, height=32)
    assert fitted.shape == (32, 32, 3)
    assert fitted.min() > 200  # the middle third, all of it white


@pytest.mark.parametrize(
    ("steps", "strength", "expected"),
    [(20, 1.0, 20), (20, 0.8, 25), (7, 0.7, 10), (10, 0.3, 34), (4, 0.6, 7), (25, 0.001, 1000), (20, 0.0, 1000)],
)
def test_the_number_of_steps_asked_for_is_kept(steps: int, strength: float, expected: int) -> None:
    assert schedule_length(steps, strength) == expected


@pytest.mark.parametrize(("timestep", "stage"), [(0, 0), (166, 0), (167, 1), (333, 1), (334, 2), (834, 5), (999, 5)])
def test_stage_0_has_the_least_noise(timestep: int, stage: int) -> None:
    assert stage_of(timestep, stages=6, train_steps=1000) == stage


def test_an_unknown_scheduler_is_said() -> None:
    with pytest.raises(NotReady, match="EulerDiscreteScheduler"):
        create_scheduler({"_class_name": "EulerDiscreteScheduler"})


@pytest.mark.parametrize(
    ("prompt", "triggers", "expected"),
    [
        ("a beach", [], "a beach"),
        ("a beach", ["", ""], "a beach"),
        ("a beach", ["sks"], "a beach, in the style of sks"),
        ("a beach", ["sks", "ink", "sks"], "a beach, in the style of sks and ink"),
        ("a beach by SKS", ["sks"], "a beach by SKS"),
        ("a sksy beach", ["sks"], "a sksy beach, in the style of sks"),
        ("a beach by <a.b>", ["<a.b>"], "a beach by <a.b>"),
        ("", ["sks"], "in the style of sks"),
    ],
)
def test_triggers_that_are_missing_are_added(prompt: str, triggers: list[str], expected: str) -> None:
    assert with_triggers(prompt, triggers) == expected
