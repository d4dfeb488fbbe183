"""oma assertion: lets a program on this machine act for an owner, while it is being developed."""

from typing import Annotated

import typer

from services.cli.commands.mesh import DataFolder
from services.cli.failures import CommandFailed, Exit
from services.cli.mesh.programs import keys_folder
from services.cli.paths import default_data_folder
from services.common.identity.assertions import Signer
from services.common.identity.keys import SIGNING_FILE, signing_key


def assertion(
    owner: Annotated[str, typer.Argument(help="Whom the call acts for: an account's id, or any name of your own.")],
    service: Annotated[str, typer.Argument(help="Full name of the service, such as oma.style.v1.StyleTrainService.")],
    data: DataFolder = None,
) -> None:
    """Print an owner assertion for calls to one service of the mesh on this machine; it is valid for 90 seconds."""
    file = keys_folder((data or default_data_folder()).resolve()) / SIGNING_FILE
    try:
        signer = Signer(signing_key(file))
    except ValueError as error:
        raise CommandFailed(f"{error}: start a mesh with `oma up`", reason="NO_KEY", code=Exit.NOT_FOUND) from error
    typer.echo(signer.sign(owner, audience=service))
