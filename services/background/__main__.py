"""`python -m services.background`: settings, model, go."""

import asyncio

import torch
from transformers.utils.logging import disable_progress_bar

from services.background.korean.network import NetworkTranslator
from services.background.korean.translator import Translates, Translator
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
        glossary, pulled = Translator(), family.folder / "translator"
        network = settings.translator or (pulled if pulled.is_dir() else None)
        translator: Translates = NetworkTranslator(network, glossary=glossary) if network else glossary
        asyncio.run(run(settings, family, painter, targets, translator))


if __name__ == "__main__":
    main()
