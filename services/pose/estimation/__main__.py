"""`python -m services.pose.estimation`: settings, networks, go."""

import asyncio
import random

from services.common.families import load_family
from services.common.logs import configure_logging
from services.common.telemetry.process import telling
from services.pose.estimation.model import load_networks
from services.pose.estimation.networks import Networks
from services.pose.estimation.server import run
from services.pose.estimation.settings import PoseEstimationSettings
from services.pose.estimation.triton import TritonNetworks


def choose_networks(settings: PoseEstimationSettings) -> Networks:
    if settings.triton:
        return TritonNetworks(settings.triton, at_once=settings.max_pending, rng=random.Random())
    return load_networks(load_family(settings.family).folder, threads=settings.onnx_threads)


def main() -> None:
    configure_logging("pose-estimation")
    settings = PoseEstimationSettings()
    with telling("pose-estimation", settings.telemetry):
        asyncio.run(run(settings, choose_networks(settings)))


if __name__ == "__main__":
    main()
