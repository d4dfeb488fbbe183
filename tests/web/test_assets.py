"""Assets in a browser: found, starred, thrown away and back, packed; and a hundred thousand of them."""

import io
import re
import zipfile

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.web.accessible import violations
from tests.web.artist import Having
from tests.web.fakes import tell_assets
from tests.web.screens import Screens
from tests.web.studio import Studio, project_of

NAMES = ["골목", "바다", "궁궐", "옥상", "교실"]
MANY = 100_000

pytestmark = pytest.mark.timeout(1500)


def test_assets_are_found_starred_packed_thrown_away_and_brought_back(studio: Studio, screens: Screens) -> None:
    page, having = studio.page, Having(studio.page)
    project = project_of(page)
    having.assets(project, having.drawing(project, "바닷가 마을"), NAMES)
    studio.go_to("보관함")
    for name in NAMES:
        expect(studio.asset(name)).to_be_visible()

    page.get_by_label("이름·태그·메모로 찾기").fill("궁궐")
    expect(studio.asset("골목")).to_have_count(0)
    page.get_by_label("이름·태그·메모로 찾기").fill("")
    studio.asset("바다").get_by_role("button", name="별표").click()
    page.get_by_role("button", name="★ 별표만").click()
    expect(page.get_by_role("article")).to_have_count(1)
    page.reload()  # what is looked for stands in the address
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_role("button", name="★ 별표만").click()

    studio.asset("교실").get_by_role("checkbox").check()
    studio.asset("궁궐").get_by_role("checkbox").click(modifiers=["Shift"])
    expect(page.get_by_text("3개 골랐어요")).to_be_visible()
    screens.take(page, "assets")
    assert violations(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="고른 것 내려받기 (zip)").click()
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        assert sorted(archive.namelist()) == ["별밤_교실_01.png", "별밤_궁궐_01.png", "별밤_옥상_01.png"]

    page.get_by_role("button", name="휴지통으로").click()
    expect(page.get_by_role("article")).to_have_count(2)
    page.get_by_role("status").get_by_role("button", name="되돌리기").click()
    expect(page.get_by_role("article")).to_have_count(5)
    studio.throw_away("골목")
    studio.look_at("휴지통")
    expect(studio.asset("골목")).to_contain_text("29일 남음")
    screens.take(page, "assets-trash")
    assert violations(page) == []
    studio.asset("골목").get_by_role("button", name="되살리기").click()
    expect(page.get_by_text("휴지통이 비어 있어요")).to_be_visible()
    studio.look_at("모두")

    studio.asset("골목").get_by_role("button", name="크게 보기").click()
    dialog = page.get_by_role("dialog", name="골목")
    screens.take_here(page, "asset-opened")
    assert violations(page) == []
    dialog.get_by_role("button", name="2배").click()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="1380px로 내려받기").click()
    with Image.open(download.value.path()) as picture:
        assert picture.width == 1380
        assert "trainedAlgorithmicMedia" in picture.info["XML:com.adobe.xmp"]
    dialog.get_by_label("이름").fill("밤 골목")
    dialog.get_by_role("button", name="저장").click()
    page.keyboard.press("Escape")
    expect(studio.asset("밤 골목")).to_be_visible()


