"""Runs all programs of a mesh, in their order, until it is told to stop."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.cli.mesh.child import Child, RestartPolicy
from services.cli.mesh.processes import end_groups, identify
from services.cli.mesh.programs import Program, keys_folder
from services.cli.mesh.state import MeshState, read_state, sole_supervisor, state_file, write_state
from services.common.identity.keys import write_keys

STOP_GRACE_SECONDS = 10.0


class Supervisor:
    """Children of this process, one for each program.

    `on_change` hears of every change with the whole state, which lies in the data folder by then.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        root: Path,
        data_folder: Path,
        url: str,
        policy: RestartPolicy | None = None,
        on_change: Callable[[MeshState], None] = lambda _: None,
    ) -> None:
        log_folder = data_folder / "logs"
        log_folder.mkdir(parents=True, exist_ok=True)
        self._data_folder = data_folder
        self._identity = identify(os.getpid())
        self._url = url
        self._ready = False
        self._tell = on_change
        self._children = {
            program.name: Child(
                program,
                root=root,
                log_folder=log_folder,
                policy=policy or RestartPolicy(),
                on_change=self._publish,
            )
            for program in programs
        }

    def children(self) -> list[Child]:
        return list(self._children.values())

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep all children running until `stopping` is set.

        Raises:
            Conflict: another supervisor lives on this data folder.
        """
        with sole_supervisor(self._data_folder):
            await asyncio.to_thread(end_leftovers, self._data_folder)
            # Anew for each mesh, and only by who holds the folder: another's children are using theirs.
            write_keys(keys_folder(self._data_folder), Ed25519PrivateKey.generate())
            keeping = [asyncio.create_task(self._keep(child)) for child in self._children.values()]
            announcing = asyncio.create_task(self._announce_when_ready())
            try:
                await _until_told(stopping, {announcing, *keeping})
            finally:
                for task in (announcing, *keeping):
                    task.cancel()
                await asyncio.gather(announcing, *keeping, return_exceptions=True)
                await self._stop_all()
                state_file(self._data_folder).unlink(missing_ok=True)

    async def _keep(self, child: Child) -> None:
        for name in child.program.after:
            await self._children[name].settled.wait()
        await child.keep_running()

    async def _announce_when_ready(self) -> None:
        for child in self._children.values():
            await child.settled.wait()
        self._ready = True
        self._publish()

    async def _stop_all(self) -> None:
        """Those that wait for others first, so that nobody loses what it leans on."""
        leaning = [child for child in self._children.values() if child.program.after]
        others = [child for child in self._children.values() if not child.program.after]
        for stage in (leaning, others):
            await asyncio.gather(*(child.stop(grace_seconds=STOP_GRACE_SECONDS) for child in stage))

    def _publish(self) -> None:
        state = MeshState(
            supervisor=self._identity,
            url=self._url,
            ready=self._ready,
            children=[child.record() for child in self._children.values()],
        )
        write_state(self._data_folder, state)
        self._tell(state)


async def _until_told(stopping: asyncio.Event, tasks: set[asyncio.Task[None]]) -> None:
    """Wait for `stopping`; a task that fails is a bug of ours and ends the wait with its error."""
    told = asyncio.create_task(stopping.wait())
    waiting: set[asyncio.Task[Any]] = {told, *tasks}
    while not told.done():
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


def end_leftovers(data_folder: Path) -> int:
    """End what a supervisor that was killed has left behind; the data folder must be ours. Returns how many lived."""
    state = read_state(data_folder)
    if state is None:
        return 0
    ended = end_groups([child.process for child in state.children if child.process], grace_seconds=STOP_GRACE_SECONDS)
    state_file(data_folder).unlink(missing_ok=True)
    return ended
