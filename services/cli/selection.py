"""Turns what a user types into ids: a project's name, a picture's path, a style with its weight."""

import os
from pathlib import Path
from typing import Annotated

import typer

from services.cli.client import Gateway
from services.cli.client.records import Project
from services.cli.client.requests import StyleChoice
from services.common.errors import InvalidInput, NotFound

ProjectName = Annotated[
    str | None,
    typer.Option("--project", "-p", envvar="OMA_PROJECT", help="Id or name. [default: the only project there is]"),
]


def pick_project(gateway: Gateway, given: str | None) -> Project:
    """The project meant by an id or a name, or the only one.

    Raises:
        NotFound: there is none such.
        InvalidInput: several could be meant.
    """
    projects = gateway.projects()
    found = [project for project in projects if given is None or given in (project.id, project.name)]
    if not found:
        raise NotFound(f"no project {given or ''}: see `oma project list`", reason="NO_PROJECT")
    if len(found) > 1:
        names = ", ".join(f"{project.name} ({project.id})" for project in found)
        raise InvalidInput(f"which project? {names}: say --project <id>", reason="WHICH_PROJECT")
    return found[0]


def upload_or_id(gateway: Gateway, project_id: str, given: str) -> str:
    """The picture's id: of an uploaded one as it is, of a file after uploading it.

    Raises:
        NotFound: it looks like a path, and no file is there.
    """
    path = Path(given)
    if path.is_file():
        return gateway.upload_picture(project_id, path).id
    if path.suffix or os.sep in given:
        raise NotFound(f"no file {given}", reason="NO_FILE")
    return given


def parse_style(given: str) -> StyleChoice:
    """`<style id>[:<method>[:<weight>]]`; the method is lora when it is not said.

    Raises:
        InvalidInput: not of that form.
    """
    style_id, method, weight = (*given.split(":"), "", "")[:3]
    try:
        return StyleChoice(style_id=style_id, method=method or "lora", weight=float(weight) if weight else None)
    except ValueError as error:
        raise InvalidInput(f"--style {given!r} is not <id>[:<method>[:<weight>]]", reason="STYLE_FORM") from error
