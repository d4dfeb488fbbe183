"""What the page tells by itself: that a session ends, that work has ended, and how a style grows."""

import datetime as dt
import json
import re

import pytest
from playwright.sync_api import Route, expect

from tests.web.accessible import violations
from tests.web.fakes import PIXEL, tell_a_job
from tests.web.screens import Screens
from tests.web.studio import PASSWORD, Studio, project_of

# The browser's own notices are not to be seen from here: what would be one is written into the page.
WRITE_DOWN = """(() => {
    const written = class extends EventTarget {
        static permission = 'default';
        static async requestPermission() { return (this.permission = 'granted'); }
        constructor(title, options) { super(); document.documentElement.dataset.notice = options.body; }
    };
    written.permission = localStorage.getItem('oma:notices') ? 'granted' : 'default';
    window.Notification = written;
})()"""
HIDE = "() => Object.defineProperty(document, 'hidden', {get: () => true})"

pytestmark = pytest.mark.timeout(900)  # the first to run waits until the mesh is up


def test_a_session_near_its_longest_is_told_and_prolonged_without_leaving_the_page(
    studio: Studio, screens: Screens
) -> None:
    page = studio.page
    studio.go_to("배경")
    page.get_by_label("무엇을 그릴까요").fill("a quiet street")

    soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=4)

    def ends_soon(route: Route) -> None:
        if route.request.method != "GET":
            return route.continue_()
        answer = route.fetch()
        return route.fulfill(response=answer, json=answer.json() | {"expires_at": soon.isoformat()})

    page.route("**/api/v1/session", ends_soon)
    page.reload()
    warning = page.get_by_text(re.compile("[1-4]분 뒤에 로그인이 끝나요"))
    expect(warning).to_be_visible()
    assert violations(page) == []
    screens.take_here(page, "session-ending")
    page.get_by_role("button", name="로그인 유지하기").click()
    dialog = page.get_by_role("dialog", name="로그인 유지하기")
    assert violations(page) == []
    page.unroute_all()
    dialog.get_by_label("비밀번호").fill(PASSWORD)
    dialog.get_by_label("비밀번호").press("Enter")
    expect(dialog).to_be_hidden()
    expect(warning).to_have_count(0)
    expect(page.get_by_label("무엇을 그릴까요")).to_have_value("a quiet street")


def test_the_end_of_work_is_told_outside_the_page_where_that_was_asked_for(studio: Studio) -> None:
    page = studio.page
    room, project = page.url, project_of(page)
    page.add_init_script(WRITE_DOWN)
    page.goto("/account")
    notices = page.get_by_role("region", name="알림")
    notices.get_by_role("checkbox", name="배경 그리기").check()
    assert violations(page) == []
    tell_a_job(page, project, state="running", prompt="a street")
    page.goto(room)
    expect(page.get_by_text("진행 중 1건")).to_be_attached()
    page.evaluate(HIDE)
    tell_a_job(page, project, state="succeeded", prompt="a street")
    expect(page.locator("html")).to_have_attribute("data-notice", re.compile("배경 · a street.*끝났어요"))


def test_a_training_under_way_shows_how_the_style_grows(studio: Studio) -> None:
    page = studio.page
    project = project_of(page)
    picture = {
        "id": "p1",
        "project_id": project,
        "filename": "first.png",
        "width": 4,
        "height": 3,
        "media_type": "image/png",
        "size_bytes": 9,
        "url": PIXEL,
        "created_at": "2026-11-01T00:00:00Z",
    }
    pictures = json.dumps({"items": [picture], "next_cursor": None})
    page.route("**/pictures", lambda route: route.fulfill(content_type="application/json", body=pictures))
    page.route("**/pictures?*", lambda route: route.fulfill(content_type="application/json", body=pictures))
    samples = [{"method": "lora", "step": step, "url": PIXEL} for step in (40, 80)]
    tell_a_job(
        page, project, kind="training", request={"name": "물빛", "picture_ids": ["p1"]}, checkpoint_samples=samples
    )
    page.reload()
    strip = studio.job("물빛").get_by_role("list", name="배우는 동안의 그림")
    expect(strip.get_by_role("listitem")).to_have_count(3)
    expect(strip.get_by_role("img").first).to_have_attribute("alt", "first.png")
    expect(strip.get_by_text("여러 장으로 배우기 · 80단계")).to_be_visible()
    assert violations(page) == []
