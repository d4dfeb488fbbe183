"""An artist's commands against the real gateway: what they do there, what they print, how they end."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from oma.style.v1 import style_train_service_pb2 as training_pb
from PIL import Image

from services.cli.__main__ import run
from services.cli.failures import Exit
from services.gateway.edge import Edge
from services.gateway.gateway import Gateway
from services.gateway.worker.dispatch import Dispatcher
from tests.fakes.artists import PASSWORD, png
from tests.fakes.model_services import FakeServices
from tests.fakes.postgres import free_port
from tests.unit.gateway.conftest import (  # noqa: F401 (fixtures)
    api,
    database_url,
    empty_database,
    gateway,
    make_worker,
    services,
    store,
    worker,
)


def open_picture(path: str) -> bytes:
    with Image.open(path) as picture:
        return picture.tobytes()


class Terminal:
    """Somebody who types `oma`; the gateway runs in this process, so that commands run in a thread."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self.folder = folder
        self.said = ""
        self._capsys = capsys

    async def oma(self, *arguments: object, code: Exit = Exit.DONE) -> str:
        """What it printed."""
        ended = await asyncio.to_thread(run, [str(argument) for argument in arguments])
        out, self.said = self._capsys.readouterr()
        assert ended == code, self.said
        return out

    def files(self, folder: str) -> list[str]:
        return sorted(str(path) for path in (self.folder / folder).iterdir())

    async def told(self, *arguments: object, code: Exit = Exit.DONE) -> Any:
        return json.loads(await self.oma(*arguments, "--json", code=code))


