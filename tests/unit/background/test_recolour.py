"""A picture is brought into a hand's palette before it is drawn over, and not before it is only kept."""

import numpy as np
import pytest
from oma.background.v1 import background_service_pb2 as pb
from oma.image.v1 import image_pb2
from oma.style.v1 import style_pb2

from services.background.convert import to_done, to_order, to_spec
from services.background.engine.line_control import Lines
from services.background.engine.recolour import near_hand
from services.background.engine.records import Adapter
from services.background.korean.translator import Translation
from services.common.errors import InvalidInput
from services.common.families import Family, load_family
from services.common.palettes import Palette, palette_of
from services.common.pictures import Pixels
from tests.fakes.families import build_random_family

PAPER = Palette(mean=(80.0, 0.0, 5.0), spread=(12.0, 1.0, 2.0))
STYLE = style_pb2.StyleUse(key="ann/s", sha256="0" * 64, method=style_pb2.METHOD_LORA)


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Family:
    return load_family(build_random_family(tmp_path_factory.mktemp("family")))


@pytest.fixture
def photo_HWC() -> Pixels:
    rng = np.random.default_rng(0)
    return np.clip(rng.normal((200, 90, 40), 30, (32, 48, 3)), 0, 255).astype(np.uint8)


def request(**fields: object) -> pb.GenerateBackgroundRequest:
    usual: dict[str, object] = {"request_id": "r", "owner": "ann", "prompt": "a street", "styles": [STYLE]}
    picture = image_pb2.Picture(inline=image_pb2.Image(content=b"x", media_type="image/png"))
    return pb.GenerateBackgroundRequest(**{"picture": picture, **usual, **fields})  # type: ignore[arg-type]


def test_the_colours_become_the_hand_s(photo_HWC: Pixels) -> None:
    palette = palette_of([near_hand(photo_HWC, PAPER, amount=1.0, strength=0.6)])
    assert palette.mean == pytest.approx(PAPER.mean, abs=1.5)
    assert palette.spread[1] < palette_of([photo_HWC]).spread[1]


def test_nothing_changes_without_amount_or_strength_and_half_at_half(photo_HWC: Pixels) -> None:
    for amount, strength in ((0.0, 0.6), (1.0, 0.0)):
        assert near_hand(photo_HWC, PAPER, amount=amount, strength=strength) is photo_HWC
    reached = palette_of([near_hand(photo_HWC, PAPER, amount=1.0, strength=0.25)]).mean[0]
    assert reached == pytest.approx((palette_of([photo_HWC]).mean[0] + PAPER.mean[0]) / 2, abs=1.5)


def test_lines_that_are_kept_are_inked(photo_HWC: Pixels) -> None:
    lines = Lines(lines_HW=np.zeros(photo_HWC.shape[:2], np.uint8), weight=1.0)
    lines.lines_HW[16] = 255
    plain = near_hand(photo_HWC, PAPER, amount=1.0, strength=0.6)
    inked = near_hand(photo_HWC, PAPER, amount=1.0, strength=0.6, lines=lines)
    assert np.allclose(inked[16], plain[16] * 0.4, atol=0.51)
    assert np.array_equal(np.delete(inked, 16, 0), np.delete(plain, 16, 0))


def test_an_even_picture_takes_the_colour_and_no_grain() -> None:
    even = near_hand(np.full((8, 8, 3), 30, np.uint8), PAPER, amount=1.0, strength=1.0)
    assert even.std(axis=(0, 1)).max() == 0


def test_a_style_that_tells_its_palette_recolours_the_picture_and_another_does_not(
    family: Family, photo_HWC: Pixels
) -> None:
    order = to_order(request(palette=1.0), family)
    english = Translation(english="a street", unknown_words=())
    told, silent = (
        to_spec(
            order, family, prompt=english, negative_prompt=english, image_HWC=photo_HWC, mask_HWC=None,
            loaded=[Adapter(unet={}, text={}, trigger="", size_bytes=0, palette=palette)],
        ).image_HWC
        for palette in (PAPER, None)
    )  # fmt: skip
    assert told is not None
    assert silent is not None
    assert palette_of([told]).mean == pytest.approx(PAPER.mean, abs=2)
    assert palette_of([silent]).mean == pytest.approx(palette_of([photo_HWC]).mean, abs=2)


def test_it_is_done_unasked_only_where_lines_are_kept_in_a_style(family: Family) -> None:
    assert to_order(request(), family).palette == 0  # this family has no line control
    controlled = family.model_copy(update={"files": {**family.files, "controlnet/config.json": ""}})
    assert to_order(request(), controlled).palette == 1
    assert to_order(request(styles=[]), controlled).palette == 0
    assert to_order(request(strength=1.0), controlled).palette == 0
    assert to_order(request(palette=0.4), family).palette == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"palette": 1.5}, "PALETTE_RANGE"),
        ({"palette": 1.0, "styles": []}, "PALETTE"),
        ({"palette": 1.0, "picture": None}, "PALETTE"),
        ({"palette": 1.0, "mask": image_pb2.Picture(inline=image_pb2.Image(content=b"x"))}, "MASK_PALETTE"),
    ],
)
def test_a_palette_that_cannot_be_followed_is_refused(family: Family, fields: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        to_order(request(**fields), family)
    assert refused.value.reason == reason


@pytest.mark.parametrize(("strength", "palette", "told"), [(0.6, PAPER, 1.0), (0.6, None, 0.0), (0.0, PAPER, 0.0)])
def test_it_tells_a_palette_only_where_the_colours_were_moved(
    family: Family, photo_HWC: Pixels, strength: float, palette: Palette | None, told: float
) -> None:
    order = to_order(request(palette=1.0, strength=strength), family)
    english = Translation(english="a street")
    style = Adapter(unet={}, text={}, trigger="", size_bytes=0, palette=palette)
    spec = to_spec(
        order, family, prompt=english, negative_prompt=english, image_HWC=photo_HWC, mask_HWC=None, loaded=[style]
    )
    assert to_done(order, spec, family).done.palette == told
