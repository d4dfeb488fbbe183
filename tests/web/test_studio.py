"""The whole job in a browser, from sign-up to the downloaded pictures, through the real mesh."""

import io
import zipfile
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image
from playwright.sync_api import Download, Page, expect

from tests.web.accessible import violations
from tests.web.screens import Screens
from tests.web.studio import TRAINING_PATIENCE_MS, Studio

ROOT = Path(__file__).parents[2]
STYLE_PICTURES = sorted((ROOT / "samples/styles/watercolour-wash").glob("*.png"))[:8]
CHARACTER = ROOT / "samples/characters/three-quarter.png"
POSE_PICTURE = ROOT / "samples/characters/front.png"  # no joint hides behind another
PHOTO = ROOT / "samples/photos/palace.jpg"

pytestmark = pytest.mark.timeout(1800)  # a training and three drawings, on processors shared with other tests


@pytest.fixture
def studio(page: Page) -> Studio:
    return Studio(page)


def test_an_artist_goes_from_sign_up_to_downloaded_pictures(studio: Studio, screens: Screens) -> None:
    page = studio.page
    page.goto("/sign-up")
    screens.take(page, "sign-up")
    studio.sign_up(name="달토끼", email=f"moon-{uuid4().hex}@example.com", password="반달 아래 고양이 열 마리")
    expect(page.get_by_text("첫 작품을 만들어 보세요")).to_be_visible()
    screens.take(page, "projects-empty")
    studio.create_project("달빛 골목")

    learn_a_style(studio, screens)
    draw_backgrounds(studio, screens)
    redraw_a_character(studio, screens)
    take_everything_home(studio, screens)


def learn_a_style(studio: Studio, screens: Screens) -> None:
    page = studio.page
    studio.add_pictures("그림 올리기", STYLE_PICTURES)
    expect(page.get_by_text("8장 골랐어요")).to_be_visible()
    button = page.get_by_role("button", name="그림 8장으로 배우기")
    expect(button).to_be_disabled()  # not before the artist says that the pictures may be used
    page.get_by_label("그림체 이름").fill("물빛")
    page.get_by_role("radio", name="빠르게").check()
    page.get_by_role("checkbox", name="제가 그린 그림이거나").check()
    screens.take(page, "style-ready")
    button.click()

    studio.wait_for_progress("물빛", patience_ms=TRAINING_PATIENCE_MS)
    screens.take(page, "style-learning")
    page.reload()  # neither the training nor what was typed is lost
    expect(page.get_by_label("그림체 이름")).to_have_value("물빛")
    expect(page.get_by_text("8장 골랐어요")).to_be_visible()
    style = page.get_by_role("region", name="배운 그림체").get_by_role("article", name="물빛")
    bar = studio.job("물빛").get_by_role("progressbar")
    expect(bar.or_(style).first).to_be_visible()  # it goes on, or has ended meanwhile
    expect(style).to_be_visible(timeout=TRAINING_PATIENCE_MS)
    expect(style.get_by_role("img").first).to_be_visible()
    screens.take(page, "style-learned")
    with page.expect_download() as download:
        style.get_by_role("link", name="그림체 파일").click()
    assert download.value.path().stat().st_size > 10_000
    bring_it_in_again(studio, screens, download.value)


