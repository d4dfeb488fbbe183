"""What `oma models pull` reads from the environment."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.artifacts import S3Settings
from services.common.settings import StrictSettings


class ModelSettings(StrictSettings):
    """Where families come from when no other source is named."""

    model_config = SettingsConfigDict(env_prefix="OMA_MODELS_", env_nested_delimiter="__", frozen=True)

    source: str = Field(
        default="",
        description="Where `oma models pull` finds families: a folder, `https://…`, or `s3://bucket[/folder]`.",
    )
    s3: S3Settings = Field(
        default=S3Settings(), description="The S3 server of a source `s3://…`, whose bucket is the source's."
    )
