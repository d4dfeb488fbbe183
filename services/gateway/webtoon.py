"""A finished picture as webtoon platforms take it: of a given width, and in slices that do not cut through drawing."""

import io
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

ORIGIN = "XML:com.adobe.xmp"
_SEARCHED = 0.25  # of a slice's height: how far above its lowest row a calmer one is looked for


def webtoon_slices(content: bytes, *, width: int, slice_height: int | None) -> list[bytes]:
    """PNGs from top to bottom, each `width` pixels wide and at most `slice_height` high; one when it is None.

    `content` is a PNG of ours. What it says of its origin goes with every slice.
    """
    with Image.open(io.BytesIO(content)) as opened:
        info = PngInfo()
        if isinstance(origin := opened.info.get(ORIGIN), str):
            info.add_itxt(ORIGIN, origin)
        picture = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    height = max(1, round(picture.height * width / picture.width))
    picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    rows = [0, height] if slice_height is None else [0, *cut_rows(np.asarray(picture), slice_height), height]
    return [_encode(picture.crop((0, top, width, bottom)), info) for top, bottom in pairwise(rows)]


def cut_rows(image_HWC: NDArray[np.uint8], slice_height: int) -> Iterator[int]:
    """The first row of every slice but the first: where the rows change least, among the last quarter of each slice.

    Of equally calm places the lowest is taken, so that slices are no smaller than they need to be.
    """
    grey_HW = image_HWC.mean(axis=2, dtype=np.float32)
    across_H = np.abs(np.diff(grey_HW, axis=1)).mean(axis=1)  # how much is drawn in a row
    height = len(across_H)
    top = 0
    while height - top > slice_height:
        lowest = top + slice_height
        first = max(top + 1, lowest - int(slice_height * _SEARCHED))
        # A cut before row r touches the rows r-1 and r.
        busy = across_H[first - 1 : lowest] + across_H[first : lowest + 1]
        top = lowest - int(np.argmin(busy[::-1]))
        yield top


def _encode(picture: Image.Image, info: PngInfo) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()
