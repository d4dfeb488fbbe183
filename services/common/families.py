"""Model families on disk: a folder in the diffusers layout with a manifest beside it."""

import hashlib
import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.common.errors import NotReady

MANIFEST = "manifest.json"


class Family(BaseModel):
    """What a manifest says. A family without a licence does not load."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    resolution: int = Field(ge=16, description="Pixels of a side that the family was trained at.")
    size_step: int = Field(ge=8, description="Widths and heights are multiples of this.")
    default_steps: int = Field(default=25, ge=1)
    default_guidance: float = Field(default=7.5, ge=1)
    transfer_guidance: float = Field(
        default=3.5, ge=1, description="How closely a pose transfer follows the character."
    )
    style_rate: float = Field(default=1.0, gt=0, description="LoRA learns this many times as fast as a preset says.")
    base_model_version: str = "sd_v1"
    files: dict[str, str] = Field(description="SHA-256 of each file, by its path inside the folder.")
    folder: Path = Field(default=Path(), exclude=True)

    @property
    def has_line_control(self) -> bool:
        """Whether it can keep a drawing to given lines."""
        return "controlnet/config.json" in self.files


def load_family(folder: Path) -> Family:
    """The family in `folder`.

    Raises:
        NotReady: no manifest, or one that does not say what it must (a licence above all).
    """
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except OSError as error:
        raise NotReady(f"no model family at {folder}: see `oma models list`", reason="NO_FAMILY") from error
    try:
        return Family.model_validate({**json.loads(text), "folder": folder})
    except (ValidationError, json.JSONDecodeError) as error:
        raise NotReady(f"{folder / MANIFEST} is not a family manifest: {error}", reason="BAD_MANIFEST") from error


def damaged_files(family: Family) -> list[str]:
    """Paths that are missing or whose content is not what the manifest says."""
    return [path for path, sha256 in family.files.items() if _sha256(family.folder / path) != sha256]


def _sha256(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
