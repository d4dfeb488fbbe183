"""oma assets: what the artist keeps."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.credentials import open_gateway
from services.cli.output import AsJson, console, print_json, show, show_rows
from services.cli.selection import ProjectName, pick_project

app = typer.Typer(help="Pictures that you keep.", no_args_is_help=True)


@app.command("save")
def save(
    name: str,
    result_ids: Annotated[list[str], typer.Argument(help="Results of one or more jobs.")],
    description: str = "",
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """Keep results under a name."""
    gateway = open_gateway()
    found = pick_project(gateway, project)
    asset = gateway.save_asset(found.id, name=name, result_ids=result_ids, description=description)
    show(asset, ("id", "name", "kind"), as_json=as_json)


@app.command("list")
def list_assets(project: ProjectName = None, as_json: AsJson = False) -> None:
    """List a project's assets."""
    gateway = open_gateway()
    found = gateway.assets(pick_project(gateway, project).id)
    if as_json:
        print_json(found)
        return
    rows = [{"id": asset.id, "name": asset.name, "kind": asset.kind, "pictures": len(asset.files)} for asset in found]
    show_rows(rows, ("id", "name", "kind", "pictures"))


@app.command("zip")
def download_zip(
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")], project: ProjectName = None
) -> None:
    """Download all of a project's assets as one zip."""
    gateway = open_gateway()
    content = gateway.assets_zip(pick_project(gateway, project).id)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    console.print(f"{out}   {len(content) / 1e6:.1f} MB", highlight=False)


@app.command("delete")
def delete(asset_id: str) -> None:
    """Delete an asset with its pictures."""
    open_gateway().delete_asset(asset_id)
