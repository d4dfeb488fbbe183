"""What people made, and the queue of what is being made."""

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, col

from services.common.leases import job_table
from services.gateway.tables.base import InProject, Owned, UtcTime, metadata, new_id

_SEARCHED_CHARACTERS = 500  # more would not fit into an index row of PostgreSQL
_SEARCHED_OF_DESCRIPTION = 200
_ORDERED_CHARACTERS = 100

KINDS = ("training", "background", "pose_transfer", "export", "deletion")
jobs = job_table(metadata, queue="gateway")
sa.Index("ix_job_owner_state", jobs.c.owner, jobs.c.state, jobs.c.created_at, jobs.c.id)


class Project(Owned, table=True):
    """One webtoon."""

    name: str


class FileRow(InProject):
    """A row that stands for one stored picture."""

    key: str
    sha256: str
    size_bytes: int = Field(sa_type=sa.BigInteger)
    media_type: str
    width: int
    height: int


class Picture(FileRow, table=True):
    """An uploaded picture, cleaned."""

    filename: str


class Style(InProject, table=True):
    """One version of a learned style; its files belong to the training service, under this owner."""

    name: str
    job_id: str = Field(unique=True)
    training_id: str
    files: list[dict[str, Any]] = Field(sa_type=sa.JSON)  # convert.StyleFile, as a dictionary
    samples: list[dict[str, Any]] = Field(sa_type=sa.JSON)  # artifacts.ArtifactRef, as a dictionary
    lineage_id: str = Field(default_factory=new_id, index=True)  # what all versions of one style share
    version: int = 1
    in_use: bool = True  # the version that the artist chose; one of each lineage
    note: str = ""


class StyleUpload(InProject, table=True):
    """The file of a style that was not learned here, with the style's id."""

    __tablename__ = "style_upload"

    key: str
    sha256: str
    size_bytes: int = Field(sa_type=sa.BigInteger)
    media_type: str


class Pose(InProject, table=True):
    """People's keypoints in a picture of this size, found or made by hand."""

    picture_id: str | None = Field(default=None, index=True)
    width: int
    height: int
    people: list[dict[str, Any]] = Field(sa_type=sa.JSON)
    used_whole_picture: bool = False
    skeleton_key: str | None = None


class JobRequest(InProject, table=True):
    """What was asked, as it was posted; `id` is the job's id in the queue."""

    __tablename__ = "job_request"

    kind: str
    request: dict[str, Any] = Field(sa_type=sa.JSON)


class Result(FileRow, table=True):
    """One picture that a job drew."""

    job_id: str = Field(index=True)
    kind: str
    index: int
    seed: int = Field(sa_type=sa.BigInteger)
    settings: dict[str, Any] = Field(sa_type=sa.JSON)


class Asset(InProject, table=True):
    """Results that were kept, under a name."""

    name: str
    description: str
    kind: str
    starred: bool = False
    folder: str = ""  # such as "3화/5컷"; empty for none
    tags: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    deleted_at: dt.datetime | None = Field(default=None, sa_type=UtcTime)  # in the trash since
    search_text: str = ""
    name_order: str = ""

    def describe_anew(self, prompt: object) -> None:
        """Note what searches look in and what lists by name go by, after any of it changed."""
        self.search_text = search_text(
            self.name, self.tags, self.description, prompt if isinstance(prompt, str) else ""
        )
        self.name_order = name_order(self.name)


class AssetFile(FileRow, table=True):
    """One picture of an asset: a copy, so that it outlives its job."""

    __tablename__ = "asset_file"

    asset_id: str = Field(index=True)
    index: int
    settings: dict[str, Any] = Field(sa_type=sa.JSON)


def folded(text: str) -> str:
    """Text as searches compare it: composed Hangul, without case; without NUL, which PostgreSQL keeps in JSON only."""
    return unicodedata.normalize("NFKC", text).casefold().replace("\x00", "")


def search_text(name: str, tags: Sequence[str], description: str, prompt: str) -> str:
    """What a search for an asset looks in."""
    shown = [name, " ".join(tags), description[:_SEARCHED_OF_DESCRIPTION], prompt]
    return folded("\n".join(shown))[:_SEARCHED_CHARACTERS]


def name_order(name: str) -> str:
    """A name as lists order it: "컷 2" before "컷 10"."""
    return re.sub(r"[0-9]+", lambda number: number[0].zfill(6), folded(name))[:_ORDERED_CHARACTERS]


for _table in metadata.sorted_tables:  # lists and deletions go by these
    for _owner in {"account_id", "project_id"} & set(_table.c.keys()):
        if {"id", "created_at"} <= set(_table.c.keys()) and "token_sha256" not in _table.c:
            sa.Index(None, _table.c[_owner], _table.c.created_at, _table.c.id)
    if {"account_id", "size_bytes"} <= set(_table.c.keys()):
        sa.Index(None, _table.c.account_id, _table.c.size_bytes)  # what is stored is summed from the index alone

_asset = Asset.__table__.c  # type: ignore[attr-defined]
_kept, _thrown_away = col(Asset.deleted_at).is_(None), col(Asset.deleted_at).is_not(None)
sa.Index(  # filters and searches are answered from the index alone
    "ix_asset_live",
    *(_asset.project_id, _asset.created_at, _asset.id, _asset.starred, _asset.kind, _asset.search_text, _asset.folder),
    sqlite_where=_kept,
    postgresql_where=_kept,
)
sa.Index(
    "ix_asset_by_name",
    *(_asset.project_id, _asset.name_order, _asset.id),
    sqlite_where=_kept,
    postgresql_where=_kept,
)
sa.Index(
    "ix_asset_folder", _asset.project_id, _asset.folder, sqlite_where=_kept, postgresql_where=_kept
)  # folders are counted from it alone
sa.Index(
    "ix_asset_trash",
    *(_asset.account_id, _asset.deleted_at, _asset.id),
    sqlite_where=_thrown_away,
    postgresql_where=_thrown_away,
)
