"""The evaluation's parts: recipes replay, layers are exact, measures tell what they say, and thumbnails stay."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.webtoon_tiny import manifest, train_classifier, train_sky_mask
from models.webtoon_tiny.classifier_network import JUDGE, Judge
from models.webtoon_tiny.draw_thumbnails import FOLDER, PROMPTS, draw_thumbnails
from models.webtoon_tiny.evaluation.product import Product
from models.webtoon_tiny.evaluation.prompts import ask, place_share
from models.webtoon_tiny.evaluation.statistics import edge_f1, feature_distance, gram, style_distance
from models.webtoon_tiny.evaluation.table import ROWS, table
from models.webtoon_tiny.pictures.layers import draw_lines, draw_sky_mask
from models.webtoon_tiny.pictures.scenes import sample_scene
from models.webtoon_tiny.train_classifier import ClassifierRecipe
from models.webtoon_tiny.train_sky_mask import SkyMaskRecipe
from models.webtoon_tiny.training import WEIGHTS, LossLog

TINY_CLASSIFIER = ClassifierRecipe(
    widths=(4, 4, 4, 8), sizes_wh=((32, 32), (48, 32)), batch=4, steps=20, warmup=2, first_pool=8, fresh_per_step=1
)
TINY_SKY = SkyMaskRecipe(sizes_wh=((32, 32),), batch=2, steps=20, warmup=2, first_pool=4, fresh_per_step=1)
CLASSIFIER_LOSSES = [
    8.37676,
    9.61115,
    8.27288,
    8.30981,
    7.62352,
    9.6776,
    7.44573,
    7.08954,
    8.72631,
    8.70117,
    9.23368,
    8.45611,
    7.43828,
    8.49046,
    7.11081,
    8.48576,
    6.38679,
    7.28625,
    7.31267,
    7.67932,
]
SKY_LOSSES = [
    1.27832,
    1.16892,
    1.13322,
    1.37297,
    1.33534,
    1.09486,
    1.28191,
    1.22704,
    1.14534,
    0.83816,
    0.9021,
    1.14648,
    1.32844,
    1.35156,
    1.33668,
    1.67712,
    0.83958,
    0.74569,
    1.40134,
    0.84119,
]
SHADE = 6.0
"""Levels by which a thumbnail may differ on average: other processors round otherwise."""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def product() -> Iterator[Product]:
    found = Product(WEIGHTS)
    yield found
    found.close()


@pytest.fixture
def log(tmp_path: Path) -> LossLog:
    return LossLog(tmp_path / "losses.jsonl")


def test_the_classifiers_first_losses_replay(log: LossLog, tmp_path: Path) -> None:
    losses = train_classifier.train(TINY_CLASSIFIER, tmp_path, log, resume=False, save=False)
    assert losses == pytest.approx(CLASSIFIER_LOSSES, rel=1e-2)


def test_the_sky_networks_first_losses_replay(log: LossLog, tmp_path: Path) -> None:
    losses = train_sky_mask.train(TINY_SKY, tmp_path, log, resume=False, keep=False)
    assert losses == pytest.approx(SKY_LOSSES, rel=1e-2)


def test_the_shipped_classifier_is_as_recorded() -> None:
    manifest.check(JUDGE)
    assert manifest.read(JUDGE)["training"]["classifier"]["measured"]["place"] >= 0.98


def test_the_shipped_classifier_reads_places_of_fresh_renders() -> None:
    rng = np.random.default_rng(77)
    asked = [ask(rng) for _ in range(24)]
    read = Judge.load().read([one.render(index) for index, one in enumerate(asked)])
    assert place_share(asked, read.place) >= 0.85


def test_exact_lines_and_sky_are_those_of_the_picture() -> None:
    scene = sample_scene(np.random.default_rng(3), place="sea", time="day")
    lines_HW, sky_HW = draw_lines(scene, 96, 64, weight=0.03), draw_sky_mask(scene, 96, 64)
    horizon = round(scene.horizon * 64)
    assert lines_HW.shape == sky_HW.shape == (64, 96)
    assert lines_HW[horizon - 1 : horizon + 2].max(axis=0).mean() > 150
    assert sky_HW[: horizon - 16].mean() > 0.7
    assert not sky_HW[horizon + 2 :].any()


def test_a_room_has_no_sky() -> None:
    scene = sample_scene(np.random.default_rng(3), place="bedroom", time="day")
    assert not draw_sky_mask(scene, 64, 64).any()


def test_words_that_the_family_has_no_room_for_are_said_anew() -> None:
    first = ask(np.random.default_rng(3))
    second = ask(np.random.default_rng(3), lambda words: words != first.words)
    assert second.words != first.words
    assert second.scene == first.scene


def test_the_longest_captions_are_known_to_be_too_long(product: Product) -> None:
    assert product.takes("a beach at night")
    assert not product.takes(", ".join(["a beach at night with many boats"] * 20))


def test_equal_pictures_are_no_distance_apart_and_others_are() -> None:
    judge, rng = Judge.load(), np.random.default_rng(5)
    first, second = ([ask(rng).render(index) for index in range(8)] for _ in range(2))
    assert style_distance(gram(judge, first), gram(judge, first)) == 0.0
    assert style_distance(gram(judge, first), gram(judge, [255 - one for one in first])) > 0.1
    features = [judge.read(some).features for some in (first, second)]
    assert feature_distance(features[0], features[0]) == pytest.approx(0.0, abs=1e-3)
    assert feature_distance(features[0], features[1]) > 0.01


def test_edges_agree_with_themselves_and_not_with_those_of_another_picture() -> None:
    rng = np.random.default_rng(6)
    first, second = (ask(rng).render(index) for index in range(2))
    assert edge_f1(first, first) == 1.0
    assert edge_f1(second, first) < 0.8


def test_the_table_says_what_was_missed_and_why_a_measure_is_absent() -> None:
    measures: dict[str, float | None] = {row.key: row.target for row in ROWS}
    told = table({**measures, "place": 0.5, "alpha_iou": None}, {"alpha_iou": "no network"})
    assert told.count("**missed**") == 1
    assert "no network" in told


def test_the_shipped_family_draws_its_thumbnails() -> None:
    drawn = draw_thumbnails()
    assert set(drawn) == set(PROMPTS)
    for name, picture_HWC in drawn.items():
        kept_HWC = np.asarray(Image.open(FOLDER / f"{name}.png").convert("RGB"))
        assert np.abs(picture_HWC.astype(float) - kept_HWC).mean() < SHADE, name
