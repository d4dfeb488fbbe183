"""What an operator may change about background generation."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.artifacts import ArtifactSettings
from services.common.serving import ServerSettings
from services.common.settings import Settings


class BackgroundSettings(Settings):
    """Read once, in `__main__`."""

    model_config = SettingsConfigDict(env_prefix="OMA_BACKGROUND_", env_nested_delimiter="__", frozen=True)

    server: ServerSettings = Field(default_factory=ServerSettings, description="Where the service listens.")
    artifacts: ArtifactSettings = Field(
        default_factory=ArtifactSettings, description="Where pictures and styles are read and results are stored."
    )
    family: Path = Field(default=Path("models/webtoon_tiny/weights"), description="Folder of the model family.")
    translator: Path | None = Field(
        default=None,
        description="Folder of a translation network, NLLB's or Marian's kind (safetensors, tokenizer.json). Default: "
        "`translator/` in the family's folder where there is one; else the glossary translates.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where the networks run; auto takes a GPU where there is one."
    )
    torch_threads: int = Field(default=0, ge=0, description="CPU threads of one computation; 0 is torch's default.")
    max_pending: int = Field(default=16, ge=1, description="Drawings waiting or under way; more are refused.")
    max_rows: int = Field(
        default=8, ge=1, description="Rows of one denoiser call; a result with guidance takes two, and one always fits."
    )
    adapter_cache_mib: int = Field(default=512, ge=1, description="Memory for styles that are kept loaded, in MiB.")
    settings_in_pictures: bool = Field(
        default=True,
        description="Write prompt, seed and the other settings into each PNG; the mark of its origin always is.",
    )
