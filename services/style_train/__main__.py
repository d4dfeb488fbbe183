"""The API process: `python -m services.style_train`. Trainings run in `python -m services.style_train.worker`."""

import asyncio

from services.common.logs import configure_logging
from services.common.telemetry.process import telling
from services.style_train.server import run
from services.style_train.settings import StyleTrainSettings


def main() -> None:
    configure_logging("style-train")
    settings = StyleTrainSettings()
    with telling("style-train", settings.telemetry):
        asyncio.run(run(settings))


if __name__ == "__main__":
    main()
