"""The shapes of requests and answers under /api/v1; docs and the web client are made from these."""

import datetime as dt
import unicodedata
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

T = TypeVar("T")


def _without_control_characters(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in text):
        raise ValueError("control characters are not allowed")
    return text


def _as_path(text: str) -> str:
    """One writing of each folder, whatever keyboard it was typed on."""
    return "/".join(filter(None, (" ".join(part.split()) for part in unicodedata.normalize("NFC", text).split("/"))))


def _as_tag(text: str) -> str:
    tag = " ".join(unicodedata.normalize("NFC", text).split()).lstrip("# ")
    if not tag or any(comma in tag for comma in ",、\uff0c"):  # the page parts tags there
        raise ValueError("a tag is a word or a few, without commas")
    return tag


def _each_once(tags: list[str]) -> list[str]:
    first: dict[str, str] = {}
    for tag in tags:
        first.setdefault(tag.casefold(), tag)
    return list(first.values())


Plain = AfterValidator(_without_control_characters)  # PostgreSQL keeps no NUL, and names go into file names
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), Plain]
Folder = Annotated[
    str,
    Field(max_length=80, description="Such as “3화/5컷”, a folder in a folder. Empty for none."),
    Plain,
    AfterValidator(_as_path),
]
Tag = Annotated[str, Field(max_length=20), Plain, AfterValidator(_as_tag)]
Tags = Annotated[
    list[Tag], Field(max_length=10, description="Words to find it by, without commas."), AfterValidator(_each_once)
]
Prompt = Annotated[str, Field(max_length=1000)]
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        max_length=254,
        pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f.]+$",
    ),
]
Password = Annotated[str, Field(max_length=256)]
Seed = Annotated[int, Field(ge=0, lt=2**53, description="Draws the same again; absent takes a new one.")]
Side = Annotated[int, Field(ge=16, le=4096, description="Pixels.")]
Method = Literal["lora", "dreamstyler"]
JobKind = Literal["training", "background", "pose_transfer"]
JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class Body(BaseModel):
    """What a client posts; a field that is not known is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class ErrorDetail(BaseModel):
    reason: str = Field(description="For programs; see docs/services/gateway.md.")
    message: str = Field(description="For people; names the remedy.")
    request_id: str = Field(description="Quote this when asking for help.")


class ErrorAnswer(BaseModel):
    error: ErrorDetail


class Page(BaseModel, Generic[T]):
    """Newest first; give `next_cursor` as `cursor` for the next page, absent on the last."""

    items: list[T]
    next_cursor: str | None


class NewAccount(Body):
    email: Email
    password: Annotated[str, Field(min_length=10, max_length=256)]
    name: Name
    locale: Literal["ko", "en"] = "ko"


class Credentials(Body):
    email: Annotated[Email, Field(description="As given at sign-up.")]
    password: Password


class AccountAnswer(BaseModel):
    id: str
    email: str
    name: str
    locale: str
    email_verified: bool


class SessionAnswer(BaseModel):
    account: AccountAnswer
    csrf_token: str = Field(description="Send as X-CSRF-Token with every POST, PUT, PATCH and DELETE.")
    expires_at: dt.datetime = Field(description="When it ends. Using it moves the end, up to its longest life.")


class ProjectBody(Body):
    name: Name


class ProjectAnswer(BaseModel):
    id: str
    name: str
    created_at: dt.datetime


class PictureAnswer(BaseModel):
    id: str
    project_id: str
    filename: str
    width: int
    height: int
    media_type: str
    size_bytes: int
    url: str
    created_at: dt.datetime


class StyleChoice(Body):
    style_id: str
    method: Method
    weight: Annotated[float, Field(ge=-2, le=2)] | None = None


class ResultAnswer(BaseModel):
    id: str
    index: int
    url: str
    width: int
    height: int
    seed: int
    settings: dict[str, Any]


class DrawingAnswer(ResultAnswer):
    job_id: str
    kind: str
    created_at: dt.datetime


class JobError(BaseModel):
    reason: str
    message: str


class LossAnswer(BaseModel):
    method: Method
    step: int = Field(description="Counted over all methods.")
    loss: float = Field(description="The mean of the latest steps.")


class FindingAnswer(BaseModel):
    code: str = Field(description="For programs: SMALL, BLANK, DUPLICATE, LETTERING, TOO_FEW, or PICTURE_TOO_SMALL.")
    picture_id: str | None = Field(description="Which picture; null when it is about all of them.")
    message: str = Field(description="For people, in English; names the picture by its place from 1, and the remedy.")
    is_error: bool = Field(description="A training with it is refused; with the others the artist may go on.")


class CheckpointSampleAnswer(BaseModel):
    method: Method
    step: int = Field(description="After so many steps of the method.")
    url: str


class JobAnswer(BaseModel):
    id: str
    project_id: str
    kind: JobKind
    state: JobState
    cancel_requested: bool
    queue_position: int | None = Field(description="How many are served before this one; null once it is drawn.")
    steps_done: int
    steps_total: int
    seconds_left: float | None = Field(description="From measured steps; null before there are any.")
    stage: str | None = Field(
        description='"waiting", "drawing", "lora", "dreamstyler", "retrying", …; null when not running.'
    )
    preview_url: str | None
    losses: list[LossAnswer] = Field(description="How far off a training is, now and then; empty for drawings.")
    findings: list[FindingAnswer] = Field(
        description="What was noticed about a training's pictures, and does not prevent it; empty for drawings."
    )
    checkpoint_samples: list[CheckpointSampleAnswer] = Field(
        description="While a training runs: its first picture, drawn over with what was learned until then."
    )
    error: JobError | None
    request: dict[str, Any] = Field(description="As posted.")
    results: list[ResultAnswer]
    style_id: str | None
    created_at: dt.datetime
    started_at: dt.datetime | None
    ended_at: dt.datetime | None


class AssetBody(Body):
    name: Name
    description: Annotated[str, Field(max_length=2000), Plain] = ""
    result_ids: Annotated[list[str], Field(min_length=1, max_length=64)]
    folder: Folder = ""
    tags: Tags = []


class AssetChange(Body):
    name: Name | None = None
    description: Annotated[str, Field(max_length=2000), Plain] | None = None
    starred: bool | None = None
    folder: Folder | None = None
    tags: Tags | None = None


class FolderAnswer(BaseModel):
    folder: str = Field(description="Empty for what is in none.")
    assets: int = Field(description="How many are in it, not counting those in folders below.")


class AssetFileAnswer(BaseModel):
    id: str
    index: int
    url: str
    width: int
    height: int
    media_type: str
    size_bytes: int
    settings: dict[str, Any]


class AssetAnswer(BaseModel):
    id: str
    project_id: str
    name: str
    description: str
    kind: Literal["background", "character"]
    files: list[AssetFileAnswer]
    starred: bool
    folder: str
    tags: list[str]
    deleted_at: dt.datetime | None = Field(description="In the trash since then, for 30 days; null when it is not.")
    created_at: dt.datetime


class StatusAnswer(BaseModel):
    version: str
    family: str | None = Field(description="The model family's name; null when its manifest cannot be read.")
    services: dict[str, Literal["serving", "down"]]
