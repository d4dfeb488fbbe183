"""What a running mesh writes down, so that other commands find it: `mesh.json` and `mesh.lock` in the data folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from services.cli.mesh.processes import ProcessId
from services.common.errors import Conflict


class ChildState(StrEnum):
    """What the supervisor knows of one child."""

    WAITING = "waiting"
    STARTING = "starting"
    UP = "up"
    RESTARTING = "restarting"
    GAVE_UP = "gave up"
    STOPPED = "stopped"


class ChildRecord(BaseModel):
    """One line of `oma status`."""

    model_config = ConfigDict(frozen=True)

    name: str
    state: ChildState
    process: ProcessId | None
    address: str | None
    restarts: int
    log: Path

    def last_words(self, lines: int = 8) -> str:
        """The end of its log."""
        try:
            said = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(said.splitlines()[-lines:])


class MeshState(BaseModel):
    """A mesh as its supervisor last saw it."""

    model_config = ConfigDict(frozen=True)

    supervisor: ProcessId
    url: str
    ready: bool
    children: list[ChildRecord]


def state_file(data_folder: Path) -> Path:
    return data_folder / "mesh.json"


def write_state(data_folder: Path, state: MeshState) -> None:
    """Replace the file at once; only its owner may read it."""
    path = state_file(data_folder)
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(state.model_dump_json(indent=2))
    temporary.replace(path)


def read_state(data_folder: Path) -> MeshState | None:
    """What the file says, whether or not that mesh still runs; None without a readable file."""
    try:
        return MeshState.model_validate_json(state_file(data_folder).read_bytes())
    except (OSError, ValidationError):
        return None


@contextmanager
def sole_supervisor(data_folder: Path) -> Iterator[None]:
    """Hold the data folder. The system lets go of the lock however its holder ends.

    Raises:
        Conflict: another supervisor holds it.
    """
    data_folder.mkdir(parents=True, exist_ok=True)
    with (data_folder / "mesh.lock").open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            state = read_state(data_folder)
            where = f" at {state.url}" if state else ""
            raise Conflict(
                f"a mesh already runs{where} on {data_folder}: see `oma status`, stop it with `oma down`",
                reason="MESH_RUNS",
            ) from error
        yield


def is_held(data_folder: Path) -> bool:
    """Whether a supervisor lives on this data folder."""
    if not (data_folder / "mesh.lock").exists():
        return False
    try:
        with sole_supervisor(data_folder):
            return False
    except Conflict:
        return True
