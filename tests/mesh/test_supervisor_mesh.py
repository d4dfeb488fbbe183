"""The whole mesh as `oma up` starts it, with a random family: what a killed service costs an artist."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.client import ApiError, Gateway
from services.cli.client.records import JobState, Project
from services.cli.client.requests import BackgroundRequest
from services.cli.mesh.processes import find
from services.cli.mesh.running import MeshOptions, running_mesh, start_mesh, stop_mesh
from services.cli.mesh.state import ChildRecord, ChildState, MeshState
from tests.fakes.families import build_random_family
from tests.fakes.pose_families import build_pose_family

pytestmark = pytest.mark.timeout(900)  # seven processes, four of which load torch
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mesh")


@pytest.fixture(scope="module")
def mesh(data_folder: Path) -> Iterator[MeshState]:
    family = data_folder / "family"
    build_pose_family(family)
    build_random_family(family)
    options = MeshOptions(root=ROOT, data_folder=data_folder, family=family, http_port=0)
    started = start_mesh(options, outlives_us=False)
    yield started.state
    started.stop(data_folder)


def sign_up(gateway: Gateway, email: str) -> str:
    """A token of a new account."""
    gateway.sign_up(email=email, password="0123456789", name="Artist")
    return gateway.create_token(email=email, password="0123456789", label="test").token


@pytest.fixture(scope="module")
def artist(mesh: MeshState) -> Iterator[Gateway]:
    with Gateway(mesh.url, patience_seconds=60) as stranger:
        token = sign_up(stranger, "artist@example.com")
    with Gateway(mesh.url, token=token, patience_seconds=60) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def project(artist: Gateway) -> Project:
    return artist.create_project("바닷가")


def child(data_folder: Path, name: str) -> ChildRecord:
    state = running_mesh(data_folder)
    assert state
    return next(child for child in state.children if child.name == name)


def kill(data_folder: Path, name: str) -> None:
    process = child(data_folder, name).process
    assert process
    os.kill(process.pid, signal.SIGKILL)


def test_every_process_comes_up_and_the_gateway_sees_them(mesh: MeshState, artist: Gateway) -> None:
    assert {child.state for child in mesh.children} == {ChildState.UP}
    assert len(mesh.children) == 7
    assert set(artist.status().services.values()) == {"serving"}


@pytest.mark.parametrize("victim", ["background", "gateway-worker", "gateway"])
def test_a_drawing_ends_well_although_a_process_is_killed(
    victim: str, data_folder: Path, artist: Gateway, project: Project
) -> None:
    job = artist.draw_background(project.id, BackgroundRequest(prompt="바닷가", seed=1, steps=40))
    kill(data_folder, victim)
    *_, last = artist.watch(job.id)
    if last.state is JobState.FAILED:  # with a clear reason, and well when it is tried again
        assert last.error
        assert last.error.reason
        *_, last = artist.watch(artist.retry(job.id).id)
    assert last.state is JobState.SUCCEEDED
    assert artist.download(last.results[0].url).startswith(b"\x89PNG")
    assert child(data_folder, victim).restarts == 1


def test_a_strangers_project_is_not_found(artist: Gateway, mesh: MeshState, project: Project) -> None:
    with Gateway(mesh.url) as unknown:
        token = sign_up(unknown, "other@example.com")
    with Gateway(mesh.url, token=token) as stranger, pytest.raises(ApiError) as refused:
        stranger.pictures(project.id)
    assert refused.value.status == 404


def test_stopping_ends_all_seven(data_folder: Path, mesh: MeshState) -> None:
    state = running_mesh(data_folder)
    assert state
    assert stop_mesh(data_folder)
    assert [find(one.process) for one in state.children if one.process] == [None] * 7
    assert find(state.supervisor) is None
