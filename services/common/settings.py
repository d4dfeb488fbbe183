"""Settings that refuse a misspelt variable; pydantic-settings alone ignores one."""

import os
from typing import Any

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

from services.common.telemetry.settings import TelemetrySettings


class StrictSettings(BaseSettings):
    """Strangers among the variables with the prefix are refused."""

    @model_validator(mode="before")
    @classmethod
    def _no_strangers(cls, values: dict[str, Any]) -> dict[str, Any]:
        prefix = cls.model_config.get("env_prefix", "")
        known = {prefix + name.upper() for name in cls.model_fields}
        given = {key for key in os.environ if key.startswith(prefix)}
        strangers = {key for key in given if key.split("__")[0] not in known}
        if strangers:
            raise ValueError(f"unknown settings: {', '.join(sorted(strangers))}; see docs/settings.md")
        return values


class Settings(StrictSettings):
    """Base of every service's settings: read once, in `__main__`, and frozen."""

    telemetry: TelemetrySettings = Field(default=TelemetrySettings(), description="What the process tells of itself.")
