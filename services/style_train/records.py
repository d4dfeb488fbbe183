"""What crosses from the API to the worker and from the worker to its child: rows and lines of JSON."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.common.artifacts import ArtifactRef

PREFIX = "style"


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


class Method(StrEnum):
    LORA = "lora"
    DREAMSTYLER = "dreamstyler"


class Preset(StrEnum):
    QUICK = "quick"
    STANDARD = "standard"


class OrderedPicture(Record):
    """A clean PNG, stored as `folder(...) + name`."""

    name: str
    sha256: str
    caption: str


class PictureFinding(Record):
    """What was noticed about a picture, or about all of them, before it was learned from."""

    code: str
    picture: int | None
    message: str


class Order(Record):
    """What was asked for: everything that decides the result, beside the family."""

    name: str
    pictures: tuple[OrderedPicture, ...]
    methods: tuple[Method, ...]
    preset: Preset
    seed: int
    strength: float = 1.0
    dreamstyler_from_all: bool = False  # of the pictures; the paper's way is the first alone
    findings: tuple[PictureFinding, ...] = ()


class Learned(Record):
    """One method that is finished."""

    method: Method
    file: ArtifactRef
    trigger: str
    samples: tuple[ArtifactRef, ...]
    record: ArtifactRef | None = None  # settings, losses and timings, as JSON


class CheckpointSample(Record):
    """A picture of the artist's own, drawn over with what was learned after `step` steps of a method."""

    method: Method
    step: int
    file: ArtifactRef


class Position(Record):
    """Where a stopped method goes on: after `step` steps, with the state that is stored at `key`."""

    method: Method
    step: int
    key: str
    sha256: str


class Checkpoint(Record):
    """How far a job has come, whoever works on it."""

    steps: dict[Method, int] = {}  # decided once for each method, when it begins
    batch: dict[Method, int] = {}  # as well; smaller than planned where memory is short
    forms: dict[Method, str] = {}  # as well: of the frozen weights, whatever would suit the machine that goes on
    learned: tuple[Learned, ...] = ()
    position: Position | None = None
    samples: tuple[CheckpointSample, ...] = ()

    @property
    def reached(self) -> int:
        """Steps that need not be done again, and one for each method that is finished."""
        finished = sum(self.steps[one.method] + 1 for one in self.learned)
        return finished + (self.position.step if self.position is not None else 0)


class Progress(Record):
    """Numbers for whoever waits."""

    method: Method
    steps_done: int
    steps_total: int
    seconds_left: float
    loss: float


class Failure(Record):
    reason: str
    message: str


class Task(Record):
    """What the worker gives to the child that trains."""

    job_id: str
    owner: str
    order: Order
    checkpoint: Checkpoint
    settings: dict[str, Any]
    traceparent: str = ""


class Measured(Record):
    """For the worker's metrics: what each step since the last report took, and the GPU's memory by kind."""

    method: Method
    step_seconds: tuple[float, ...]
    gpu_bytes: dict[str, int] = {}


class Report(Record):
    """One line from the child: one of these. With none, it says that it has got on with what it does."""

    progress: Progress | None = None
    checkpoint: Checkpoint | None = None
    failure: Failure | None = None
    finished: bool = False
    measured: Measured | None = None


def folder(owner: str, job_id: str) -> str:
    """The prefix of everything that one training stores."""
    return f"{owner}/{PREFIX}/{job_id}/"
