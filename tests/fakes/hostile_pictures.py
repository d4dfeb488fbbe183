"""Files that somebody may upload as a picture, made by code: damaged, mislabelled, huge, odd, and made to do harm.

Each knows what must become of it: a reason for refusing it, or none where it is a picture after all.
"""

import functools
import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageCms

MEBI = 1024 * 1024
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """One file; `reason` is None where it must be taken."""

    name: str
    make: Callable[[], bytes]
    reason: str | None
    heavy: bool = False  # takes seconds or tens of megabytes


def saved(image: Image.Image, format_: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def plain(format_: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (48, 40), **options: Any) -> bytes:
    """A harmless picture with some content."""
    gradient = Image.linear_gradient("L").resize(size)
    return saved(gradient.convert(mode), format_, **options)


def chunk(kind: bytes, body: bytes, *, crc: int | None = None) -> bytes:
    """One chunk of a PNG."""
    right = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", right if crc is None else crc)


def png(
    width: int,
    height: int,
    *,
    depth: int = 8,
    colour: int = 2,
    data: bytes = b"",
    before: bytes = b"",
    interlace: int = 0,
) -> bytes:
    """A PNG put together by hand; `before` goes between the header and the data."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))
    return PNG_MAGIC + header + before + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def small_png(before: bytes) -> bytes:
    return png(2, 2, data=bytes(2 * 7), before=before)


@functools.cache
def zeros_deflated(mebibytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(MEBI)) for _ in range(mebibytes)) + packer.flush()


def with_exif(exif: bytes) -> bytes:
    return plain("JPEG", exif=exif)


def orientation(value: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


def exif_in_a_circle() -> bytes:
    """A directory whose next directory is itself."""
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
    return b"Exif\x00\x00II*\x00" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 8)


def jpeg_header(width: int, height: int) -> bytes:
    """A JPEG that claims a size and ends."""
    frame = struct.pack(">BHHB", 8, height, width, 3) + bytes((1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0))
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9"


def webp_header(width: int, height: int) -> bytes:
    """A WebP that claims a canvas and ends."""
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + canvas
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_of_many_scans(size: tuple[int, int], scans: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again: little to send, much to compute."""
    content = saved(Image.new("L", size, 90), "JPEG", progressive=True)
    start = content.rindex(b"\xff\xda")
    return content[:start] + content[start:-2] * scans + b"\xff\xd9"


def animated(format_: str) -> bytes:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "green", "blue")]
    return saved(frames[0], format_, save_all=True, append_images=frames[1:], duration=40)


def tiff_of_pages(pages: int) -> bytes:
    sheets = [Image.new("L", (16, 16), 9 * page) for page in range(pages)]
    return saved(sheets[0], "TIFF", save_all=True, append_images=sheets[1:])


def two_pictures_in_a_jpeg() -> bytes:
    """What cameras write: a photograph and its companion (MPO)."""
    first = Image.linear_gradient("L").resize((48, 40)).convert("RGB")
    return saved(first, "MPO", save_all=True, append_images=[first.resize((24, 20))])


def profile(**changes: bytes) -> bytes:
    """An sRGB profile; `at16=b"CMYK"` changes its bytes from offset 16 on."""
    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for place, value in changes.items():
        start = int(place.removeprefix("at"))
        content[start : start + len(value)] = value
    return bytes(content)


def sixteen_bits(colour: int, channels: int) -> bytes:
    row = b"\x00" + bytes(range(2 * channels)) * 3
    return png(3, 2, depth=16, colour=colour, data=row * 2)


NO_PICTURE, DAMAGED, LARGE, MOVING = "NOT_A_PICTURE", "PICTURE_DAMAGED", "PICTURE_TOO_LARGE", "PICTURE_ANIMATED"


def _one(name: str, make: Callable[[], bytes], reason: str | None, *, heavy: bool = False) -> Hostile:
    return Hostile(name=name, make=make, reason=reason, heavy=heavy)


def other_types() -> Iterator[Hostile]:
    """By content, whatever name or type they come under."""
    yield _one("nothing", bytes, "PICTURE_EMPTY")
    for name, content in {
        "text": b"not a picture",
        "html": b"<!doctype html><script>alert(1)</script>",
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "svg that reads a file": b"<!DOCTYPE s [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><svg>&f;</svg>",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
        "pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n",
        "zip": b"PK\x03\x04" + bytes(26),
        "program": b"\x7fELF" + bytes(60),
        "imagemagick script": b"push graphic-context\nimage over 0,0 0,0 'https://example.com/x'\n",
    }.items():
        yield _one(name, functools.partial(bytes, content), NO_PICTURE)
    for format_ in ("GIF", "BMP", "TIFF", "ICO", "PPM", "TGA", "JPEG2000", "AVIF"):
        yield _one(format_.lower(), functools.partial(plain, format_), NO_PICTURE)
    yield _one("animated gif", lambda: animated("GIF"), NO_PICTURE)
    yield _one("tiff of many pages", lambda: tiff_of_pages(20), NO_PICTURE)
    yield _one("gif and script at once", lambda: b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)", NO_PICTURE)


