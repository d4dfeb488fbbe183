"""What the demo's steps share: the client, the pictures so far, and how a job is run and kept."""

import shutil
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from services.cli.client import Gateway
from services.cli.client.records import Job, Pose, Project, Style
from services.cli.demo.records import Section, Story, Tile
from services.cli.demo.samples import Samples
from services.cli.failures import CommandFailed, Exit
from services.cli.progress import follow


class Journey:
    """One artist's way through the demo; each step adds to it."""

    gateway: Gateway
    project: Project
    picture_ids: dict[Path, str]
    style: Style
    other_style: Style
    pose: Pose
    edited_pose: Pose

    def __init__(self, *, url: str, out: Path, samples: Samples, console: Console) -> None:
        self.url = url
        self.out = out
        self.samples = samples
        self.console = console
        self.story = Story()
        self.retries = 0
        self.picture_ids = {}

    def section(self, title: str, note: str = "") -> Section:
        section = Section(title=title, note=note)
        self.story.sections.append(section)
        return section

    def upload(self, path: Path) -> str:
        """The picture's id; each file is uploaded once."""
        if path not in self.picture_ids:
            self.picture_ids[path] = self.gateway.upload_picture(self.project.id, path).id
        return self.picture_ids[path]

    def run(self, label: str, start: Callable[[], Job]) -> Job:
        """Run a job to its good end. One that fails, as when its service was killed, is run once more.

        Raises:
            CommandFailed: it failed twice, or was cancelled.
        """
        job = start()
        try:
            return follow(self.gateway, job, self.console, label=label)
        except CommandFailed as error:
            if error.code is not Exit.JOB_FAILED:
                raise
            self.console.print(f"[yellow]  {label}: {error}; once more[/]", highlight=False)
            self.retries += 1
            return follow(self.gateway, self.gateway.retry(job.id), self.console, label=label)

    def keep_sample(self, section: Section, source: Path, name: str, caption: str) -> None:
        """Show a picture that went in."""
        path = self.out / f"{name}{source.suffix.lower()}"
        shutil.copyfile(source, path)
        section.tiles.append(Tile(path=path, caption=caption))

    def keep_link(self, section: Section, url: str, name: str, caption: str) -> None:
        """Show a picture that a signed link leads to."""
        path = self.out / f"{name}.png"
        path.write_bytes(self.gateway.download(url))
        section.tiles.append(Tile(path=path, caption=caption))

    def keep_results(self, section: Section, job: Job, name: str, caption: str) -> None:
        """Show what a job drew."""
        for result in job.results:
            path = self.out / f"{name}{f'_{result.index + 1}' if len(job.results) > 1 else ''}.png"
            path.write_bytes(self.gateway.download(result.url))
            settings = {"seed": result.seed, **result.settings}
            section.tiles.append(Tile(path=path, caption=caption, settings=settings))
        self.story.ids.setdefault("results", {})[name] = [result.id for result in job.results]
