"""Every dialog in both themes: axe-core has nothing against it, and giving up changes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.accessible import violations
from tests.web.fakes import PIXEL, tell_a_job, tell_assets
from tests.web.studio import PASSWORD, Studio, project_of

pytestmark = pytest.mark.timeout(900)  # the first to run waits until the mesh is up


@contextmanager
def opened(page: Page, name: str, button: Locator) -> Iterator[Locator]:
    """The dialog of this name, found without fault and closed at the end."""
    button.click()
    dialog = page.get_by_role("dialog", name=name)
    expect(dialog).to_be_visible()
    assert (name, violations(page)) == (name, [])
    yield dialog
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, studio: Studio) -> Studio:
    scheme: Literal["light", "dark"] = request.param
    studio.page.emulate_media(color_scheme=scheme)
    return studio


def test_dialogs_of_projects_and_of_the_account(themed: Studio) -> None:
    page = themed.page
    page.get_by_role("link", name="내 작품").click()
    with opened(page, "이름 바꾸기", page.get_by_role("button", name="이름 바꾸기")) as dialog:
        dialog.get_by_label("작품 이름").fill("아무것도 아님")
    with opened(page, "작품을 지울까요?", page.get_by_role("button", name="지우기", exact=True)):
        pass
    expect(page.get_by_role("link", name="별밤")).to_be_visible()
    page.goto("/account")
    with opened(page, "계정을 지울까요?", page.get_by_role("button", name="계정 지우기")):
        pass
    with opened(page, "새 열쇠", page.get_by_role("button", name="새 열쇠")) as dialog:
        dialog.get_by_label("어디에 쓸 열쇠인가요").fill("내 프로그램")
        dialog.get_by_label("비밀번호", exact=True).fill(PASSWORD)
        dialog.get_by_role("button", name="만들기").click()
        expect(dialog.get_by_role("button", name="복사")).to_be_visible()
        assert violations(page) == []


def test_dialogs_around_a_result(themed: Studio) -> None:
    page = themed.page
    results: list[dict[str, Any]] = [
        {"id": f"r{index}", "index": index, "url": PIXEL, "width": 4, "height": 3, "seed": index, "settings": {}}
        for index in range(3)
    ]
    tell_a_job(page, project_of(page), state="succeeded", prompt="골목", results=results)
    page.reload()
    themed.go_to("배경")
    job = themed.job("골목")
    for name, button in (
        ("보관함에 넣기", "보관"),
        ("웹툰 규격으로 내려받기", "웹툰 규격"),
        ("인쇄용으로 내려받기", "인쇄용"),
        ("칠한 곳만 다시 그리기", "일부만 다시"),
        ("골목", "비교"),
    ):
        with opened(page, name, job.get_by_role("button", name=button, exact=True).first):
            pass


def test_dialogs_of_assets_and_of_the_trash(themed: Studio) -> None:
    page = themed.page
    tell_assets(page, project_of(page), total=2, per_page=100)
    themed.go_to("보관함")
    for number in range(2):
        themed.asset(f"그림 {number}").get_by_role("checkbox").check()
    with opened(page, "그림 0", themed.asset("그림 0").get_by_role("button", name="크게 보기")):
        pass
    for name, button in (("폴더로 옮기기", "폴더로 옮기기"), ("태그 달기", "태그 달기"), ("비교", "비교")):
        with opened(page, name, page.get_by_role("button", name=button, exact=True)):
            pass


def test_the_dialogs_that_delete_for_ever(themed: Studio) -> None:
    page = themed.page
    thrown_away = {
        "id": "a" * 32, "project_id": project_of(page), "name": "골목", "description": "", "kind": "background",
        "files": [], "starred": False, "folder": "", "tags": [], "deleted_at": "2026-11-01T00:00:00Z",
        "created_at": "2026-11-01T00:00:00Z",
    }  # fmt: skip
    page.route("**/api/v1/trash?*", lambda route: route.fulfill(json={"items": [thrown_away], "next_cursor": None}))
    themed.go_to("보관함")
    themed.look_at("휴지통")
    with opened(page, "휴지통 비우기", page.get_by_role("button", name="휴지통 비우기")):
        pass
    with opened(page, "완전히 지우기", page.get_by_role("button", name="완전히 지우기")):
        pass


def test_the_dialogs_of_styles(themed: Studio) -> None:
    page = themed.page
    style = {
        "id": "b" * 32, "project_id": project_of(page), "name": "물빛", "lineage_id": "b" * 32, "version": 1,
        "in_use": True, "imported": True, "note": "", "job_id": "c" * 32, "files": [], "sample_urls": [],
        "checkpoint_samples": [], "created_at": "2026-11-01T00:00:00Z",
    }  # fmt: skip
    page.route("**/styles", lambda route: route.fulfill(json={"items": [style], "next_cursor": None}))
    page.route("**/styles?*", lambda route: route.fulfill(json={"items": [style], "next_cursor": None}))
    page.reload()
    with opened(page, "그림체 파일 가져오기", page.get_by_role("button", name="그림체 파일 가져오기")):
        pass
    brought = page.get_by_role("article", name="물빛")
    with opened(page, "그림체를 지울까요?", brought.get_by_role("button", name="지우기")):
        pass
