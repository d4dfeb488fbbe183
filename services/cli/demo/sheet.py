"""The contact sheet: every picture of a demo on one, labelled."""

import textwrap
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from services.cli.demo.records import Section, Tile

SIDE = 192
GAP = 16
COLUMNS = 8
CAPTION_LINES = 2
CAPTION_LETTERS = 29
LINE_HEIGHT = 18
TITLE_HEIGHT = 44
HEAD_HEIGHT = 76
PAPER, INK, QUIET = "#faf8f4", "#22201c", "#6d675d"
CELL_HEIGHT = SIDE + CAPTION_LINES * LINE_HEIGHT + GAP


def build_sheet(title: str, subtitle: str, sections: Sequence[Section]) -> Image.Image:
    """An RGB picture with one block for each section that has pictures."""
    shown = [section for section in sections if section.tiles]
    rows = [-(-len(section.tiles) // COLUMNS) for section in shown]
    width = GAP + COLUMNS * (SIDE + GAP)
    height = HEAD_HEIGHT + sum(TITLE_HEIGHT + count * CELL_HEIGHT for count in rows) + GAP
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP, GAP), title, fill=INK, font=ImageFont.load_default(28))
    draw.text((GAP, GAP + 36), subtitle, fill=QUIET, font=ImageFont.load_default(15))
    top = HEAD_HEIGHT
    for section, count in zip(shown, rows, strict=True):
        draw.text((GAP, top + 14), section.title, fill=INK, font=ImageFont.load_default(20))
        for index, tile in enumerate(section.tiles):
            row, column = divmod(index, COLUMNS)
            _place(sheet, tile, (GAP + column * (SIDE + GAP), top + TITLE_HEIGHT + row * CELL_HEIGHT))
        top += TITLE_HEIGHT + count * CELL_HEIGHT
    return sheet


def fit(picture: Image.Image, side: int) -> Image.Image:
    """The picture on white, its longer side `side` pixels; small ones are enlarged."""
    flat = Image.new("RGBA", picture.size, "white")
    flat.alpha_composite(picture.convert("RGBA"))
    scale = side / max(picture.size)
    size_wh = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return flat.convert("RGB").resize(size_wh, Image.Resampling.LANCZOS)


def _place(sheet: Image.Image, tile: Tile, corner: tuple[int, int]) -> None:
    draw = ImageDraw.Draw(sheet)
    with Image.open(tile.path) as picture:
        shown = fit(picture, SIDE)
    left, top = corner[0] + (SIDE - shown.width) // 2, corner[1] + (SIDE - shown.height) // 2
    sheet.paste(shown, (left, top))
    draw.rectangle((left, top, left + shown.width - 1, top + shown.height - 1), outline="#d8d2c6")
    lines = textwrap.wrap(tile.caption, CAPTION_LETTERS, max_lines=CAPTION_LINES, placeholder=" …")
    for index, line in enumerate(lines):
        at = (corner[0], corner[1] + SIDE + 4 + index * LINE_HEIGHT)
        draw.text(at, line, fill=QUIET, font=ImageFont.load_default(13))