def test_assets_are_moved_into_folders_tagged_and_found_by_both(studio: Studio, screens: Screens) -> None:
    page, having = studio.page, Having(studio.page)
    project = project_of(page)
    having.assets(project, having.drawing(project, "바닷가 마을"), NAMES)
    studio.go_to("보관함")
    for name in ("골목", "옥상"):
        studio.asset(name).get_by_role("checkbox").check()
    page.get_by_role("button", name="폴더로 옮기기").click()
    moving = page.get_by_role("dialog", name="폴더로 옮기기")
    moving.get_by_label("폴더").fill("3화/5컷")
    assert violations(page) == []
    moving.get_by_role("button", name="옮기기", exact=True).click()
    expect(page.get_by_text("2개를 정리했어요.")).to_be_visible()
    expect(studio.asset("골목")).to_contain_text("3화/5컷")

    page.get_by_role("button", name="태그 달기").click()
    tagging = page.get_by_role("dialog", name="태그 달기")
    tagging.get_by_label("태그").fill("#비 오는 밤, " + "가" * 21)
    expect(tagging.get_by_text("태그는 20자까지")).to_be_visible()
    expect(tagging.get_by_role("button", name="달기", exact=True)).to_be_disabled()
    tagging.get_by_label("태그").fill("#비 오는 밤, 지붕")
    tagging.get_by_label("태그").press("Enter")
    expect(tagging).to_be_hidden()

    studio.asset("바다").get_by_role("button", name="크게 보기").click()
    opened = page.get_by_role("dialog", name="바다")
    opened.get_by_label("폴더").fill("3화")
    opened.get_by_label("태그", exact=True).fill("지붕")
    opened.get_by_role("button", name="저장").click()
    opened.get_by_role("button", name="#지붕").click()  # everything that has it
    expect(opened).to_be_hidden()
    expect(page.get_by_label("이름·태그·메모로 찾기")).to_have_value("지붕")
    expect(page.get_by_role("article")).to_have_count(3)
    page.get_by_label("폴더").select_option("3화/5컷 (2)")
    expect(page.get_by_role("article")).to_have_count(2)
    page.get_by_label("이름·태그·메모로 찾기").fill("")
    expect(page).not_to_have_url(re.compile("search="))
    page.get_by_label("폴더").select_option("3화 (3)")  # with what is below it
    expect(page.get_by_role("article")).to_have_count(3)
    page.get_by_label("순서").select_option("이름 순")
    expect(page).to_have_url(re.compile("order=name"))
    page.reload()  # folder and order stand in the address
    expect(page.get_by_role("article")).to_have_count(3)
    shown = [article.get_attribute("aria-label") for article in page.get_by_role("article").all()]
    assert shown == ["골목", "바다", "옥상"]
    screens.take_here(page, "assets-folder")
    assert violations(page) == []
    page.get_by_label("폴더").select_option("폴더 없음")
    expect(page.get_by_role("article")).to_have_count(2)


def test_a_part_that_was_painted_by_keys_is_drawn_again(studio: Studio, screens: Screens) -> None:
    page = studio.page
    Having(page).drawing(project_of(page), "바닷가 마을")
    studio.go_to("배경")
    studio.results_of("바닷가 마을")
    page.get_by_role("button", name="인쇄용").click()
    printing = page.get_by_role("dialog", name="인쇄용으로 내려받기")
    assert violations(page) == []
    with page.expect_download() as download:
        printing.get_by_role("button", name="300 dpi PNG로 내려받기").click()
    with Image.open(download.value.path()) as picture:
        assert round(picture.info["dpi"][0]) == 300
    page.keyboard.press("Escape")

    page.get_by_role("button", name="일부만 다시").click()
    dialog = page.get_by_role("dialog", name="칠한 곳만 다시 그리기")
    again = dialog.get_by_role("button", name="일부만 다시")
    expect(again).to_be_disabled()
    canvas = dialog.get_by_role("application")
    canvas.focus()
    for key in ("ArrowLeft", "Space", "Shift+ArrowDown", "Space"):
        page.keyboard.press(key)
    expect(again).to_be_enabled()
    screens.take_here(page, "background-redraw")
    assert violations(page) == []
    again.click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("article", name="바닷가 마을")).to_have_count(2)


def test_a_hundred_thousand_assets_exist_only_near_the_screen(studio: Studio) -> None:
    page = studio.page
    project = project_of(page)

    tell_assets(page, project, total=MANY, per_page=100)
    studio.go_to("보관함")
    expect(page.get_by_role("article").first).to_be_visible()
    for first_of_page in range(100, 1300, 100):
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        expect(studio.asset(f"그림 {first_of_page}")).to_be_attached()
    assert page.get_by_role("article").count() < 60  # only those near the screen exist
