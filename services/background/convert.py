"""Between the messages of oma.background.v1 and the engine's records: the only file that knows both."""

import math
import re
from dataclasses import dataclass

from oma.background.v1 import background_service_pb2 as pb
from oma.image.v1 import drawing_pb2, image_pb2
from oma.style.v1 import style_pb2

from services.background.engine.geometry import SizeRule, choose_size, fit_picture
from services.background.engine.line_control import Lines
from services.background.engine.lines import find_lines
from services.background.engine.recolour import near_hand
from services.background.engine.records import (
    Adapter,
    AdapterUse,
    DrawingSpec,
    Drawn,
    StageTokens,
    Stepped,
    StyleGuidance,
    Waiting,
)
from services.background.engine.redraw import Redraw
from services.background.engine.text import with_triggers
from services.background.enlarger import FACTORS
from services.background.korean.translator import Translation
from services.common.artifacts import ArtifactRef
from services.common.errors import InvalidInput
from services.common.families import Family
from services.common.palettes import Palette, mix_palettes
from services.common.pictures import MAX_INLINE_BYTES, Pixels, encode_jpeg
from services.common.wire import to_artifact

MAX_PROMPT_CHARACTERS = 1000
MAX_STYLES = 8
DEFAULT_STRENGTH = 0.6
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_SCHEDULERS = {
    pb.SCHEDULER_UNSPECIFIED: "",
    pb.SCHEDULER_DDIM: "DDIMScheduler",
    pb.SCHEDULER_DPM_SOLVER: "DPMSolverMultistepScheduler",
    pb.SCHEDULER_UNIPC: "UniPCMultistepScheduler",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleOrder:
    """A style as it was asked for."""

    key: str
    sha256: str
    method: int
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A drawing request whose every number was checked, defaults filled in."""

    request_id: str
    owner: str
    prompt: str
    negative_prompt: str
    strength: float
    guidance: float
    steps: int
    seed: int
    count: int
    width: int | None
    height: int | None
    styles: tuple[StyleOrder, ...]
    previews: bool
    inline_results: bool
    enlarge: int
    line_control: float
    scheduler: str
    style_guidance: StyleGuidance | None
    palette: float


def to_order(request: pb.GenerateBackgroundRequest, family: Family) -> Order:
    """Everything of the request but its picture.

    Raises:
        InvalidInput: anything that cannot be drawn as it was asked for.
    """
    check_request_id(request.request_id)
    has_picture = request.HasField("picture")
    if not has_picture and not request.prompt.strip():
        raise InvalidInput("say in the prompt what to draw, or give a picture", reason="PROMPT_REQUIRED")
    if not has_picture and request.HasField("strength"):
        raise InvalidInput(
            "strength is for a picture: give one, or leave strength out", reason="STRENGTH_WITHOUT_PICTURE"
        )
    if request.HasField("mask") and not has_picture:
        raise InvalidInput("a mask is for a picture: give one, or leave the mask out", reason="MASK_WITHOUT_PICTURE")
    if request.HasField("mask") and request.enlarge > 1:
        raise InvalidInput(
            "enlarging would change the pixels that the mask keeps: leave enlarge at 1", reason="MASK_ENLARGE"
        )
    styles = _to_styles(list(request.styles))
    line_control = _line_control(request, family)
    given = request.strength if request.HasField("strength") else DEFAULT_STRENGTH
    return Order(
        request_id=request.request_id,
        owner=request.owner,
        prompt=check_prompt("prompt", request.prompt),
        negative_prompt=check_prompt("negative_prompt", request.negative_prompt),
        # A float of the wire is 0.7 only to seven digits; the rest is not what was meant.
        strength=round(_within("strength", given, 0, 1), 6) if has_picture else 1.0,
        guidance=round(
            _within("guidance", request.guidance if request.HasField("guidance") else family.default_guidance, 1, 30), 6
        ),
        steps=_whole("steps", request.steps if request.HasField("steps") else family.default_steps, 1, 150),
        seed=_whole("seed", request.seed, 0, 2**63 - 1),
        count=_whole("count", request.count if request.HasField("count") else 1, 1, 8),
        width=request.width if request.HasField("width") else None,
        height=request.height if request.HasField("height") else None,
        styles=styles,
        previews=request.previews,
        inline_results=request.inline_results,
        enlarge=_factor(request.enlarge if request.HasField("enlarge") else 1),
        line_control=line_control,
        scheduler=_scheduler(request.scheduler),
        style_guidance=_style_guidance(request, styles),
        palette=_palette(request, drawn_over=bool(line_control) and bool(styles)),
    )


def to_spec(
    order: Order,
    family: Family,
    *,
    prompt: Translation,
    negative_prompt: Translation,
    image_HWC: Pixels | None,
    mask_HWC: Pixels | None,
    loaded: list[Adapter | StageTokens],
) -> DrawingSpec:
    """What the engine draws; `loaded` are the order's styles, in their order."""
    if image_HWC is None and not prompt.english:
        raise InvalidInput(
            f"not one word was understood of {', '.join(prompt.unknown_words)}: use other words, or English",
            reason="PROMPT_NOT_UNDERSTOOD",
        )
    picture_wh = (image_HWC.shape[1], image_HWC.shape[0]) if image_HWC is not None else None
    rule = SizeRule(resolution=family.resolution, step=family.size_step)
    width, height = choose_size(rule, width=order.width, height=order.height, picture_wh=picture_wh)
    asked = zip(loaded, order.styles, strict=True)
    fitted_HWC = None if image_HWC is None else fit_picture(image_HWC, width=width, height=height)
    lines = None if fitted_HWC is None else _lines(fitted_HWC, order.line_control)
    adapters = tuple(AdapterUse(adapter=style, weight=use.weight) for style, use in asked if isinstance(style, Adapter))
    stage_tokens = next((style for style in loaded if isinstance(style, StageTokens)), None)
    palette = _style_palette(adapters, stage_tokens)
    if fitted_HWC is not None and palette is not None:
        fitted_HWC = near_hand(fitted_HWC, palette, amount=order.palette, strength=order.strength, lines=lines)
    return DrawingSpec(
        prompt=with_triggers(prompt.english, [style.trigger for style in loaded]),
        negative_prompt=negative_prompt.english,
        image_HWC=fitted_HWC,
        lines=lines,
        strength=order.strength,
        guidance=order.guidance,
        steps=order.steps,
        seed=order.seed,
        count=order.count,
        width=width,
        height=height,
        adapters=adapters,
        stage_tokens=stage_tokens,
        style_guidance=order.style_guidance,
        scheduler=order.scheduler,
        redraw=_redraw(image_HWC, mask_HWC),
        previews=order.previews,
    )


def check_request_id(request_id: str) -> None:
    if not _REQUEST_ID.match(request_id):
        raise InvalidInput("request_id must be 1 to 128 letters, digits, '.', '-' or '_'", reason="REQUEST_ID")


def check_prompt(name: str, prompt: str) -> str:
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        raise InvalidInput(
            f"{name} has {len(prompt)} characters of at most {MAX_PROMPT_CHARACTERS}: make it shorter",
            reason="PROMPT_TOO_LONG",
        )
    return prompt


def to_queued(event: Waiting) -> pb.GenerateBackgroundResponse:
    return pb.GenerateBackgroundResponse(queued=drawing_pb2.Queued(position=event.position))


def to_progress(event: Stepped) -> pb.GenerateBackgroundResponse:
    progress = drawing_pb2.Progress(step=event.step, steps=event.steps)
    if event.preview_HWC is not None:
        content = encode_jpeg(event.preview_HWC)
        progress.preview.CopyFrom(image_pb2.Image(content=content, media_type="image/jpeg"))
    return pb.GenerateBackgroundResponse(progress=progress)


def to_image(event: Drawn, ref: ArtifactRef, content: bytes | None) -> pb.GenerateBackgroundResponse:
    """One result; `content` is its PNG where it was asked for and fits into a message."""
    height, width = event.image_HWC.shape[:2]
    image = drawing_pb2.DrawnImage(
        index=event.index, artifact=to_artifact(ref), width=width, height=height, seed=event.seed
    )
    if content is not None and len(content) <= MAX_INLINE_BYTES:
        image.inline.CopyFrom(image_pb2.Image(content=content, media_type=ref.media_type))
    return pb.GenerateBackgroundResponse(image=image)


def to_done(order: Order, spec: DrawingSpec, family: Family) -> pb.GenerateBackgroundResponse:
    """The settings that were used."""
    done = pb.GenerateBackgroundDone(
        family=family.name,
        prompt=order.prompt,
        english_prompt=spec.prompt,
        english_negative_prompt=spec.negative_prompt,
        strength=spec.strength,
        guidance=spec.guidance,
        steps=spec.steps,
        seed=spec.seed,
        width=spec.width,
        height=spec.height,
        enlarge=order.enlarge,
        line_control=order.line_control,
        scheduler=next(number for number, name in _SCHEDULERS.items() if name == order.scheduler),
        style_guidance=_told(order.style_guidance),
        palette=order.palette if spec.strength and _style_palette(spec.adapters, spec.stage_tokens) else 0.0,
        styles=[
            style_pb2.StyleUse(
                key=style.key, sha256=style.sha256, method=style_pb2.Method.ValueType(style.method), weight=style.weight
            )
            for style in order.styles
        ],
    )
    return pb.GenerateBackgroundResponse(done=done)


def to_translation(translation: Translation) -> pb.TranslatePromptResponse:
    return pb.TranslatePromptResponse(english=translation.english, unknown_words=translation.unknown_words)


def _scheduler(number: int) -> str:
    for known, name in _SCHEDULERS.items():
        if known == number:
            return name
    raise InvalidInput("schedulers are DDIM, DPM_SOLVER and UNIPC", reason="SCHEDULER")


def _style_guidance(request: pb.GenerateBackgroundRequest, styles: tuple[StyleOrder, ...]) -> StyleGuidance | None:
    if not request.HasField("style_guidance"):
        return None
    if not any(style.method == style_pb2.METHOD_DREAMSTYLER for style in styles):
        raise InvalidInput(
            "style_guidance is for a DreamStyler style: choose one, or leave it out", reason="STYLE_GUIDANCE"
        )
    asked, usual = request.style_guidance, StyleGuidance()
    numbers = {
        name: round(_within(name, getattr(asked, name) if asked.HasField(name) else getattr(usual, name), 0, 30), 6)
        for name in ("style", "content", "avoid")
    }
    return StyleGuidance(**numbers)


def _told(guidance: StyleGuidance | None) -> pb.StyleGuidance | None:
    if guidance is None:
        return None
    return pb.StyleGuidance(style=guidance.style, content=guidance.content, avoid=guidance.avoid)


def _redraw(image_HWC: Pixels | None, mask_HWC: Pixels | None) -> Redraw | None:
    if image_HWC is None or mask_HWC is None:
        return None
    return Redraw(picture_HWC=image_HWC, mask_HW=mask_HWC.max(axis=2))


def _line_control(request: pb.GenerateBackgroundRequest, family: Family) -> float:
    """As asked; unasked, a picture's lines are kept wherever the family can and the picture is not to be ignored."""
    if not request.HasField("line_control"):
        strength = request.strength if request.HasField("strength") else DEFAULT_STRENGTH
        return 1.0 if request.HasField("picture") and family.has_line_control and strength < 1 else 0.0
    weight = round(_within("line_control", request.line_control, 0, 2), 6)
    if weight and not request.HasField("picture"):
        raise InvalidInput(
            "line_control is for a picture: give one, or leave line_control out", reason="LINE_CONTROL_WITHOUT_PICTURE"
        )
    if weight and not family.has_line_control:
        raise InvalidInput(f"{family.name} has no line control: leave line_control out", reason="NO_LINE_CONTROL")
    return weight


def _palette(request: pb.GenerateBackgroundRequest, *, drawn_over: bool) -> float:
    """As asked; unasked, what is drawn over in a learned style takes its colours, unless only an area is redrawn."""
    if not request.HasField("palette"):
        return 1.0 if drawn_over and not request.HasField("mask") else 0.0
    amount = round(_within("palette", request.palette, 0, 1), 6)
    if amount and not (request.HasField("picture") and request.styles):
        raise InvalidInput(
            "palette is for a picture drawn over in a style: give both, or leave palette out", reason="PALETTE"
        )
    if amount and request.HasField("mask"):
        raise InvalidInput("a mask keeps the picture's colours: leave palette out", reason="MASK_PALETTE")
    return amount


def _style_palette(adapters: tuple[AdapterUse, ...], stage_tokens: StageTokens | None) -> Palette | None:
    weighted = [(use.adapter.palette, use.weight) for use in adapters]
    weighted += [(stage_tokens.palette, 1.0)] if stage_tokens is not None else []
    return mix_palettes([(palette, weight) for palette, weight in weighted if palette is not None])


def _lines(image_HWC: Pixels, weight: float) -> Lines | None:
    return Lines(lines_HW=find_lines(image_HWC), weight=weight) if weight else None


def _factor(enlarge: int) -> int:
    if enlarge not in FACTORS:
        raise InvalidInput(f"enlarge is {enlarge}: give 1, 2 or 4", reason="ENLARGE")
    return enlarge


def _to_styles(uses: list[style_pb2.StyleUse]) -> tuple[StyleOrder, ...]:
    if len(uses) > MAX_STYLES:
        raise InvalidInput(f"{len(uses)} styles, at most {MAX_STYLES} can be mixed", reason="TOO_MANY_STYLES")
    styles = tuple(_to_style(use) for use in uses)
    if sum(style.method == style_pb2.METHOD_DREAMSTYLER for style in styles) > 1:
        raise InvalidInput("only one DreamStyler style fits a drawing: leave one", reason="TWO_DREAMSTYLERS")
    if len({style.key for style in styles}) < len(styles):
        raise InvalidInput("a style is given twice: give it once, with its weight", reason="STYLE_TWICE")
    return styles


def _to_style(use: style_pb2.StyleUse) -> StyleOrder:
    if use.method not in (style_pb2.METHOD_LORA, style_pb2.METHOD_DREAMSTYLER):
        raise InvalidInput("a style needs its method: LoRA or DreamStyler", reason="STYLE_METHOD")
    if not _SHA256.match(use.sha256):
        raise InvalidInput("a style needs the SHA-256 of its file, 64 hexadecimal digits", reason="STYLE_SHA256")
    weight = round(_within("weight", use.weight if use.HasField("weight") else 1.0, -2, 2), 6)
    if use.method == style_pb2.METHOD_DREAMSTYLER and weight != 1:
        raise InvalidInput("a DreamStyler style takes only weight 1", reason="DREAMSTYLER_WEIGHT")
    return StyleOrder(key=use.key, sha256=use.sha256, method=use.method, weight=weight)


def _within(name: str, value: float, least: float, most: float) -> float:
    if not math.isfinite(value) or not least <= value <= most:
        raise InvalidInput(f"{name} must be from {least} to {most}, got {value:g}", reason=f"{name.upper()}_RANGE")
    return value


def _whole(name: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise InvalidInput(f"{name} must be from {least} to {most}, got {value}", reason=f"{name.upper()}_RANGE")
    return value
