"""Runs the demo: a mesh of its own, every step, and the files that show what came out."""

import json
import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from services.cli.demo.journey import Journey
from services.cli.demo.page import build_page
from services.cli.demo.records import Story, Timing
from services.cli.demo.sheet import build_sheet
from services.cli.demo.steps import STEPS
from services.cli.failures import CommandFailed, Expected, exit_code
from services.cli.mesh.running import MeshOptions, start_mesh, stop_mesh
from services.cli.mesh.state import MeshState
from services.common.errors import InvalidInput

TITLE = "Oh My Assistant: a demo"
MARK = ".made-by-oma-demo"


def make_fresh(folder: Path) -> None:
    """An empty folder for a demo; what an earlier one left in it is thrown away.

    Raises:
        InvalidInput: it holds something else.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise InvalidInput(f"{folder} holds what no demo has made: name another with --out", reason="FOLDER_IN_USE")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARK).touch()


@contextmanager
def demo_mesh(options: MeshOptions, console: Console, *, keep: bool) -> Iterator[MeshState]:
    """A fresh mesh for the demo; what an interrupted demo left behind is stopped and thrown away first."""
    if stop_mesh(options.data_folder):
        console.print("stopped what an earlier demo had left running")
    make_fresh(options.data_folder)
    with console.status("starting four model services, two workers and the gateway …"):
        mesh = start_mesh(options, outlives_us=keep)
    try:
        yield mesh.state
    finally:
        if not keep:
            with console.status("stopping the mesh …"):
                mesh.stop(options.data_folder)


def run_steps(journey: Journey) -> None:
    """Every step in order.

    Raises:
        CommandFailed: a step failed; the message says which and why.
    """
    for name, step in STEPS.items():
        started, retries = time.monotonic(), journey.retries
        try:
            result = step(journey)
        except Expected as error:
            journey.story.failed = f"{name}: {error}"
            raise CommandFailed(
                f"the step “{name}” failed: {error}", reason="STEP_FAILED", code=exit_code(error)
            ) from error
        timing = Timing(step=name, seconds=time.monotonic() - started, retries=journey.retries - retries, result=result)
        journey.story.timings.append(timing)
        journey.console.print(
            f"[green]✓[/] {name:<38} {timing.seconds:6.1f} s   [dim]{result}[/]", highlight=False, soft_wrap=True
        )


def write_files(story: Story, out: Path) -> None:
    """The contact sheet, the page and the summary, of a demo that ended well or not."""
    subtitle = f"{story.facts.get('family', '')}   {story.facts.get('when', '')}   {story.seconds():.0f} s in all"
    build_sheet(TITLE, subtitle, story.sections).save(out / "contact_sheet.png")
    (out / "index.html").write_text(build_page(TITLE, story), encoding="utf-8")
    summary = {
        "ended_well": not story.failed,
        "failed": story.failed or None,
        "seconds": round(story.seconds(), 1),
        "steps": [asdict(timing) for timing in story.timings],
        "ids": story.ids,
        "facts": story.facts,
        "pictures": [
            {"file": tile.path.name, "caption": tile.caption, "settings": dict(tile.settings)}
            for section in story.sections
            for tile in section.tiles
        ],
    }
    (out / "summary.json").write_text(json.dumps(summary, ensure_ascii=False, indent=2), encoding="utf-8")


def facts(family: str | None) -> dict[str, str]:
    """What the timings depend on."""
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "family": family or "unknown",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
    }
