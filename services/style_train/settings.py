from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from services.common.artifacts import ArtifactSettings
from services.common.serving import ServerSettings
from services.common.settings import Settings


class StyleTrainSettings(Settings):
    """Read by the API process and by the worker; both must name the same database and artifacts."""

    model_config = SettingsConfigDict(env_prefix="OMA_STYLE_TRAIN_", env_nested_delimiter="__", frozen=True)

    server: ServerSettings = ServerSettings()
    artifacts: ArtifactSettings = ArtifactSettings()
    database_url: str = Field(
        default="sqlite:///var/style_train.db", description="Where trainings are recorded; migrated at start."
    )
    family: Path = Field(default=Path("models/webtoon_tiny/weights"), description="Folder of the model family.")
    device: str = Field(default="auto", description='"cpu", "cuda", or "auto" to use a GPU when there is one.')
    torch_threads: int = Field(default=0, ge=0, description="Threads of one training; 0 leaves it to the library.")
    max_pending: int = Field(default=8, ge=1, description="Requests whose pictures may wait to be decoded.")
    max_queued: int = Field(default=200, ge=1, description="Trainings that may wait; more are refused.")
    watch_seconds: float = Field(default=240.0, gt=0, le=290, description="A watch ends after this, with a token.")
    watch_poll_seconds: float = Field(default=0.25, gt=0, description="How often a watch looks for a change.")
    lease_seconds: float = Field(default=30.0, gt=0, description="A silent worker's job is taken over after this.")
    heartbeat_seconds: float = Field(
        default=10.0, gt=0, description="How often the worker renews its lease: a third of it, or less."
    )
    claim_seconds: float = Field(default=0.5, gt=0, description="How often an idle worker looks for a job.")
    checkpoint_seconds: float = Field(default=30.0, gt=0, description="At most this much training is done twice.")
    stall_seconds: float = Field(
        default=300.0,
        gt=0,
        description="A training that says nothing for so long is killed; it goes on from its place.",
    )
    max_attempts_without_progress: int = Field(
        default=5,
        ge=1,
        description="Workers that may stop in one training, without a further checkpoint, before quarantine.",
    )
    stop_seconds: float = Field(default=10.0, gt=0, description="A training asked to stop is killed after this.")
    most_trainings: int = Field(
        default=0, ge=0, description="The worker ends after so many trainings; 0: it goes on until it is told to stop."
    )
    idle_exit_seconds: float = Field(
        default=0.0, ge=0, description="The worker ends when it found nothing to do for so long; 0: it goes on looking."
    )
    taken_file: Path | None = Field(
        default=None, description="Made by the worker when it has taken a training; a pod's readiness tells by it."
    )
    quick_seconds: float = Field(
        default=30.0, gt=0, description="Longest training of one method with the quick preset, by a measured step."
    )
    checkpoint_samples: bool = Field(
        default=True, description="Draw over the artist's first picture at checkpoints, in a tenth of the time at most."
    )
    sample_pictures: int = Field(default=2, ge=0, le=8, description="Pictures drawn with each learned style.")

    @model_validator(mode="after")
    def _beats_within_its_lease(self) -> Self:
        if self.heartbeat_seconds * 2 > self.lease_seconds:
            raise ValueError("HEARTBEAT_SECONDS must be at most half of LEASE_SECONDS: one that is late loses the job")
        return self
