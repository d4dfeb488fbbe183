"""What another team gets: a small wheel, and a page from which a program can be written that works."""

import asyncio
import os
import re
import signal
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.cli.mesh.running import MeshOptions, running_mesh, start_mesh
from services.common.artifacts import FolderStore
from services.common.identity.keys import write_keys
from tests.fakes.artists import png
from tests.fakes.families import build_random_family
from tests.fakes.model_services import FakeServices
from tests.fakes.owners import KEY
from tests.fakes.pose_families import build_pose_family
from tests.stubs.conftest import ROOT, Newcomer

ADDRESSES = ("STYLE_TRAIN", "BACKGROUND", "POSE_ESTIMATION", "POSE_TRANSFER")


def test_the_wheel_brings_stubs_and_loops_with_types_and_needs_two_packages(newcomer: Newcomer) -> None:
    with zipfile.ZipFile(newcomer.wheel) as wheel:
        names = wheel.namelist()
        (metadata,) = (wheel.read(name).decode() for name in names if name.endswith("METADATA"))
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {"oma", "oma_stubs"}
    assert {"oma/py.typed", "oma_stubs/py.typed", "oma/style/v1/style_train_service_pb2.pyi"} <= set(names)
    needed = re.findall(r"^Requires-Dist: ([a-z]+)", metadata, re.MULTILINE)
    assert needed == ["grpcio", "protobuf"]


async def lines_of(newcomer: Newcomer, folder: Path, environment: dict[str, str]) -> AsyncIterator[str]:
    """What the page's program says, line by line; it must end well."""
    for name, colour in (("hand.png", "red"), ("photo.png", "blue")):
        (folder / name).write_bytes(png(64, 64, colour))
    program = await asyncio.create_subprocess_exec(
        *(str(newcomer.python), "-I", str(newcomer.program), "hand.png", "photo.png"),
        env=newcomer.environment(OUT=str(folder), **environment),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert program.stdout
    assert program.stderr
    try:
        async for line in program.stdout:
            yield line.decode().strip()
        said = await program.stderr.read()
        assert await program.wait() == 0, said.decode()
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()


async def test_the_pages_program_works_although_the_services_go_away_in_the_middle(
    newcomer: Newcomer, tmp_path: Path
) -> None:
    write_keys(tmp_path / "data/keys", KEY)
    services = FakeServices(FolderStore(tmp_path / "artifacts"))
    await services.start()
    services.training.script.hold_at_step = 2
    told = dict.fromkeys(ADDRESSES, services.address) | {"OMA_DATA": str(tmp_path / "data")}
    said = []
    async for line in lines_of(newcomer, tmp_path, told):
        said.append(line)
        if line == "training STATE_RUNNING 2/4":
            await services.stop()
            services.training.script.hold_at_step = None
            await services.start()
    await services.stop()
    assert said[-2:] == ["refused NOT_FOUND NO_TRAINING no use to try again", "done"]
    assert "training STATE_SUCCEEDED 4/4" in said
    (drawn,) = (request for request in services.background.script.requests if hasattr(request, "styles"))
    assert [style.key for style in drawn.styles] == ["mina/style/ink-1/1.safetensors"]
    assert services.training.deleted == ["ink-1"]


@pytest.mark.slow
@pytest.mark.timeout(1500)
async def test_the_pages_program_works_on_a_real_mesh_whose_training_service_is_killed(
    newcomer: Newcomer, tmp_path: Path
) -> None:
    family, data = tmp_path / "family", tmp_path / "data"
    build_pose_family(family)
    build_random_family(family)
    data.mkdir()
    options = MeshOptions(root=ROOT, data_folder=data, family=family, http_port=0)
    started = await asyncio.to_thread(start_mesh, options, outlives_us=False)
    children = {child.name.upper().replace("-", "_"): child for child in started.state.children}
    told = {name: str(children[name].address) for name in ADDRESSES} | {"OMA_DATA": str(data)}
    killed, said = False, []
    try:
        async for line in lines_of(newcomer, tmp_path, told):
            said.append(line)
            if not killed and line.startswith("training STATE_RUNNING"):
                process = children["STYLE_TRAIN"].process
                assert process
                os.kill(process.pid, signal.SIGKILL)
                killed = True
        state = running_mesh(data)
        assert state
        restarts = {child.name: child.restarts for child in state.children}
    finally:
        await asyncio.to_thread(started.stop, data)
    assert said[-1] == "done"
    assert killed
    assert restarts["style-train"] == 1
    for name in ("background.png", "skeleton.png", "character.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG"), name
