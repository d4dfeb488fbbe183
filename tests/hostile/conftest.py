"""Counts what was sent and what came of it; `make test-hostile` prints the counts as one line of JSON at the end."""

import json
from collections import Counter

import pytest

COUNTS = pytest.StashKey[dict[str, Counter[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COUNTS] = {}


@pytest.fixture
def outcomes(request: pytest.FixtureRequest) -> Counter[str]:
    """What came of each hostile thing, by a word; shown by the name of the test."""
    name: str = request.node.name
    return request.config.stash[COUNTS].setdefault(name, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if counts := config.stash.get(COUNTS, {}):
        terminalreporter.write_line(json.dumps({"hostile": {name: dict(found) for name, found in counts.items()}}))
