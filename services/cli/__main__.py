"""oma: the command line of Oh My Assistant."""

import json
import sys

import typer
from rich.markup import escape

from services.cli.commands import (
    accounts,
    admin,
    assets,
    backgrounds,
    demo,
    identity,
    jobs,
    mesh,
    models,
    poses,
    projects,
    styles,
)
from services.cli.credentials import gateways_closed_at_the_end
from services.cli.failures import Exit, Expected, exit_code
from services.cli.output import errors

app = typer.Typer(
    help="Learns a webtoon artist's drawing style and does the tedious drawing with it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help has square brackets of its own
)
for command in (mesh.up, mesh.down, mesh.status, demo.demo, identity.assertion):
    app.command()(command)
for name, group in {
    "account": accounts.app,
    "project": projects.app,
    "style": styles.app,
    "background": backgrounds.app,
    "pose": poses.app,
    "assets": assets.app,
    "jobs": jobs.app,
    "models": models.app,
    "admin": admin.app,
}.items():
    app.add_typer(group, name=name)


def run(arguments: list[str]) -> int:
    """Run one command; returns the exit code. Failures are told on stderr, as JSON when --json was asked for."""
    try:
        with gateways_closed_at_the_end():
            app(arguments, prog_name="oma")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else Exit.BUG
    except Expected as error:
        if "--json" in arguments:
            told = {"error": {"reason": error.reason, "message": str(error)}}
            print(json.dumps(told, ensure_ascii=False), file=sys.stderr)
        else:
            errors.print(f"[red]oma:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        return exit_code(error)
    return Exit.DONE


def main() -> None:
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
