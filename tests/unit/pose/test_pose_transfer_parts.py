"""Pose transfer's pure parts: sizes and places, the schedule, and the memory of characters."""

import numpy as np
import pytest
import torch
from torch import Tensor

from services.common.errors import InvalidInput
from services.pose.transfer.geometry import default_size, fit_inside, fit_picture, fit_points
from services.pose.transfer.references import Reference, ReferenceCache, picture_key
from services.pose.transfer.schedule import Step, denoising_steps, timesteps


@pytest.mark.parametrize(
    ("picture_wh", "side", "step", "expected"),
    [
        ((100, 100), 128, 16, (128, 128)),
        ((1000, 1000), 512, 8, (512, 512)),
        ((80, 100), 128, 16, (112, 144)),
        ((200, 100), 512, 8, (728, 360)),
        ((100, 4000), 128, 16, (64, 256)),
        ((1, 1), 16, 64, (64, 64)),
    ],
)
def test_the_default_size_keeps_aspect_and_area(
    picture_wh: tuple[int, int], side: int, step: int, expected: tuple[int, int]
) -> None:
    assert default_size(picture_wh, side, step) == expected


@pytest.mark.parametrize(
    ("picture_wh", "canvas_wh", "inner_wh", "left", "top"),
    [
        ((100, 50), (64, 64), (64, 32), 0, 16),
        ((50, 100), (64, 64), (32, 64), 16, 0),
        ((64, 64), (64, 64), (64, 64), 0, 0),
        ((10, 10), (64, 96), (64, 64), 0, 16),
        ((1, 1000), (64, 64), (1, 64), 31, 0),
    ],
)
def test_a_picture_is_fitted_whole_into_the_middle(
    picture_wh: tuple[int, int], canvas_wh: tuple[int, int], inner_wh: tuple[int, int], left: int, top: int
) -> None:
    fit = fit_inside(picture_wh, canvas_wh)
    assert (fit.inner_wh, fit.left, fit.top) == (inner_wh, left, top)


def test_what_is_left_over_gets_the_usual_colour_of_the_border() -> None:
    picture_HWC = np.full((20, 40, 3), (10, 200, 30), np.uint8)
    picture_HWC[8:12, 10:30] = 255
    fitted_HWC = fit_picture(picture_HWC, (64, 64))
    assert fitted_HWC.shape == (64, 64, 3)
    assert fitted_HWC[0, 0].tolist() == [10, 200, 30]
    assert fitted_HWC[32, 32].tolist() == pytest.approx([255, 255, 255], abs=12)


@pytest.mark.parametrize(
    ("points", "picture_wh", "canvas_wh", "expected"),
    [
        # The aspects agree: everything stays where it is.
        ([[0, 0], [100, 50]], (100, 50), (64, 32), [[0, 0], [64, 32]]),
        # Somebody as wide as the picture: all of it goes in, with room above and below.
        ([[0, 0], [100, 50]], (100, 50), (64, 64), [[0, 16], [64, 48]]),
        # Somebody narrow in the middle keeps the height, and the sides are cut.
        ([[90, 10], [110, 90]], (200, 100), (64, 64), [[25.6, 6.4], [38.4, 57.6]]),
        # ... at the left border the cut moves along, but never out of the picture.
        ([[0, 10], [20, 90]], (200, 100), (64, 64), [[0, 6.4], [12.8, 57.6]]),
        # ... and someone a little too wide is made just small enough for the margin.
        ([[50, 0], [150, 100]], (200, 100), (100, 100), [[4, 4], [96, 96]]),
    ],
)
def test_a_pose_keeps_its_proportions_and_as_much_size_as_fits(
    points: list[list[float]],
    picture_wh: tuple[int, int],
    canvas_wh: tuple[int, int],
    expected: list[list[float]],
) -> None:
    found_K2 = fit_points(np.array(points, np.float64), np.array([True, True]), picture_wh, canvas_wh)
    np.testing.assert_allclose(found_K2, expected, atol=1e-9)


def test_points_that_are_not_seen_do_not_matter_for_the_fit() -> None:
    points_K2 = np.array([[90.0, 10.0], [110.0, 90.0], [-500.0, 0.0]])
    found_K2 = fit_points(points_K2, np.array([True, True, False]), (200, 100), (64, 64))
    assert found_K2[0].tolist() == pytest.approx([25.6, 6.4])
    whole_K2 = fit_points(points_K2, np.array([False] * 3), (200, 100), (64, 64))
    assert whole_K2[0].tolist() == pytest.approx([28.8, 19.2])


@pytest.mark.parametrize("count", range(1, 61))
def test_every_number_of_steps_that_can_be_asked_for_is_exact(count: int) -> None:
    found = timesteps(count, 1000)
    assert len(found) == count
    assert found == sorted(found, reverse=True)
    assert found[0] == 999
    assert found[-1] >= 0


@pytest.mark.parametrize("count", [0, -1, 1001, 61, 103, 121, 122, 201])
def test_step_counts_that_do_not_come_out_are_refused(count: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        timesteps(count, 1000)
    assert caught.value.reason == "STEPS"


def test_after_a_step_comes_a_whole_stride_and_not_the_next_timestep() -> None:
    alphas_cumprod = torch.linspace(1, 0, 1000)
    steps = denoising_steps(alphas_cumprod, 30)
    assert [step.timestep for step in steps[:3]] == [999, 966, 932]
    assert steps[1].alpha_bar_after == alphas_cumprod[966 - 33]
    assert steps[-1].alpha_bar_after == 1


def test_a_step_of_pure_noise_believes_the_velocity() -> None:
    step = Step(timestep=999, alpha_bar=torch.tensor(0.0), alpha_bar_after=torch.tensor(1.0))
    after, clean = step.advance(torch.tensor([5.0]), torch.tensor([-2.0]))
    assert clean.item() == 2
    assert after.item() == 2


def reference(size_bytes: int) -> Reference:
    return Reference(context_11D=torch.zeros(size_bytes, dtype=torch.uint8), keys_values={})


class Maker:
    def __init__(self, size_bytes: int) -> None:
        self.made = 0
        self._size_bytes = size_bytes

    def __call__(self) -> Reference:
        self.made += 1
        return reference(self._size_bytes)


def test_a_character_drawn_lately_is_not_looked_at_again() -> None:
    cache, make = ReferenceCache(100), Maker(40)
    first = cache.get_or_make("mina", make)
    assert cache.get_or_make("mina", make) is first
    assert make.made == 1


def test_the_character_used_longest_ago_is_forgotten() -> None:
    cache, make = ReferenceCache(100), Maker(40)
    for name in ("mina", "juno", "mina", "hana"):
        cache.get_or_make(name, make)
    assert make.made == 3
    cache.get_or_make("mina", make)
    assert make.made == 3
    cache.get_or_make("juno", make)
    assert make.made == 4


def test_a_character_larger_than_the_memory_is_not_kept() -> None:
    cache, make = ReferenceCache(30), Maker(40)
    for _ in range(2):
        cache.get_or_make("mina", make)
    assert make.made == 2


def test_a_references_size_counts_keys_and_values() -> None:
    tensor: Tensor = torch.zeros(1, 2, 3)
    whole = Reference(context_11D=tensor, keys_values={"block": (tensor, tensor)})
    assert whole.size_bytes == 3 * 6 * 4


def test_pictures_of_equal_bytes_but_other_shapes_have_other_names() -> None:
    tall, wide = np.zeros((4, 2, 3), np.uint8), np.zeros((2, 4, 3), np.uint8)
    assert picture_key(tall) != picture_key(wide)
    assert picture_key(tall) == picture_key(tall.copy())
