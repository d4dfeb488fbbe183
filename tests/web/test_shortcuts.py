"""Keys by themselves: the list of them, the star, the comparison; and that they can be turned off."""

import re

import pytest
from playwright.sync_api import expect

from tests.web.accessible import violations
from tests.web.fakes import tell_a_job, tell_assets
from tests.web.screens import Screens
from tests.web.studio import Studio, project_of

pytestmark = pytest.mark.timeout(900)  # the first to run waits until the mesh is up


def test_a_question_mark_lists_the_keys_but_not_where_it_is_typed(studio: Studio, screens: Screens) -> None:
    page = studio.page
    studio.go_to("배경")
    prompt = page.get_by_label("무엇을 그릴까요")
    prompt.press_sequentially("어디")
    prompt.press("Shift+Slash")
    keys = page.get_by_role("dialog", name="단축키")
    expect(keys).to_have_count(0)
    prompt.blur()
    page.keyboard.press("Shift+Slash")
    expect(keys).to_be_visible()
    assert violations(page) == []
    screens.take_here(page, "shortcuts")
    keys.get_by_role("checkbox", name="글쇠 하나로").uncheck()
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    page.keyboard.press("Shift+Slash")
    page.get_by_role("button", name="단축키").click()  # the way that is always there
    expect(keys).to_have_count(1)
    expect(keys.get_by_role("checkbox", name="글쇠 하나로")).not_to_be_checked()


def test_keys_star_and_compare_what_is_chosen(studio: Studio) -> None:
    page = studio.page
    tell_assets(page, project_of(page), total=3, per_page=100)
    studio.go_to("보관함")
    for number in (0, 1):
        studio.asset(f"그림 {number}").get_by_role("checkbox").check()
    page.keyboard.press("Period")
    for number in (0, 1):
        star = studio.asset(f"그림 {number}").get_by_role("button", name="별표")
        expect(star).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="비교")
    expect(dialog.get_by_role("img", name=re.compile("^그림"))).to_have_count(2)
    assert violations(page) == []


def test_c_compares_a_drawing_with_the_others_of_its_job(studio: Studio) -> None:
    page = studio.page
    results = [
        {"id": f"r{index}", "index": index, "url": page.url, "width": 4, "height": 3, "seed": index, "settings": {}}
        for index in range(3)
    ]
    tell_a_job(page, project_of(page), state="succeeded", results=results)
    page.reload()
    studio.go_to("배경")
    page.get_by_role("button", name="보관", exact=True).nth(1).focus()
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="1번 그림")).to_have_attribute("aria-pressed", "true")
    dialog.get_by_role("button", name="3번 그림").click()
    expect(dialog.get_by_role("button", name="3번 그림")).to_have_attribute("aria-pressed", "true")
