"""A part of an uploaded picture becomes a picture of its own to learn from."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web.accessible import violations
from tests.web.screens import Screens
from tests.web.studio import Studio, project_of

PAGE_OF_MANGA = Path(__file__).parents[2] / "samples/styles/screentone-manga/01-bridge.png"

pytestmark = pytest.mark.timeout(900)  # the first to run waits until the mesh is up


def test_a_part_is_chosen_by_dragging_or_by_numbers_and_learned_from_instead(studio: Studio, screens: Screens) -> None:
    page = studio.page
    studio.add_pictures("그림 올리기", [PAGE_OF_MANGA])
    whole = page.get_by_role("checkbox", name=PAGE_OF_MANGA.name)
    expect(whole).to_be_checked()
    page.get_by_role("button", name="자르기").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="잘라서 쓰기")).to_be_disabled()  # it is all of it

    frame = dialog.locator(".crop").bounding_box()
    assert frame
    page.mouse.move(frame["x"] + frame["width"] / 4, frame["y"] + frame["height"] / 4)
    page.mouse.down()
    page.mouse.move(frame["x"] + 2 * frame["width"], frame["y"] + frame["height"] / 2, steps=4)  # beyond the edge
    page.mouse.up()
    width = int(dialog.get_by_label("너비").get_attribute("max") or "")
    assert abs(int(dialog.get_by_label("왼쪽").input_value()) - width / 4) <= 2
    assert int(dialog.get_by_label("왼쪽").input_value()) + int(dialog.get_by_label("너비").input_value()) == width
    assert violations(page) == []
    screens.take_here(page, "style-crop")

    dialog.get_by_label("너비").fill("63")
    expect(dialog.get_by_text("64픽셀은 넘어야")).to_be_visible()
    dialog.get_by_label("너비").fill("100")
    dialog.get_by_label("높이").fill("80")
    dialog.get_by_label("높이").press("Enter")
    expect(dialog).to_be_hidden()

    part = page.get_by_role("checkbox", name=f"{PAGE_OF_MANGA.stem}-자름.png")
    expect(part).to_be_checked()
    expect(whole).not_to_be_checked()
    kept = page.request.get(f"/api/v1/projects/{project_of(page)}/pictures").json()["items"]
    assert (kept[0]["width"], kept[0]["height"]) == (100, 80)
