"""`oma up` itself: the supervisor in this process, told to stop by Ctrl-C or SIGTERM."""

import asyncio
import signal

from rich.console import Console
from rich.text import Text

from services.cli.mesh.ports import free_ports, is_free
from services.cli.mesh.programs import MODEL_SERVICES, MeshPlace, mesh_programs
from services.cli.mesh.running import MeshOptions
from services.cli.mesh.state import ChildState, MeshState
from services.cli.mesh.supervisor import Supervisor
from services.common.errors import Unavailable
from services.common.families import load_family

COLOURS = {ChildState.UP: "green", ChildState.RESTARTING: "yellow", ChildState.GAVE_UP: "red"}


class Announcer:
    """Says on the console what changed, once."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: dict[str, tuple[ChildState, int]] = {}
        self._said_ready = False

    def __call__(self, state: MeshState) -> None:
        for child in state.children:
            if self._said.get(child.name) == (child.state, child.restarts) or child.state not in COLOURS:
                continue
            self._said[child.name] = (child.state, child.restarts)
            where = f" [dim]{child.address}[/]" if child.address else ""
            self._console.print(f"[{COLOURS[child.state]}]{child.state:>10}[/]  {child.name}{where}", highlight=False)
            if child.state is not ChildState.UP:
                self._console.print(f"            its log: {child.log}", highlight=False, style="dim", soft_wrap=True)
            if child.state is ChildState.GAVE_UP:
                self._console.print(Text(child.last_words()), soft_wrap=True)
        if state.ready and not self._said_ready:
            self._said_ready = True
            self._console.print(f"\nOh My Assistant is at [bold]{state.url}[/]   (stop: Ctrl-C)\n")


def run_mesh(options: MeshOptions, console: Console) -> None:
    """Run a mesh until a signal ends it.

    Raises:
        Unavailable: the port is taken.
        NotReady: there is no model family to draw with.
        Conflict: a mesh already runs on this data folder.
    """
    load_family(options.family)
    if options.http_port and not is_free(options.http_port):
        raise Unavailable(
            f"port {options.http_port} is used by another program: choose one with --port, or --port 0 for a free one",
            reason="PORT_TAKEN",
        )
    http_port, *ports = free_ports(1 + len(MODEL_SERVICES))
    place = MeshPlace(
        root=options.root,
        data_folder=options.data_folder,
        http_port=options.http_port or http_port,
        ports=dict(zip(MODEL_SERVICES, ports, strict=True)),
        family=options.family,
    )
    options.data_folder.mkdir(parents=True, exist_ok=True)
    supervisor = Supervisor(
        mesh_programs(place),
        root=options.root,
        data_folder=options.data_folder,
        url=f"http://127.0.0.1:{place.http_port}",
        on_change=Announcer(console),
    )
    asyncio.run(_run_until_signalled(supervisor))


async def _run_until_signalled(supervisor: Supervisor) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await supervisor.run(stopping)
