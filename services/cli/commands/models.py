"""oma models: the weights on this machine."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from services.cli.failures import CommandFailed, Exit
from services.cli.output import AsJson, console, errors, print_json, show_rows
from services.cli.paths import project_root
from services.cli.weights.pull import pull as fill
from services.cli.weights.settings import ModelSettings
from services.cli.weights.sources import open_source
from services.common.families import MANIFEST, Family, damaged_files, load_family

app = typer.Typer(help="Model families on this machine.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the families found under models/."""
    found = [_described(family) for family in _families()]
    if as_json:
        print_json(found)
    else:
        show_rows(found, ("name", "licence", "resolution", "files", "megabytes", "folder"))


@app.command("verify")
def verify(as_json: AsJson = False) -> None:
    """Compare every file with its manifest; ends with 9 if one is damaged."""
    families = _families()
    if not families:
        raise CommandFailed(
            f"no model family under {project_root() / 'models'}", reason="NO_FAMILY", code=Exit.NOT_FOUND
        )
    found = [
        {"name": family.name, "folder": str(family.folder), "damaged": damaged_files(family)} for family in families
    ]
    if as_json:
        print_json(found)
    else:
        rows = [{**row, "damaged": ", ".join(row["damaged"]) or "no"} for row in found]
        show_rows(rows, ("name", "damaged", "folder"))
    if any(row["damaged"] for row in found):
        raise CommandFailed(
            "files are missing or are not what their manifest says: fetch them again",
            reason="DAMAGED",
            code=Exit.DAMAGED,
        )


@app.command("pull")
def pull(
    name: Annotated[str, typer.Argument(help="The family's folder at the source, such as sd15.")],
    source: Annotated[
        str | None,
        typer.Option("--from", help="A folder, https://… or s3://bucket[/folder]. [default: OMA_MODELS_SOURCE]"),
    ] = None,
    to: Annotated[Path | None, typer.Option(help="Folder to fill. [default: models/<name>/weights]")] = None,
    manifest_sha256: Annotated[str | None, typer.Option(help="Refuse any other manifest than this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring a family to this machine, every file compared with its manifest; again, it goes on where it stopped."""
    settings = ModelSettings()
    given = source or settings.source
    if not given:
        raise CommandFailed("name a source: --from, or OMA_MODELS_SOURCE", reason="NO_SOURCE", code=Exit.USAGE)
    target = to or project_root() / "models" / name / "weights"
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), DownloadColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task(name, total=None)
        family = fill(
            open_source(f"{given.rstrip('/')}/{name}", settings.s3),
            target,
            manifest_sha256=manifest_sha256,
            tell=lambda path, count: progress.update(task, description=path, completed=count),
        )
    if as_json:
        print_json(_described(family))
    else:
        show_rows([_described(family)], ("name", "licence", "resolution", "files", "megabytes", "folder"))


convert_app = typer.Typer(help="Bring published weights into a family.", no_args_is_help=True)
app.add_typer(convert_app, name="convert")


@convert_app.callback()
def convert() -> None:
    """Bring published weights into a family."""


@convert_app.command("animate-anyone")
def convert_animate_anyone(
    source: Annotated[Path, typer.Argument(help="The folder with reference_unet.pth and the others.")],
    licence: Annotated[str, typer.Option(help="Under which the weights may be used.")],
    to: Annotated[
        Path | None, typer.Option(help="Family to make, or to add to. [default: models/<name>/weights]")
    ] = None,
    name: Annotated[str, typer.Option(help="Of a family that is made new.")] = "sd15",
) -> None:
    """Check every key and shape of AnimateAnyone's published files, and write them as safetensors."""
    target = to or project_root() / "models" / name / "weights"
    command = [sys.executable, "-m", "services.pose.transfer.original", str(source), str(target)]
    done = subprocess.run(  # noqa: S603 (our own program; its own process, for this one never loads torch)
        [*command, "--name", name, "--licence", licence], capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason, _, message = done.stderr.strip().rpartition("\n")[2].partition(": ")
        raise CommandFailed(message or done.stderr, reason=reason, code=Exit.REFUSED)
    console.print(done.stdout.rstrip(), highlight=False, markup=False, soft_wrap=True)


def _families() -> list[Family]:
    """Every family with a manifest that says what it must.

    Raises:
        NotReady: a manifest does not.
    """
    manifests = sorted((project_root() / "models").glob(f"*/weights/{MANIFEST}"))
    return [load_family(manifest.parent) for manifest in manifests]


def _described(family: Family) -> dict[str, object]:
    sizes = [path.stat().st_size for name in family.files if (path := family.folder / name).is_file()]
    return {
        "name": family.name,
        "licence": family.licence,
        "resolution": family.resolution,
        "files": len(family.files),
        "megabytes": round(sum(sizes) / 1e6, 1),
        "folder": str(family.folder),
    }