def damaged() -> Iterator[Hostile]:
    yield _one("png signature only", lambda: PNG_MAGIC, NO_PICTURE)
    yield _one("jpeg signature only", lambda: b"\xff\xd8\xff", NO_PICTURE)
    yield _one("webp header only", lambda: b"RIFF\x10\x00\x00\x00WEBP", NO_PICTURE)
    for format_ in ("PNG", "JPEG", "WEBP"):
        whole = plain(format_, size=(200, 160))
        yield _one(f"half a {format_.lower()}", functools.partial(bytes, whole[: len(whole) // 2]), DAMAGED)
    yield _one(
        "header with a wrong checksum",
        lambda: small_png(b"").replace(b"\x00\x00\x00\x02", b"\x00\x00\x00\x03", 1),
        NO_PICTURE,
    )
    yield _one(
        "data with a wrong checksum",
        lambda: (
            PNG_MAGIC + small_png(b"")[8:33] + chunk(b"IDAT", zlib.compress(bytes(14)), crc=7) + chunk(b"IEND", b"")
        ),
        None,
    )
    yield _one(
        "data that does not inflate", lambda: small_png(b"").replace(zlib.compress(bytes(14)), bytes(11)), DAMAGED
    )
    yield _one("no data", lambda: PNG_MAGIC + small_png(b"")[8:33] + chunk(b"IEND", b""), DAMAGED)
    yield _one("palette missing", lambda: png(4, 4, colour=3, data=bytes(4 * 5)), DAMAGED)
    yield _one("no columns", lambda: png(0, 4), NO_PICTURE)
    yield _one("no rows", lambda: png(4, 0), NO_PICTURE)
    yield _one("jpeg without rows", lambda: jpeg_header(40, 0), NO_PICTURE)
    yield _one("jpeg without tables", lambda: jpeg_header(40, 40), DAMAGED)
    yield _one("webp without data", lambda: webp_header(40, 40), DAMAGED)


def bombs() -> Iterator[Hostile]:
    yield _one("900 megapixels of nothing", lambda: png(30_000, 30_000, data=bytes(MEBI)), LARGE)
    yield _one("64 megapixels of one bit", lambda: saved(Image.new("1", (8_000, 8_000))), LARGE)
    yield _one("one row too wide", lambda: saved(Image.new("L", (16_385, 1))), LARGE)
    yield _one("the widest png", lambda: png(2**31 - 1, 1), LARGE)
    yield _one("the largest jpeg", lambda: jpeg_header(65_535, 65_535), LARGE)
    yield _one("the largest webp", lambda: webp_header(16_384, 16_384), LARGE)
    yield _one(
        "a gibibyte for 10 pixels",
        lambda: PNG_MAGIC + png(10, 1)[8:33] + chunk(b"IDAT", zeros_deflated(1024)) + chunk(b"IEND", b""),
        None,
        heavy=True,
    )
    text = b"Comment\x00\x00"
    yield _one(
        "text that inflates to 200 mebibytes", lambda: small_png(chunk(b"zTXt", text + zeros_deflated(200))), DAMAGED
    )
    yield _one(
        "international text that inflates",
        lambda: small_png(chunk(b"iTXt", b"Comment\x00\x01\x00\x00\x00" + zeros_deflated(200))),
        DAMAGED,
    )
    yield _one("a hundred thousand texts", lambda: small_png(chunk(b"tEXt", b"a\x00b") * 100_000), None, heavy=True)
    yield _one(
        "20 mebibytes of text", lambda: small_png(chunk(b"tEXt", b"a\x00" + b"b" * (20 * MEBI))), None, heavy=True
    )
    yield _one(
        "profile that inflates to 200 mebibytes",
        lambda: small_png(chunk(b"iCCP", b"p\x00\x00" + zeros_deflated(200))),
        DAMAGED,
    )
    yield _one(
        "animation of a hundred million frames", lambda: small_png(chunk(b"acTL", struct.pack(">II", 10**8, 0))), MOVING
    )
    yield _one(
        "scans without end", lambda: jpeg_of_many_scans((5_000, 8_000), 4_000), "PICTURE_TOO_COMPLEX", heavy=True
    )
    yield _one("too many bytes", lambda: plain() + bytes(32 * MEBI), LARGE, heavy=True)


def moving() -> Iterator[Hostile]:
    yield _one("animated png", lambda: animated("PNG"), MOVING)
    yield _one("animated webp", lambda: animated("WEBP"), MOVING)


def odd_but_fine() -> Iterator[Hostile]:
    """Pictures that programs and cameras do write."""
    for value in range(1, 9):
        yield _one(f"turned by exif {value}", functools.partial(with_exif, orientation(value)), None)
    yield _one("turned by exif 99", lambda: with_exif(orientation(99)), None)
    yield _one("exif of noise", lambda: with_exif(b"Exif\x00\x00" + random.Random(1).randbytes(900)), None)
    yield _one("exif in a circle", lambda: with_exif(exif_in_a_circle()), None)
    yield _one(
        "exif that points outside", lambda: with_exif(b"Exif\x00\x00II*\x00" + struct.pack("<I", 2**32 - 1)), None
    )
    yield _one("cmyk", lambda: plain("JPEG", "CMYK"), None)
    yield _one("cmyk with another profile", lambda: plain("JPEG", "CMYK", icc_profile=profile()), None)
    yield _one("grey with a colour profile", lambda: plain("PNG", "L", icc_profile=profile()), None)
    yield _one("profile of noise", lambda: plain("PNG", icc_profile=random.Random(2).randbytes(3_000)), None)
    yield _one("profile cut off", lambda: plain("JPEG", icc_profile=profile()[:128]), None)
    yield _one("profile of another colour space", lambda: plain("JPEG", icc_profile=profile(at16=b"CMYK")), None)
    yield _one(
        "profile with a wild tag table", lambda: plain("PNG", icc_profile=profile(at128=b"\xff\xff\xff\xff")), None
    )
    yield _one("16 bits of grey", lambda: sixteen_bits(0, 1), None)
    yield _one("16 bits of colour", lambda: sixteen_bits(2, 3), None)
    yield _one("16 bits with alpha", lambda: sixteen_bits(6, 4), None)
    yield _one("palette with alpha", lambda: saved(Image.new("P", (8, 8), 0), transparency=bytes(range(256))), None)
    yield _one(
        "palette index past its end",
        lambda: png(4, 1, colour=3, data=b"\x00\x00\x01\xfe\xff", before=chunk(b"PLTE", bytes(6))),
        None,
    )
    yield _one("one bit", lambda: plain("PNG", "1"), None)
    yield _one("interlaced", lambda: png(1, 1, data=bytes(4), interlace=1), None)
    yield _one("lossless webp with alpha", lambda: plain("WEBP", "RGBA", lossless=True), None)
    yield _one("camera's jpeg of two pictures", two_pictures_in_a_jpeg, None)
    yield _one("picture and zip at once", lambda: plain() + b"PK\x05\x06" + bytes(18), None)
    yield _one("picture and page at once", lambda: plain("JPEG", comment=b"<script>alert(1)</script>"), None)
    yield _one("one pixel", lambda: saved(Image.new("RGB", (1, 1))), None)


def corpus() -> list[Hostile]:
    return [*other_types(), *damaged(), *bombs(), *moving(), *odd_but_fine()]


def largest() -> list[Hostile]:
    """As large as may be, in every way that takes a decoder's memory."""
    size = (8_000, 5_000)
    return [
        _one("progressive jpeg", lambda: plain("JPEG", size=size, progressive=True), None, heavy=True),
        _one("progressive cmyk jpeg", lambda: plain("JPEG", "CMYK", size, progressive=True), None, heavy=True),
        _one(
            "cmyk with a profile",
            lambda: plain("JPEG", "CMYK", size, icc_profile=profile(at16=b"CMYK")),
            None,
            heavy=True,
        ),
        _one("jpeg with a profile", lambda: plain("JPEG", size=size, icc_profile=profile()), None, heavy=True),
        _one("webp with alpha", lambda: plain("WEBP", "RGBA", size, quality=10, method=0), None, heavy=True),
        _one("16 bits of grey", lambda: plain("PNG", "I;16", size, compress_level=1), None, heavy=True),
        _one("palette with alpha", lambda: plain("PNG", "P", size, compress_level=1, transparency=0), None, heavy=True),
    ]


def mutations(count: int, *, seed: int) -> Iterator[bytes]:
    """Real pictures with some bytes changed, cut out or doubled."""
    dice = random.Random(seed)
    originals = [plain(format_, mode) for format_ in ("PNG", "JPEG", "WEBP") for mode in ("RGB", "L")]
    originals += [
        plain("PNG", "RGBA"),
        plain("JPEG", progressive=True),
        plain("PNG", icc_profile=profile()),
        animated("WEBP"),
    ]
    for _ in range(count):
        content = bytearray(dice.choice(originals))
        for _ in range(dice.randint(1, 12)):
            place = dice.randrange(len(content))
            match dice.randrange(4):
                case 0:
                    content[place] = dice.randrange(256)
                case 1:
                    content[place] ^= 1 << dice.randrange(8)
                case 2:
                    del content[place : place + dice.randint(1, 16)]
                case _:
                    content[place:place] = content[place : place + dice.randint(1, 16)]
            if not content:
                content = bytearray(b"\x00")
        yield bytes(content)
