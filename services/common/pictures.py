"""Encoded pictures to clean pixels and back: one way in for every service.

What comes out has its orientation applied, its transparency laid on white, and no metadata.
"""

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from services.common.errors import InvalidInput

Pixels = NDArray[np.uint8]  # height x width x 3, RGB, [0, 255]

MEDIA_TYPES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
MAX_INLINE_BYTES = 4 * 1024 * 1024
MAX_UPLOAD_BYTES = 32 * 1024 * 1024
MAX_PIXELS = 40_000_000
MAX_SIDE = 16_384


def decode(content: bytes) -> Pixels:
    """RGB pixels of a PNG, JPEG or WebP file, told by its content.

    Raises:
        InvalidInput: not such a file, damaged, animated, or larger than 40 megapixels.
    """
    if not content:
        raise InvalidInput("the picture is empty: send the file's bytes", reason="PICTURE_EMPTY")
    if len(content) > MAX_UPLOAD_BYTES:
        raise InvalidInput("the file is larger than 32 MiB: save it smaller", reason="PICTURE_TOO_LARGE")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata; we drop all of it
            with Image.open(io.BytesIO(content), formats=list(MEDIA_TYPES.values())) as image:
                _check_header(image)
                return _clean(image)
    except UnidentifiedImageError as error:
        raise InvalidInput("not a PNG, JPEG or WebP picture: save it as one", reason="NOT_A_PICTURE") from error
    except Image.DecompressionBombError as error:
        raise InvalidInput("more than 40 megapixels: make it smaller", reason="PICTURE_TOO_LARGE") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InvalidInput("the picture is damaged: save it again", reason="PICTURE_DAMAGED") from error


def encode_png(image_HWC: NDArray[np.uint8]) -> bytes:
    """PNG of an RGB or RGBA picture."""
    buffer = io.BytesIO()
    Image.fromarray(image_HWC).save(buffer, "PNG")
    return buffer.getvalue()


def encode_jpeg(image_HWC: Pixels, *, quality: int = 80) -> bytes:
    """JPEG of an RGB picture; for previews, never for results."""
    buffer = io.BytesIO()
    Image.fromarray(image_HWC).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _check_header(image: Image.Image) -> None:
    if getattr(image, "n_frames", 1) > 1:
        raise InvalidInput("the picture is animated: send one frame", reason="PICTURE_ANIMATED")
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
        raise InvalidInput(
            f"{image.width} x {image.height} is more than 40 megapixels or {MAX_SIDE} pixels a side: make it smaller",
            reason="PICTURE_TOO_LARGE",
        )


def _clean(image: Image.Image) -> Pixels:
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(("I", "F")):  # 16-bit greys do not fit the 8-bit conversion below
        scaled = np.asarray(upright, np.float64)
        top = 65535.0 if scaled.max(initial=0) > 255 else 255.0  # noqa: PLR2004 (8-bit white)
        grey_HW = (scaled / top * 255).clip(0, 255).astype(np.uint8)
        return np.ascontiguousarray(np.repeat(grey_HW[..., None], 3, axis=2))
    if upright.has_transparency_data:
        rgba = upright.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        upright = Image.alpha_composite(white, rgba)
    return np.array(upright.convert("RGB"))
