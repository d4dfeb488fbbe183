"""oma models: the weights on this machine."""

import typer

from services.cli.failures import CommandFailed, Exit
from services.cli.output import AsJson, print_json, show_rows
from services.cli.paths import project_root
from services.common.families import MANIFEST, Family, damaged_files, load_family

app = typer.Typer(help="Model families on this machine.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the families found under models/."""
    found = [_described(family) for family in _families()]
    if as_json:
        print_json(found)
    else:
        show_rows(found, ("name", "licence", "resolution", "files", "megabytes", "folder"))


@app.command("verify")
def verify(as_json: AsJson = False) -> None:
    """Compare every file with its manifest; ends with 9 if one is damaged."""
    families = _families()
    if not families:
        raise CommandFailed(
            f"no model family under {project_root() / 'models'}", reason="NO_FAMILY", code=Exit.NOT_FOUND
        )
    found = [
        {"name": family.name, "folder": str(family.folder), "damaged": damaged_files(family)} for family in families
    ]
    if as_json:
        print_json(found)
    else:
        rows = [{**row, "damaged": ", ".join(row["damaged"]) or "no"} for row in found]
        show_rows(rows, ("name", "damaged", "folder"))
    if any(row["damaged"] for row in found):
        raise CommandFailed(
            "files are missing or are not what their manifest says: fetch them again",
            reason="DAMAGED",
            code=Exit.DAMAGED,
        )


def _families() -> list[Family]:
    """Every family with a manifest that says what it must.

    Raises:
        NotReady: a manifest does not.
    """
    manifests = sorted((project_root() / "models").glob(f"*/weights/{MANIFEST}"))
    return [load_family(manifest.parent) for manifest in manifests]


def _described(family: Family) -> dict[str, object]:
    sizes = [path.stat().st_size for name in family.files if (path := family.folder / name).is_file()]
    return {
        "name": family.name,
        "licence": family.licence,
        "resolution": family.resolution,
        "files": len(family.files),
        "megabytes": round(sum(sizes) / 1e6, 1),
        "folder": str(family.folder),
    }
