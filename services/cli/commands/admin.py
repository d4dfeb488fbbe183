"""oma admin: what an operator does at the databases and stores of a mesh. It never shows what was drawn or asked."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from services.cli.commands.mesh import DataFolder
from services.cli.failures import CommandFailed, Exit
from services.cli.mesh.running import running_mesh
from services.cli.output import AsJson, console, errors, print_json, show_rows
from services.cli.paths import default_data_folder

if TYPE_CHECKING:  # the databases' libraries are loaded by these commands only
    from services.admin.check import Checked
    from services.admin.places import Place

app = typer.Typer(help="Operate a mesh: its jobs, quotas, backups.", no_args_is_help=True)

Service = Annotated[str | None, typer.Option(help="gateway or style_train. [default: both]")]
Kind = Annotated[str | None, typer.Option(help="Jobs of this kind only.")]

_DATABASES = ("OMA_GATEWAY_DATABASE_URL", "OMA_STYLE_TRAIN_DATABASE_URL")


@app.command("jobs")
def list_jobs(
    state: Annotated[
        str | None, typer.Option(help="queued, running, succeeded, failed, cancelled or quarantined.")
    ] = None,
    kind: Kind = None,
    owner: Annotated[str | None, typer.Option(help="Id of an account.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many of each service.")] = 100,
    service: Service = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List jobs of every owner, the newest first, and what is held."""
    from services.admin import queues  # noqa: PLC0415

    with _places(data, service) as places:
        wanted = queues.JobFilter(state=state, kind=kind, owner=owner, limit=limit)
        found = [asdict(job) for job in queues.list_jobs(places, wanted)]
        totals = {place.name: queues.counts(place) for place in places}
        holds = [{"service": place.name, **asdict(hold)} for place, hold in queues.held(places)]
    if as_json:
        print_json({"jobs": found, "counts": totals, "holds": holds})
        return
    show_rows(
        [{**job, "age": _duration(job["age_seconds"]), "tries": job["attempt"]} for job in found],
        ("service", "id", "kind", "state", "owner", "tries", "fruitless", "age", "worker", "reason"),
    )
    for name, by_state in totals.items():
        told = ", ".join(f"{count} {state}" for state, count in sorted(by_state.items())) or "none"
        console.print(f"{name}: {told}", style="dim", highlight=False)
    for hold in holds:
        console.print(f"{hold['service']}: {hold['kind']} held since {hold['since']:%Y-%m-%d %H:%M} ({hold['reason']})")


