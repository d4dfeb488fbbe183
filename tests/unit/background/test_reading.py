"""An artist's own pages are read as nearer than other artists' pages."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.background.engine.reading import Aspect, Verdict, read_style
from services.common.pictures import Pixels

STYLES = Path(__file__).parents[3] / "samples/styles"
HANDS = sorted(folder.name for folder in STYLES.iterdir())


@pytest.fixture(scope="module")
def pages() -> dict[str, list[Pixels]]:
    found = {}
    for hand in HANDS:
        opened = [Image.open(path) for path in sorted((STYLES / hand).glob("*.png"))]
        found[hand] = [np.asarray(one.convert("RGB")) for one in opened]
        for one in opened:
            one.close()
    return found


@pytest.mark.parametrize("hand", HANDS)
@pytest.mark.parametrize("known", [1, 4])
def test_own_pages_score_above_others_in_nine_of_ten_comparisons(
    pages: dict[str, list[Pixels]], hand: str, known: int
) -> None:
    shown = pages[hand][:known]
    own = [read_style(page, shown).overall for page in pages[hand][5:]]
    others = [read_style(page, shown).overall for other in HANDS if other != hand for page in pages[other][:3]]
    won = [mine < theirs for mine in own for theirs in others]
    assert np.mean(won) >= 0.9


@pytest.mark.parametrize("hand", HANDS)
def test_own_pages_are_called_close_and_others_are_not(pages: dict[str, list[Pixels]], hand: str) -> None:
    shown = pages[hand][:5]
    own = [read_style(page, shown).verdict for page in pages[hand][5:]]
    assert own.count(Verdict.CLOSE) >= 4
    others = [read_style(pages[other][6], shown).verdict for other in HANDS if other != hand]
    assert Verdict.CLOSE not in others


def test_a_page_in_other_colours_is_off_by_its_palette(pages: dict[str, list[Pixels]]) -> None:
    shown = pages["hatched-ink"]
    tinted_HWC = (shown[0] * np.array([0.4, 0.9, 0.3])).astype(np.uint8)
    times = read_style(tinted_HWC, shown[1:]).times
    assert max(times, key=lambda aspect: times[aspect]) is Aspect.PALETTE


def test_the_size_of_a_scan_does_not_matter_much(pages: dict[str, list[Pixels]]) -> None:
    shown = pages["hatched-ink"]
    large_HWC = np.asarray(Image.fromarray(shown[0]).resize((640, 640), Image.Resampling.LANCZOS))
    assert read_style(large_HWC, shown[1:]).verdict is Verdict.CLOSE
