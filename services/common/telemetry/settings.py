"""What an operator may change of what a process tells of itself."""

from pydantic import BaseModel, Field


class TelemetrySettings(BaseModel):
    """The same for every process."""

    metrics_address: str = Field(
        default="127.0.0.1:0",
        description="Host and port where Prometheus reads /metrics over plain HTTP; port 0 takes a free one, which the "
        "log names; empty: none.",
    )
    traces_endpoint: str = Field(
        default="",
        pattern=r"^(https?://[^/\s]+)?$",
        description="Collector that gets traces by OTLP over gRPC, such as http://collector:4317; empty: none.",
    )
    traces_share: float = Field(
        default=1.0, ge=0, le=1, description="Share of the requests that are traced, where no caller has decided it."
    )
