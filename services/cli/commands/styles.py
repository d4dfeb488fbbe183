"""oma style: learn a hand, list, export, delete."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.client.requests import TrainingRequest
from services.cli.credentials import open_gateway
from services.cli.finishing import NoWait, Seed, finish
from services.cli.output import AsJson, console, print_json, show_rows
from services.cli.selection import ProjectName, pick_project, upload_or_id

app = typer.Typer(help="Styles learned from an artist's pictures.", no_args_is_help=True)


@app.command("train")
def train(
    pictures: Annotated[list[str], typer.Argument(help="Picture files, or ids of uploaded ones.")],
    name: Annotated[str, typer.Option(help="What to call the style.")],
    method: Annotated[
        list[str] | None, typer.Option(help="lora, dreamstyler; may be repeated. [default: lora]")
    ] = None,
    preset: Annotated[str, typer.Option(help="quick or standard.")] = "standard",
    seed: Seed = None,
    project: ProjectName = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Learn a style from pictures."""
    gateway = open_gateway()
    found = pick_project(gateway, project)
    request = TrainingRequest(
        name=name,
        picture_ids=[upload_or_id(gateway, found.id, picture) for picture in pictures],
        methods=method or ["lora"],
        preset=preset,
        seed=seed,
    )
    out_folder = None if no_wait else Path()  # a training has no pictures to save
    finish(gateway, gateway.train(found.id, request), label=f"learning {name}", as_json=as_json, out_folder=out_folder)


@app.command("list")
def list_styles(project: ProjectName = None, as_json: AsJson = False) -> None:
    """List a project's styles."""
    gateway = open_gateway()
    found = gateway.styles(pick_project(gateway, project).id)
    if as_json:
        print_json(found)
        return
    rows = [
        {
            "id": style.id,
            "name": style.name,
            "learned": ", ".join(
                f"{file.method} {file.trigger} ({file.size_bytes / 1e6:.1f} MB)" for file in style.files
            ),
        }
        for style in found
    ]
    show_rows(rows, ("id", "name", "learned"))


@app.command("export")
def export(
    style_id: str,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")],
    method: Annotated[str, typer.Option(help="lora or dreamstyler.")] = "lora",
) -> None:
    """Save a style as a safetensors file that other programs read too."""
    content = open_gateway().export_style(style_id, method)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    console.print(f"{out}   {len(content) / 1e6:.1f} MB", highlight=False)


@app.command("delete")
def delete(style_id: str) -> None:
    """Delete a style."""
    open_gateway().delete_style(style_id)
