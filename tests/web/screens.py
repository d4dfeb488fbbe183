"""Pictures of the screens, in both languages and themes, from the desk to the phone."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from PIL import Image
from playwright.sync_api import Page

Theme = Literal["light", "dark"]
WIDTH = 1280
MAX_HEIGHT = 1500
MAX_BYTES = 40_000
QUALITIES = (72, 55, 40, 25, 12)


@dataclass(frozen=True, slots=True)
class Screens:
    """Takes a screen once per language, theme and width, not in every combination; does nothing without a folder."""

    folder: Path | None
    languages: ClassVar[dict[str, str]] = {"en": "English", "ko": "한국어"}
    # Korean last: the walk goes on in it.
    variants: ClassVar[list[tuple[str, Theme, int]]] = [
        ("en", "light", 1024),
        ("en", "dark", WIDTH),
        ("ko", "dark", 390),
        ("ko", "light", WIDTH),
    ]

    def take(self, page: Page, name: str) -> None:
        if self.folder is None:
            return
        for language, theme, width in self.variants:
            page.emulate_media(color_scheme=theme)
            page.get_by_role("button", name=self.languages[language], exact=True).first.click()
            self._write(page, f"{name}.{language}.{theme}.{width}.webp", width=width)

    def take_here(self, page: Page, name: str) -> None:
        """Takes a state of a screen as it stands, in the language it is in."""
        if self.folder is not None:
            self._write(page, f"{name}.webp", width=WIDTH)

    def _write(self, page: Page, filename: str, *, width: int) -> None:
        assert self.folder is not None
        # Passing notes, perhaps in the language before, are closed as they are found: one may go by itself meanwhile.
        page.evaluate("for (const close of document.querySelectorAll('.toast > :last-child')) close.click()")
        before = page.viewport_size
        page.set_viewport_size({"width": width, "height": 900})
        height = page.evaluate("Math.max(760, document.querySelector('#page, .welcome')?.scrollHeight ?? 0)")
        page.set_viewport_size({"width": width, "height": min(height, MAX_HEIGHT)})
        page.evaluate("window.scrollTo(0, 0)")
        picture = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
        if before is not None:
            page.set_viewport_size(before)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / filename
        for quality in QUALITIES:
            picture.convert("RGB").save(path, quality=quality, method=6)
            if path.stat().st_size <= MAX_BYTES:
                return
        raise AssertionError(f"{path} is {path.stat().st_size} bytes")
