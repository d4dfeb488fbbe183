"""oma style: learn a hand, list, export, delete."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from services.cli.client.records import Finding, Style
from services.cli.client.requests import TrainingRequest
from services.cli.credentials import open_gateway
from services.cli.failures import CommandFailed, Exit
from services.cli.finishing import NoWait, Seed, finish, save
from services.cli.output import AsJson, console, errors, print_json, show_rows
from services.cli.selection import ProjectName, pick_project, upload_or_id
from services.common.errors import InvalidInput, NotFound

app = typer.Typer(help="Styles learned from an artist's pictures.", no_args_is_help=True)


class Dialect(StrEnum):
    """How a LoRA's tensors are named."""

    KOHYA = "kohya"
    DIFFUSERS = "diffusers"
    PEFT = "peft"


class Precision(StrEnum):
    """Of a LoRA's numbers."""

    FP16 = "fp16"
    BF16 = "bf16"
    FP32 = "fp32"


@app.command("train")
def train(
    pictures: Annotated[list[str], typer.Argument(help="Picture files, or ids of uploaded ones.")],
    name: Annotated[str, typer.Option(help="What to call the style.")],
    method: Annotated[
        list[str] | None, typer.Option(help="lora, dreamstyler; may be repeated. [default: lora]")
    ] = None,
    preset: Annotated[str, typer.Option(help="quick or standard.")] = "standard",
    strength: Annotated[float | None, typer.Option(help="How strongly it is learned, 0.5 to 2.")] = None,
    caption: Annotated[
        list[str] | None, typer.Option(help="What a picture shows, in English: as often as there are pictures.")
    ] = None,
    from_all: Annotated[
        bool, typer.Option("--dreamstyler-from-all", help="DreamStyler learns from all pictures, by their captions.")
    ] = False,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Learn from the pictures although something is noticed about them.")
    ] = False,
    again: Annotated[str | None, typer.Option("--next-of", help="A style to learn again: as its next version.")] = None,
    seed: Seed = None,
    project: ProjectName = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Learn a style from pictures; what is noticed about them is said before."""
    gateway = open_gateway()
    found = pick_project(gateway, project)
    if caption and len(caption) != len(pictures):
        raise InvalidInput(f"{len(caption)} captions for {len(pictures)} pictures: say one of each", reason="CAPTIONS")
    picture_ids = [upload_or_id(gateway, found.id, picture) for picture in pictures]
    request = TrainingRequest(
        name=name,
        picture_ids=picture_ids,
        captions=dict(zip(picture_ids, caption, strict=True)) if caption else None,
        dreamstyler_from_all=from_all or None,
        methods=method or ["lora"],
        preset=preset,
        style_strength=strength,
        seed=seed,
        style_id=again,
    )
    _look(gateway.check_training(found.id, request).findings, go_on=go_on)
    out_folder = None if no_wait else Path()  # a training has no pictures to save
    finish(gateway, gateway.train(found.id, request), label=f"learning {name}", as_json=as_json, out_folder=out_folder)


@app.command("list")
def list_styles(
    every: Annotated[bool, typer.Option("--all", help="Every version, not only those in use.")] = False,
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """List a project's styles."""
    gateway = open_gateway()
    _say(gateway.styles(pick_project(gateway, project).id, in_use=None if every else True), as_json=as_json)


@app.command("versions")
def versions(style_id: str, as_json: AsJson = False) -> None:
    """List every version of a style, the newest first."""
    _say(open_gateway().style_versions(style_id), as_json=as_json)


@app.command("show")
def show_style(
    style_id: str,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the samples drawn with it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show one version of a style, and save its samples."""
    gateway = open_gateway()
    style = gateway.style(style_id)
    if out is not None:
        for number, url in enumerate(style.sample_urls, 1):
            save(out / f"{style.name}_{number:02d}.png", gateway.download(url))
        for sample in style.checkpoint_samples:
            save(out / f"{style.name}_{sample.method}_at_{sample.step:05d}.png", gateway.download(sample.url))
    if as_json:
        print_json(style)
        return
    _say([style], as_json=False)
    console.print(f"samples: {len(style.sample_urls)}   note: {style.note or '-'}", highlight=False, markup=False)


@app.command("use")
def use(style_id: str, as_json: AsJson = False) -> None:
    """Make a version the one in use."""
    _say([open_gateway().use_style(style_id)], as_json=as_json)


@app.command("rename")
def rename(
    style_id: str,
    name: Annotated[str | None, typer.Option(help="For every version.")] = None,
    note: Annotated[str | None, typer.Option(help="For this version.")] = None,
    as_json: AsJson = False,
) -> None:
    """Rename a style, or write a note to a version."""
    _say([open_gateway().change_style(style_id, name=name, note=note)], as_json=as_json)


@app.command("export")
def export(
    style_id: str,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")],
    method: Annotated[str, typer.Option(help="lora or dreamstyler.")] = "lora",
    dialect: Annotated[Dialect, typer.Option(help="What programs are to read a LoRA.")] = Dialect.KOHYA,
    precision: Annotated[Precision | None, typer.Option(help="Of a LoRA's numbers. [default: as it is]")] = None,
) -> None:
    """Save a style as a safetensors file that other programs read too."""
    content = open_gateway().export_style(style_id, method, dialect=dialect, precision=precision)
    save(out, content)
    console.print(f"{out}   {len(content) / 1e6:.1f} MB", highlight=False)


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="A LoRA of kohya's, diffusers' or PEFT's dialect, or a DreamStyler file.")
    ],
    name: Annotated[str, typer.Option(help="What to call the style.")],
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """Keep a style file of another program, to draw in."""
    if not file.is_file():
        raise NotFound(f"no file {file}", reason="NO_FILE")
    gateway = open_gateway()
    _say([gateway.import_style(pick_project(gateway, project).id, file, name=name)], as_json=as_json)


@app.command("delete")
def delete(style_id: str, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a version of a style, its file and samples; pictures drawn with it stay."""
    gateway = open_gateway()
    if not yes:
        style = gateway.style(style_id)
        typer.confirm(f"Delete version {style.version} of {style.name}? This cannot be undone.", abort=True)
    gateway.delete_style(style_id)


def _look(findings: list[Finding], *, go_on: bool) -> None:
    """Say what was noticed; go on where nothing was, or where the artist wants to.

    Raises:
        CommandFailed: there is an error, or a warning that nobody waves through.
    """
    for finding in findings:
        kind = "error" if finding.is_error else "warning"
        errors.print(f"{kind}: {finding.message}", highlight=False, markup=False, soft_wrap=True)
    if any(finding.is_error for finding in findings):
        raise CommandFailed("nothing can be learned from these pictures", reason="PICTURES", code=Exit.REFUSED)
    if findings and not go_on and not (sys.stdin.isatty() and typer.confirm("Go on despite this?")):
        raise CommandFailed(
            "nothing was begun: change the pictures, or say --go-on", reason="WARNINGS", code=Exit.REFUSED
        )


def _say(styles: list[Style], *, as_json: bool) -> None:
    if as_json:
        print_json(styles)
        return
    rows = [
        {
            "id": style.id,
            "name": style.name,
            "version": f"{style.version}{' in use' if style.in_use else ''}",
            "learned": ", ".join(
                f"{file.method} {file.trigger} ({file.size_bytes / 1e6:.1f} MB)" for file in style.files
            ),
        }
        for style in styles
    ]
    show_rows(rows, ("id", "name", "version", "learned"))
