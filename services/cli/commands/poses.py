"""oma pose: find people, turn their limbs, draw a character in their pose."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from services.cli.client.records import Person, Pose
from services.cli.client.requests import EstimateRequest, PoseTransferRequest
from services.cli.credentials import open_gateway
from services.cli.finishing import NoWait, OutFolder, Seed, finish, save
from services.cli.output import AsJson, console, print_json, show_rows
from services.cli.selection import ProjectName, parse_style, pick_project, upload_or_id
from services.cli.skeletons import turn_limb
from services.common.errors import InvalidInput

app = typer.Typer(help="Poses of people, and characters drawn in them.", no_args_is_help=True)


class Fit(StrEnum):
    """Where the character's picture and the result differ in aspect."""

    PAD = "pad"
    CROP = "crop"


class SkeletonFormat(StrEnum):
    """What other programs read."""

    PNG = "png"
    SVG = "svg"
    OPENPOSE_18 = "openpose-18"
    OPENPOSE_25 = "openpose-25"


SkeletonFile = Annotated[Path | None, typer.Option("--out", "-o", help="Save the drawn skeleton here.")]


@app.command("estimate")
def estimate(
    picture: Annotated[str, typer.Argument(help="A picture file, or the id of an uploaded one.")],
    whole: Annotated[bool, typer.Option("--whole", help="Take the whole picture when nobody is found.")] = False,
    max_people: Annotated[int | None, typer.Option(help="At most this many.")] = None,
    min_score: Annotated[float | None, typer.Option(help="How sure it must be that somebody is there, 0 to 1.")] = None,
    min_pose_score: Annotated[float | None, typer.Option(help="How sure of their joints, in the mean.")] = None,
    person: Annotated[int | None, typer.Option(help="Only this one, from 0.")] = None,
    project: ProjectName = None,
    out: SkeletonFile = None,
    as_json: AsJson = False,
) -> None:
    """Find the people on a picture, 133 keypoints each."""
    gateway = open_gateway()
    found = pick_project(gateway, project)
    picture_id = upload_or_id(gateway, found.id, picture)
    request = EstimateRequest(
        picture_id=picture_id,
        whole_picture_if_nobody=whole,
        max_people=max_people,
        min_score=min_score,
        min_pose_score=min_pose_score,
        person=person,
    )
    pose = gateway.estimate_pose(found.id, request)
    if out is not None and pose.skeleton_url:
        save(out, gateway.download(pose.skeleton_url))
    _say(pose, as_json=as_json)


@app.command("list")
def list_poses(project: ProjectName = None, as_json: AsJson = False) -> None:
    """List a project's poses."""
    gateway = open_gateway()
    found = gateway.poses(pick_project(gateway, project).id)
    if as_json:
        print_json(found)
        return
    rows = [{**pose.model_dump(include={"id", "width", "height"}), "people": len(pose.people)} for pose in found]
    show_rows(rows, ("id", "people", "width", "height"))


@app.command("edit")
def edit(
    pose_id: str,
    turn: Annotated[
        list[str], typer.Option(help="<limb>=<degrees>, clockwise, such as left-arm=-60; may be repeated.")
    ],
    person: Annotated[int, typer.Option(help="Which person, from 0.")] = 0,
    out: SkeletonFile = None,
    as_json: AsJson = False,
) -> None:
    """Turn a person's limbs about their joints."""
    gateway = open_gateway()
    people = list(gateway.pose(pose_id).people)
    if not 0 <= person < len(people):
        raise InvalidInput(f"no person {person}: the pose has {len(people)}, counted from 0", reason="NO_PERSON")
    for given in turn:
        people[person] = _turned(people[person], given)
    pose = gateway.edit_pose(pose_id, people)
    if out is not None and pose.skeleton_url:
        save(out, gateway.download(pose.skeleton_url))
    _say(pose, as_json=as_json)


@app.command("export")
def export(
    pose_id: str,
    file_format: Annotated[SkeletonFormat, typer.Option("--format", help="How it is written.")] = SkeletonFormat.PNG,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="[default: <pose id>.<format>]")] = None,
) -> None:
    """Save a skeleton as a picture, as SVG, or as an OpenPose file."""
    ending = "json" if file_format.startswith("openpose") else file_format.value
    path = out or Path(f"{pose_id}.{ending}")
    save(path, open_gateway().skeleton(pose_id, file_format))
    console.print(str(path), highlight=False, markup=False, soft_wrap=True)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="An OpenPose file (JSON).")],
    width: Annotated[int, typer.Option(help="Pixels of the picture that its points refer to.")],
    height: Annotated[int, typer.Option(help="Pixels.")],
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """Keep the pose of an OpenPose file."""
    try:
        content = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read as text", reason="OPENPOSE_JSON") from error
    gateway = open_gateway()
    found = pick_project(gateway, project)
    _say(gateway.import_pose(found.id, content, size_wh=(width, height)), as_json=as_json)


@app.command("transfer")
def transfer(
    character: Annotated[str, typer.Argument(help="The character's picture: a file or an id.")],
    pose: Annotated[str, typer.Argument(help="Id of a pose.")],
    person: Annotated[int | None, typer.Option(help="Which person of the pose, from 0.")] = None,
    steps: int | None = None,
    guidance: Annotated[float | None, typer.Option(help="How closely to follow the character.")] = None,
    seed: Seed = None,
    count: Annotated[int | None, typer.Option(help="How many pictures.")] = None,
    width: int | None = None,
    height: int | None = None,
    fit: Annotated[Fit | None, typer.Option(help="See all of the character, or let it cover the result.")] = None,
    own_proportions: Annotated[
        bool, typer.Option("--own-proportions", help="The pose's limbs get the lengths of the character's own.")
    ] = False,
    character_pose: Annotated[
        str | None, typer.Option(help="Id of the character's own pose; otherwise it is looked for.")
    ] = None,
    style: Annotated[list[str] | None, typer.Option(help="<id>[:lora[:<weight>]]; may be repeated.")] = None,
    transparent: Annotated[bool, typer.Option("--transparent", help="Nothing is seen but the character.")] = False,
    project: ProjectName = None,
    out: OutFolder = Path(),
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Draw a character in a pose."""
    gateway = open_gateway()
    found = pick_project(gateway, project)
    request = PoseTransferRequest(
        character_picture_id=upload_or_id(gateway, found.id, character),
        pose_id=pose,
        person_index=person,
        steps=steps,
        guidance=guidance,
        seed=seed,
        count=count,
        width=width,
        height=height,
        character_fit=fit,
        own_proportions=own_proportions or None,
        character_pose_id=character_pose,
        transparent_background=transparent or None,
        styles=[parse_style(given) for given in style or []],
    )
    job = gateway.transfer_pose(found.id, request)
    finish(gateway, job, label="re-posing", as_json=as_json, out_folder=None if no_wait else out)


def _turned(person: Person, given: str) -> Person:
    limb, _, degrees = given.partition("=")
    try:
        return turn_limb(person, limb, float(degrees))
    except ValueError as error:
        raise InvalidInput(f"--turn {given!r} is not <limb>=<degrees>", reason="TURN_FORM") from error


def _say(pose: Pose, *, as_json: bool) -> None:
    if as_json:
        print_json(pose)
        return
    how = ", the whole picture taken for one" if pose.used_whole_picture else ""
    console.print(f"pose {pose.id}   people: {len(pose.people)}{how}", highlight=False, soft_wrap=True)
