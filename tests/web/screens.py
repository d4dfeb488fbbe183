"""Pictures of the screens, in both languages."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from PIL import Image
from playwright.sync_api import Page

WIDTH = 1280
MAX_HEIGHT = 1500
MAX_BYTES = 200_000
COLOURS = 256


@dataclass(frozen=True, slots=True)
class Screens:
    """Takes a screen in Korean and in English; does nothing without a folder."""

    folder: Path | None
    languages: ClassVar[dict[str, str]] = {"en": "English", "ko": "한국어"}

    def take(self, page: Page, name: str) -> None:
        if self.folder is None:
            return
        for language, button in self.languages.items():  # Korean last: the walk goes on in it
            page.get_by_role("button", name=button, exact=True).first.click()
            self._write(page, f"{name}.{language}.png")

    def take_here(self, page: Page, name: str, *, width: int = WIDTH) -> None:
        """Takes the screen as it stands, in the language it is in."""
        if self.folder is not None:
            self._write(page, f"{name}.png", width=width)

    def _write(self, page: Page, filename: str, *, width: int = WIDTH) -> None:
        assert self.folder is not None
        # Passing notes, perhaps in the language before, are closed as they are found: one may go by itself meanwhile.
        page.evaluate("for (const close of document.querySelectorAll('.toast > :last-child')) close.click()")
        before = page.viewport_size
        height = page.evaluate("Math.max(760, document.querySelector('#page, .welcome')?.scrollHeight ?? 0)")
        page.set_viewport_size({"width": width, "height": min(height, MAX_HEIGHT)})
        page.evaluate("window.scrollTo(0, 0)")
        picture = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
        if before is not None:
            page.set_viewport_size(before)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / filename
        picture.convert("RGB").save(path, optimize=True)
        if path.stat().st_size > MAX_BYTES:
            picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
        assert path.stat().st_size <= MAX_BYTES, f"{path} is {path.stat().st_size} bytes"
