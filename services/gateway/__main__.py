"""`python -m services.gateway`: the HTTP edge."""

import asyncio

from services.common.logs import configure_logging
from services.gateway.server import run
from services.gateway.settings import GatewaySettings


def main() -> None:
    configure_logging("gateway")
    asyncio.run(run(GatewaySettings()))


if __name__ == "__main__":
    main()
