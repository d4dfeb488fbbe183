"""What an operator may change of the gateway and its worker; read once, in their `__main__`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.artifacts import ArtifactSettings
from services.common.settings import Settings


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
    style_train_address: str = Field(default="127.0.0.1:8601", description="Style training, host:port.")
    background_address: str = Field(default="127.0.0.1:8602", description="Background generation, host:port.")
    pose_estimation_address: str = Field(default="127.0.0.1:8603", description="Pose estimation, host:port.")
    pose_transfer_address: str = Field(default="127.0.0.1:8604", description="Pose transfer, host:port.")
    session_days: float = Field(default=14.0, gt=0, description="Days a sign-in lasts without being used.")
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
