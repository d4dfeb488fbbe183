"""What the gateway answers, one record for each resource of its API. Fields that are new to us are let through."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Account(Record):
    id: str
    email: str
    name: str
    locale: str


class Session(Record):
    account: Account
    csrf_token: str


class Token(Record):
    token: str
    label: str


class Project(Record):
    id: str
    name: str
    created_at: datetime


class Picture(Record):
    id: str
    project_id: str
    filename: str
    width: int
    height: int
    media_type: str
    size_bytes: int
    url: str


class StyleFile(Record):
    method: str
    trigger: str
    size_bytes: int
    media_type: str


class CheckpointSample(Record):
    """The first of the pictures, drawn over while the style was being learned."""

    method: str
    step: int
    url: str


class Style(Record):
    id: str
    project_id: str
    name: str
    job_id: str | None = None
    files: list[StyleFile]
    sample_urls: list[str] = []
    checkpoint_samples: list[CheckpointSample] = []
    lineage_id: str = ""
    version: int = 1
    in_use: bool = True
    note: str = ""
    created_at: datetime

    def trigger(self, method: str) -> str:
        """The token that calls this style in a prompt; "" when it was not learned that way."""
        return next((file.trigger for file in self.files if file.method == method), "")


class Finding(Record):
    code: str
    picture_id: str | None
    message: str
    is_error: bool


class Check(Record):
    """What was noticed about pictures before anything is learned from them."""

    findings: list[Finding]
    can_begin: bool
    steps_total: int


class Translation(Record):
    english: str
    unknown_words: list[str]


class Box(Record):
    left: float
    top: float
    width: float
    height: float
    score: float


class Person(Record):
    """Keypoints are 133 times [x, y, score], in the order of COCO-WholeBody, in pixels of the picture."""

    keypoints: list[list[float]]
    box: Box | None = None


class Pose(Record):
    id: str
    project_id: str
    picture_id: str | None
    width: int
    height: int
    people: list[Person]
    used_whole_picture: bool = False
    skeleton_url: str | None = None


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


class JobError(Record):
    reason: str
    message: str


class Result(Record):
    id: str
    index: int
    url: str
    width: int
    height: int
    seed: int | None = None
    settings: dict[str, Any] = {}


class Job(Record):
    id: str
    project_id: str
    kind: str
    state: JobState
    queue_position: int | None = None
    steps_done: int = 0
    steps_total: int = 0
    seconds_left: float | None = None
    stage: str | None = None
    preview_url: str | None = None
    error: JobError | None = None
    findings: list[Finding] = []
    results: list[Result] = []
    style_id: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None


class RefusedPicture(Record):
    picture_id: str
    error: JobError


class Photographs(Record):
    """A job for each picture that could be begun with."""

    jobs: list[Job]
    refused: list[RefusedPicture]


class AssetFile(Record):
    id: str
    index: int
    url: str
    width: int
    height: int
    media_type: str
    size_bytes: int
    settings: dict[str, Any] = {}


class Asset(Record):
    id: str
    project_id: str
    name: str
    description: str | None = None
    kind: str
    files: list[AssetFile]
    starred: bool = False
    folder: str = ""
    tags: list[str] = []
    deleted_at: datetime | None = None
    created_at: datetime


class Status(Record):
    version: str
    family: str | None = None
    services: dict[str, str]