@app.command("requeue")
def requeue(
    job_ids: Annotated[list[str] | None, typer.Argument(help="Jobs that were set aside.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every job in quarantine.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Also jobs that failed for another reason.")] = False,
    service: Service = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let jobs out of quarantine: they go on from their last checkpoint, their attempts counted anew."""
    from services.admin import queues  # noqa: PLC0415

    if bool(job_ids) == everything:
        raise CommandFailed("name jobs, or say --all", reason="WHICH_JOBS", code=Exit.USAGE)
    with _places(data, service) as places:
        if everything:
            done = [place.queue.requeue(job.id) for place, job in queues.set_aside(places)]
        else:
            done = [job for job_id in job_ids or [] for job in queues.requeue(places, job_id, any_failure=failed)]
    rows = [{"id": job.id, "kind": job.kind, "state": job.state, "owner": job.owner} for job in done]
    if as_json:
        print_json(rows)
    else:
        show_rows(rows, ("id", "kind", "state", "owner"))


@app.command("drain")
def drain(
    kind: Kind = None,
    off: Annotated[bool, typer.Option("--off", help="Let jobs be taken up again.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait until nothing is worked on.")] = 0,
    service: Service = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let no worker take up another job. What is asked meanwhile waits; nothing is refused or lost."""
    from services.admin import queues  # noqa: PLC0415

    left = 0
    with _places(data, service) as places:
        if off:
            queues.undrain(places, kind)
        else:
            queues.drain(places, kind)
            left = queues.wait_until_idle(places, kind, seconds=wait, tell=lambda n: _tell(f"{n} jobs run", as_json))
        holds = [{"service": place.name, **asdict(hold)} for place, hold in queues.held(places)]
    if as_json:
        print_json({"holds": holds, "running": left})
    else:
        show_rows(holds, ("service", "kind", "reason", "since"))
    if left and wait:
        raise CommandFailed(
            f"{left} jobs still run: wait longer, or stop their workers, which give them back",
            reason="STILL_RUNNING",
            code=Exit.UNAVAILABLE,
        )


@app.command("quota")
def quota(
    email: str,
    changes: Annotated[
        list[str] | None,
        typer.Argument(help="storage_bytes=N, trainings_a_day=N, drawings_a_day=N; without a number: as everybody."),
    ] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show or set what one account may keep and make."""
    from services.admin.accounts import quota as set_quota  # noqa: PLC0415

    with _places(data, "gateway") as places:
        found = set_quota(places, email, changes or [])
    if as_json:
        print_json(found)
    else:
        told = [{"quota": name, "number": "as everybody" if n is None else n} for name, n in found.items()]
        show_rows(told, ("quota", "number"))


@app.command("reset-link")
def reset_link(email: str, data: DataFolder = None) -> None:
    """Print a link to choose a new password, for where no mail is sent; it works once, for an hour."""
    from services.admin.accounts import reset_link as make_link  # noqa: PLC0415

    running = running_mesh(folder) if (folder := _data_folder(data)) is not None else None
    with _places(data, "gateway") as places:
        print(make_link(places, email, running.url if running is not None else None))


@app.command("sweep")
def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    service: Service = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Remove objects that no row names and that are older than a day; workers do it every six hours."""
    from services.admin.sweeps import sweep_all  # noqa: PLC0415

    with _places(data, service) as places:
        found = [{"service": name, **asdict(swept)} for name, swept in sweep_all(places, dry_run=dry_run).items()]
    if as_json:
        print_json(found)
    else:
        show_rows(found, ("service", "seen", "young", "named", "removed", "removed_bytes"))


@app.command("backup")
def backup(
    path: Annotated[Path, typer.Argument(help="A folder that is not there yet.")],
    check: Annotated[bool, typer.Option("--check", help="Take none: look through the one that is there.")] = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Write databases and artifacts into a new folder, while the mesh runs. It holds unpublished work: guard it."""
    from services.admin.backup import take_backup  # noqa: PLC0415
    from services.admin.check import check_backup  # noqa: PLC0415

    with _places(data, None, new=check) as places:
        if check:
            _say_checked(check_backup(path, places), as_json=as_json)
            return
        manifest = take_backup(places, path, tell=lambda said: _tell(said, as_json))
    if as_json:
        print_json({"path": path, **manifest.model_dump(mode="json")})
    else:
        rows = sum(table.rows for service in manifest.services.values() for table in service.tables.values())
        size = f"{manifest.object_bytes / 1e6:.1f} MB"
        console.print(f"{path}   {rows} rows, {manifest.objects} objects, {size}", highlight=False, soft_wrap=True)
    if damaged := [*manifest.lost, *manifest.dangling]:
        raise CommandFailed(
            f"the backup is complete, but {len(damaged)} things were damaged before: {'; '.join(damaged[:5])}",
            reason="DAMAGED",
            code=Exit.DAMAGED,
        )


@app.command("restore")
def restore(
    path: Annotated[Path, typer.Argument(help="Folder of a backup.")], data: DataFolder = None, as_json: AsJson = False
) -> None:
    """Bring a backup into empty databases and stores, of whatever kind, and check it. Start the mesh afterwards."""
    from services.admin.restore import restore as bring_back  # noqa: PLC0415

    folder = _data_folder(data)
    if folder is not None and running_mesh(folder) is not None:
        raise CommandFailed(f"a mesh runs on {folder}: `oma down` first", reason="MESH_RUNS", code=Exit.REFUSED)
    with _places(data, None, new=True) as places:
        checked = bring_back(path, places, tell=lambda said: _tell(said, as_json))
    _say_checked(checked, as_json=as_json)


@app.command("check")
def check_mesh(
    quick: Annotated[bool, typer.Option("--quick", help="Compare sizes only: no object is read.")] = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Look whether everything that rows name is there and whole, and nothing else; ends with 9 if not."""
    from services.admin.check import check_mesh as check_all  # noqa: PLC0415

    with _places(data, None) as places:
        checked = check_all(places, quick=quick)
    _say_checked(checked, as_json=as_json)


@contextmanager
def _places(data: Path | None, service: str | None, *, new: bool = False) -> Iterator["list[Place]"]:
    from services.admin.places import SERVICES, open_places, whereabouts  # noqa: PLC0415

    if service is not None and service not in SERVICES:
        raise CommandFailed(
            f"no service {service!r} keeps anything: there are {', '.join(SERVICES)}", reason="SERVICE", code=Exit.USAGE
        )
    where = whereabouts(_data_folder(data), SERVICES if service is None else [service])
    with open_places(where, new=new) as places:
        yield places


def _data_folder(given: Path | None) -> Path | None:
    """Of a mesh on this machine; None where the services' own settings name databases."""
    if given is None and any(os.environ.get(name) for name in _DATABASES):
        return None
    return (given or default_data_folder()).resolve()


def _tell(said: str, quiet: bool) -> None:
    if not quiet:
        errors.print(escape(said), highlight=False, style="dim")


def _say_checked(checked: "Checked", *, as_json: bool) -> None:
    told: dict[str, Any] = {"rows": checked.rows, "objects": checked.objects, "problems": checked.problems}
    if as_json:
        print_json(told)
    else:
        console.print(f"{checked.rows} rows, {checked.objects} objects", highlight=False)
        for what, said in checked.problems.items():
            console.print(escape(said if what == said else f"{what} {said}"), highlight=False, soft_wrap=True)
    if checked.problems:
        raise CommandFailed(f"{len(checked.problems)} problems", reason="DAMAGED", code=Exit.DAMAGED)


def _duration(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
