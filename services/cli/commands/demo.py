"""oma demo."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.cli.client import Gateway
from services.cli.commands.mesh import DEFAULT_FAMILY, FamilyFolder, mesh_options, require_all
from services.cli.demo.journey import Journey
from services.cli.demo.run import demo_mesh, facts, make_fresh, run_steps, write_files
from services.cli.demo.samples import find_samples
from services.cli.output import console
from services.cli.paths import project_root


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the pictures and the page.")] = Path("out/demo"),
    port: Annotated[int, typer.Option(help="Port of the gateway; 0 takes a free one.")] = 0,
    family: FamilyFolder = DEFAULT_FAMILY,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the mesh running when the demo has ended.")] = False,
) -> None:
    """Start a mesh and do an artist's whole job through its public API."""
    out = out.resolve()
    samples = find_samples(project_root() / "samples")
    data_folder = out.with_name(f"{out.name}-data")
    signal.signal(signal.SIGTERM, _end)  # so that the mesh is stopped then, too
    make_fresh(out)
    with demo_mesh(mesh_options(data=data_folder, family=family, port=port), console, keep=keep) as mesh:
        require_all(mesh)
        url = mesh.url
        console.print(f"the mesh is at {url}; Ctrl-C stops it\n", highlight=False, soft_wrap=True)
        journey = Journey(url=url, out=out, samples=samples, console=console)
        with Gateway(url) as gateway:
            journey.story.facts = facts(gateway.status().family)
        try:
            run_steps(journey)
        finally:
            write_files(journey.story, out)
    console.print(
        f"\nDone in {journey.story.seconds():.0f} s. Open [bold]{out / 'index.html'}[/]",
        highlight=False,
        soft_wrap=True,
    )
    console.print(
        f"Every picture is in {out}; all on one: {out / 'contact_sheet.png'}", highlight=False, soft_wrap=True
    )
    if keep:
        console.print(
            f"The mesh runs on at {url}; stop it with `oma down --data {data_folder}`", highlight=False, soft_wrap=True
        )
    else:
        console.print(
            "The mesh was stopped. Start one to work with: `make up`, or `oma up`", highlight=False, soft_wrap=True
        )


def _end(*_: object) -> None:
    sys.exit(128 + signal.SIGTERM)
