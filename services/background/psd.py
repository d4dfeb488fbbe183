"""Writes layers as a Photoshop file that painting programs open, marked as drawn by a trained model."""

import io

from PIL import Image, ImageCms
from psd_tools import PSDImage
from psd_tools.constants import BlendMode, Resource, Tag
from psd_tools.psd.image_resources import ImageResource

from services.background.engine.layers import LayerKind, Separation, composite
from services.background.marks import origin_xmp

NAMES = {
    "en": {
        LayerKind.LINE: "Line",
        LayerKind.COLOUR: "Colour",
        LayerKind.SKY: "Sky",
        LayerKind.ORIGINAL: "Original picture",
    },
    "ko": {
        LayerKind.LINE: "선",
        LayerKind.COLOUR: "색",
        LayerKind.SKY: "하늘",
        LayerKind.ORIGINAL: "원본 사진",
    },
}


def write_psd(separation: Separation, *, language: str) -> bytes:
    """An 8-bit sRGB file with these layers, cropped to what they show, and their composite for viewers without layers.

    Format: Adobe Photoshop File Formats Specification (2019).
    """
    document = PSDImage.frompil(Image.fromarray(composite(separation.layers)))
    for layer in separation.layers:
        shown = Image.fromarray(layer.image_HWC)
        left, top, right, bottom = shown.getchannel("A").getbbox() or (0, 0, 1, 1)
        # The old field for names holds no Hangul; programs read the Unicode one.
        made = document.create_pixel_layer(
            shown.crop((left, top, right, bottom)),
            name=NAMES["en"][layer.kind],
            left=left,
            top=top,
            blend_mode=BlendMode.MULTIPLY if layer.multiply else BlendMode.NORMAL,
        )
        made.tagged_blocks.set_data(Tag.UNICODE_LAYER_NAME, NAMES[language][layer.kind])
        made.visible = layer.visible
    composed = any(layer.kind is LayerKind.ORIGINAL for layer in separation.layers)
    for key, content in (
        (Resource.XMP_METADATA, origin_xmp(composite=composed).encode()),
        (Resource.ICC_PROFILE, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
    ):
        document.image_resources[key] = ImageResource(key=key, data=content)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()
