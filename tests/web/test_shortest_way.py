"""The whole job in English, by the shortest way: how many inputs it takes from a picture to a file in the hand."""

import logging
import re
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from psd_tools import PSDImage

from tests.web.inputs import Inputs
from tests.web.studio import DRAWING_PATIENCE_MS, TRAINING_PATIENCE_MS

ROOT = Path(__file__).parents[2]
STYLE_PICTURES = sorted((ROOT / "samples/styles/screentone-manga").glob("*.png"))[:4]
PHOTO = ROOT / "samples/photos/palace.jpg"
CHARACTER = ROOT / "samples/characters/three-quarter.png"
POSE_PICTURE = ROOT / "samples/characters/front.png"
MOST_INPUTS = 8
_log = logging.getLogger(__name__)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture
def english(page: Page) -> Page:
    """A reader of English who has signed up and taught the project one style."""
    page.goto("/sign-up")
    page.get_by_role("button", name="English").click()
    page.get_by_label("Name").fill("Moon Rabbit")
    page.get_by_label("E-mail").fill(f"moon-{uuid4().hex}@example.com")
    page.get_by_label("Password", exact=True).fill("ten cats below a half moon")
    page.get_by_role("button", name="Get started").click()
    page.get_by_label("Project name").fill("Moonlit alley")
    page.get_by_label("Project name").press("Enter")
    expect(page.get_by_role("heading", name="Style", exact=True)).to_be_visible()
    page.locator('input[type=file][aria-label="Add pictures"]').set_input_files(STYLE_PICTURES)
    expect(page.get_by_text("4 pictures chosen")).to_be_visible()
    page.get_by_label("Style name").fill("Ink")
    page.get_by_role("radio", name="Quick").check()
    page.get_by_role("checkbox", name="I drew these").check()
    page.get_by_role("button", name="Learn from 4 pictures").click()
    style = page.get_by_role("region", name="Learned styles").get_by_role("article", name="Ink")
    expect(style).to_be_visible(timeout=TRAINING_PATIENCE_MS)
    return page


def test_a_photograph_becomes_a_layered_file_and_a_drawing_another_pose_by_few_inputs(
    english: Page, tmp_path: Path
) -> None:
    page = english
    photo_to_layers = Inputs(page)
    photo_to_layers.click(page.get_by_role("navigation").get_by_role("link", name="Backgrounds"))
    expect(page.get_by_role("heading", name="Backgrounds", level=1)).to_be_visible()
    photo_to_layers.drop(PHOTO)
    expect(page.get_by_label("How much in my style")).to_be_visible()
    photo_to_layers.click(page.get_by_role("button", name="Ink", exact=True))
    photo_to_layers.press("Control+Enter")
    drawn = page.get_by_role("article", name=re.compile("Background")).first
    expect(drawn.get_by_role("img", name=re.compile("picture 1"))).to_be_visible(timeout=DRAWING_PATIENCE_MS)
    with page.expect_download() as download:
        photo_to_layers.click(drawn.get_by_role("link", name="PSD"))
    file = tmp_path / "layers.psd"
    download.value.save_as(file)
    layers = [layer.name for layer in PSDImage.open(file)]
    assert len(layers) >= 2, layers
    assert len(photo_to_layers.done) <= MOST_INPUTS, photo_to_layers.done

    drawing_to_pose = Inputs(page)
    drawing_to_pose.click(page.get_by_role("navigation").get_by_role("link", name="Poses"))
    expect(page.get_by_role("heading", name="Poses", level=1)).to_be_visible()
    drawing_to_pose.drop(CHARACTER)
    expect(page.get_by_role("img", name=CHARACTER.name)).to_be_visible()
    drawing_to_pose.drop(POSE_PICTURE)
    draw = page.get_by_role("button", name="Draw in this pose")
    nobody = page.get_by_role("button", name="Use the whole picture")
    expect(nobody.or_(page.get_by_role("button", name=re.compile("^Left wrist, x"))).first).to_be_visible()
    if nobody.is_visible():
        drawing_to_pose.click(nobody)
    expect(draw).to_be_enabled()
    drawing_to_pose.press("Control+Enter")
    posed = page.get_by_role("article", name="New pose").first
    expect(posed.get_by_role("img", name=re.compile("picture 1"))).to_be_visible(timeout=DRAWING_PATIENCE_MS)
    with page.expect_download() as download:
        drawing_to_pose.click(posed.get_by_role("link", name="Download"))
    with Image.open(download.value.path()) as picture:
        assert picture.format == "PNG"
    assert len(drawing_to_pose.done) <= MOST_INPUTS, drawing_to_pose.done
    ways = (len(photo_to_layers.done), len(drawing_to_pose.done))
    _log.info("inputs: %d from a photograph to its layers, %d from a drawing to another pose", *ways)
