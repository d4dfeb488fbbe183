"""`python -m services.gateway.worker`: carries jobs from the gateway's queue to the model services."""

import asyncio

from services.common.logs import configure_logging
from services.common.telemetry.process import telling
from services.gateway.settings import GatewaySettings
from services.gateway.worker.server import run


def main() -> None:
    configure_logging("gateway-worker")
    settings = GatewaySettings()
    with telling("gateway-worker", settings.telemetry):
        asyncio.run(run(settings))


if __name__ == "__main__":
    main()
