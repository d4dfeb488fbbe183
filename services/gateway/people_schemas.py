"""The shapes of what is asked and told about accounts, sessions, tokens and letters."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.gateway.schemas import Body, Credentials, Email, JobState, Name, Password

GoodPassword = Annotated[str, Field(min_length=10, max_length=256)]
Scope = Literal["read", "write"]
Secret = Annotated[str, Field(max_length=200, description="What follows `#` in the letter's link.")]


class AccountChange(Body):
    name: Name | None = None
    locale: Literal["ko", "en"] | None = None


class PasswordChange(Body):
    password: Password
    new_password: GoodPassword


class TokenRequest(Credentials):
    label: Name
    scope: Annotated[Scope, Field(description="`read` allows GET only.")] = "write"


class TokenAnswer(BaseModel):
    id: str
    token: str = Field(description="Send as `Authorization: Bearer`; it is not shown again.")
    label: str
    scope: Scope
    created_at: dt.datetime


class TokenShown(BaseModel):
    id: str
    label: str
    scope: Scope
    created_at: dt.datetime
    last_used_at: dt.datetime | None = Field(description="To the hour; null when never.")


class SignInAnswer(BaseModel):
    id: str
    user_agent: str = Field(description="What the browser called itself.")
    created_at: dt.datetime
    expires_at: dt.datetime = Field(description="Unless it is used before.")
    current: bool = Field(description="Whether it is the one that asks.")


class ResetRequest(Body):
    email: Email


class LetterAnswer(BaseModel):
    message: str


class NewPassword(Body):
    secret: Secret
    new_password: GoodPassword


class Verification(Body):
    secret: Secret


class UsageAnswer(BaseModel):
    storage_bytes: int
    storage_bytes_allowed: int | None
    trainings_today: int
    trainings_a_day_allowed: int | None
    drawings_today: int
    drawings_a_day_allowed: int | None
    new_day_at: dt.datetime = Field(description="When today ends: midnight in UTC.")


class ExportAnswer(BaseModel):
    id: str
    state: JobState
    size_bytes: int | None
    url: str | None = Field(description="A signed link, for 15 minutes at most; null until it is packed.")
    created_at: dt.datetime
    ended_at: dt.datetime | None
    gone_at: dt.datetime | None = Field(description="When the file is removed.")


class DeletionBody(Body):
    password: Password


class DeletionAnswer(BaseModel):
    receipt_id: str = Field(description="Keep it: with it, and only with it, GET /receipts tells when it is done.")


class ReceiptAnswer(BaseModel):
    id: str
    requested_at: dt.datetime
    ended_at: dt.datetime | None = Field(description="Null until everything is deleted.")
    deleted: dict[str, int] = Field(description="How many of what.")
