"""What the chaos tests measured, as a table and then in a line of JSON: `python -m tests.chaos.scoreboard FOLDER`."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Figures = dict[str, Any]
WHAT_MUST_BE_NOTHING = (
    *("lost", "finished_twice", "wrong", "faults", "unequal"),
    *("unfinished", "twice", "results_wrong", "dangling", "orphans"),
)


def read(folder: Path) -> list[Figures]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def total(of: Iterable[Figures], name: str) -> int:
    values = (one.get(name, 0) for one in of)
    return sum(len(value) if isinstance(value, list) else int(value) for value in values)


def database(all_of_it: list[Figures], name: str) -> Figures:
    """One database's row."""
    mine = [one for one in all_of_it if one.get("database") == name]
    delays = [delay for one in mine for delay in one.get("delays", [])]
    sums = ("jobs", "kills", "stops", "restarts", "refused_writes", "lost", "finished_twice", "wrong")
    return {key: total(mine, key) for key in sums} | {
        "takeovers": len(delays),
        "slowest_takeover_seconds": round(max(delays), 2) if delays else None,
        "lease_seconds": next((one["lease_seconds"] for one in mine if "lease_seconds" in one), None),
    }


def board(all_of_it: list[Figures]) -> Figures:
    simulated = [one for one in all_of_it if "schedules" in one]
    trained = [one for one in all_of_it if "trainings" in one]
    whole = [one for one in all_of_it if "whole_mesh" in one]
    return {
        **({f"whole mesh {number}": one for number, one in enumerate(whole, start=1)} or {"whole mesh": "not run"}),
        "sqlite": database(all_of_it, "sqlite"),
        "postgresql": database(all_of_it, "postgresql"),
        "simulated": {key: total(simulated, key) for key in ("schedules", "refused_writes", "set_aside", "faults")},
        "trainings": {
            key: total(trained, key) for key in ("trainings", "finished", "worker_kills", "child_kills", "unequal")
        }
        | {"largest_difference": max((one["largest_difference"] for one in trained), default=None)},
        "highest_load": max((one["load"] for one in all_of_it), default=None),
    }


def main(say: Callable[[str], object]) -> int:
    figures = board(read(Path(sys.argv[1])))
    for name, row in figures.items():
        cells = row.items() if isinstance(row, dict) else [("", row)]
        say(f"{name:<14}" + "  ".join(f"{key} {value}" for key, value in cells).strip() + "\n")
    say(json.dumps(figures) + "\n")
    rows = [row for row in figures.values() if isinstance(row, dict)]
    return int(any(row.get(name) for row in rows for name in WHAT_MUST_BE_NOTHING))


if __name__ == "__main__":
    sys.exit(main(sys.stdout.write))
