"""What all of the gateway's tables stand on."""

import datetime as dt
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


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


class Owned(Table):
    """What every row of an account has; lists go by (account, created_at, id)."""

    id: str = Field(default_factory=new_id, primary_key=True)
    account_id: str
    created_at: dt.datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class InProject(Owned):
    """A row that goes when its project goes."""

    project_id: str
