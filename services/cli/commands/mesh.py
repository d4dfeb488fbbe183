"""oma up, down, status."""

from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.client import ApiError, Gateway
from services.cli.failures import CommandFailed, Exit
from services.cli.mesh.foreground import run_mesh
from services.cli.mesh.running import MeshOptions, running_mesh, start_mesh, stop_mesh
from services.cli.mesh.state import ChildState, MeshState
from services.cli.output import AsJson, console, print_json, show_rows
from services.cli.paths import default_data_folder, project_root

DataFolder = Annotated[
    Path | None,
    typer.Option(
        "--data", envvar="OMA_DATA", help="Folder of databases, pictures, logs. [default: var in the project]"
    ),
]
FamilyFolder = Annotated[
    Path, typer.Option("--family", envvar="OMA_FAMILY", help="Model family; a path may be relative to the project.")
]
DEFAULT_FAMILY = Path("models/webtoon_tiny/weights")


def up(
    port: Annotated[int, typer.Option(help="Port of the web page and the API; 0 takes a free one.")] = 8600,
    data: DataFolder = None,
    family: FamilyFolder = DEFAULT_FAMILY,
    detach: Annotated[bool, typer.Option("--detach", help="Return when all is up; stop with `oma down`.")] = False,
) -> None:
    """Start the mesh on this machine: four model services, two workers and the gateway."""
    options = mesh_options(data=data, family=family, port=port)
    if not detach:
        run_mesh(options, console)
        return
    state = start_mesh(options, outlives_us=True).state
    console.print(f"Oh My Assistant is at [bold]{state.url}[/]   (stop: `{down_command(options)}`)", soft_wrap=True)
    require_all(state)


def down(data: DataFolder = None) -> None:
    """Stop the mesh, and whatever a killed one left behind."""
    folder = (data or default_data_folder()).resolve()
    console.print("stopped" if stop_mesh(folder) else f"nothing runs on {folder}", highlight=False)


def status(data: DataFolder = None, as_json: AsJson = False) -> None:
    """Show which processes run, where, and how often they had to be started again."""
    folder = (data or default_data_folder()).resolve()
    state = running_mesh(folder)
    if state is None:
        raise CommandFailed(f"no mesh runs on {folder}: start one with `oma up`", reason="NO_MESH", code=Exit.NOT_FOUND)
    services = _as_gateway_sees_them(state.url)
    if as_json:
        print_json({**state.model_dump(mode="json"), "gateway_status": services})
    else:
        console.print(f"{state.url}   supervisor {state.supervisor.pid}", highlight=False)
        lines = [{**c.model_dump(), "state": c.state.value, "pid": c.process and c.process.pid} for c in state.children]
        show_rows(lines, ("name", "state", "pid", "address", "restarts"))
        console.print(f"logs: {folder / 'logs'}", highlight=False, style="dim", soft_wrap=True)
    require_all(state)


def mesh_options(*, data: Path | None, family: Path, port: int) -> MeshOptions:
    root = project_root()
    return MeshOptions(
        root=root,
        data_folder=(data or default_data_folder()).resolve(),
        family=family if family.is_absolute() else (root / family).resolve(),
        http_port=port,
    )


def down_command(options: MeshOptions) -> str:
    """What stops this mesh."""
    usual = options.data_folder == default_data_folder()
    return "oma down" if usual else f"oma down --data {options.data_folder}"


def require_all(state: MeshState) -> None:
    """Nothing, unless the supervisor gave up some children.

    Raises:
        CommandFailed: it did; the message has the ends of their logs.
    """
    missing = [child for child in state.children if child.state is ChildState.GAVE_UP]
    if missing:
        said = "\n".join(f"{child.name}, its log {child.log} ends:\n{child.last_words()}" for child in missing)
        raise CommandFailed(f"given up after too many deaths: {said}", reason="GAVE_UP", code=Exit.UNAVAILABLE)


def _as_gateway_sees_them(url: str) -> dict[str, Any] | None:
    with Gateway(url, patience_seconds=0) as gateway:
        try:
            return gateway.status().model_dump()
        except ApiError:
            return None
