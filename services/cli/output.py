"""What commands print: a table for people, JSON for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

# A pipe has no width; what reads from one wants whole lines.
console = Console(width=None if sys.stdout.isatty() else 200)
errors = Console(stderr=True)


def print_json(value: Any) -> None:
    """Records and lists of records too; Hangul stays Hangul."""
    plain = json.dumps(value, ensure_ascii=False, indent=2, default=_as_plain)
    print(plain)


def show(records: Sequence[BaseModel] | BaseModel, columns: Sequence[str], *, as_json: bool) -> None:
    """Print records whole as JSON, or only `columns` of them as a table."""
    if as_json:
        print_json(records)
        return
    rows = [records] if isinstance(records, BaseModel) else records
    show_rows([{name: getattr(row, name) for name in columns} for row in rows], columns)


def show_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_as_words(row[name]) for name in columns))
    console.print(table, highlight=False)
    if not rows:
        console.print("none", style="dim")


def _as_words(value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return "" if value is None else ", ".join(value) if isinstance(value, list) else str(value)


def _as_plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return str(value)
