"""Pictures in the widths of webtoon platforms, and slices that cut where nothing is drawn."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from services.gateway.webtoon import ORIGIN, cut_rows, webtoon_slices
from services.gateway.worker.dispatch import Dispatcher
from tests.fakes.artists import Artist
from tests.unit.gateway.test_gateway_assets import keep, results


def tall_png(width: int = 200, height: int = 1000) -> bytes:
    """Noise, but for calm bands that begin at every 230th row and are 20 rows high."""
    rng = np.random.default_rng(7)
    image_HWC = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    for top in range(230, height, 230):
        image_HWC[top : top + 20] = 255
    info = PngInfo()
    info.add_itxt(ORIGIN, "<origin/>")
    info.add_itxt("parameters", "a secret prompt")
    buffer = io.BytesIO()
    Image.fromarray(image_HWC).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def opened(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def test_a_picture_takes_the_width_and_keeps_its_proportions_and_origin() -> None:
    (only,) = webtoon_slices(tall_png(), width=690, slice_height=None)
    picture = opened(only)
    assert picture.size == (690, 3450)
    assert picture.info[ORIGIN] == "<origin/>"
    assert "parameters" not in picture.info


def test_slices_are_cut_where_nothing_is_drawn_and_lose_no_row() -> None:
    slices = [opened(content) for content in webtoon_slices(tall_png(), width=200, slice_height=260)]
    whole = np.vstack([np.asarray(one) for one in slices])
    assert np.array_equal(whole, np.asarray(opened(tall_png())))
    assert [one.height for one in slices[:3]] == [249, 230, 230]
    assert all(one.height <= 260 for one in slices)
    assert all(one.info[ORIGIN] == "<origin/>" for one in slices)


def test_a_picture_that_is_calm_everywhere_is_cut_into_full_slices() -> None:
    assert list(cut_rows(np.zeros((900, 50, 3), np.uint8), 400)) == [400, 800]


def test_transparency_is_kept() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (100, 100), (255, 0, 0, 0)).save(buffer, "PNG")
    (only,) = webtoon_slices(buffer.getvalue(), width=200, slice_height=None)
    assert opened(only).getchannel("A").getextrema() == (0, 0)


async def test_an_asset_is_downloaded_in_a_platforms_width(artist: Artist, worker: Dispatcher) -> None:
    project = await artist.project()
    first, second = await results(artist, project)
    asset = await keep(artist, project, "골목", [first, second])
    answer = await artist.http.get(f"/api/v1/results/{first}/webtoon", params={"width": 720})
    assert answer.headers["content-type"] == "image/png"
    assert opened(answer.content).width == 720
    answer = await artist.http.get(f"/api/v1/assets/{asset['id']}/webtoon", params={"width": 690, "scale": 2})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["골목_1380_01.png", "골목_1380_02.png"]
        assert opened(archive.read("골목_1380_01.png")).width == 1380


@pytest.mark.parametrize("wrong", [{}, {"width": 700}, {"width": 690, "scale": 4}, {"width": 690, "slice_height": 10}])
async def test_other_widths_are_refused(artist: Artist, wrong: dict[str, int]) -> None:
    answer = await artist.http.get(f"/api/v1/assets/{'0' * 32}/webtoon", params=wrong)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (422, "VALIDATION")
