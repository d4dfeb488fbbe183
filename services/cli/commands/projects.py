"""oma project: one for each webtoon."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.credentials import open_gateway
from services.cli.output import AsJson, show
from services.cli.selection import ProjectName, pick_project

app = typer.Typer(help="Projects: one for each webtoon.", no_args_is_help=True)


@app.command("create")
def create(name: str, as_json: AsJson = False) -> None:
    """Create a project."""
    show(open_gateway().create_project(name), ("id", "name"), as_json=as_json)


@app.command("list")
def list_projects(as_json: AsJson = False) -> None:
    """List your projects."""
    show(open_gateway().projects(), ("id", "name", "created_at"), as_json=as_json)


@app.command("delete")
def delete(
    project: Annotated[str, typer.Argument(help="Id or name.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a project with all that is in it."""
    gateway = open_gateway()
    found = pick_project(gateway, project)
    if not yes:
        typer.confirm(f"Delete {found.name} with its pictures, styles, poses and assets?", abort=True)
    gateway.delete_project(found.id)


@app.command("upload")
def upload(pictures: list[Path], project: ProjectName = None, as_json: AsJson = False) -> None:
    """Upload pictures into a project."""
    gateway = open_gateway()
    found = pick_project(gateway, project)
    show(
        [gateway.upload_picture(found.id, path) for path in pictures],
        ("id", "filename", "width", "height"),
        as_json=as_json,
    )


@app.command("pictures")
def list_pictures(project: ProjectName = None, as_json: AsJson = False) -> None:
    """List a project's pictures."""
    gateway = open_gateway()
    found = gateway.pictures(pick_project(gateway, project).id)
    show(found, ("id", "filename", "width", "height"), as_json=as_json)
