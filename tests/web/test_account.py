"""The account in a browser: sessions, tokens, everything to take along, and leaving with a receipt."""

import re
import zipfile
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.web.accessible import violations
from tests.web.artist import Having
from tests.web.screens import Screens
from tests.web.studio import PASSWORD, Studio

pytestmark = pytest.mark.timeout(1500)


def test_an_artist_sees_what_the_account_holds_takes_it_along_and_leaves(page: Page, screens: Screens) -> None:
    studio = Studio(page)
    email = f"star-{uuid4().hex}@example.com"
    studio.sign_up(name="별", email=email, password=PASSWORD)
    studio.create_project("별밤")
    Having(page).send("POST", "/tokens", {"email": email, "password": PASSWORD, "label": "내 컴퓨터", "scope": "write"})
    other = page.context.browser
    assert other
    elsewhere = other.new_context(base_url=page.url)
    elsewhere.request.post("/api/v1/session", data={"email": email, "password": PASSWORD})

    page.get_by_role("link", name="별", exact=True).click()
    expect(page.get_by_role("heading", name="계정과 데이터")).to_be_visible()
    sessions = page.get_by_role("region", name="로그인한 곳")
    expect(sessions.get_by_role("listitem")).to_have_count(2)
    screens.take(page, "account")
    assert violations(page) == []
    sessions.get_by_role("button", name="다른 곳 모두 로그아웃").click()
    expect(sessions.get_by_role("listitem")).to_have_count(1)
    assert elsewhere.request.get("/api/v1/account").status == 401
    elsewhere.close()

    make_a_token_for_reading(page)
    region = page.get_by_role("region", name="내 데이터")
    region.get_by_role("button", name="모두 내려받기 준비").click()
    with page.expect_download() as download:
        region.get_by_role("link", name=re.compile("내려받기")).click()
    assert zipfile.is_zipfile(download.value.path())

    region.get_by_role("button", name="계정 지우기").click()
    dialog = page.get_by_role("dialog", name="계정을 지울까요?")
    gone = dialog.get_by_role("button", name="영원히 지우기")
    dialog.get_by_label("확인을 위해").fill(email)
    dialog.get_by_label("비밀번호", exact=True).fill("틀린 비밀번호예요")
    gone.click()
    expect(dialog.get_by_role("alert")).to_contain_text("비밀번호가 틀렸어요")
    assert violations(page) == []
    dialog.get_by_label("비밀번호", exact=True).fill(PASSWORD)
    gone.click()
    expect(page.get_by_role("heading", name="삭제 영수증")).to_be_visible()
    expect(page.get_by_text("모두 지웠어요.")).to_be_visible()
    screens.take_here(page, "receipt")
    assert violations(page) == []
    page.goto("/")
    expect(page.get_by_role("heading", name="로그인")).to_be_visible()


def make_a_token_for_reading(page: Page) -> None:
    region = page.get_by_role("region", name="프로그램용 열쇠")
    region.get_by_role("button", name="새 열쇠").click()
    dialog = page.get_by_role("dialog", name="새 열쇠")
    dialog.get_by_label("어디에 쓸 열쇠인가요").fill("작업실")
    expect(dialog.get_by_role("radio", name="읽기만")).to_be_checked()
    dialog.get_by_label("비밀번호", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="만들기").click()
    secret = page.get_by_role("dialog", name="새 열쇠를 만들었어요").locator("output").inner_text()
    page.get_by_role("dialog").get_by_role("button", name="닫기").last.click()
    expect(region.get_by_role("listitem").filter(has_text="작업실")).to_contain_text("읽기만")
    bearer = {"Authorization": f"Bearer {secret}", "Cookie": ""}
    reading = page.request.get("/api/v1/projects", headers=bearer)
    assert reading.ok
    writing = page.request.post("/api/v1/projects", headers=bearer, data={"name": "x"})
    assert (writing.status, writing.json()["error"]["reason"]) == (403, "READ_ONLY_TOKEN")
