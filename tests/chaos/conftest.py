"""Where the chaos tests keep what they measured, and on which databases they run."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.arena import Arena

Measure = Callable[..., None]
NewArena = Callable[..., Arena]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def new_arena(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewArena]:
    """Makes an arena on an empty database of this kind; each is closed at the end."""
    opened: list[Arena] = []

    def make(**options: Any) -> Arena:
        folder = tmp_path / str(len(opened))
        if database == "postgresql":
            url = request.getfixturevalue("postgres").new_database()
        else:
            url = f"sqlite:///{folder}/queue.db"
        opened.append(Arena(url=url, folder=folder, **options).__enter__())
        return opened[-1]

    yield make
    for arena in opened:
        arena.__exit__(None, None, None)
        assert arena.complaints() == ""


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measure:
    """Keeps figures for the scoreboard, when there is to be one."""
    folder = os.environ.get("OMA_CHAOS_FIGURES")

    def keep(**figures: Any) -> None:
        if folder is not None:
            name = request.node.name.replace("/", "-")
            Path(folder).mkdir(parents=True, exist_ok=True)
            load = os.getloadavg()[0]
            (Path(folder) / f"{name}.json").write_text(json.dumps({"test": name, "load": round(load, 1), **figures}))

    return keep
