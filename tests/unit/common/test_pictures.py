"""Clean pixels or a reason; nothing else comes out of a file."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from services.common.errors import InvalidInput
from services.common.pictures import MAX_UPLOAD_BYTES, decode, encode_png


def saved(image: Image.Image, format_: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP"])
def test_reads_what_the_web_uses(format_: str) -> None:
    assert decode(saved(Image.new("RGB", (20, 10), "red"), format_)).shape == (10, 20, 3)


def test_png_keeps_every_pixel() -> None:
    image_HWC = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    assert (decode(encode_png(image_HWC)) == image_HWC).all()


def test_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by a quarter
    assert decode(saved(Image.new("RGB", (20, 10)), "JPEG", exif=exif)).shape == (20, 10, 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(mode: str) -> None:
    assert (decode(saved(Image.new(mode, (2, 2), 0))) == 255).all()


def test_a_transparent_palette_is_laid_on_white() -> None:
    image = Image.new("P", (2, 2), 0)
    assert (decode(saved(image, transparency=0)) == 255).all()


def test_sixteen_bit_greys_keep_their_tone() -> None:
    grey = Image.fromarray(np.full((2, 2), 32896, np.uint16))
    assert (abs(decode(saved(grey)).astype(int) - 128) <= 1).all()


def test_cmyk_is_read() -> None:
    assert decode(saved(Image.new("CMYK", (2, 2)), "JPEG")).shape == (2, 2, 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "PICTURE_EMPTY"),
        (b"not a picture", "NOT_A_PICTURE"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "NOT_A_PICTURE"),
        (saved(Image.new("RGB", (9, 9)), "GIF"), "NOT_A_PICTURE"),
        (saved(Image.new("RGB", (90, 90), "red"))[:60], "PICTURE_DAMAGED"),
        (saved(Image.effect_noise((90, 90), 50), "JPEG")[:800], "PICTURE_DAMAGED"),
        (saved(Image.new("L", (16_385, 1))), "PICTURE_TOO_LARGE"),
        (saved(Image.new("1", (8_000, 8_000))), "PICTURE_TOO_LARGE"),
        (bytes(MAX_UPLOAD_BYTES + 1), "PICTURE_TOO_LARGE"),
    ],
    ids=["empty", "text", "svg", "gif", "half a png", "half a jpeg", "too wide", "too many pixels", "too many bytes"],
)
def test_refuses_with_a_reason(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode(content)
    assert caught.value.reason == reason


def test_refuses_an_animation() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    content = saved(frames[0], save_all=True, append_images=frames[1:])
    with pytest.raises(InvalidInput) as caught:
        decode(content)
    assert caught.value.reason == "PICTURE_ANIMATED"


def test_colours_are_brought_to_srgb() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red_is_green = srgb.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
    content = saved(Image.new("RGB", (2, 2), (200, 100, 50)), icc_profile=red_is_green)
    assert (abs(decode(content).astype(int) - (100, 200, 50)) <= 1).all()


def test_a_broken_profile_leaves_the_numbers_as_they_stand() -> None:
    content = saved(Image.new("RGB", (2, 2), (200, 100, 50)), icc_profile=b"not a profile")
    assert (decode(content) == (200, 100, 50)).all()


def test_metadata_does_not_come_through() -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    clean = encode_png(decode(saved(Image.new("RGB", (9, 9)), "JPEG", exif=exif)))
    with Image.open(io.BytesIO(clean)) as image:
        assert not image.info


def test_a_bomb_of_zeros_is_refused_before_it_unfolds() -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(InvalidInput) as caught:
        decode(bomb)
    assert caught.value.reason == "PICTURE_TOO_LARGE"


def test_the_largest_picture_allowed_fits_into_the_childs_memory() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    largest = Image.new("RGBA", (8_000, 5_000), (255, 0, 0, 128))
    assert decode(saved(largest, compress_level=1, exif=exif)).shape == (8_000, 5_000, 3)
