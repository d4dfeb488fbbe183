"""Pictures are looked at before anything is learned from them; memory is too."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from services.common.pictures import Pixels
from services.style_train.engine.checks import check_pictures, difference_hash, lettering_share
from services.style_train.engine.memory import fitting_batch, free_bytes, sample_bytes


def drawing(seed: int, *, side: int = 400) -> Pixels:
    """Flat areas and a few outlines on white, as line art is."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(8):
        left, top, right, bottom = sorted(rng.integers(0, side, 2)) + sorted(rng.integers(0, side, 2))
        box = (int(left), int(right), int(top) + 2, int(bottom) + 2)
        box = (min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3]))
        draw.ellipse(box, fill=tuple(int(part) for part in rng.integers(0, 256, 3)), outline="black", width=3)
    return np.asarray(image)


def page_of_text() -> Pixels:
    image = Image.new("RGB", (400, 400), "white")
    draw = ImageDraw.Draw(image)
    for line in range(20):
        draw.text(
            (10, 20 * line), "what he says in his balloon goes on and on and on", "black", ImageFont.load_default(16)
        )
    return np.asarray(image)


def codes(*pictures: Pixels, learns_lora: bool = False) -> list[tuple[str, int | None]]:
    return [(one.code, one.picture) for one in check_pictures(pictures, learns_lora=learns_lora)]


def test_good_pictures_give_no_findings() -> None:
    assert codes(*(drawing(seed) for seed in range(6)), learns_lora=True) == []


def test_a_picture_that_comes_twice_is_named_in_whatever_size() -> None:
    smaller = np.asarray(Image.fromarray(drawing(1)).resize((300, 310), Image.Resampling.LANCZOS))
    assert codes(drawing(0), drawing(1), drawing(2), smaller) == [("DUPLICATE", 3)]
    assert (difference_hash(np.zeros((8, 9), np.uint8))) == 0


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (np.full((300, 300, 3), 200, np.uint8), "BLANK"),
        (drawing(3, side=120), "SMALL"),
        (page_of_text(), "LETTERING"),
    ],
)
def test_what_makes_a_worse_style_is_named_and_may_be_kept(picture: Pixels, code: str) -> None:
    findings = check_pictures([drawing(0), picture], learns_lora=False)
    assert [(one.code, one.picture, one.is_error) for one in findings] == [(code, 1, False)]
    assert "picture 2" in findings[0].message


def test_text_is_told_from_line_art() -> None:
    grey = [np.asarray(Image.fromarray(one).convert("L")) for one in (page_of_text(), drawing(4))]
    assert lettering_share(grey[0]) > 3 * lettering_share(grey[1])


def test_too_few_pictures_are_said_where_it_matters() -> None:
    assert codes(drawing(0), learns_lora=True) == [("TOO_FEW", None)]
    assert codes(drawing(0)) == []


def test_a_picture_with_nothing_to_see_cannot_be_learned_from() -> None:
    (finding,) = check_pictures([np.zeros((4, 90, 3), np.uint8), drawing(0)], learns_lora=False)[:1]
    assert (finding.code, finding.is_error) == ("PICTURE_TOO_SMALL", True)


@pytest.mark.parametrize(("free", "batch"), [(10**9, 4), (260, 2), (10, 1)])
def test_the_batch_is_as_large_as_memory_allows(free: int, batch: int) -> None:
    assert fitting_batch(4, one_sample_bytes=100, trained=0, free_bytes=free) == batch


def test_a_sample_s_memory_counts_what_is_kept_and_no_weights() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Tanh()).requires_grad_(requires_grad=False)
    values = torch.ones((5, 64), requires_grad=True)
    kept_bytes = sample_bytes(lambda: network(values).sum(), network)
    assert kept_bytes == 5 * 64 * 4  # what tanh answered
    assert free_bytes(torch.device("cpu")) > 2**20
