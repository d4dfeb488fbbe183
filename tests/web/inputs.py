"""Every input of an artist, counted: a click, a drop, or a group of keystrokes."""

import base64
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Locator, Page

DROP = """([name, type, text]) => {
    const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    const held = new DataTransfer();
    held.items.add(new File([bytes], name, {type}));
    document.querySelector('#page').dispatchEvent(
        new DragEvent('drop', {dataTransfer: held, bubbles: true, cancelable: true}));
}"""


@dataclass(slots=True)
class Inputs:
    """The only way in which a counted walk touches the page."""

    page: Page
    done: list[str] = field(default_factory=list)

    def click(self, what: Locator) -> None:
        what.click()
        self.done.append("click")

    def drop(self, file: Path) -> None:
        """Drop a file somewhere on the page."""
        kind = "image/jpeg" if file.suffix == ".jpg" else "image/png"
        self.page.evaluate(DROP, [file.name, kind, base64.b64encode(file.read_bytes()).decode("ascii")])
        self.done.append(f"drop {file.name}")

    def press(self, keys: str) -> None:
        self.page.keyboard.press(keys)
        self.done.append(keys)
