"""What an operator may change of the gateway and its worker; read once, in their `__main__`."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.common.artifacts import ArtifactSettings
from services.common.identity.certificates import TlsSettings
from services.common.settings import Settings


class SmtpSettings(BaseModel):
    """The mail server that letters go through."""

    host: str = Field(default="", description="Mail server (SMTP); empty: no mail is sent.")
    port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is protected: `starttls`, `tls`, or `none` (this machine)."
    )
    username: str = Field(default="", description="Name to sign in with at the mail server; empty: none.")
    password: SecretStr = Field(default=SecretStr(""), description="Password at the mail server.")
    sender: str = Field(default="", description="Address that letters come from.")


class RateSettings(BaseModel):
    """How often something may be done; who does it more often is told how long to wait."""

    sign_ins_per_ten_minutes: int = Field(default=10, ge=1, description="Sign-ins for one e-mail.")
    sign_ins_from_one_address: int = Field(
        default=100, ge=1, description="Sign-ins from one network address in ten minutes."
    )
    sign_ups_per_hour: int = Field(default=60, ge=1, description="New accounts from one network address.")
    letters_per_hour: int = Field(default=5, ge=1, description="Letters to one e-mail.")
    requests_per_minute: int = Field(default=1200, ge=1, description="Requests of one account.")
    uploads_per_minute: int = Field(default=120, ge=1, description="Uploads of one account.")


class QuotaSettings(BaseModel):
    """What every account may keep and make; an operator can set other numbers for one account."""

    storage_bytes: int | None = Field(default=None, ge=0, description="Bytes kept; absent: any.")
    trainings_a_day: int | None = Field(default=None, ge=0, description="Trainings in a day (UTC); absent: any.")
    drawings_a_day: int | None = Field(default=None, ge=0, description="Drawing jobs in a day (UTC); absent: any.")


class GatewaySettings(Settings):
    """The HTTP edge and its worker share one class, so that they cannot disagree about where things are."""

    model_config = SettingsConfigDict(env_prefix="OMA_GATEWAY_", env_nested_delimiter="__", frozen=True)

    http_address: str = Field(default="127.0.0.1:8600", description="Host and port of the HTTP server.")
    allow_plaintext: bool = Field(
        default=False, description="Listen without TLS on an address that other machines reach; for development only."
    )
    shutdown_grace_seconds: float = Field(
        default=5.0, gt=0, description="How long requests in flight may go on after SIGTERM."
    )
    database_url: str = Field(default="sqlite:///var/gateway.db", description="SQLAlchemy address of the database.")
    artifacts: ArtifactSettings = Field(default=ArtifactSettings(), description="Where pictures and files are kept.")
    family: Path = Field(
        default=Path("models/webtoon_tiny/weights"), description="Folder of the model family, to say which one it is."
    )
    web_folder: Path = Field(default=Path("web/dist"), description="The built web app.")
    link_secret_file: Path = Field(
        default=Path("var/link_secret"), description="Key that signs file links; made at the first start."
    )
    signing_key_file: Path = Field(
        default=Path("var/keys/signing.pem"), description="Private key that signs owner assertions, as PEM."
    )
    tls: TlsSettings = TlsSettings()
    style_train_address: str = Field(default="127.0.0.1:8601", description="Style training, host:port.")
    background_address: str = Field(default="127.0.0.1:8602", description="Background generation, host:port.")
    pose_estimation_address: str = Field(default="127.0.0.1:8603", description="Pose estimation, host:port.")
    pose_transfer_address: str = Field(default="127.0.0.1:8604", description="Pose transfer, host:port.")
    session_days: float = Field(default=14.0, gt=0, description="Days a sign-in lasts without being used.")
    longest_session_days: float = Field(default=90.0, gt=0, description="Days after which a sign-in ends in any case.")
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^/\s]+)?$",
        description="Where browsers find the gateway, such as https://studio.example; with https, cookies are secure.",
    )
    smtp: SmtpSettings = Field(default=SmtpSettings(), description="The mail server that letters go through.")
    rates: RateSettings = Field(default=RateSettings(), description="How often something may be done.")
    quotas: QuotaSettings = Field(default=QuotaSettings(), description="What every account may keep and make.")
    trusted_proxies: str = Field(
        default="127.0.0.1",
        description="Addresses whose X-Forwarded-For and X-Forwarded-Proto count.",
    )
    max_open_jobs: int = Field(default=100, ge=1, description="Unfinished jobs that one account may have.")
    lease_seconds: float = Field(
        default=30.0, gt=0, description="A worker that is silent for so long loses its job to another."
    )
    parallel_drawings: int = Field(default=4, ge=1, description="Drawings of each kind that one worker carries.")
    parallel_trainings: int = Field(default=32, ge=1, description="Trainings that one worker watches.")
    peer_patience_seconds: float = Field(
        default=120.0, gt=0, description="How long a job waits for a service that is down before it fails."
    )
    busy_patience_seconds: float = Field(
        default=1800.0, gt=0, description="How long a job waits for a place at a service that is full."
    )
    drawing_timeout_seconds: float = Field(
        default=1800.0, gt=0, description="Deadline of one drawing call, its waiting at the service included."
    )
