"""A drawing taken apart: what is in which layer, and that the layers are the drawing again."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from psd_tools import PSDImage
from psd_tools.constants import BlendMode, Resource

from services.background.engine.layers import LayerKind, Separation, composite, separate
from services.background.psd import write_psd
from services.common.pictures import Pixels

SAMPLES = Path(__file__).parents[3] / "samples/styles"
INK, PAPER = (30, 20, 40), (230, 200, 150)


@pytest.fixture
def drawing_HWC() -> Pixels:
    """Two areas, a dark block, and ink lines between and around them."""
    image_HWC = np.full((256, 192, 3), PAPER, np.uint8)
    image_HWC[:40] = (120, 180, 240)
    image_HWC[150:, 120:] = (70, 60, 60)
    for start, end in (((0, 40), (191, 40)), ((20, 60), (100, 110)), ((60, 5), (60, 250))):
        cv2.line(image_HWC, start, end, INK, 2, cv2.LINE_AA)
    return image_HWC


def alpha_HW(separation: Separation, kind: LayerKind) -> Pixels:
    return next(layer.image_HWC[..., 3] for layer in separation.layers if layer.kind is kind)


def test_the_layers_laid_over_one_another_are_the_drawing(drawing_HWC: Pixels) -> None:
    sky_HW = np.zeros(drawing_HWC.shape[:2], bool)
    sky_HW[:38] = True
    separation = separate(drawing_HWC, sky_HW=sky_HW, original_HWC=drawing_HWC[::2, ::2])
    kinds = [LayerKind.ORIGINAL, LayerKind.SKY, LayerKind.COLOUR, LayerKind.LINE]
    assert [layer.kind for layer in separation.layers] == kinds
    assert separation.left_out == ()
    assert separation.largest_difference <= 1
    assert np.abs(composite(separation.layers).astype(int) - drawing_HWC).max() <= 1


def test_any_picture_is_given_back_by_its_layers() -> None:
    rng = np.random.default_rng(5)
    for _ in range(5):
        image_HWC = cv2.GaussianBlur(rng.integers(0, 256, (80, 64, 3), dtype=np.uint8), (0, 0), rng.uniform(0.5, 3))
        separation = separate(np.asarray(image_HWC, np.uint8), sky_HW=None, original_HWC=None)
        assert separation.largest_difference <= 2


def test_the_line_layer_is_nothing_where_areas_are_flat_and_the_colour_layer_has_no_ink(drawing_HWC: Pixels) -> None:
    separation = separate(drawing_HWC, sky_HW=None, original_HWC=None)
    line_HW = alpha_HW(separation, LayerKind.LINE)
    flat_HW = (drawing_HWC == PAPER).all(axis=2) | (drawing_HWC == (120, 180, 240)).all(axis=2)
    assert line_HW[flat_HW].max() == 0
    colour_HWC = next(layer.image_HWC for layer in separation.layers if layer.kind is LayerKind.COLOUR)
    under_HWC = colour_HWC[20:80, 58:63, :3]  # where an ink line stood
    assert under_HWC.min() > 2 * max(INK)
    assert line_HW[10:30, 60].min() > 200


def test_a_dark_area_is_colour_and_no_line(drawing_HWC: Pixels) -> None:
    assert alpha_HW(separate(drawing_HWC, sky_HW=None, original_HWC=None), LayerKind.LINE)[170:, 140:].max() == 0


@pytest.mark.parametrize(
    ("image_HWC", "reason"),
    [
        pytest.param(np.full((64, 64, 3), 200, np.uint8), "no lines were found", id="flat"),
        pytest.param(
            255 - cv2.line(np.full((64, 64, 3), 220, np.uint8), (5, 5), (60, 50), INK, 2), "lighter", id="light lines"
        ),
    ],
)
def test_lines_that_could_not_be_made_well_are_left_out_by_name(image_HWC: Pixels, reason: str) -> None:
    separation = separate(image_HWC, sky_HW=None, original_HWC=None)
    assert [layer.kind for layer in separation.layers] == [LayerKind.COLOUR]
    left = {one.kind: one for one in separation.left_out}
    assert left[LayerKind.LINE].reason == "NO_LINES"
    assert reason in left[LayerKind.LINE].message
    assert left[LayerKind.SKY].reason == "NO_SKY_NETWORK"


def has_lines(hand: str) -> dict[str, bool]:
    """By the name of each sample page of this hand."""
    found = {}
    for path in sorted((SAMPLES / hand).glob("*.png")):
        with Image.open(path) as page:
            separation = separate(np.asarray(page.convert("RGB")), sky_HW=None, original_HWC=None)
        found[path.name] = LayerKind.LINE in {layer.kind for layer in separation.layers}
        assert separation.largest_difference <= 1, path.name
    return found


@pytest.mark.parametrize("hand", ["hatched-ink", "watercolour-wash"])
def test_pages_drawn_in_dark_lines_have_a_layer_of_them(hand: str) -> None:
    assert all(has_lines(hand).values()), has_lines(hand)


def test_pages_drawn_in_light_lines_have_none() -> None:
    assert not any(has_lines("neon-night").values()), has_lines("neon-night")


def test_white_paper_between_dots_is_not_taken_for_light_lines() -> None:
    assert has_lines("screentone-manga")["05-school.png"]


def test_where_no_sky_was_found_there_is_no_layer_of_it(drawing_HWC: Pixels) -> None:
    separation = separate(drawing_HWC, sky_HW=np.zeros(drawing_HWC.shape[:2], bool), original_HWC=None)
    assert [(one.kind, one.reason) for one in separation.left_out] == [(LayerKind.SKY, "NO_SKY")]


def test_a_photoshop_reader_finds_the_layers_their_modes_and_the_drawing(drawing_HWC: Pixels) -> None:
    sky_HW = np.zeros(drawing_HWC.shape[:2], bool)
    sky_HW[:38] = True
    separation = separate(drawing_HWC, sky_HW=sky_HW, original_HWC=drawing_HWC)
    content = write_psd(separation, language="ko")
    document = PSDImage.open(io.BytesIO(content))
    found = [(layer.name, layer.blend_mode, layer.visible) for layer in document]
    assert found == [
        ("원본 사진", BlendMode.NORMAL, False),
        ("하늘", BlendMode.NORMAL, True),
        ("색", BlendMode.NORMAL, True),
        ("선", BlendMode.MULTIPLY, True),
    ]
    shown = document.composite(force=True)
    assert shown is not None
    assert np.abs(np.asarray(shown.convert("RGB")).astype(int) - drawing_HWC).max() <= 2
    with Image.open(io.BytesIO(content)) as flat:  # readers without layers
        assert np.abs(np.asarray(flat.convert("RGB")).astype(int) - drawing_HWC).max() <= 2


def test_the_file_says_that_a_trained_model_had_part_in_it(drawing_HWC: Pixels) -> None:
    for original_HWC, kind in (
        (None, "/trainedAlgorithmicMedia"),
        (drawing_HWC, "/compositeWithTrainedAlgorithmicMedia"),
    ):
        content = write_psd(separate(drawing_HWC, sky_HW=None, original_HWC=original_HWC), language="en")
        document = PSDImage.open(io.BytesIO(content))
        assert kind in bytes(document.image_resources.get_data(Resource.XMP_METADATA)).decode()
