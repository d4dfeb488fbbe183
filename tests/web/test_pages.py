"""What the pages promise at their edges: refusals in words, Hangul, keys, strangers' ids, the end of a session."""

import json
import re
from pathlib import Path
from typing import Literal
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.web.accessible import violations
from tests.web.screens import Screens
from tests.web.studio import PASSWORD, Studio

ROOT = Path(__file__).parents[2]
ROOMS = {"배경": "background", "자세": "pose", "보관함": "assets", "진행 상황": "jobs", "그림체": "style"}
EMPTY = re.compile("여기에 그림이 나타나요|아직 배운 그림체가|아직 보관한|지금은 쉬는")

pytestmark = pytest.mark.timeout(900)  # the first to run waits until the mesh is up


def test_a_wrong_password_is_told_in_the_language_of_the_page(page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_label("이메일").fill("nobody@example.com")
    page.get_by_label("비밀번호", exact=True).fill("틀린 비밀번호예요")
    page.get_by_role("button", name="로그인").click()
    expect(page.get_by_role("alert")).to_contain_text("이메일이나 비밀번호가 맞지 않아요.")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("alert")).to_contain_text("The e-mail or the password is wrong.")
    assert page.evaluate("document.documentElement.lang") == "en"


def test_a_file_that_is_no_picture_is_named_and_the_good_one_kept(studio: Studio, tmp_path: Path) -> None:
    broken = tmp_path / "깨진 그림.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    studio.add_pictures("그림 올리기", [broken, ROOT / "samples/characters/chibi.png"])
    refusal = studio.page.get_by_role("alert")
    expect(refusal).to_contain_text("깨진 그림.png")
    expect(refusal).to_contain_text("그림 파일이 아니에요")
    expect(studio.page.get_by_text("1장 골랐어요")).to_be_visible()


def test_enter_while_a_syllable_is_composed_sends_nothing(studio: Studio) -> None:
    page = studio.page
    page.goto("/")
    name = page.get_by_label("작품 이름")
    name.fill("달")
    composing = {"key": "Enter", "bubbles": True, "cancelable": True, "isComposing": True}
    page.evaluate(
        """([element, init]) => {
            const event = new KeyboardEvent('keydown', init);
            if (element.dispatchEvent(event)) element.form.requestSubmit();
        }""",
        [name.element_handle(), composing],
    )
    expect(page.get_by_role("heading", name="내 작품")).to_be_visible()
    expect(page.get_by_role("listitem")).to_have_count(1)
    page.evaluate(
        """([element, init]) => {
            const event = new KeyboardEvent('keydown', {...init, isComposing: false});
            if (element.dispatchEvent(event)) element.form.requestSubmit();
        }""",
        [name.element_handle(), composing],
    )
    expect(page.get_by_role("heading", name="그림체", exact=True)).to_be_visible()


def test_a_skeleton_is_placed_and_moved_by_keys_alone(studio: Studio) -> None:
    page = studio.page
    studio.go_to("자세")
    page.get_by_role("button", name="뼈대 직접 놓기").press("Enter")
    before = studio.place_of("오른 무릎")
    studio.joint("오른 무릎").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    studio.expect_joint_at("오른 무릎", (before[0] + 2, before[1] + 10))
    page.keyboard.press("Delete")
    expect(page.get_by_role("button", name="오른 무릎, 숨김")).to_be_focused()
    page.keyboard.press("Control+KeyZ")
    page.keyboard.press("Control+KeyZ")
    studio.expect_joint_at("오른 무릎", before)
    page.keyboard.press("Tab")
    expect(studio.joint("왼 발목")).to_be_focused()


def test_a_hand_is_shaped_and_turned_and_comes_back_from_an_openpose_file(
    studio: Studio, screens: Screens, tmp_path: Path
) -> None:
    page = studio.page
    studio.go_to("자세")
    page.get_by_role("button", name="뼈대 직접 놓기").press("Enter")
    page.get_by_role("button", name="왼손", exact=True).press("Enter")
    page.get_by_role("button", name="가리키기").press("Enter")
    tip = studio.place_of("왼손 검지 4")
    studio.joint("왼손 검지 4").press("ArrowLeft")
    studio.expect_joint_at("왼손 검지 4", (tip[0] - 1, tip[1]))
    screens.take(page, "pose-hand")
    assert violations(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="OpenPose로 내려받기").press("Enter")
    file = tmp_path / "자세.json"
    download.value.save_as(file)
    page.get_by_role("button", name="좌우 뒤집기").press("Enter")
    page.get_by_role("button", name="오른손", exact=True).press("Enter")
    studio.expect_joint_at("오른손 검지 4", (511 - tip[0] + 1, tip[1]))
    page.locator("input[type=file][accept*=json]").set_input_files(file)
    page.get_by_role("button", name="왼손", exact=True).press("Enter")
    studio.expect_joint_at("왼손 검지 4", (tip[0] - 1, tip[1]))
    file.write_text("{}", encoding="utf-8")
    page.locator("input[type=file][accept*=json]").set_input_files(file)
    expect(page.get_by_role("alert")).to_contain_text("OpenPose 자세 파일이 아니에요")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_room_has_anything_that_axe_objects_to(
    studio: Studio, screens: Screens, scheme: Literal["light", "dark"]
) -> None:
    page = studio.page
    page.emulate_media(color_scheme=scheme)
    found = {"작품": violations(page)}
    for room in ("배경", "자세", "보관함", "진행 상황", "그림체"):
        studio.go_to(room)
        found[room] = violations(page)
        if scheme == "light":
            screens.take_here(page, f"{ROOMS[room]}-empty")
    page.get_by_role("link", name="내 작품").click()
    found["내 작품"] = violations(page)
    assert {room: problems for room, problems in found.items() if problems} == {}


