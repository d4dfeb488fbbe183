"""A program that answers health checks, for the supervisor to keep running.

small_server.py <host:port> [<host:port for health alone>]
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import grpc

from services.common.identity.keys import TRUSTED_FOLDER, write_keys
from services.common.serving import ServerSettings, serve
from tests.fakes.owners import KEY


def register(_: grpc.aio.Server) -> str:
    return "oma.test.SmallService"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as keys:
        write_keys(Path(keys), KEY)
        settings = ServerSettings(
            address=sys.argv[1],
            health_address=next(iter(sys.argv[2:]), ""),
            shutdown_grace_seconds=1,
            trusted_keys=Path(keys) / TRUSTED_FOLDER,
        )
        asyncio.run(serve(settings, register))
