"""Programs for a supervisor to keep running, real and small."""

import os
import sys
from pathlib import Path

from services.cli.mesh.probes import grpc_serves
from services.cli.mesh.programs import Program

HERE = Path(__file__).parent


def small_server(name: str, port: int, *, after: tuple[str, ...] = ()) -> Program:
    address = f"127.0.0.1:{port}"
    return Program(
        name=name,
        arguments=(sys.executable, str(HERE / "small_server.py"), address),
        environment=dict(os.environ),
        address=address,
        probe=grpc_serves,
        after=after,
    )


def script(name: str, code: str, *, after: tuple[str, ...] = ()) -> Program:
    return Program(name=name, arguments=(sys.executable, "-c", code), environment=dict(os.environ), after=after)


def endless(name: str, *, after: tuple[str, ...] = ()) -> Program:
    return script(name, "import signal; signal.pause()", after=after)
