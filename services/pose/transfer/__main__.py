"""`python -m services.pose.transfer`: settings, networks, go."""

import asyncio

import torch
from transformers.utils.logging import disable_progress_bar

from services.common.families import load_family
from services.common.logs import configure_logging
from services.common.telemetry.process import telling
from services.pose.transfer.model import load_networks
from services.pose.transfer.server import run
from services.pose.transfer.settings import PoseTransferSettings


def main() -> None:
    configure_logging("pose-transfer")
    disable_progress_bar()  # of loading: the log is lines of JSON
    settings = PoseTransferSettings()
    if settings.torch_threads:
        torch.set_num_threads(settings.torch_threads)
    with telling("pose-transfer", settings.telemetry):
        family = load_family(settings.family)
        asyncio.run(run(settings, family, load_networks(family.folder, device_name=settings.device)))


if __name__ == "__main__":
    main()
