"""oma background draw-folder: a folder of photographs in one go."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from services.cli.client import Gateway
from services.cli.client.errors import ApiError
from services.cli.client.records import Job
from services.cli.client.requests import BackgroundRequest
from services.cli.client.transport import RETRIED_STATUSES
from services.cli.credentials import open_gateway
from services.cli.failures import CommandFailed, Exit, exit_code
from services.cli.finishing import OutFolder, Seed, save
from services.cli.output import AsJson, errors, print_json
from services.cli.progress import follow
from services.cli.selection import ProjectName, parse_style, pick_project
from services.common.errors import NotFound

ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
AT_ONCE = 50  # as many as the gateway takes in one request
_SIGNED_OUT = 401


class Became(StrEnum):
    """What became of one file."""

    DRAWN = "drawn"
    REFUSED = "refused"  # nothing was begun
    FAILED = "failed"  # its job ended without pictures, or these could not be kept
    GOES_ON = "goes on"  # its job was begun, and nobody waited for its end
    UNKNOWN = "unknown"  # the connection ended while it was asked for
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One line of the summary."""

    file: str
    state: Became
    job_id: str | None = None
    saved: tuple[str, ...] = ()
    error: str | None = None


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
    """Draw over every picture of a folder; one that fails takes no other with it.

    Whatever ends it early, what became of each picture is said.
    """
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
    project_id = pick_project(gateway, project).id
    walk = Walk(gateway=gateway, project_id=project_id, paths=paths, request=request, out=out)
    ended = walk.run()
    if as_json:
        print_json([asdict(walk.told[path]) for path in paths])
    counts = Counter(one.state for one in walk.told.values())
    missing = len(paths) - counts[Became.DRAWN]
    if missing:
        said = ", ".join(f"{counts[state]} {state}" for state in Became if counts[state])
        why = f"; it ended early: {ended}" if ended is not None else ""
        raise CommandFailed(
            f"{missing} of {len(paths)} photographs were not drawn over ({said}){why}",
            reason="ENDED_EARLY" if ended is not None else "SOME_FAILED",
            code=exit_code(ended) if ended is not None else Exit.JOB_FAILED,
        )


@dataclass(slots=True, kw_only=True)
class Walk:
    """The way of a folder's files through the gateway, and what became of each."""

    gateway: Gateway
    project_id: str
    paths: Sequence[Path]
    request: BackgroundRequest
    out: Path
    told: dict[Path, Told] = field(default_factory=dict)
    begun: dict[Path, Job] = field(default_factory=dict)

    def run(self) -> ApiError | CommandFailed | None:
        """Try every file; then all of them are told of. What ended it before the last one is returned."""
        ended: ApiError | CommandFailed | None = None
        try:
            ids = self._upload()
            for start in range(0, len(ids), AT_ONCE):
                self._draw(dict(list(ids.items())[start : start + AT_ONCE]))
        except (ApiError, CommandFailed) as error:
            ended = error
        except KeyboardInterrupt:
            ended = CommandFailed("it was interrupted", reason="INTERRUPTED", code=Exit.INTERRUPTED)
        for path in self.paths:
            if path not in self.told and path in self.begun:
                job_id = self.begun[path].id
                self._tell(path, Became.GOES_ON, job_id=job_id, error=f"`oma jobs watch {job_id}` takes it up")
            elif path not in self.told:
                self._tell(path, Became.NOT_TRIED, error="never tried")
        return ended

    def _upload(self) -> dict[str, Path]:
        """The files that the gateway took, by their pictures' ids."""
        uploaded = {}
        for path in self.paths:
            try:
                uploaded[self.gateway.upload_picture(self.project_id, path).id] = path
            except OSError as error:
                self._tell(path, Became.REFUSED, error=f"it cannot be read: {error.strerror}")
            except ApiError as error:
                if _ends_all(error):
                    raise
                self._tell(path, Became.REFUSED, error=str(error))
        return uploaded

    def _draw(self, some: dict[str, Path]) -> None:
        try:
            answer = self.gateway.draw_backgrounds(self.project_id, list(some), self.request)
        except ApiError as error:
            for path in some.values():
                self._tell(path, Became.REFUSED if error.status else Became.UNKNOWN, error=str(error))
            if _ends_all(error) or error.status in RETRIED_STATUSES:
                raise
            return
        refused = {one.picture_id: one.error.message for one in answer.refused}
        for picture_id, message in refused.items():
            self._tell(some[picture_id], Became.REFUSED, error=message)
        paths = [path for picture_id, path in some.items() if picture_id not in refused]
        self.begun |= dict(zip(paths, answer.jobs, strict=True))
        for path in paths:
            self._finish(path, self.begun[path])

    def _finish(self, path: Path, job: Job) -> None:
        saved: list[str] = []
        try:
            job = follow(self.gateway, job, errors, label=path.name)
            for result in job.results:
                place = self.out / f"{path.stem}_{result.index + 1:02d}.png"
                save(place, self.gateway.download(result.url))
                saved.append(str(place))
        except (ApiError, CommandFailed) as error:
            if _ends_all(error):
                raise
            self._tell(path, Became.FAILED, job_id=job.id, saved=saved, error=str(error))
        else:
            self._tell(path, Became.DRAWN, job_id=job.id, saved=saved)

    def _tell(
        self,
        path: Path,
        state: Became,
        *,
        job_id: str | None = None,
        saved: Sequence[str] = (),
        error: str | None = None,
    ) -> None:
        words = f"{state}: {error}" if error else ", ".join(saved)
        errors.print(f"{path.name}   {words}", highlight=False, markup=False, soft_wrap=True)
        self.told[path] = Told(file=str(path), state=state, job_id=job_id, saved=tuple(saved), error=error)


def _ends_all(error: ApiError | CommandFailed) -> bool:
    """Whether what happened to one picture would happen to the next as well."""
    if isinstance(error, CommandFailed):
        return error.code in (Exit.INTERRUPTED, Exit.REFUSED)  # Ctrl-C; a folder that cannot be written to
    return error.status in (0, _SIGNED_OUT)
