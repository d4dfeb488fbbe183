"""Encoded pictures to clean pixels and back: one way in for every service.

What comes out has its orientation applied, its colours in sRGB, its transparency laid on white, and no metadata. The
decoding happens in a child with hard limits (`picture_child.py`): a hostile file costs that child, not the service.
"""

import io
import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.common import picture_child
from services.common.errors import InvalidInput

log = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]  # height x width x 3, RGB, [0, 255]

MEDIA_TYPES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
MAX_INLINE_BYTES = 4 * 1024 * 1024
MAX_UPLOAD_BYTES = 32 * 1024 * 1024
MAX_PIXELS = picture_child.MAX_PIXELS
MAX_DECODE_SECONDS = 30.0


def decode(content: bytes) -> Pixels:
    """RGB pixels of a PNG, JPEG or WebP file, told by its content. Blocks for about a tenth of a second.

    Raises:
        InvalidInput: not such a file, damaged, animated, or larger than 40 megapixels.
    """
    if not content:
        raise InvalidInput("the picture is empty: send the file's bytes", reason="PICTURE_EMPTY")
    if len(content) > MAX_UPLOAD_BYTES:
        raise InvalidInput("the file is larger than 32 MiB: save it smaller", reason="PICTURE_TOO_LARGE")
    command = [sys.executable, "-I", str(Path(picture_child.__file__))]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=MAX_DECODE_SECONDS, check=False)  # noqa: S603 (fixed command)
    except subprocess.TimeoutExpired as error:
        raise InvalidInput("the picture takes too long to read: save it again", reason="PICTURE_DAMAGED") from error
    if done.returncode == picture_child.REFUSED:
        refusal = json.loads(done.stderr)
        raise InvalidInput(refusal["message"], reason=refusal["reason"])
    if done.returncode != 0:
        log.warning(
            "picture child died", extra={"status": done.returncode, "said": done.stderr[-300:].decode(errors="replace")}
        )
        raise InvalidInput("the picture cannot be read: save it again, smaller", reason="PICTURE_DAMAGED")
    size, _, pixels = done.stdout.partition(b"\n")
    width, height = (int(number) for number in size.split())
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3).copy()


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
