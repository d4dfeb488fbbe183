"""Several points of a skeleton at once: chosen by mouse, finger and keys, then moved, turned and resized together."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import CDPSession, FloatRect, Page, expect

from tests.web.accessible import violations
from tests.web.screens import Screens
from tests.web.studio import Studio

LEG = ("왼 골반", "왼 무릎", "왼 발목")
CHOSEN = "점 3개를 골랐어요"

pytestmark = pytest.mark.timeout(900)  # the first to run waits until the mesh is up


@pytest.fixture
def studio(studio: Studio) -> Studio:
    """An artist with a skeleton placed by hand."""
    studio.go_to("자세")
    studio.page.get_by_role("button", name="뼈대 직접 놓기").press("Enter")
    return studio


@pytest.fixture
def finger(page: Page) -> Iterator[CDPSession]:
    """Touches the screen where no mouse is."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    yield session
    session.detach()


def canvas(studio: Studio) -> FloatRect:
    frame = studio.page.get_by_role("group", name="뼈대 편집판")
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    assert box
    return box


def middle(studio: Studio, joint: str) -> tuple[float, float]:
    box = studio.joint(joint).bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def around_the_leg(studio: Studio) -> tuple[tuple[float, float], tuple[float, float]]:
    """Two corners of a rectangle with the left hip, knee and ankle in it, and no other joint."""
    canvas(studio)
    places = [middle(studio, joint) for joint in LEG]
    left, right = min(x for x, _ in places) - 25, max(x for x, _ in places) + 6
    return (left, places[0][1] - 30), (right, places[2][1] + 4)  # it begins out of a finger's reach of the hip


def places(studio: Studio) -> list[tuple[int, int]]:
    return [studio.place_of(joint) for joint in LEG]


def test_a_mouse_chooses_by_a_rectangle_and_drags_points_and_handles(studio: Studio, screens: Screens) -> None:
    page = studio.page
    before, other = places(studio), studio.place_of("오른 무릎")
    start, end = around_the_leg(studio)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=4)
    page.mouse.up()
    expect(page.get_by_text(CHOSEN).first).to_be_visible()
    assert violations(page) == []
    canvas(studio)
    x, y = middle(studio, LEG[1])
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y - 30, steps=4)
    page.mouse.up()
    moved = places(studio)
    by = (moved[0][0] - before[0][0], moved[0][1] - before[0][1])
    assert by[0] > 0 > by[1]
    for now, then in zip(moved, before, strict=True):
        assert abs(now[0] - then[0] - by[0]) <= 1  # what is read aloud is rounded
        assert abs(now[1] - then[1] - by[1]) <= 1
    assert studio.place_of("오른 무릎") == other
    screens.take(page, "pose-selection")
    page.get_by_role("button", name="되돌리기").click()
    assert places(studio) == before
    page.get_by_role("button", name="다시 하기").click()
    assert places(studio) == moved
    handles_turn_and_resize_by_one_step_each(studio)


def handles_turn_and_resize_by_one_step_each(studio: Studio) -> None:
    page = studio.page
    canvas(studio)
    before = places(studio)
    length = before[2][1] - before[0][1]
    turn = page.get_by_role("button", name="고른 점 돌리기").bounding_box()
    assert turn
    x, y = turn["x"] + turn["width"] / 2, turn["y"] + turn["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 10, steps=6)
    page.mouse.up()
    turned = places(studio)
    assert turned[0][0] > before[0][0]  # clockwise: the hip goes right, the ankle left
    assert turned[2][0] < before[2][0]
    page.get_by_role("button", name="되돌리기").click()
    assert places(studio) == before
    corner = page.get_by_role("button", name="고른 점의 크기").bounding_box()
    assert corner
    x, y = corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 25, y - 60, steps=6)
    page.mouse.up()
    smaller = places(studio)
    assert 0 < smaller[2][1] - smaller[0][1] < length
    page.get_by_role("button", name="되돌리기").click()
    assert places(studio) == before


def test_keys_alone_choose_move_turn_and_resize_several(studio: Studio) -> None:
    page = studio.page
    before = places(studio)
    for joint in LEG:
        studio.joint(joint).focus()
        page.keyboard.press("Space")
    expect(page.get_by_text(CHOSEN).first).to_be_visible()
    page.keyboard.press("Shift+ArrowUp")
    assert places(studio) == [(x, y - 10) for x, y in before]
    page.get_by_role("button", name="고른 점 돌리기").focus()
    for _ in range(6):
        page.keyboard.press("Shift+ArrowRight")
    across = places(studio)
    assert abs(across[0][1] - across[2][1]) < abs(across[0][0] - across[2][0])  # a quarter round: it lies
    page.get_by_role("button", name="고른 점의 크기").focus()
    page.keyboard.press("Shift+ArrowDown")
    assert abs(places(studio)[0][0] - places(studio)[2][0]) < abs(across[0][0] - across[2][0])
    page.get_by_role("spinbutton", name="각도(°)", exact=True).fill("-90")
    page.get_by_role("button", name="돌리기", exact=True).press("Enter")
    studio.joint(LEG[0]).focus()
    page.keyboard.press("h")
    expect(page.get_by_role("button", name="왼 발목, 숨김")).to_be_visible()
    for _ in range(5):
        page.keyboard.press("Control+KeyZ")
    assert places(studio) == before
    page.keyboard.press("Escape")
    expect(page.get_by_text(CHOSEN)).to_have_count(0)
    page.keyboard.press("Control+KeyA")
    expect(page.get_by_text("점 23개를 골랐어요").first).to_be_visible()


def touch(finger: CDPSession, kind: str, *spots: tuple[float, float]) -> None:
    points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(spots)]
    finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_fingers_alone_choose_and_move_several_and_two_move_the_view(studio: Studio, finger: CDPSession) -> None:
    page = studio.page
    before = places(studio)
    start, end = around_the_leg(studio)
    touch(finger, "touchStart", start)
    touch(finger, "touchMove", end)
    touch(finger, "touchEnd")
    expect(page.get_by_text(CHOSEN).first).to_be_visible()
    canvas(studio)
    x, y = middle(studio, LEG[1])
    touch(finger, "touchStart", (x, y))
    touch(finger, "touchMove", (x + 20, y))
    touch(finger, "touchMove", (x + 30, y))
    touch(finger, "touchEnd")
    moved = places(studio)
    assert all(now[0] > then[0] for now, then in zip(moved, before, strict=True))
    frame = canvas(studio)
    left, right = (frame["x"] + 60, frame["y"] + 60), (frame["x"] + frame["width"] - 60, frame["y"] + 60)
    near = middle(studio, LEG[0])
    touch(finger, "touchStart", left)
    touch(finger, "touchStart", left, right)
    touch(finger, "touchMove", (left[0] - 40, left[1]), (right[0] + 40, right[1]))
    touch(finger, "touchEnd")
    expect(page.get_by_role("button", name="전체 보기")).to_be_enabled()  # it is enlarged
    assert places(studio) == moved  # and no point has moved
    assert middle(studio, LEG[0]) != near
