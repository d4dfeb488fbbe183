"""`python -m services.gateway`: the HTTP edge."""

import asyncio

from services.common.logs import configure_logging
from services.common.telemetry.process import telling
from services.gateway.server import run
from services.gateway.settings import GatewaySettings


def main() -> None:
    configure_logging("gateway")
    settings = GatewaySettings()
    with telling("gateway", settings.telemetry):
        asyncio.run(run(settings))


if __name__ == "__main__":
    main()
