"""Shows a job while it runs."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from services.cli.client import Gateway
from services.cli.client.records import Job, JobState
from services.cli.failures import CommandFailed, Exit


def follow(gateway: Gateway, job: Job, console: Console, *, label: str) -> Job:
    """Watch a job to its end with a progress bar on the console.

    Raises:
        CommandFailed: it failed or was cancelled, and the message is the job's own; or Ctrl-C, and the job goes on.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[note]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(label, total=None, note="")
        try:
            for seen in gateway.watch(job.id):
                job = seen
                progress.update(task, completed=job.steps_done, total=job.steps_total or None, note=_note(job))
        except KeyboardInterrupt as interrupt:
            raise CommandFailed(
                f"job {job.id} goes on: `oma jobs watch {job.id}` takes it up, `oma jobs cancel {job.id}` stops it",
                reason="INTERRUPTED",
                code=Exit.INTERRUPTED,
            ) from interrupt
    return ended_well(job)


def ended_well(job: Job) -> Job:
    """The job if it succeeded."""
    if job.state is JobState.CANCELLED:
        raise CommandFailed(f"job {job.id} was cancelled", reason="CANCELLED", code=Exit.JOB_CANCELLED)
    if job.state is not JobState.SUCCEEDED:
        reason, message = (job.error.reason, job.error.message) if job.error else ("UNKNOWN", "no reason given")
        raise CommandFailed(f"job {job.id} failed: {message} ({reason})", reason=reason, code=Exit.JOB_FAILED)
    return job


def _note(job: Job) -> str:
    if job.state is JobState.QUEUED:
        return "waiting" if job.queue_position is None else f"waiting, number {job.queue_position} in line"
    left = "" if job.seconds_left is None else f"{job.seconds_left:.0f} s left"
    return "  ".join(filter(None, [job.stage, left]))
