"""oma background draw-folder: a folder of photographs in one go."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.client import Gateway
from services.cli.client.errors import ApiError
from services.cli.client.records import Job
from services.cli.client.requests import BackgroundRequest
from services.cli.credentials import open_gateway
from services.cli.failures import CommandFailed, Exit
from services.cli.finishing import OutFolder, Seed, save
from services.cli.output import AsJson, errors, print_json
from services.cli.progress import follow
from services.cli.selection import ProjectName, parse_style, pick_project
from services.common.errors import NotFound

ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
AT_ONCE = 50  # as many as the gateway takes in one request


def draw_folder(
    folder: Annotated[Path, typer.Argument(help="Its PNG, JPEG and WebP files, by name.")],
    prompt: Annotated[str, typer.Option(help="What all of them show, in Korean or English.")] = "",
    strength: Annotated[float | None, typer.Option(help="0 keeps a picture, 1 ignores it.")] = None,
    style: Annotated[list[str] | None, typer.Option(help="<id>[:<method>[:<weight>]]; may be repeated.")] = None,
    negative: Annotated[str | None, typer.Option(help="What must not be there.")] = None,
    guidance: Annotated[float | None, typer.Option(help="How closely to follow the words.")] = None,
    steps: int | None = None,
    seed: Seed = None,
    count: Annotated[int | None, typer.Option(help="How many of each.")] = None,
    enlarge: Annotated[int | None, typer.Option(help="Times each side grows after drawing: 1, 2 or 4.")] = None,
    lines: Annotated[float | None, typer.Option(help="How strictly a picture's lines are kept, 0 to 2.")] = None,
    palette: Annotated[float | None, typer.Option(help="How far it takes the style's colours, 0 to 1.")] = None,
    project: ProjectName = None,
    out: OutFolder = Path(),
    as_json: AsJson = False,
) -> None:
    """Draw over every picture of a folder; one that fails takes no other with it."""
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in ENDINGS)
    if not paths:
        raise NotFound(f"no PNG, JPEG or WebP file in {folder}", reason="NO_FILE")
    gateway = open_gateway()
    request = BackgroundRequest(
        prompt=prompt,
        negative_prompt=negative,
        strength=strength,
        guidance=guidance,
        steps=steps,
        seed=seed,
        count=count,
        enlarge=enlarge,
        line_control=lines,
        palette=palette,
        styles=[parse_style(given) for given in style or []],
    )
    told = _draw(gateway, pick_project(gateway, project).id, paths, request, out)
    if as_json:
        print_json(told)
    failed = [one for one in told if one["error"]]
    if failed:
        raise CommandFailed(
            f"{len(failed)} of {len(paths)} photographs were not drawn over", reason="SOME_FAILED", code=Exit.JOB_FAILED
        )


def _draw(
    gateway: Gateway, project_id: str, paths: list[Path], request: BackgroundRequest, out: Path
) -> list[dict[str, object]]:
    """What became of each file: its job and the pictures saved, or why there are none."""
    told: dict[Path, dict[str, object]] = {}
    uploaded: dict[str, Path] = {}
    for path in paths:
        try:
            uploaded[gateway.upload_picture(project_id, path).id] = path
        except ApiError as error:
            told[path] = _told(path, error=str(error))
    ids = list(uploaded)
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        answer = gateway.draw_backgrounds(project_id, some, request)
        refused = {one.picture_id: one.error.message for one in answer.refused}
        told |= {uploaded[one]: _told(uploaded[one], error=message) for one, message in refused.items()}
        begun = [one for one in some if one not in refused]
        for picture_id, job in zip(begun, answer.jobs, strict=True):
            path = uploaded[picture_id]
            told[path] = _finish(gateway, path, job, out)
    return [told[path] for path in paths]


def _finish(gateway: Gateway, path: Path, job: Job, out: Path) -> dict[str, object]:
    try:
        job = follow(gateway, job, errors, label=path.name)
    except CommandFailed as failed:
        if failed.code is Exit.INTERRUPTED:
            raise
        return _told(path, job_id=job.id, error=str(failed))
    saved = [out / f"{path.stem}_{result.index + 1:02d}.png" for result in job.results]
    for place, result in zip(saved, job.results, strict=True):
        save(place, gateway.download(result.url))
    return _told(path, job_id=job.id, saved=saved)


def _told(
    path: Path, *, job_id: str | None = None, saved: list[Path] | None = None, error: str | None = None
) -> dict[str, object]:
    shown = f"{path.name}   " + (error or ", ".join(str(place) for place in saved or []))
    errors.print(shown, highlight=False, markup=False, soft_wrap=True)
    return {"file": str(path), "job_id": job_id, "saved": [str(place) for place in saved or []], "error": error}
