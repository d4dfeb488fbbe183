"""A real PostgreSQL server for tests: own data folder, loopback, a free port, stopped at the end."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import sqlalchemy as sa


class Postgres:
    """Started by the constructor. The system's binaries may not run as root, so they run as `postgres` then."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.data = folder / "data"
        self.port = free_port()
        self._binaries = binaries
        self._drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        self._user = "postgres" if os.getuid() == 0 else getpass.getuser()
        if os.getuid() == 0:
            for parent in (folder, folder.parent, folder.parent.parent):
                parent.chmod(0o755)
            shutil.chown(folder, "postgres")
        self._run("initdb", "-A", "trust", "-U", "oma", "-N")
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        self._options = settings
        self.start()

    def start(self) -> None:
        self._run("pg_ctl", "-w", "-l", str(self.data.parent / "log"), "-o", self._options, "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def new_database(self) -> str:
        """URL of an empty database."""
        name = f"t{uuid.uuid4().hex}"
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://oma@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._drop, str(self._binaries / program), "-D", str(self.data), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr, timeout=60)


def find_binaries() -> Path | None:
    """Where `initdb` and `pg_ctl` are, if this system has them."""
    candidates = [Path(found).resolve().parent] if (found := shutil.which("pg_ctl")) else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    candidates += sorted(Path("/opt/homebrew/opt").glob("postgresql*/bin"), reverse=True)
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
