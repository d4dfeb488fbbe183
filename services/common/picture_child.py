"""Decodes one untrusted picture in a process of its own, with hard limits on memory, time and files.

Run as a program: the file on standard input, `width height` and a newline and then RGB bytes on standard output; or a
reason and a message for people as JSON on standard error, with exit status 3. It imports Pillow and nothing of ours, so
that it starts quickly and an attacker who gets this far finds little: no file can be opened or written any more, and
the environment holds no secrets.
"""

import io
import json
import resource
import struct
import sys
import warnings
import zlib
from typing import BinaryIO

# All that Pillow would load when it is needed: by then no file can be opened.
from PIL import (
    ExifTags,  # noqa: F401
    Image,
    ImageCms,
    ImageColor,  # noqa: F401
    ImageOps,
    ImagePalette,  # noqa: F401
    MpoImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,
)

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_PIXELS = 40_000_000
MAX_SIDE = 16_384
MAX_MEMORY_BYTES = 700 * 1024 * 1024
MAX_CPU_SECONDS = 10
ROWS_AT_A_TIME = 256
REFUSED = 3
_DAMAGED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


class Refused(Exception):
    """Arguments: the reason for programs, the message for people."""


def decode(content: bytes) -> Image.Image:
    """RGB with its orientation applied, its colours in sRGB, its transparency on white."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_header(image)
            if isinstance(image, WebPImagePlugin.WebPImageFile):
                _give_up_its_canvases(image)
            image.load()
            profile = image.info.get("icc_profile")
            return _to_srgb(_upright_opaque(image), profile)
    except UnidentifiedImageError as error:
        raise Refused("NOT_A_PICTURE", "not a PNG, JPEG or WebP picture: save it as one") from error
    except (MemoryError, Image.DecompressionBombError) as error:
        raise Refused("PICTURE_TOO_LARGE", "the picture needs too much memory: make it smaller") from error
    except _DAMAGED as error:
        raise Refused("PICTURE_DAMAGED", "the picture is damaged: save it again") from error


def _check_header(image: Image.Image) -> None:
    # A JPEG with more than one picture in it (MPO) comes from a camera: its first is the photograph.
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise Refused("PICTURE_ANIMATED", "the picture is animated: send one frame")
    if min(image.size) < 1:
        raise Refused("PICTURE_DAMAGED", "the picture has no pixels: save it again")
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
        size = f"{image.width} x {image.height}"
        limit = f"40 megapixels or {MAX_SIDE} pixels a side"
        raise Refused("PICTURE_TOO_LARGE", f"{size} is more than {limit}: make it smaller")


def _give_up_its_canvases(image: WebPImagePlugin.WebPImageFile) -> None:
    """Of a picture that is not animated. The decoder keeps two of the picture's size, which with the pixels themselves
    would be more memory than there is for the largest ones.
    """
    first_frame = image._get_next  # noqa: SLF001 (Pillow has no public way to be done with a decoder)

    def only_frame() -> tuple[bytes, int, int]:
        frame = first_frame()
        image._decoder = None  # noqa: SLF001
        return frame

    image._get_next = only_frame  # type: ignore[method-assign]  # noqa: SLF001


def _upright_opaque(image: Image.Image) -> Image.Image:
    _turn_upright(image)
    if image.mode.startswith("I"):  # 16-bit greys: the plain conversion would cut them off at 255
        return image.convert("I").point(lambda level: level * (1 / 257)).convert("L").convert("RGB")
    if image.mode == "CMYK":
        return image  # its own profile, if any, knows best what the inks look like
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    white = Image.new("RGB", rgba.size, "white")
    white.paste(rgba, mask=rgba.getchannel("A"))
    return white


def _turn_upright(image: Image.Image) -> None:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except _DAMAGED:
        return  # metadata that cannot be read turns nothing; the pixels are what was sent


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile and image.mode in ("RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, *_DAMAGED):
            converted = None  # a broken profile: the numbers as they stand are the best guess
        if converted is not None:
            return converted
    return image.convert("RGB")


def write(image: Image.Image, out: BinaryIO) -> None:
    out.write(f"{image.width} {image.height}\n".encode())
    for top in range(0, image.height, ROWS_AT_A_TIME):
        strip = image.crop((0, top, image.width, min(top + ROWS_AT_A_TIME, image.height)))
        out.write(strip.tobytes())


def main() -> int:
    Image.preinit()
    limits = {
        resource.RLIMIT_CPU: MAX_CPU_SECONDS,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 0,
    }
    if sys.platform == "linux":  # macOS does not enforce it
        limits[resource.RLIMIT_AS] = MAX_MEMORY_BYTES
    for limit, most in limits.items():
        resource.setrlimit(limit, (most, most))
    warnings.simplefilter("ignore")  # Pillow warns of odd metadata; all of it is dropped
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        image = decode(sys.stdin.buffer.read())
    except Refused as refusal:
        reason, message = refusal.args
        sys.stderr.write(json.dumps({"reason": reason, "message": message}))
        return REFUSED
    write(image, sys.stdout.buffer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
