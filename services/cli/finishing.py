"""The end of every drawing command: wait for the job, keep its pictures, say what came out."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from services.cli.client import Gateway
from services.cli.client.records import Job
from services.cli.failures import CommandFailed, Exit
from services.cli.output import console, errors, print_json
from services.cli.progress import ended_well, follow

OutFolder = Annotated[Path, typer.Option("--out", "-o", help="Folder for the pictures.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Return at once; see `oma jobs`.")]
Seed = Annotated[int | None, typer.Option(help="The same seed draws the same picture.")]


def finish(gateway: Gateway, job: Job, *, label: str, as_json: bool, out_folder: Path | None = None) -> Job:
    """Follow the job and save its pictures into `out_folder`; without one, only say which job it is.

    Raises:
        CommandFailed: the job failed or was cancelled.
    """
    if out_folder is None:
        _say(job, [], as_json=as_json)
        return job
    job = follow(gateway, job, errors, label=label)
    _say(job, save_results(gateway, job, out_folder), as_json=as_json)
    return ended_well(job)


def save(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, and the folders above it.

    Raises:
        CommandFailed: it cannot be written.
    """
    partial = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):  # where the folder is a file there is nothing to take away
            partial.unlink(missing_ok=True)
        raise CommandFailed(
            f"{path} cannot be written: {error.strerror}; name another place", reason="NOT_WRITTEN", code=Exit.REFUSED
        ) from error


def save_results(gateway: Gateway, job: Job, folder: Path) -> list[Path]:
    """Download every picture of a job."""
    paths = [folder / f"{job.kind}_{job.id[:8]}_{result.index + 1:02d}.png" for result in job.results]
    for path, result in zip(paths, job.results, strict=True):
        save(path, gateway.download(result.url))
    return paths


def _say(job: Job, paths: list[Path], *, as_json: bool) -> None:
    if as_json:
        print_json({**job.model_dump(mode="json"), "saved": paths})
        return
    console.print(f"job {job.id} {job.state.value}" + (f", style {job.style_id}" if job.style_id else ""))
    for path, result in zip(paths, job.results, strict=False):
        console.print(f"{path}   result {result.id}, seed {result.seed}", highlight=False, markup=False, soft_wrap=True)
