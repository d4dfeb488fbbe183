"""A program that answers health checks, for the supervisor to keep running: `small_server.py <host:port>`."""

import asyncio
import sys

import grpc

from services.common.serving import ServerSettings, serve


def register(_: grpc.aio.Server) -> str:
    return "oma.test.SmallService"


if __name__ == "__main__":
    asyncio.run(serve(ServerSettings(address=sys.argv[1], shutdown_grace_seconds=1), register))
