"""`python -m services.pose.estimation`: settings, networks, go."""

import asyncio

from services.common.families import load_family
from services.common.logs import configure_logging
from services.pose.estimation.model import load_detector, load_point_network
from services.pose.estimation.server import run
from services.pose.estimation.settings import PoseEstimationSettings


def main() -> None:
    configure_logging("pose-estimation")
    settings = PoseEstimationSettings()
    family = load_family(settings.family)
    detector = load_detector(family.folder, threads=settings.onnx_threads)
    asyncio.run(run(settings, detector, load_point_network(family.folder, threads=settings.onnx_threads)))


if __name__ == "__main__":
    main()
