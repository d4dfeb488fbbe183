"""Of a folder of photographs everybody hears what became of each one, however the round ended."""

import itertools
import json
from collections import Counter
from pathlib import Path

import httpx
import pytest

from services.cli.client import ApiError, Gateway
from services.cli.client.requests import BackgroundRequest
from services.cli.commands.photographs import AT_ONCE, Became, Walk
from services.cli.failures import CommandFailed, Exit
from tests.fakes.scripted_gateway import Answer, ScriptedGateway, event, events, job, refusal

URL = "http://gateway.test"
RESULT = {"id": "r1", "index": 0, "seed": 7, "width": 8, "height": 8, "url": "/files/r1"}
PICTURE = {
    "project_id": "p1",
    "filename": "a.png",
    "width": 8,
    "height": 8,
    "media_type": "image/png",
    "size_bytes": 10,
    "url": "/files/p",
}
UPLOAD, DRAW = "POST /projects/p1/pictures", "POST /projects/p1/backgrounds/batch"


def begin(request: httpx.Request) -> httpx.Response:
    """A job for each picture, all of them called after it."""
    ids = json.loads(request.content)["picture_ids"]
    return httpx.Response(202, json={"jobs": [job("queued", id=f"job-of-{one}") for one in ids], "refused": []})


class Folder:
    """Some photographs, and a gateway that draws over them but for what a test has it do."""

    def __init__(self, folder: Path, count: int) -> None:
        self.paths = [folder / f"{number:03d}.png" for number in range(count)]
        for path in self.paths:
            path.write_bytes(b"photograph")
        self.out = folder / "drawn"
        self.script: dict[str, list[Answer]] = {UPLOAD: [self._upload], DRAW: [begin], "GET /files/r1": [self._file]}
        self.numbers = itertools.count()
        for number in range(count):
            drawn = event(job("succeeded", id=f"job-of-{number}", results=[RESULT]), 2)
            self.script[f"GET /jobs/job-of-{number}/events"] = [events(drawn)]

    def walk(self) -> tuple[Walk, ApiError | CommandFailed | None]:
        gateway = Gateway(URL, token="t0k3n", patience_seconds=0, transport=ScriptedGateway(self.script))
        walk = Walk(
            gateway=gateway, project_id="p1", paths=self.paths, request=BackgroundRequest(prompt="노을"), out=self.out
        )
        return walk, walk.run()

    def _upload(self, _request: httpx.Request) -> httpx.Response:
        number = next(self.numbers)
        return httpx.Response(201, json={**PICTURE, "id": str(number)})

    def _file(self, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"drawn")


def states(walk: Walk) -> dict[Became, int]:
    assert set(walk.told) == set(walk.paths)
    return dict(Counter(one.state for one in walk.told.values()))


def test_a_folder_of_more_than_one_block_is_drawn_over(tmp_path: Path) -> None:
    folder = Folder(tmp_path, AT_ONCE + 2)
    walk, ended = folder.walk()
    assert (ended, states(walk)) == (None, {Became.DRAWN: AT_ONCE + 2})
    assert len(list(folder.out.iterdir())) == AT_ONCE + 2


def test_a_block_that_is_refused_is_said_and_the_next_is_tried(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 2 * AT_ONCE + 1)
    folder.script[DRAW] = [begin, refusal(409, "STYLE_GONE", "that style was deleted"), begin]
    walk, ended = folder.walk()
    assert ended is None
    assert states(walk) == {Became.DRAWN: AT_ONCE + 1, Became.REFUSED: AT_ONCE}
    assert walk.told[folder.paths[AT_ONCE]].error == "that style was deleted"


@pytest.mark.parametrize(
    ("answer", "status", "block"),
    [
        (refusal(429, "TOO_MANY", "the queue is full"), 429, Became.REFUSED),
        (httpx.ReadError("lost"), 0, Became.UNKNOWN),
    ],
)
def test_where_there_is_no_going_on_the_rest_is_said_to_be_untried(
    tmp_path: Path, answer: Answer, status: int, block: Became
) -> None:
    folder = Folder(tmp_path, 2 * AT_ONCE + 1)
    folder.script[DRAW] = [begin, answer]
    walk, ended = folder.walk()
    assert isinstance(ended, ApiError)
    assert ended.status == status
    assert states(walk) == {Became.DRAWN: AT_ONCE, block: AT_ONCE, Became.NOT_TRIED: 1}


def test_when_the_connection_ends_amid_a_block_its_jobs_are_named(tmp_path: Path) -> None:
    folder = Folder(tmp_path, AT_ONCE + 3)
    folder.script["GET /files/r1"] = [httpx.Response(200, content=b"drawn"), httpx.ConnectError("refused")]
    walk, ended = folder.walk()
    assert isinstance(ended, ApiError)
    assert states(walk) == {Became.DRAWN: 1, Became.GOES_ON: AT_ONCE - 1, Became.NOT_TRIED: 3}
    assert walk.told[folder.paths[1]].job_id == "job-of-1"
    assert "oma jobs watch job-of-1" in (walk.told[folder.paths[1]].error or "")


def test_when_the_connection_ends_before_anything_is_asked_for_nothing_was_tried(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 3)
    folder.script[UPLOAD] = [httpx.ConnectError("refused")]
    walk, ended = folder.walk()
    assert isinstance(ended, ApiError)
    assert states(walk) == {Became.NOT_TRIED: 3}


def test_a_file_that_cannot_be_read_or_a_job_that_fails_takes_no_other_with_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 3)
    folder.paths[0].unlink()
    failed = job("failed", id="job-of-0", error={"reason": "NOT_FINITE", "message": "the drawing came out empty"})
    folder.script["GET /jobs/job-of-0/events"] = [events(event(failed, 2))]
    walk, ended = folder.walk()
    assert ended is None
    assert [walk.told[path].state for path in folder.paths] == [Became.REFUSED, Became.FAILED, Became.DRAWN]


def test_a_folder_that_cannot_be_written_to_ends_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 2)
    folder.out.write_bytes(b"a file in its place")
    walk, ended = folder.walk()
    assert isinstance(ended, CommandFailed)
    assert ended.code is Exit.REFUSED
    assert states(walk) == {Became.GOES_ON: 2}
