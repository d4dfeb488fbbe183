"""What is wrong with pictures before anything is learned from them; each finding names the picture and the remedy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.common.pictures import Pixels

FEW_PICTURES = 5
_SMALL_SIDE_PX, _TINY_SIDE_PX = 256, 8
_BLANK_DEVIATION = 4.0  # of brightness, of 255
_ALIKE_BITS = 5  # of 64
_LETTERING_SIDE_PX, _BLOCK_PX = 512, 32
_WHITE, _DARK = 225, 110
_LETTERING_SHARE = 0.15  # of the picture's blocks

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing about one picture, or about all of them."""

    code: str
    picture: int | None  # from 0; None for the set
    is_error: bool
    message: str  # for the artist; says what to do


def check_pictures(pictures: Sequence[Pixels], *, learns_lora: bool) -> list[Finding]:
    """Errors are reasons not to begin; with the rest the artist may go on."""
    greys = [np.asarray(Image.fromarray(image_HWC).convert("L")) for image_HWC in pictures]
    found = [finding for index, grey_HW in enumerate(greys) for finding in _check_one(index, grey_HW)]
    found += _alike(greys)
    if learns_lora and len(pictures) < FEW_PICTURES:
        advice = f"with {FEW_PICTURES} or more the style is learned, not what they show"
        found.append(_warn("TOO_FEW", None, f"{len(pictures)} pictures are few: {advice}"))
    return found


def _check_one(index: int, grey_HW: Grey) -> list[Finding]:
    height, width = grey_HW.shape
    name = f"picture {index + 1}"
    found = []
    if min(height, width) < _TINY_SIDE_PX:
        message = f"{name} is {width} x {height} pixels: there is nothing to see, leave it out"
        found.append(Finding(code="PICTURE_TOO_SMALL", picture=index, is_error=True, message=message))
    elif min(height, width) < _SMALL_SIDE_PX:
        found.append(
            _warn("SMALL", index, f"{name} is only {width} x {height} pixels: give it as large as it was drawn")
        )
    if float(grey_HW.std()) < _BLANK_DEVIATION:
        found.append(_warn("BLANK", index, f"{name} is one flat colour: leave it out"))
    elif lettering_share(grey_HW) > _LETTERING_SHARE:
        found.append(
            _warn("LETTERING", index, f"much of {name} is text or speech balloons: erase them, or cut them away")
        )
    return found


def _alike(greys: Sequence[Grey]) -> list[Finding]:
    hashes = [difference_hash(grey_HW) for grey_HW in greys]
    found = []
    for index, own in enumerate(hashes):
        twin = next((at for at, other in enumerate(hashes[:index]) if (own ^ other).bit_count() <= _ALIKE_BITS), None)
        # Flat pictures all look alike to the hash; they are named as blank already.
        if twin is not None and float(greys[index].std()) >= _BLANK_DEVIATION:
            message = f"picture {index + 1} is nearly picture {twin + 1}: leave one of them out"
            found.append(_warn("DUPLICATE", index, message))
    return found


def difference_hash(grey_HW: Grey) -> int:
    """64 bits that say where brightness falls from left to right; alike for the same picture in another size."""
    small = np.asarray(Image.fromarray(grey_HW).resize((9, 8), Image.Resampling.BOX)).astype(np.int16)
    bits = (small[:, 1:] < small[:, :-1]).flatten()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def lettering_share(grey_HW: Grey) -> float:
    """The share of blocks that are white paper crossed by many short dark strokes, as text is and line art is not."""
    scale = _LETTERING_SIDE_PX / max(grey_HW.shape)
    size = tuple(max(_BLOCK_PX, round(side * scale / _BLOCK_PX) * _BLOCK_PX) for side in reversed(grey_HW.shape))
    image_HW = np.asarray(Image.fromarray(grey_HW).resize((size[0], size[1]), Image.Resampling.BOX))
    blocks = image_HW.reshape(size[1] // _BLOCK_PX, _BLOCK_PX, size[0] // _BLOCK_PX, _BLOCK_PX).swapaxes(1, 2)
    dark = blocks < _DARK
    white = (blocks > _WHITE).mean(axis=(2, 3))
    strokes = (dark[..., 1:] & ~dark[..., :-1]).sum(axis=(2, 3)) / _BLOCK_PX  # in a row of a block
    return float(((white > 0.35) & (strokes > 0.8)).mean())  # noqa: PLR2004 (found by trying pages and drawings)


def _warn(code: str, picture: int | None, message: str) -> Finding:
    return Finding(code=code, picture=picture, is_error=False, message=message)
