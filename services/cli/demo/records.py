"""What a demo leaves behind: pictures with their captions, timings, and the ids of what was made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One picture of the sheet and the page. `settings` are those that the service drew it with."""

    path: Path
    caption: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Pictures that belong together. `note` is for the page only, where Hangul can be shown everywhere."""

    title: str
    note: str = ""
    tiles: list[Tile] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long one step took. `retries` counts jobs that failed once and were run again."""

    step: str
    seconds: float
    retries: int
    result: str


@dataclass(slots=True, kw_only=True)
class Story:
    """All that happened so far; grows step by step."""

    sections: list[Section] = field(default_factory=list)
    timings: list[Timing] = field(default_factory=list)
    ids: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    failed: str = ""

    def seconds(self) -> float:
        return sum(timing.seconds for timing in self.timings)
