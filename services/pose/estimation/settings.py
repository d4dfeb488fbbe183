"""What an operator of pose estimation may change."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.artifacts import ArtifactSettings
from services.common.serving import ServerSettings
from services.common.settings import Settings


class PoseEstimationSettings(Settings):
    """Settings of `python -m services.pose.estimation`."""

    model_config = SettingsConfigDict(env_prefix="OMA_POSE_ESTIMATION_", env_nested_delimiter="__", frozen=True)

    server: ServerSettings = Field(default=ServerSettings(), description="How the server listens.")
    artifacts: ArtifactSettings = Field(default=ArtifactSettings(), description="Where artifacts are kept.")
    family: Path = Field(
        default=Path("models/webtoon_tiny/weights"), description="Folder of the model family that looks for people."
    )
    triton: str = Field(
        default="", description="host:port of a Triton that runs the networks; empty runs the family's in this process."
    )
    onnx_threads: int = Field(
        default=0, ge=0, description="Threads of one network run; 0 leaves it to the library, which takes every core."
    )
    max_pending: int = Field(default=16, ge=1, description="Requests in work or waiting; more are refused.")
