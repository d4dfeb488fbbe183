"""The studio as an artist uses it: what is clicked, dropped and typed, by the names that are read on the screen."""

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

PASSWORD = "별이 스무 개 뜬 밤"  # of every artist here
TRAINING_PATIENCE_MS = 900_000
DRAWING_PATIENCE_MS = 300_000


def project_of(page: Page) -> str:
    """The project that the page shows."""
    found = re.search(r"/projects/([0-9a-f]+)/", page.url)
    assert found
    return found[1]


@dataclass(frozen=True, slots=True)
class Studio:
    page: Page

    def sign_up(self, *, name: str, email: str, password: str) -> None:
        self.page.goto("/")
        self.page.get_by_role("link", name="회원가입").click()
        self.page.get_by_label("이름").fill(name)
        self.page.get_by_label("이메일").fill(email)
        self.page.get_by_label("비밀번호", exact=True).fill(password)
        self.page.get_by_role("button", name="시작하기").click()

    def create_project(self, name: str) -> None:
        self.page.get_by_label("작품 이름").fill(name)
        self.page.get_by_label("작품 이름").press("Enter")
        expect(self.page.get_by_role("heading", name="그림체", exact=True)).to_be_visible()

    def go_to(self, room: str) -> None:
        self.page.get_by_role("navigation").get_by_role("link", name=room).click()
        expect(self.page.get_by_role("heading", name=room, level=1)).to_be_visible()

    def add_pictures(self, label: str, files: list[Path]) -> None:
        """Choose files at the well or drop zone with this label."""
        self.page.locator(f'input[type=file][aria-label="{label}"]').set_input_files(files)

    def job(self, title: str) -> Locator:
        return self.page.get_by_role("article", name=re.compile(title)).first

    def wait_for_progress(self, title: str, *, patience_ms: int) -> None:
        """Wait until the job's bar has moved."""
        bar = self.job(title).get_by_role("progressbar")
        expect(bar).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]\d*$"), timeout=patience_ms)

    def results_of(self, title: str) -> Locator:
        """The pictures of a job, once it has drawn them."""
        pictures = self.job(title).get_by_role("img", name=re.compile("번 그림"))
        expect(pictures.first).to_be_visible(timeout=DRAWING_PATIENCE_MS)
        return pictures

    def save_first_result(self, title: str, name: str) -> None:
        self.job(title).get_by_role("button", name="보관", exact=True).first.click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_label("이름").fill(name)
        dialog.get_by_label("이름").press("Enter")
        expect(self.page.get_by_text(re.compile(f"{name}.? 이름으로 보관했어요"))).to_be_visible()

    def asset(self, name: str) -> Locator:
        return self.page.get_by_role("article", name=name, exact=True)

    def throw_away(self, name: str) -> None:
        self.asset(name).get_by_role("button", name="버리기").click()
        expect(self.asset(name)).to_have_count(0)

    def look_at(self, tab: str) -> None:
        """One of the tabs of the assets."""
        self.page.get_by_role("group", name="무엇을 볼까요").get_by_role("button", name=tab, exact=True).click()

    def joint(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=re.compile(rf"^{name}, "))

    def place_of(self, joint: str) -> tuple[int, int]:
        """Where a joint is, in pixels of the picture, as it is read aloud."""
        told = self.joint(joint).get_attribute("aria-label") or ""
        found = re.search(r"가로 (-?\d+), 세로 (-?\d+)", told)
        assert found, told
        return int(found[1]), int(found[2])

    def expect_joint_at(self, joint: str, place: tuple[int, int]) -> None:
        expect(self.joint(joint)).to_have_attribute("aria-label", f"{joint}, 가로 {place[0]}, 세로 {place[1]}")

    def drag_inwards(self, joint: str) -> None:
        """Drag a joint half of its way to the middle of the editor; wherever it was, there is room."""
        told = self.joint(joint).get_attribute("aria-label") or ""
        self.joint(joint).scroll_into_view_if_needed()
        box = self.joint(joint).bounding_box()
        canvas = self.page.get_by_role("group", name="뼈대 편집판").bounding_box()
        assert box
        assert canvas
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        middle_x, middle_y = canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move((x + middle_x) / 2, (y + middle_y) / 2, steps=5)
        self.page.mouse.up()
        expect(self.joint(joint)).not_to_have_attribute("aria-label", told)