@pytest.fixture
async def terminal(
    gateway: Gateway,  # noqa: F811
    api: FastAPI,  # noqa: F811
    worker: Dispatcher,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Terminal]:
    """Signed up, with one project and one picture file."""
    api.state.gateway = gateway
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(Edge(api), host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    running = asyncio.create_task(server.serve())
    for name in ("OMA_TOKEN", "OMA_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMA_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("OMA_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("OMA_PASSWORD", PASSWORD)
    made = Terminal(capsys, tmp_path)
    await made.oma("account", "sign-up", "--email", "artist@example.com", "--name", "화가")
    await made.oma("project", "create", "달빛 아래")
    (tmp_path / "그림.png").write_bytes(png())
    yield made
    gateway.stopping.set()
    server.should_exit = True
    await running


async def test_a_style_is_learned_in_versions_shown_exported_and_deleted(
    terminal: Terminal,
    services: FakeServices,  # noqa: F811
) -> None:
    picture = terminal.folder / "그림.png"
    first = await terminal.told("style", "train", picture, "--name", "잉크", "--preset", "quick")
    assert first["state"] == "succeeded"
    second = await terminal.told("style", "train", picture, "--name", "잉크", "--next-of", first["style_id"])
    versions = await terminal.told("style", "versions", first["style_id"])
    assert [(one["id"], one["version"], one["in_use"]) for one in versions] == [
        (second["style_id"], 2, False),
        (first["style_id"], 1, True),
    ]
    assert [one["id"] for one in await terminal.told("style", "list")] == [first["style_id"]]
    assert len(await terminal.told("style", "list", "--all")) == 2
    await terminal.oma("style", "use", second["style_id"])
    assert [one["id"] for one in await terminal.told("style", "list")] == [second["style_id"]]
    await terminal.oma("style", "rename", second["style_id"], "--name", "먹", "--note", "thinner")
    shown = await terminal.told("style", "show", second["style_id"], "--out", terminal.folder / "samples")
    assert (shown["name"], shown["note"]) == ("먹", "thinner")
    drawn = len(shown["sample_urls"]) + len(shown["checkpoint_samples"])
    assert len(terminal.files("samples")) == drawn > len(shown["sample_urls"]) > 0
    await terminal.oma("style", "export", second["style_id"], "--out", terminal.folder / "a/b.safetensors")
    assert (terminal.folder / "a/b.safetensors").read_bytes().startswith(b"style")
    await terminal.oma("style", "export", second["style_id"], "--out", "/proc/no/b", code=Exit.REFUSED)
    await terminal.oma("style", "delete", second["style_id"], "--yes")
    await terminal.oma("style", "show", second["style_id"], code=Exit.NOT_FOUND)
    assert services.training.deleted == [versions[0]["job_id"]]


async def test_assets_are_found_starred_thrown_away_brought_back_and_downloaded(terminal: Terminal) -> None:
    job = await terminal.told("background", "draw", "노을", "--count", 2, "--out", terminal.folder / "drawn")
    assert terminal.files("drawn") == sorted(job["saved"])
    results = [result["id"] for result in job["results"]]
    sea = (await terminal.told("assets", "save", "바다", results[0]))["id"]
    alley = (await terminal.told("assets", "save", "골목", results[1], "--description", "밤"))["id"]
    assert [one["id"] for one in await terminal.told("assets", "search", "골")] == [alley]
    await terminal.oma("assets", "star", sea)
    assert [one["id"] for one in await terminal.told("assets", "list", "--starred")] == [sea]
    await terminal.oma("assets", "star", sea, "--off")
    assert await terminal.told("assets", "list", "--starred") == []
    await terminal.oma("assets", "move", "3화/5컷", alley)
    (tagged,) = await terminal.told("assets", "tag", alley, "비 오는 밤", "지붕")
    assert (tagged["folder"], tagged["tags"]) == ("3화/5컷", ["비 오는 밤", "지붕"])
    assert [one["id"] for one in await terminal.told("assets", "search", "지붕")] == [alley]
    for folder, found in (("3화", [alley]), ("", [sea])):
        assert [one["id"] for one in await terminal.told("assets", "list", "--folder", folder)] == found
    assert [one["id"] for one in await terminal.told("assets", "list", "--order", "name")] == [alley, sea]
    await terminal.oma("assets", "move", "", alley)
    assert (await terminal.told("assets", "tag", alley))[0]["tags"] == []
    await terminal.oma("assets", "trash", alley)
    assert [one["id"] for one in await terminal.told("assets", "list", "--trash")] == [alley]
    await terminal.oma("assets", "restore", alley)
    assert {one["id"] for one in await terminal.told("assets", "list", "--kind", "background")} == {sea, alley}
    saved = (await terminal.told("assets", "get", alley, "--out", terminal.folder / "kept"))["saved"]
    assert terminal.files("kept") == saved
    assert open_picture(saved[0]) == open_picture(job["saved"][1]) != open_picture(job["saved"][0])
    await terminal.oma("assets", "zip", alley, "--out", terminal.folder / "one.zip")
    with zipfile.ZipFile(terminal.folder / "one.zip") as archive:
        assert len(archive.namelist()) == 1
    await terminal.oma("assets", "delete", sea, "--yes")
    await terminal.oma("assets", "get", sea, code=Exit.NOT_FOUND)
    assert "골목" in await terminal.oma("assets", "list")


async def test_a_pose_is_found_turned_and_drawn_again(terminal: Terminal) -> None:
    picture, skeleton = terminal.folder / "그림.png", terminal.folder / "out/skeleton.png"
    pose = (await terminal.told("pose", "estimate", picture, "--out", skeleton))["id"]
    assert skeleton.read_bytes().startswith(b"\x89PNG")
    assert pose in await terminal.oma("pose", "list")
    drawn = await terminal.told("pose", "transfer", picture, pose, "--seed", 7, "--out", terminal.folder / "posed")
    assert [result["seed"] for result in drawn["results"]] == [7]
    assert len(terminal.files("posed")) == 1


async def test_a_transfer_takes_every_choice_there_is(
    terminal: Terminal,
    services: FakeServices,  # noqa: F811
) -> None:
    picture = terminal.folder / "그림.png"
    looks = ("--max-people", 2, "--min-score", 0.5, "--min-pose-score", 0.6, "--person", 0)
    pose = (await terminal.told("pose", "estimate", picture, *looks))["id"]
    looked = services.estimation.script.requests[0]
    assert (looked.max_people, looked.min_score, looked.person) == (2, 0.5, 0)
    choices = ("--fit", "crop", "--own-proportions", "--character-pose", pose, "--transparent", "--steps", 3)
    await terminal.told("pose", "transfer", picture, pose, *choices, "--out", terminal.folder / "posed")
    asked = services.transfer.script.requests[0]
    assert (asked.steps, asked.transparent_background, asked.character_fit) == (3, True, 2)
    assert asked.HasField("character_skeleton")


async def test_a_skeleton_goes_out_to_another_program_and_comes_back(terminal: Terminal) -> None:
    pose = (await terminal.told("pose", "estimate", terminal.folder / "그림.png"))["id"]
    for ending in ("svg", "openpose-18", "openpose-25"):
        await terminal.oma("pose", "export", pose, "--format", ending, "--out", terminal.folder / ending)
    assert (terminal.folder / "svg").read_text().startswith("<svg")
    size = ("--width", 64, "--height", 48)
    read = await terminal.told("pose", "import", terminal.folder / "openpose-25", *size)
    assert len(read["people"][0]["keypoints"]) == 133
    await terminal.oma("pose", "import", terminal.folder / "svg", *size, code=Exit.REFUSED)
    await terminal.oma("pose", "import", terminal.folder / "none", *size, code=Exit.REFUSED)


async def test_a_job_that_was_not_waited_for_is_taken_up_or_cancelled(
    terminal: Terminal,
    services: FakeServices,  # noqa: F811
) -> None:
    services.background.script.hold_at_step = 1
    job = await terminal.told("background", "draw", "노을", "--no-wait")
    await services.background.script.held.wait()
    await terminal.oma("jobs", "cancel", job["id"])
    await terminal.oma("jobs", "watch", job["id"], code=Exit.JOB_CANCELLED)
    assert job["id"] in terminal.said


async def test_a_folder_of_photographs_is_drawn_over_and_a_broken_one_takes_no_other_with_it(
    terminal: Terminal,
    services: FakeServices,  # noqa: F811
) -> None:
    photographs = terminal.folder / "photographs"
    photographs.mkdir()
    for name in ("a.png", "c.png"):
        (photographs / name).write_bytes(png())
    (photographs / "b.jpg").write_bytes(b"this is no picture")
    (photographs / "notes.txt").write_text("not one either")
    out = terminal.folder / "drawn"
    told = await terminal.told(
        "background", "draw-folder", photographs, "--strength", "0.5", "--out", out, code=Exit.JOB_FAILED
    )
    assert [Path(one["file"]).name for one in told] == ["a.png", "b.jpg", "c.png"]
    assert [bool(one["error"]) for one in told] == [False, True, False]
    assert [Path(path).name for path in terminal.files("drawn")] == ["a_01.png", "c_01.png"]
    assert "1 of 3" in terminal.said


async def test_warnings_about_pictures_stop_a_training_unless_the_artist_goes_on(
    terminal: Terminal,
    services: FakeServices,  # noqa: F811
) -> None:
    services.training.findings = [training_pb.PictureFinding(code="TOO_FEW", message="1 pictures are few")]
    picture = terminal.folder / "그림.png"
    await terminal.oma("style", "train", picture, "--name", "잉크", code=Exit.REFUSED)
    assert "1 pictures are few" in terminal.said
    job = await terminal.told("style", "train", picture, "--name", "잉크", "--go-on", "--strength", "1.5")
    assert job["state"] == "succeeded"
    services.training.findings[0].is_error = True
    await terminal.oma("style", "train", picture, "--name", "잉크", "--go-on", code=Exit.REFUSED)


async def test_a_style_goes_out_in_another_dialect_and_comes_in_again(
    terminal: Terminal,
    services: FakeServices,  # noqa: F811
) -> None:
    picture = terminal.folder / "그림.png"
    style = (await terminal.told("style", "train", picture, "--name", "잉크"))["style_id"]
    file = terminal.folder / "ink.safetensors"
    await terminal.oma("style", "export", style, "--out", file, "--dialect", "diffusers", "--precision", "fp32")
    assert file.read_bytes() == b"style 1 2 3"
    brought = await terminal.told("style", "import", file, "--name", "먹")
    assert (brought[0]["name"], brought[0]["files"][0]["method"]) == ("먹", "lora")
