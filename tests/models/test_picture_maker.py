"""The picture maker: the same seed draws the same picture, every place draws, and the unseen hands stay unseen."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.webtoon_tiny.pictures.canvas import Canvas, box, ellipse
from models.webtoon_tiny.pictures.captions import caption
from models.webtoon_tiny.pictures.scenes import PLACES, TIMES, WEATHERS, draw_scene, sample_scene
from models.webtoon_tiny.pictures.styles import HANDS, Style, blend, grade, sample_style, withheld
from models.webtoon_tiny.pictures.supply import draw_captioned

SEEDS = st.integers(min_value=0, max_value=2**31 - 1)


def test_the_same_seed_draws_the_same_picture_and_caption() -> None:
    first, first_words = draw_captioned(np.random.default_rng(7), 96, 64)
    again, again_words = draw_captioned(np.random.default_rng(7), 96, 64)
    other, _ = draw_captioned(np.random.default_rng(8), 96, 64)
    assert np.array_equal(first, again)
    assert first_words == again_words
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("place", list(PLACES))
def test_every_place_draws_at_every_time_and_in_every_weather(place: str) -> None:
    scene = sample_scene(np.random.default_rng(3), place=place)
    seen = set()
    for time in TIMES:
        for weather in WEATHERS:
            changed = dataclasses.replace(scene, time=time, weather=weather)
            picture_HWC = draw_scene(changed, Style(), 64, 64, np.random.default_rng(0))
            assert picture_HWC.shape == (64, 64, 3)
            assert picture_HWC.dtype == np.uint8
            assert picture_HWC.std() > 5
            seen.add(picture_HWC.tobytes())
    assert len(seen) == len(TIMES) * len(WEATHERS)


def test_night_is_darker_than_day() -> None:
    for place in PLACES:
        scene = sample_scene(np.random.default_rng(5), place=place)
        day, night = (
            draw_scene(dataclasses.replace(scene, time=time), Style(), 64, 64, np.random.default_rng(0)).mean()
            for time in ("day", "night")
        )
        assert night < 0.85 * day, place


@given(SEEDS)
def test_withheld_hands_are_never_sampled_for_training(seed: int) -> None:
    assert withheld(sample_style(np.random.default_rng(seed))) is None


@given(SEEDS)
def test_each_unseen_hand_lies_in_its_own_withheld_region(seed: int) -> None:
    for name, hand in HANDS.items():
        assert withheld(hand(np.random.default_rng(seed))) == name


@given(SEEDS)
def test_captions_have_no_empty_parts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = caption(sample_scene(rng), sample_style(rng), rng)
    assert words
    assert all(part.strip() for part in words.split(","))
    assert "{" not in words


def test_a_transparent_canvas_knows_what_was_drawn() -> None:
    canvas = Canvas(64, 64, Style(outline=False), np.random.default_rng(0), transparent=True)
    canvas.shape(box(0.25, 0.25, 0.5, 0.5), (1.0, 0.0, 0.0))
    picture_HWC = canvas.finish_rgba()
    assert picture_HWC.shape == (64, 64, 4)
    assert (picture_HWC[16:48, 16:48, 3] == 255).all()
    assert picture_HWC[:15, :, 3].max() == 0
    assert canvas.coverage().sum() == 32 * 32 * 255


def test_shading_darkens_the_side_away_from_the_light() -> None:
    canvas = Canvas(64, 64, Style(outline=False), np.random.default_rng(0))
    canvas.shape(ellipse(0.5, 0.5, 0.4), (0.8, 0.6, 0.4), shade=0.15)
    picture_HWC = canvas.finish()
    assert picture_HWC[32, 54].sum() < picture_HWC[32, 12].sum()


def test_black_and_white_has_no_colour() -> None:
    red = grade((1.0, 0.2, 0.1), HANDS["screentone-manga"](np.random.default_rng(0)))
    assert red[0] == red[1] == red[2]


def test_a_blend_reaches_both_its_ends() -> None:
    first, second = (hand(np.random.default_rng(0)) for hand in list(HANDS.values())[:2])
    assert blend(first, second, 0.0) == first
    assert blend(first, second, 1.0) == second
