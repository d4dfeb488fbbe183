"""A mesh seen from outside its supervisor: start one, find it, wait for it, stop it."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from services.cli.mesh.processes import end_groups, find
from services.cli.mesh.state import MeshState, is_held, read_state, state_file
from services.cli.mesh.supervisor import STOP_GRACE_SECONDS, end_leftovers
from services.common.errors import Unavailable

START_TIMEOUT_SECONDS = 600.0
# Two stages of children, each with its grace, and the supervisor itself.
STOP_TIMEOUT_SECONDS = 2 * STOP_GRACE_SECONDS + 5
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshOptions:
    """What `oma up` can be told."""

    root: Path
    data_folder: Path
    family: Path
    http_port: int  # 0 takes a free one


def running_mesh(data_folder: Path) -> MeshState | None:
    """The mesh that lives on this data folder; a state file that a killed supervisor left does not count."""
    return read_state(data_folder) if is_held(data_folder) else None


@dataclass(frozen=True, slots=True)
class StartedMesh:
    """A mesh, and its supervisor as the child of this process that it is."""

    state: MeshState
    supervisor: subprocess.Popen[bytes]

    def stop(self, data_folder: Path) -> None:
        """Stop all of it and take note of its supervisor's end."""
        stop_mesh(data_folder)
        self.supervisor.wait()


def start_mesh(options: MeshOptions, *, outlives_us: bool) -> StartedMesh:
    """Start a supervisor as a process of its own and wait until every child is up or given up.

    Raises:
        Unavailable: it ended or was not ready in time; its log says why.
    """
    log_file = options.data_folder / "logs" / "supervisor.log"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    tied = () if outlives_us else ("-m", "services.cli.mesh.launch", str(os.getpid()), sys.executable)
    with log_file.open("wb") as log:
        supervisor = subprocess.Popen(  # noqa: S603 (our own program)
            [
                *(sys.executable, *tied, "-m", "services.cli", "up"),
                *(
                    "--data",
                    str(options.data_folder),
                    "--port",
                    str(options.http_port),
                    "--family",
                    str(options.family),
                ),
            ],
            cwd=options.root,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(options.root), str(options.root / "gen")])},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while supervisor.poll() is None and time.monotonic() < deadline:
        state = read_state(options.data_folder)
        if state is not None and state.ready and state.supervisor.pid == supervisor.pid:
            return StartedMesh(state, supervisor)
        time.sleep(POLL_SECONDS)
    supervisor.terminate()
    supervisor.wait()
    said = log_file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise Unavailable("the mesh did not start:\n" + "\n".join(said[-20:]), reason="MESH_START")


def stop_mesh(data_folder: Path) -> bool:
    """Stop the mesh on this data folder and what a killed one left behind. Returns whether anything ran."""
    state = read_state(data_folder)
    if state is None or not is_held(data_folder):
        return end_leftovers(data_folder) > 0
    supervisor = find(state.supervisor)
    if supervisor is not None:
        supervisor.send_signal(signal.SIGTERM)
        psutil.wait_procs([supervisor], timeout=STOP_TIMEOUT_SECONDS)
    end_groups([state.supervisor], grace_seconds=0)
    end_leftovers(data_folder)
    state_file(data_folder).unlink(missing_ok=True)
    return True
