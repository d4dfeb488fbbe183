"""Encoded pictures to clean pixels and back: one way in for every service.

What comes out has its orientation applied, its colours in sRGB, its transparency laid on white, and no metadata. The
decoding happens in a child with hard limits (`picture_child.py`): a hostile file costs that child, not the service.
"""

import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

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
_SIZE = re.compile(rb"([0-9]{1,5}) ([0-9]{1,5})\n")
_LONGEST_SIZE = 12
_MOST_SAID_BYTES = 64 * 1024
_OUT_OF_TIME = {-signal.SIGXCPU, -signal.SIGKILL}


def decode(content: bytes) -> Pixels:
    """RGB pixels of a PNG, JPEG or WebP file, told by its content. Blocks for about a tenth of a second.

    Raises:
        InvalidInput: not such a file, damaged, animated, or larger than 40 megapixels.
    """
    if not content:
        raise InvalidInput("the picture is empty: send the file's bytes", reason="PICTURE_EMPTY")
    if len(content) > MAX_UPLOAD_BYTES:
        raise InvalidInput("the file is larger than 32 MiB: save it smaller", reason="PICTURE_TOO_LARGE")
    with _start_child() as child:  # waits for its end
        timer = threading.Timer(MAX_DECODE_SECONDS, child.kill)
        timer.start()
        try:
            image_HWC, said = _exchange(child, content)
            child.wait()
        finally:
            timer.cancel()
            child.kill()
    return _judge(child.returncode, image_HWC, said)


def _start_child() -> "subprocess.Popen[bytes]":
    # Not our environment, which may hold secrets: only where the loader finds libraries.
    environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return subprocess.Popen(  # noqa: S603 (fixed command)
        [sys.executable, "-I", str(Path(picture_child.__file__))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )


def _exchange(child: "subprocess.Popen[bytes]", content: bytes) -> tuple[Pixels | None, bytes]:
    """Pixels, if the child gave all that it promised; and what it said. It reads everything before it writes."""
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    with suppress(BrokenPipeError):  # it may end before it has read everything
        child.stdin.write(content)
    with suppress(BrokenPipeError):
        child.stdin.close()
    image_HWC = _read_pixels(child.stdout)
    return image_HWC, child.stderr.read(_MOST_SAID_BYTES)


def _read_pixels(stream: IO[bytes]) -> Pixels | None:
    """Straight into their place: the largest picture takes 120 MB once, not twice."""
    size = _SIZE.fullmatch(stream.readline(_LONGEST_SIZE))
    if size is None:
        return None
    width, height = int(size[1]), int(size[2])
    if not 0 < width * height <= MAX_PIXELS:  # whoever has taken the child over does not choose our memory
        return None
    image_HWC = np.empty((height, width, 3), np.uint8)
    whole = cast("io.BufferedReader", stream).readinto(image_HWC.reshape(-1).data) == image_HWC.nbytes
    return image_HWC if whole else None


def _judge(status: int, image_HWC: Pixels | None, said: bytes) -> Pixels:
    if status == 0 and image_HWC is not None:
        return image_HWC
    if status == picture_child.REFUSED:
        refusal = json.loads(said)
        raise InvalidInput(refusal["message"], reason=refusal["reason"])
    log.warning("picture child died", extra={"status": status, "said": said[-300:].decode(errors="replace")})
    if status in _OUT_OF_TIME:
        raise InvalidInput("the picture takes too long to read: save it again, smaller", reason="PICTURE_TOO_COMPLEX")
    raise InvalidInput("the picture cannot be read: save it again, smaller", reason="PICTURE_DAMAGED")


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
