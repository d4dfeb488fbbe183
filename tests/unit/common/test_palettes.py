"""The palette of pictures, and how it travels."""

import numpy as np
import pytest

from services.common.palettes import Palette, mix_palettes, palette_of, read_palette, to_lab, to_rgb

GRAY = Palette(mean=(50.0, 0.0, 0.0), spread=(10.0, 1.0, 1.0))
RED = Palette(mean=(60.0, 40.0, 20.0), spread=(20.0, 5.0, 5.0))


def test_every_colour_survives_the_way_there_and_back() -> None:
    levels = np.array(np.meshgrid(*[np.arange(0, 256, 15)] * 3)).reshape(3, -1).T[None].astype(np.uint8)
    assert np.abs(to_rgb(to_lab(levels)).astype(int) - levels).max() <= 1


def test_pictures_weigh_the_same_whatever_their_size() -> None:
    white, black = np.full((200, 100, 3), 255, np.uint8), np.zeros((20, 20, 3), np.uint8)
    palette = palette_of([white, black])
    assert palette.mean[0] == pytest.approx(50, abs=0.1)
    assert palette.spread[0] == pytest.approx(50, abs=0.1)


def test_a_palette_is_read_back_from_its_text() -> None:
    assert read_palette(RED.text()) == RED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 2 3",
        "1 2 3 4 5 x",
        "1 2 3 4 5 nan",
        "1 2 3 -4 5 6",
        "1 2 3 4 5 6 7",
        "101 0 0 1 1 1",
        "50 1e30 0 1 1 1",
        "50 0 0 1e30 1 1",
    ],
)
def test_what_is_no_palette_is_none(text: str) -> None:
    assert read_palette(text) is None


def test_palettes_mix_by_weight_and_nothing_mixes_to_none() -> None:
    mixed = mix_palettes([(GRAY, 1.0), (RED, 3.0)])
    assert mixed is not None
    assert mixed.mean == pytest.approx((57.5, 30.0, 15.0))
    assert mix_palettes([]) is None
    assert mix_palettes([(RED, 0.0)]) is None
