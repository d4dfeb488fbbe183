"""What a finished PNG says of itself: how it was drawn, and that a trained model drew it."""

import io

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from services.background.engine.records import DrawingSpec, Drawn
from services.common.families import Family

_SAMPLERS = {
    "DDIMScheduler": "DDIM",
    "DPMSolverMultistepScheduler": "DPM++ 2M",
    "UniPCMultistepScheduler": "UniPC",
}
_SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 Iptc4xmpExt:DigitalSourceType="{source}"/>
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def encode_marked(result: Drawn, spec: DrawingSpec, family: Family, *, enlarged: int = 1, with_settings: bool) -> bytes:
    """PNG of a result, marked as IPTC asks for; with the settings where A1111-style readers look for them.

    `enlarged` is how many times its sides grew after drawing.
    """
    info = PngInfo()
    if with_settings:
        info.add_itxt("parameters", settings_text(result, spec, family, enlarged=enlarged))
    info.add_itxt("XML:com.adobe.xmp", origin_xmp(composite=_is_composite(spec)))
    buffer = io.BytesIO()
    Image.fromarray(result.image_HWC).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def _is_composite(spec: DrawingSpec) -> bool:
    return spec.redraw is not None or (spec.image_HWC is not None and spec.strength < 1)


def origin_xmp(*, composite: bool) -> str:
    """The XMP packet that says a trained model drew this, by itself or from a picture of the artist's (`composite`)."""
    kind = "compositeWithTrainedAlgorithmicMedia" if composite else "trainedAlgorithmicMedia"
    return _XMP.format(source=_SOURCES + kind)


def settings_text(result: Drawn, spec: DrawingSpec, family: Family, *, enlarged: int = 1) -> str:
    """Prompt, what to avoid, and the numbers, a line each, in the order that such readers parse."""
    numbers = {
        "Steps": f"{spec.steps}",
        "CFG scale": f"{spec.guidance:g}",
        "Seed": f"{result.seed}",
        "Size": f"{spec.width}x{spec.height}",
        "Model": family.name,
    }
    if spec.image_HWC is not None:
        numbers["Denoising strength"] = f"{spec.strength:g}"
    if spec.scheduler:
        numbers["Sampler"] = _SAMPLERS[spec.scheduler]
    if enlarged > 1:
        numbers |= {"Hires upscale": f"{enlarged}", "Hires upscaler": "waifu2x"}
    lines = [spec.prompt, f"Negative prompt: {spec.negative_prompt}" if spec.negative_prompt else ""]
    return "\n".join(
        [*(line for line in lines if line), ", ".join(f"{key}: {value}" for key, value in numbers.items())]
    )
