"""oma assets: what the artist keeps."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.client.records import Asset
from services.cli.credentials import open_gateway
from services.cli.finishing import OutFolder
from services.cli.finishing import save as save_file
from services.cli.output import AsJson, console, print_json, show_rows
from services.cli.selection import ProjectName, pick_project

app = typer.Typer(help="Pictures that you keep.", no_args_is_help=True)

AssetIds = Annotated[list[str], typer.Argument(help="Ids of assets.")]
Kind = Annotated[str | None, typer.Option(help="background or character.")]
Folder = Annotated[str | None, typer.Option(help='Such as "3화/5컷", with what lies below; "" for none.')]
Order = Annotated[str | None, typer.Option(help="newest, oldest or name.")]
Starred = Annotated[bool, typer.Option("--starred", help="Those with a star only.")]


@app.command("save")
def save(
    name: str,
    result_ids: Annotated[list[str], typer.Argument(help="Results of one or more jobs.")],
    description: str = "",
    folder: Annotated[str, typer.Option(help='Such as "3화/5컷".')] = "",
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """Keep results under a name."""
    gateway = open_gateway()
    found = pick_project(gateway, project)
    asset = gateway.save_asset(found.id, name=name, result_ids=result_ids, description=description, folder=folder)
    if as_json:
        print_json(asset)
    else:
        _say([asset], as_json=False)


@app.command("list")
def list_assets(
    kind: Kind = None,
    starred: Starred = False,
    folder: Folder = None,
    order: Order = None,
    trash: Annotated[bool, typer.Option("--trash", help="What was thrown away, instead.")] = False,
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """List a project's assets."""
    gateway = open_gateway()
    found = pick_project(gateway, project).id
    if trash:
        _say(gateway.trashed_assets(found), as_json=as_json)
    else:
        kept = gateway.assets(found, kind=kind, starred=starred or None, folder=folder, order=order)
        _say(kept, as_json=as_json)


@app.command("search")
def search(
    text: Annotated[str, typer.Argument(help="Part of the name, of a tag, of the description or of the prompt.")],
    kind: Kind = None,
    starred: Starred = False,
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """Find assets by their words."""
    gateway = open_gateway()
    found = pick_project(gateway, project).id
    _say(gateway.assets(found, search=text, kind=kind, starred=starred or None), as_json=as_json)


@app.command("get")
def get(asset_id: str, out: OutFolder = Path(), as_json: AsJson = False) -> None:
    """Save an asset's pictures."""
    gateway = open_gateway()
    asset = gateway.asset(asset_id)
    saved = []
    for file in asset.files:
        ending = file.media_type.removeprefix("image/")
        saved.append(out / f"{asset.id[:8]}_{file.index + 1:02d}.{ending}")
        save_file(saved[-1], gateway.download(file.url))
    if as_json:
        print_json({**asset.model_dump(mode="json"), "saved": saved})
    else:
        for path in saved:
            console.print(str(path), highlight=False, markup=False, soft_wrap=True)


@app.command("star")
def star(
    asset_ids: AssetIds,
    off: Annotated[bool, typer.Option("--off", help="Take the star away.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give assets a star."""
    gateway = open_gateway()
    _say([gateway.star_asset(asset_id, starred=not off) for asset_id in asset_ids], as_json=as_json)


@app.command("move")
def move(
    folder: Annotated[str, typer.Argument(help='Such as "3화/5컷"; "" takes them out of their folders.')],
    asset_ids: AssetIds,
    as_json: AsJson = False,
) -> None:
    """Put assets into a folder."""
    gateway = open_gateway()
    _say([gateway.move_asset(asset_id, folder=folder) for asset_id in asset_ids], as_json=as_json)


@app.command("tag")
def tag(
    asset_id: str,
    tags: Annotated[
        list[str] | None, typer.Argument(help="In place of those that it has; none takes them away.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give an asset tags."""
    _say([open_gateway().tag_asset(asset_id, tags=tags or [])], as_json=as_json)


@app.command("trash")
def throw_away(asset_ids: AssetIds) -> None:
    """Throw assets away; they stay in the trash for 30 days."""
    gateway = open_gateway()
    for asset_id in asset_ids:
        gateway.delete_asset(asset_id)


@app.command("restore")
def restore(asset_ids: AssetIds, as_json: AsJson = False) -> None:
    """Take assets out of the trash."""
    gateway = open_gateway()
    _say([gateway.restore_asset(asset_id) for asset_id in asset_ids], as_json=as_json)


@app.command("delete")
def delete(asset_ids: AssetIds, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete assets with their pictures, for good; what is not in the trash is thrown there first."""
    gateway = open_gateway()
    if not yes:
        typer.confirm(f"Delete {len(asset_ids)} assets with their pictures? This cannot be undone.", abort=True)
    for asset_id in asset_ids:
        gateway.delete_asset(asset_id)
        gateway.delete_from_trash(asset_id)


@app.command("zip")
def download_zip(
    asset_ids: Annotated[list[str] | None, typer.Argument(help="Ids of assets. [default: all]")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")] = Path("assets.zip"),
    project: ProjectName = None,
) -> None:
    """Download a project's assets as one zip."""
    gateway = open_gateway()
    content = gateway.assets_zip(pick_project(gateway, project).id, asset_ids or [])
    save_file(out, content)
    console.print(f"{out}   {len(content) / 1e6:.1f} MB", highlight=False)


def _say(assets: list[Asset], *, as_json: bool) -> None:
    if as_json:
        print_json(assets)
        return
    rows = [
        {
            **asset.model_dump(include={"id", "name", "kind", "folder"}),
            "tags": ", ".join(asset.tags),
            "pictures": len(asset.files),
            "star": "*" if asset.starred else "",
        }
        for asset in assets
    ]
    show_rows(rows, ("id", "name", "kind", "folder", "tags", "pictures", "star"))
