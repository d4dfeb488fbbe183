"""oma jobs: trainings and drawings, running and ended."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.credentials import open_gateway
from services.cli.finishing import OutFolder, finish
from services.cli.output import AsJson, show

app = typer.Typer(help="Trainings and drawings.", no_args_is_help=True)

COLUMNS = ("id", "kind", "state", "steps_done", "steps_total", "created_at")


@app.command("list")
def list_jobs(
    project: Annotated[str | None, typer.Option("--project", "-p", help="Id of a project.")] = None,
    state: Annotated[str | None, typer.Option(help="queued, running, succeeded, failed or cancelled.")] = None,
    as_json: AsJson = False,
) -> None:
    """List your jobs."""
    show(open_gateway().jobs(project_id=project, state=state), COLUMNS, as_json=as_json)


@app.command("watch")
def watch(job_id: str, out: OutFolder = Path(), as_json: AsJson = False) -> None:
    """Follow a job to its end and save its pictures."""
    gateway = open_gateway()
    finish(gateway, gateway.job(job_id), label="job", as_json=as_json, out_folder=out)


@app.command("cancel")
def cancel(job_id: str, as_json: AsJson = False) -> None:
    """Ask a job to stop."""
    show(open_gateway().cancel(job_id), COLUMNS, as_json=as_json)


@app.command("retry")
def retry(job_id: str, out: OutFolder = Path(), as_json: AsJson = False) -> None:
    """Run a failed or cancelled job again, as a new one."""
    gateway = open_gateway()
    finish(gateway, gateway.retry(job_id), label="job", as_json=as_json, out_folder=out)