def bring_it_in_again(studio: Studio, screens: Screens, learned: Download) -> None:
    """A style file is taken in as it was given out; another file is refused in words."""
    page = studio.page
    page.get_by_role("button", name="그림체 파일 가져오기").click()
    dialog = page.get_by_role("dialog", name="그림체 파일 가져오기")
    file = dialog.locator("input[type=file]")
    file.set_input_files({"name": "메모.safetensors", "mimeType": "application/octet-stream", "buffer": b"no style"})
    expect(dialog.get_by_label("그림체 이름")).to_have_value("메모")
    dialog.get_by_role("button", name="가져오기", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("그림체 파일을 읽을 수 없어요")
    assert violations(page) == []
    screens.take_here(page, "style-import")
    content = learned.path().read_bytes()
    file.set_input_files({"name": "물빛_lora.safetensors", "mimeType": "application/octet-stream", "buffer": content})
    dialog.get_by_label("그림체 이름").fill("가져온 물빛")
    dialog.get_by_label("그림체 이름").press("Enter")
    expect(dialog).to_be_hidden()
    brought = page.get_by_role("region", name="배운 그림체").get_by_role("article", name="가져온 물빛", exact=True)
    expect(brought.get_by_text("에 가져옴")).to_be_visible()


def draw_backgrounds(studio: Studio, screens: Screens) -> None:
    page = studio.page
    studio.go_to("배경")
    prompt = page.get_by_label("무엇을 그릴까요")
    prompt.fill("바닷가 마을")
    expect(page.get_by_text("이렇게 이해했어요:")).to_be_visible()
    page.get_by_role("button", name="물빛", exact=True).click()
    prompt.press("Control+Enter")
    expect(studio.job("바닷가 마을")).to_be_visible()
    page.reload()  # a drawing takes seconds: it goes on, or is done, without the page
    expect(prompt).to_have_value("바닷가 마을")
    studio.results_of("바닷가 마을")
    studio.save_first_result("바닷가 마을", "바닷가")

    prompt.fill("궁궐")
    studio.add_pictures("사진 올리기", [PHOTO])
    expect(page.get_by_label("내 그림체로 얼마나")).to_be_visible()
    page.get_by_role("button", name="2", exact=True).click()
    page.get_by_role("button", name="그리기", exact=False).last.click()
    expect(studio.results_of("궁궐")).to_have_count(2)
    screens.take(page, "background-results")


def redraw_a_character(studio: Studio, screens: Screens) -> None:
    page = studio.page
    studio.go_to("자세")
    studio.add_pictures("캐릭터 그림 올리기", [CHARACTER])
    studio.add_pictures("자세 사진·그림 올리기", [POSE_PICTURE])
    nobody = page.get_by_role("button", name="그림 전체로 찾기")
    expect(nobody.or_(studio.joint("왼 손목")).first).to_be_visible()
    if nobody.is_visible():
        nobody.click()

    found = studio.place_of("왼 손목")
    studio.drag_inwards("왼 손목")
    dragged = studio.place_of("왼 손목")
    page.get_by_role("button", name="되돌리기").click()
    studio.expect_joint_at("왼 손목", found)
    page.get_by_role("button", name="다시 하기").click()
    studio.expect_joint_at("왼 손목", dragged)
    studio.joint("왼 손목").press("ArrowUp")
    moved = (dragged[0], dragged[1] - 1)
    studio.expect_joint_at("왼 손목", moved)
    page.reload()
    studio.expect_joint_at("왼 손목", moved)
    screens.take(page, "pose-editor")

    page.get_by_role("button", name="이 자세로 그리기").click()
    studio.results_of("자세 바꾸기")
    screens.take(page, "pose-result")
    studio.save_first_result("자세 바꾸기", "손 든 주인공")


def take_everything_home(studio: Studio, screens: Screens) -> None:
    page = studio.page
    studio.go_to("보관함")
    asset = studio.asset("손 든 주인공")
    expect(asset.get_by_role("img")).to_be_visible()
    with page.expect_download() as download:
        asset.get_by_role("button", name="내려받기").click()
    assert download.value.suggested_filename == "손 든 주인공-1.png"
    with Image.open(download.value.path()) as picture:
        assert picture.format == "PNG"
    with page.expect_download() as download:
        page.get_by_role("link", name="모두 내려받기 (zip)").click()
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        assert sorted(archive.namelist()) == ["달빛 골목_바닷가_01.png", "달빛 골목_손 든 주인공_01.png"]

    studio.throw_away("바닷가")
    studio.go_to("진행 상황")
    screens.take(page, "jobs")
    page.get_by_role("link", name="내 작품").click()
    expect(page.get_by_role("link", name="달빛 골목")).to_be_visible()
    screens.take(page, "projects")
