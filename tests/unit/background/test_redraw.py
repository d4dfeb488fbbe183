"""Only what a mask marks is drawn anew; every other pixel stays as it was, to the bit."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from services.background.engine.geometry import fit_picture
from services.background.engine.painter import Painter
from services.background.engine.records import DrawingSpec, StageTokens, StyleGuidance
from services.background.engine.redraw import Redraw, free_latents, put_back
from services.background.model import StyleTargets
from services.common.errors import InvalidInput
from services.common.pictures import Pixels
from tests.fakes.styles import draw_alone


def noisy(height: int, width: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def marked(height: int, width: int) -> NDArray[np.uint8]:
    mask_HW = np.zeros((height, width), np.uint8)
    mask_HW[height // 4 : height // 2, width // 2 :] = 255
    return mask_HW


def spec_of(picture_HWC: Pixels, mask_HW: NDArray[np.uint8], *, strength: float = 0.8) -> DrawingSpec:
    return DrawingSpec(
        prompt="a beach",
        image_HWC=fit_picture(picture_HWC, width=48, height=32),
        redraw=Redraw(picture_HWC=picture_HWC, mask_HW=mask_HW),
        strength=strength,
        steps=3,
        width=48,
        height=32,
    )


@pytest.mark.parametrize("size_hw", [(32, 48), (70, 101), (301, 450)])
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_every_pixel_outside_the_mask_is_identical(painter: Painter, size_hw: tuple[int, int], strength: float) -> None:
    picture_HWC, mask_HW = noisy(*size_hw), marked(*size_hw)
    drawn_HWC = draw_alone(painter, spec_of(picture_HWC, mask_HW, strength=strength))[0]
    assert drawn_HWC.shape == picture_HWC.shape
    assert np.array_equal(drawn_HWC[mask_HW == 0], picture_HWC[mask_HW == 0])
    assert np.abs(drawn_HWC[mask_HW == 255].astype(int) - picture_HWC[mask_HW == 255]).mean() > 5


def test_what_is_kept_steers_what_is_drawn(painter: Painter) -> None:
    """The marked part is drawn into its surroundings, not for itself."""
    mask_HW = marked(32, 48)
    pictures = [noisy(32, 48), np.full((32, 48, 3), 255, np.uint8)]
    for picture_HWC in pictures:
        picture_HWC[mask_HW > 0] = 90
    drawn = [draw_alone(painter, spec_of(picture_HWC, mask_HW))[0][mask_HW > 0] for picture_HWC in pictures]
    assert not np.array_equal(drawn[0], drawn[1])


def test_grey_mixes_and_black_and_white_do_not() -> None:
    picture_HWC, drawn_HWC = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 200, np.uint8)
    mask_HW = np.array([[0, 51, 102, 255]] * 4, np.uint8)
    whole_HWC = put_back(Redraw(picture_HWC=picture_HWC, mask_HW=mask_HW), drawn_HWC)
    assert whole_HWC[0, :, 0].tolist() == [0, 40, 80, 200]


def test_a_single_marked_pixel_frees_its_latent() -> None:
    mask_HW = np.zeros((32, 48), np.uint8)
    mask_HW[9, 17] = 255
    free_11HW = free_latents(mask_HW, width=48, height=32, factor=8)
    assert free_11HW.shape == (1, 1, 4, 6)
    assert free_11HW.nonzero().tolist() == [[0, 0, 1, 2]]


@pytest.mark.parametrize(
    ("mask_HW", "reason"), [(np.ones((4, 5), np.uint8), "MASK_SIZE"), (np.zeros((4, 4), np.uint8), "MASK_EMPTY")]
)
def test_a_mask_that_cannot_be_used_is_refused(mask_HW: NDArray[np.uint8], reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Redraw(picture_HWC=np.zeros((4, 4, 3), np.uint8), mask_HW=mask_HW)
    assert caught.value.reason == reason


def test_each_scheduler_draws_its_own_picture(painter: Painter) -> None:
    spec = DrawingSpec(prompt="a beach", steps=4, width=32, height=32)
    names = ["DDIMScheduler", "DPMSolverMultistepScheduler", "UniPCMultistepScheduler"]
    own, *drawn = [draw_alone(painter, replace(spec, scheduler=name))[0] for name in ["", *names]]
    assert np.array_equal(own, drawn[0])  # the family's own is DDIM
    assert not any(np.array_equal(drawn[0], other) for other in drawn[1:])


def test_style_and_content_are_guided_apart(painter: Painter, targets: StyleTargets) -> None:
    """With equal weights of both the content's and the style's answers cancel: it is plain guidance of their sum."""
    rows_TC = torch.randn((6, targets.text_width), generator=torch.Generator().manual_seed(1))
    tokens = StageTokens(embeddings_TC=rows_TC, trigger="sks03", size_bytes=0)
    spec = DrawingSpec(
        prompt="a beach in the style of sks03", stage_tokens=tokens, guidance=4.0, steps=3, width=32, height=32
    )
    even = draw_alone(painter, replace(spec, style_guidance=StyleGuidance(style=1.5, content=1.5, avoid=2.5)))[0]
    plain = draw_alone(painter, spec)[0]
    assert np.abs(even.astype(int) - plain).max() <= 2
    apart = draw_alone(painter, replace(spec, style_guidance=StyleGuidance()))[0]
    assert not np.array_equal(apart, plain)


def test_the_content_of_a_prompt_is_its_words_but_for_the_style_s_phrase(
    painter: Painter, targets: StyleTargets
) -> None:
    """A comma before the phrase is a token too, and the original keeps it."""
    tokens = StageTokens(embeddings_TC=torch.zeros((2, targets.text_width)), trigger="sks03", size_bytes=0)
    spec = DrawingSpec(prompt="a beach, in the style of sks03", stage_tokens=tokens, width=32, height=32)
    canvas = painter.begin(replace(spec, style_guidance=StyleGuidance()))[0]
    alone = painter.begin(DrawingSpec(prompt="a beach,", width=32, height=32))[0]
    assert canvas.apart is not None
    torch.testing.assert_close(canvas.apart[0], alone.prompt_TLC)