def test_what_cannot_be_read_is_said_and_never_looks_empty(studio: Studio, screens: Screens) -> None:
    page = studio.page
    down = {"error": {"reason": "UNAVAILABLE", "message": "down", "request_id": "r"}}
    page.route(
        re.compile(r"/api/v1/(jobs|projects/\w+/(assets|styles|pictures|poses))(\?|$)"),
        lambda route: route.fulfill(status=503, content_type="application/json", body=json.dumps(down)),
    )
    page.reload()
    for room in ("배경", "자세", "보관함", "진행 상황", "그림체"):
        studio.go_to(room)
        failed = page.get_by_role("alert").filter(has_text="쉬고 있는 부분").first
        expect(failed).to_be_visible()
        expect(failed.get_by_role("button", name="다시 시도")).to_be_visible()
        expect(page.get_by_text(EMPTY)).to_have_count(0)
        assert violations(page) == []
    screens.take_here(page, "style-failed")
    styles = page.get_by_role("region", name="배운 그림체")
    # While it still fails: once it does not, the page may be quicker than the click.
    with page.expect_request(re.compile(r"/projects/\w+/styles(\?|$)")):
        styles.get_by_role("button", name="다시 시도").click()
    page.unroute_all()
    page.reload()
    expect(page.get_by_text("아직 배운 그림체가 없어요")).to_be_visible()


def test_no_connection_and_a_part_that_rests_are_told_above_the_page(studio: Studio, screens: Screens) -> None:
    page = studio.page
    studio.go_to("배경")
    page.get_by_label("무엇을 그릴까요").fill("a quiet street")
    page.context.set_offline(True)
    expect(page.get_by_text("인터넷이 끊겼어요")).to_be_visible()
    screens.take_here(page, "background-offline")
    assert violations(page) == []
    page.context.set_offline(False)
    expect(page.get_by_text("인터넷이 끊겼어요")).to_have_count(0)
    expect(page.get_by_label("무엇을 그릴까요")).to_have_value("a quiet street")
    told = {"version": "1", "family": "tiny", "services": {"background": "down", "pose estimation": "serving"}}
    page.route("**/api/v1/status", lambda route: route.fulfill(status=200, json=told))
    page.reload()
    expect(page.get_by_text("그리는 서버가 잠시 쉬고 있어요")).to_be_visible()
    screens.take_here(page, "background-resting")
    assert violations(page) == []


def test_a_session_that_ends_while_a_pose_is_edited_costs_no_edit(studio: Studio, screens: Screens) -> None:
    page = studio.page
    studio.go_to("자세")
    page.get_by_role("button", name="뼈대 직접 놓기").press("Enter")
    before = studio.place_of("왼 손목")
    studio.joint("왼 손목").press("Shift+ArrowUp")
    moved = (before[0], before[1] - 10)
    studio.expect_joint_at("왼 손목", moved)
    page.context.clear_cookies()
    page.get_by_role("button", name="이 자세 담기").click()
    dialog = page.get_by_role("dialog", name="다시 로그인해 주세요")
    expect(dialog).to_be_visible()
    screens.take_here(page, "session-ended")
    assert violations(page) == []
    dialog.get_by_label("비밀번호").fill(PASSWORD)
    dialog.get_by_label("비밀번호").press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="자세 쓰기")).to_have_count(1)  # it was kept, without another click
    studio.expect_joint_at("왼 손목", moved)
    page.get_by_role("button", name="되돌리기").click()
    page.get_by_role("button", name="자세 쓰기").click()
    studio.expect_joint_at("왼 손목", moved)


def test_another_artist_finds_nothing_under_my_address(studio: Studio, page: Page) -> None:
    mine = page.url
    page.get_by_role("button", name="로그아웃").click()
    expect(page.get_by_role("heading", name="로그인")).to_be_visible()
    studio.sign_up(name="다른 별", email=f"other-{uuid4().hex}@example.com", password=PASSWORD)
    expect(page.get_by_text("첫 작품을 만들어 보세요")).to_be_visible()
    page.goto(mine)
    expect(page.get_by_role("alert").first).to_contain_text("찾을 수 없어요")


def test_a_session_that_ended_asks_for_the_password_over_the_page(studio: Studio) -> None:
    page = studio.page
    studio.go_to("배경")
    page.get_by_label("무엇을 그릴까요").fill("a quiet street")
    page.context.clear_cookies()
    page.get_by_role("button", name="그리기").click()
    dialog = page.get_by_role("dialog", name="다시 로그인해 주세요")
    dialog.get_by_label("비밀번호").fill(PASSWORD)
    dialog.get_by_label("비밀번호").press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.get_by_label("무엇을 그릴까요")).to_have_value("a quiet street")
    expect(studio.job("a quiet street")).to_be_visible()  # the click that found the session lost was carried out
