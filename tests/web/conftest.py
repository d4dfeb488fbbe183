"""A browser, the mesh it talks to, and the folder for pictures of the screens."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from services.cli.mesh.running import MeshOptions, start_mesh
from tests.web.screens import Screens
from tests.web.studio import PASSWORD, Studio

ROOT = Path(__file__).parents[2]
FAMILY = ROOT / "models/webtoon_tiny/weights"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The mesh may share its processors with other tests, so a page is waited for long; nothing is waited for blindly.
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on this system: install your system's chromium package")
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Ends with its file: while it lives, Playwright keeps an event loop running, and no other test may start one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def mesh_url(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a whole mesh; `OMA_WEB_URL` names one that runs already."""
    running = os.environ.get("OMA_WEB_URL")
    if running is not None:
        yield running
        return
    assert (ROOT / "web/dist/index.html").is_file(), "the web app is not built: run scripts/build_web.sh"
    folder = tmp_path_factory.mktemp("web-mesh")
    options = MeshOptions(root=ROOT, data_folder=folder, family=FAMILY, http_port=0)
    started = start_mesh(options, outlives_us=False)
    yield started.state.url
    started.stop(folder)


@pytest.fixture
def page(browser: Browser, mesh_url: str) -> Iterator[Page]:
    """A fresh profile of a Korean reader; the page's own errors fail the test."""
    context = browser.new_context(base_url=mesh_url, locale="ko-KR", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    yield page
    context.close()
    assert broken == []


@pytest.fixture
def studio(page: Page) -> Studio:
    """A new artist, in a first project."""
    studio = Studio(page)
    studio.sign_up(name="별", email=f"star-{uuid4().hex}@example.com", password=PASSWORD)
    studio.create_project("별밤")
    return studio


@pytest.fixture
def screens() -> Screens:
    """`OMA_SCREENS=docs/screens` takes the pictures of the documentation anew."""
    folder = os.environ.get("OMA_SCREENS")
    return Screens(ROOT / folder if folder else None)
