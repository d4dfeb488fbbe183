"""oma background: from words, or from a picture."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from services.cli.client.requests import BackgroundRequest, StyleGuidance
from services.cli.commands.photographs import draw_folder
from services.cli.credentials import open_gateway
from services.cli.finishing import NoWait, OutFolder, Seed, finish
from services.cli.output import AsJson, show
from services.cli.selection import ProjectName, parse_style, pick_project, upload_or_id

app = typer.Typer(help="Backgrounds in a learned style.", no_args_is_help=True)
app.command("draw-folder")(draw_folder)


class Scheduler(StrEnum):
    """Ways to compute a denoising step."""

    DDIM = "ddim"
    DPM_SOLVER = "dpm-solver"
    UNIPC = "unipc"


@app.command("draw")
def draw(
    prompt: Annotated[str, typer.Argument(help="What to draw, in Korean or English.")],
    picture: Annotated[str | None, typer.Option(help="A photo or render to start from: a file or an id.")] = None,
    strength: Annotated[float | None, typer.Option(help="0 keeps the picture, 1 ignores it.")] = None,
    style: Annotated[list[str] | None, typer.Option(help="<id>[:<method>[:<weight>]]; may be repeated.")] = None,
    negative: Annotated[str | None, typer.Option(help="What must not be there.")] = None,
    guidance: Annotated[float | None, typer.Option(help="How closely to follow the words.")] = None,
    steps: int | None = None,
    seed: Seed = None,
    count: Annotated[int | None, typer.Option(help="How many pictures.")] = None,
    width: int | None = None,
    height: int | None = None,
    enlarge: Annotated[int | None, typer.Option(help="Times each side grows after drawing: 1, 2 or 4.")] = None,
    mask: Annotated[
        str | None,
        typer.Option(help="Redraw only where this file (or id) is white; of the picture's size."),
    ] = None,
    scheduler: Annotated[Scheduler | None, typer.Option(help="Who computes a step. [default: the family's]")] = None,
    style_guidance: Annotated[float | None, typer.Option(help="DreamStyler: how strongly the style is kept.")] = None,
    content_guidance: Annotated[float | None, typer.Option(help="DreamStyler: how strongly the content is.")] = None,
    avoid_guidance: Annotated[float | None, typer.Option(help="DreamStyler: how far from --negative.")] = None,
    lines: Annotated[float | None, typer.Option(help="How strictly the picture's lines are kept, 0 to 2.")] = None,
    palette: Annotated[float | None, typer.Option(help="How far it takes the style's colours, 0 to 1.")] = None,
    project: ProjectName = None,
    out: OutFolder = Path(),
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Draw a background from words, or over a picture."""
    gateway = open_gateway()
    found = pick_project(gateway, project)
    request = BackgroundRequest(
        prompt=prompt,
        negative_prompt=negative,
        picture_id=upload_or_id(gateway, found.id, picture) if picture else None,
        strength=strength,
        guidance=guidance,
        steps=steps,
        seed=seed,
        count=count,
        width=width,
        height=height,
        enlarge=enlarge,
        mask_picture_id=upload_or_id(gateway, found.id, mask) if mask else None,
        scheduler=scheduler,
        style_guidance=_guidance(style_guidance, content_guidance, avoid_guidance),
        line_control=lines,
        palette=palette,
        styles=[parse_style(given) for given in style or []],
    )
    job = gateway.draw_background(found.id, request)
    finish(gateway, job, label="drawing", as_json=as_json, out_folder=None if no_wait else out)


def _guidance(style: float | None, content: float | None, avoid: float | None) -> StyleGuidance | None:
    given = StyleGuidance(style=style, content=content, avoid=avoid)
    return None if given == StyleGuidance() else given


@app.command("translate")
def translate(prompt: str, as_json: AsJson = False) -> None:
    """Show the English that a Korean sentence is drawn from."""
    show(open_gateway().translate(prompt), ("english", "unknown_words"), as_json=as_json)
