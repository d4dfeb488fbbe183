"""`python -m services.background`: settings, model, go."""

import asyncio

import torch
from transformers.utils.logging import disable_progress_bar

from services.background.korean.translator import Translator
from services.background.model import choose_device, load_painter
from services.background.server import run
from services.background.settings import BackgroundSettings
from services.common.families import load_family
from services.common.logs import configure_logging
from services.common.telemetry.process import telling


def main() -> None:
    configure_logging("background")
    disable_progress_bar()  # standard error is for JSON lines
    settings = BackgroundSettings()
    if settings.torch_threads:
        torch.set_num_threads(settings.torch_threads)
    with telling("background", settings.telemetry):
        family = load_family(settings.family)
        painter, targets = load_painter(family, device=choose_device(settings.device))
        asyncio.run(run(settings, family, painter, targets, Translator()))


if __name__ == "__main__":
    main()
