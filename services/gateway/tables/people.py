"""People: accounts, how they come in, what they may use, and what is left of one that was deleted."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from services.gateway.tables.base import Table, UtcTime, new_id, utc_now


class Account(Table, table=True):
    """Somebody who can sign in."""

    id: str = Field(default_factory=new_id, primary_key=True)
    email: str = Field(unique=True)  # lower case
    name: str
    locale: str
    password_hash: str
    email_verified_at: dt.datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: dt.datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class SignIn(Table, table=True):
    """One browser's session; the cookie's token is not stored, only its hash."""

    __tablename__ = "sign_in"

    token_sha256: str = Field(primary_key=True)
    id: str = Field(default_factory=new_id, unique=True)  # to name it by; opens nothing
    account_id: str = Field(index=True)
    expires_at: dt.datetime = Field(sa_type=UtcTime)
    user_agent: str = ""
    created_at: dt.datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class Token(Table, table=True):
    """One program's key; only its hash is stored."""

    token_sha256: str = Field(primary_key=True)
    id: str = Field(default_factory=new_id, unique=True)  # to name it by; opens nothing
    account_id: str = Field(index=True)
    label: str
    scope: str = "write"
    last_used_at: dt.datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: dt.datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class Letter(Table, table=True):
    """A secret that was sent by mail, to be used once; only its hash is stored."""

    secret_sha256: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    purpose: str
    expires_at: dt.datetime = Field(sa_type=UtcTime)


class Rate(Table, table=True):
    """How far somebody has used up a rate limit: all of it until this moment (seconds since 1970)."""

    name: str = Field(primary_key=True)
    used_until: float = Field(sa_type=sa.Double)


class DailyUse(Table, table=True):
    """How often an account did something that is counted, on one day in UTC."""

    __tablename__ = "daily_use"

    account_id: str = Field(primary_key=True)
    day: dt.date = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    count: int


class Quota(Table, table=True):
    """What an operator allows one account instead of what the settings allow everybody; NULL: as everybody."""

    account_id: str = Field(primary_key=True)
    storage_bytes: int | None = Field(default=None, sa_type=sa.BigInteger)
    trainings_a_day: int | None = None
    drawings_a_day: int | None = None


class MadeOnce(Table, table=True):
    """An idempotency key: what it was sent with, and what was made of it."""

    __tablename__ = "made_once"

    account_id: str = Field(primary_key=True)
    route: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request_sha256: str
    row_id: str
    created_at: dt.datetime = Field(default_factory=utc_now, sa_type=UtcTime, index=True)


class Receipt(Table, table=True):
    """That an account was deleted; of whom, it does not say."""

    id: str = Field(default_factory=new_id, primary_key=True)
    requested_at: dt.datetime = Field(default_factory=utc_now, sa_type=UtcTime)
    ended_at: dt.datetime | None = Field(default=None, sa_type=UtcTime)
    deleted: dict[str, Any] = Field(default={}, sa_type=sa.JSON)  # how many of what
