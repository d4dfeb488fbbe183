"""What a demo leaves behind."""

import base64
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from services.cli.demo.page import build_page
from services.cli.demo.records import Section, Story, Tile, Timing
from services.cli.demo.run import make_fresh, write_files
from services.cli.demo.samples import find_samples, shown_by
from services.cli.demo.sheet import CELL_HEIGHT, COLUMNS, HEAD_HEIGHT, SIDE, TITLE_HEIGHT, build_sheet, fit
from services.common.errors import InvalidInput, NotReady

RED = (200, 30, 30)


def tile(folder: Path, name: str = "red", size_wh: tuple[int, int] = (64, 64), caption: str = "a caption") -> Tile:
    path = folder / f"{name}.png"
    Image.new("RGB", size_wh, RED).save(path)
    return Tile(path=path, caption=caption, settings={"seed": 7, "prompt": "바다 <script>"})


def test_a_full_row_is_followed_by_another(tmp_path: Path) -> None:
    one = tile(tmp_path)
    single = build_sheet("title", "", [Section(title="few", tiles=[one])])
    several = build_sheet("title", "", [Section(title="many", tiles=[one] * (COLUMNS + 1))])
    assert several.width == single.width
    assert several.height - single.height == CELL_HEIGHT


def test_each_picture_stands_in_its_place_on_the_sheet(tmp_path: Path) -> None:
    sheet = build_sheet("title", "", [Section(title="one", tiles=[tile(tmp_path), tile(tmp_path)])])
    middle = HEAD_HEIGHT + TITLE_HEIGHT + SIDE // 2
    reds = [sheet.getpixel((16 + column * (SIDE + 16) + SIDE // 2, middle)) == RED for column in range(COLUMNS)]
    assert reds == [True, True] + [False] * (COLUMNS - 2)


def test_a_section_without_pictures_takes_no_room(tmp_path: Path) -> None:
    shown = Section(title="one", tiles=[tile(tmp_path)])
    assert build_sheet("t", "", [shown, Section(title="none")]).size == build_sheet("t", "", [shown]).size


@pytest.mark.parametrize(
    ("size_wh", "expected"), [((64, 64), (224, 224)), ((448, 224), (224, 112)), ((1, 1000), (1, 224))]
)
def test_pictures_keep_their_shape(size_wh: tuple[int, int], expected: tuple[int, int]) -> None:
    assert fit(Image.new("RGB", size_wh), 224).size == expected


def test_what_is_transparent_is_white() -> None:
    assert fit(Image.new("RGBA", (8, 8), (0, 0, 0, 0)), 8).getpixel((4, 4)) == (255, 255, 255)


def test_the_page_needs_no_other_file_and_runs_nothing(tmp_path: Path) -> None:
    story = Story(sections=[Section(title="one & two", tiles=[tile(tmp_path, caption='a "red" <b>')])])
    page = build_page("title", story)
    assert "<script" not in page
    assert "one &amp; two" in page
    sources = re.findall(r'src="([^"]+)"', page)
    assert [source.split(",")[0] for source in sources] == ["data:image/png;base64"]
    assert base64.b64decode(sources[0].split(",")[1]) == (tmp_path / "red.png").read_bytes()


def test_a_demo_that_failed_still_shows_how_far_it_came(tmp_path: Path) -> None:
    story = Story(
        sections=[Section(title="one", tiles=[tile(tmp_path)])],
        timings=[Timing(step="sign up", seconds=1.25, retries=0, result="done")],
        failed="learn the style: no place on this machine",
    )
    write_files(story, tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["ended_well"] is False
    assert summary["steps"][0] == {"step": "sign up", "seconds": 1.25, "retries": 0, "result": "done"}
    assert "no place on this machine" in (tmp_path / "index.html").read_text()
    assert (tmp_path / "contact_sheet.png").is_file()


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidInput, match="--out"):
        make_fresh(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_a_folder_of_an_earlier_demo_is_emptied(tmp_path: Path) -> None:
    make_fresh(tmp_path / "demo")
    (tmp_path / "demo" / "old.png").touch()
    make_fresh(tmp_path / "demo")
    assert not (tmp_path / "demo" / "old.png").exists()


def test_missing_samples_are_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="not complete"):
        find_samples(tmp_path)


def test_the_repository_has_the_samples_that_the_demo_needs() -> None:
    samples = find_samples(Path(__file__).parents[3] / "samples")
    assert len(samples.hand) == len(samples.other_hand) == 8


def test_a_samples_name_says_what_it_shows() -> None:
    assert shown_by(Path("styles/neon-night/04-old_school.png")) == "old school"
