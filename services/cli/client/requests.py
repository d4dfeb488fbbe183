"""What is asked of the gateway; None leaves the choice to the service."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    name: str
    picture_ids: Sequence[str]
    methods: Sequence[str] = ("lora",)
    preset: str = "standard"
    captions: Mapping[str, str] | None = None
    style_strength: float | None = None
    despite_warnings: bool | None = None
    dreamstyler_from_all: bool | None = None
    seed: int | None = None
    style_id: str | None = None  # learn this style again: as its next version

    def body(self) -> dict[str, Any]:
        return _given(asdict(self))

    def check_body(self) -> dict[str, Any]:
        """What only looks at the pictures."""
        looked_at = ("picture_ids", "methods", "preset", "style_strength")
        return {key: value for key, value in self.body().items() if key in looked_at}


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleChoice:
    style_id: str
    method: str
    weight: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleGuidance:
    """With a DreamStyler style: guidance by style and content apart."""

    style: float | None = None
    content: float | None = None
    avoid: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundRequest:
    """From words, or from a picture: `strength` 0 keeps it, 1 ignores it."""

    prompt: str
    negative_prompt: str | None = None
    picture_id: str | None = None
    strength: float | None = None
    guidance: float | None = None
    steps: int | None = None
    seed: int | None = None
    count: int | None = None
    width: int | None = None
    height: int | None = None
    enlarge: int | None = None
    styles: Sequence[StyleChoice] = ()
    mask_picture_id: str | None = None  # redraw only where this picture is bright
    scheduler: str | None = None  # "ddim", "dpm-solver" or "unipc"
    style_guidance: StyleGuidance | None = None
    line_control: float | None = None
    palette: float | None = None

    def body(self) -> dict[str, Any]:
        guided = {"style_guidance": _given(asdict(self.style_guidance))} if self.style_guidance is not None else {}
        return {**_given(asdict(self)), "styles": [_given(asdict(choice)) for choice in self.styles], **guided}


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseTransferRequest:
    character_picture_id: str
    pose_id: str
    person_index: int | None = None
    steps: int | None = None
    guidance: float | None = None
    seed: int | None = None
    count: int | None = None
    width: int | None = None
    height: int | None = None
    character_fit: str | None = None  # "pad" or "crop"
    own_proportions: bool | None = None  # the pose's limbs get the character's lengths
    character_pose_id: str | None = None  # with own_proportions: where they are measured
    transparent_background: bool | None = None
    styles: Sequence[StyleChoice] = ()

    def body(self) -> dict[str, Any]:
        return {**_given(asdict(self)), "styles": [_given(asdict(choice)) for choice in self.styles]}


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateRequest:
    picture_id: str
    whole_picture_if_nobody: bool = False
    max_people: int | None = None
    min_score: float | None = None
    min_pose_score: float | None = None
    person: int | None = None

    def body(self) -> dict[str, Any]:
        return _given(asdict(self))


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
