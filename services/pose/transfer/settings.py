"""What an operator of pose transfer may change."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.artifacts import ArtifactSettings
from services.common.serving import ServerSettings
from services.common.settings import Settings


class PoseTransferSettings(Settings):
    """Settings of `python -m services.pose.transfer`."""

    model_config = SettingsConfigDict(env_prefix="OMA_POSE_TRANSFER_", env_nested_delimiter="__", frozen=True)

    server: ServerSettings = Field(default=ServerSettings(), description="How the server listens.")
    artifacts: ArtifactSettings = Field(default=ArtifactSettings(), description="Where artifacts are kept.")
    family: Path = Field(
        default=Path("models/webtoon_tiny/weights"), description="Folder of the model family that draws."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where to compute; auto takes a GPU where there is one."
    )
    torch_threads: int = Field(
        default=0, ge=0, description="Threads of one computation on the CPU; 0 leaves it to the library."
    )
    max_pending: int = Field(default=4, ge=1, description="Drawings in work or waiting; more are refused.")
    reference_cache_mebibytes: int = Field(
        default=256, ge=0, description="Memory for the features of the characters drawn last."
    )
