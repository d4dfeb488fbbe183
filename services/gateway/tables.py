"""The gateway's tables: people, what they made, and the queue of what is being made.

Every row of a person carries `account_id`; a query without it is a mistake. Files are rows' references into the
artifact store: a row is written after its object and removed before it.
"""

import datetime as dt
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.common.leases import job_table

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
jobs = job_table(metadata)


class UtcTime(sa.TypeDecorator[dt.datetime]):
    """A moment in UTC; SQLite keeps no time zone, so it is put back on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, _dialect: sa.Dialect) -> dt.datetime | None:
        return None if value is None else value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, _dialect: sa.Dialect) -> dt.datetime | None:
        return value.replace(tzinfo=dt.UTC) if value is not None and value.tzinfo is None else value


def new_id() -> str:
    return uuid.uuid4().hex


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Table(SQLModel, registry=registry(metadata=metadata)):
    """Base of the gateway's tables, apart from every other service's."""


class Account(Table, table=True):
    """Somebody who can sign in."""

    id: str = Field(default_factory=new_id, primary_key=True)
    email: str = Field(unique=True)  # lower case
    name: str
    locale: str
    password_hash: str
    created_at: dt.datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class SignIn(Table, table=True):
    """One browser's session; the cookie's token is not stored, only its hash."""

    __tablename__ = "sign_in"

    token_sha256: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    expires_at: dt.datetime = Field(sa_type=UtcTime)
    created_at: dt.datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class Token(Table, table=True):
    """One program's key; only its hash is stored."""

    token_sha256: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    label: str
    created_at: dt.datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class Owned(Table):
    """What every row of an account has; lists go by (account, created_at, id)."""

    id: str = Field(default_factory=new_id, primary_key=True)
    account_id: str
    created_at: dt.datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class InProject(Owned):
    """A row that goes when its project goes."""

    project_id: str


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
    """A learned style; its files belong to the training service, under this owner."""

    name: str
    job_id: str = Field(unique=True)
    training_id: str
    files: list[dict[str, Any]] = Field(sa_type=sa.JSON)  # convert.StyleFile, as a dictionary
    samples: list[dict[str, Any]] = Field(sa_type=sa.JSON)  # artifacts.ArtifactRef, as a dictionary


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


class AssetFile(FileRow, table=True):
    """One picture of an asset: a copy, so that it outlives its job."""

    __tablename__ = "asset_file"

    asset_id: str = Field(index=True)
    index: int
    settings: dict[str, Any] = Field(sa_type=sa.JSON)


for _table in metadata.sorted_tables:  # lists and deletions go by these
    for _owner in {"account_id", "project_id"} & set(_table.c.keys()):
        if "id" in _table.c:
            sa.Index(None, _table.c[_owner], _table.c.created_at, _table.c.id)
