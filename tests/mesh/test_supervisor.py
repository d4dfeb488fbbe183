"""The supervisor with real child processes: small ones that answer health checks, wait for ever, or die at once."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from services.cli.mesh.child import RestartPolicy
from services.cli.mesh.ports import free_ports
from services.cli.mesh.probes import grpc_serves
from services.cli.mesh.processes import ProcessId, find, identify
from services.cli.mesh.programs import Program
from services.cli.mesh.running import running_mesh, stop_mesh
from services.cli.mesh.state import ChildRecord, ChildState, MeshState, read_state, state_file, write_state
from services.cli.mesh.supervisor import Supervisor
from services.common.errors import Conflict
from tests.fakes.small_programs import endless, script, small_server

ROOT = Path(__file__).parents[2]
HASTY = RestartPolicy(first_pause_seconds=0.01, quick_deaths=3, proof_seconds=0.05)


class Watched:
    """A running supervisor and every state that it has told."""

    def __init__(self) -> None:
        self.latest: MeshState | None = None
        self._changed = asyncio.Event()

    def __call__(self, state: MeshState) -> None:
        self.latest = state
        self._changed.set()

    async def until(self, holds: Callable[[MeshState], bool]) -> MeshState:
        async with asyncio.timeout(60):
            while self.latest is None or not holds(self.latest):
                self._changed.clear()
                await self._changed.wait()
        return self.latest


@asynccontextmanager
async def supervised(programs: list[Program], data_folder: Path) -> AsyncIterator[Watched]:
    watched, stopping = Watched(), asyncio.Event()
    supervisor = Supervisor(
        programs, root=ROOT, data_folder=data_folder, url="http://nowhere", policy=HASTY, on_change=watched
    )
    running = asyncio.create_task(supervisor.run(stopping))
    try:
        yield watched
    finally:
        stopping.set()
        await running


def child(state: MeshState, name: str) -> ChildRecord:
    return next(child for child in state.children if child.name == name)


def is_up(name: str) -> Callable[[MeshState], bool]:
    return lambda state: child(state, name).state is ChildState.UP


async def test_a_mesh_is_ready_once_every_child_answers(tmp_path: Path) -> None:
    one, other = free_ports(2)
    async with supervised([small_server("one", one), small_server("other", other)], tmp_path) as watched:
        state = await watched.until(lambda state: state.ready)
        assert await grpc_serves(f"127.0.0.1:{one}")
        assert await grpc_serves(f"127.0.0.1:{other}")
        assert read_state(tmp_path) == state
        assert state_file(tmp_path).stat().st_mode & 0o777 == 0o600


async def test_a_killed_child_comes_back_at_the_same_address(tmp_path: Path) -> None:
    [port] = free_ports(1)
    async with supervised([small_server("one", port)], tmp_path) as watched:
        first = child(await watched.until(is_up("one")), "one")
        assert first.process
        os.kill(first.process.pid, signal.SIGKILL)
        again = child(
            await watched.until(lambda state: is_up("one")(state) and child(state, "one").restarts == 1), "one"
        )
        assert again.process
        assert again.process.pid != first.process.pid
        assert again.address == first.address
        assert await grpc_serves(f"127.0.0.1:{port}")


async def test_what_a_killed_child_had_started_dies_too(tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    spawning = f"""
import subprocess, sys, pathlib, signal
grandchild = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
pathlib.Path({str(note)!r}).write_text(str(grandchild.pid))
signal.pause()
"""
    async with supervised([script("parent", spawning)], tmp_path) as watched:
        async with asyncio.timeout(60):
            while not (note.exists() and note.read_text()):  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.02)
        grandchild = identify(int(note.read_text()))
        process = child(await watched.until(is_up("parent")), "parent").process
        assert process
        os.kill(process.pid, signal.SIGKILL)
        await watched.until(lambda state: child(state, "parent").restarts == 1)
        async with asyncio.timeout(60):  # a signal is sent before the kernel has ended whom it is for
            while find(grandchild):  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.02)


async def test_a_child_that_keeps_dying_is_given_up_and_the_others_stay(tmp_path: Path) -> None:
    programs = [endless("steady"), script("broken", "print('no such model'); raise SystemExit(3)")]
    async with supervised(programs, tmp_path) as watched:
        state = await watched.until(lambda state: state.ready and child(state, "broken").state is ChildState.GAVE_UP)
        broken, steady = child(state, "broken"), child(state, "steady")
        assert broken.state is ChildState.GAVE_UP
        assert broken.restarts == HASTY.quick_deaths - 1
        assert "no such model" in broken.log.read_text()
        assert steady.state is ChildState.UP


async def test_a_child_waits_for_those_it_leans_on(tmp_path: Path) -> None:
    [port] = free_ports(1)
    async with supervised([endless("worker", after=("api",)), small_server("api", port)], tmp_path) as watched:
        state = await watched.until(lambda state: child(state, "worker").state is not ChildState.WAITING)
        assert child(state, "api").state is ChildState.UP


async def test_stopping_leaves_no_process_and_no_state(tmp_path: Path) -> None:
    [port] = free_ports(1)
    stubborn = script("stubborn", "import signal; signal.signal(signal.SIGTERM, lambda *_: exit()); signal.pause()")
    async with supervised([small_server("one", port), stubborn], tmp_path) as watched:
        state = await watched.until(lambda state: state.ready)
    assert [find(one.process) for one in state.children if one.process] == [None, None]
    assert not state_file(tmp_path).exists()


async def test_a_second_supervisor_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    async with supervised([endless("worker")], tmp_path) as watched:
        await watched.until(lambda state: state.ready)
        second = Supervisor([endless("worker")], root=ROOT, data_folder=tmp_path, url="http://nowhere")
        with pytest.raises(Conflict, match="oma down"):
            await second.run(asyncio.Event())
        assert running_mesh(tmp_path)


async def test_a_state_file_whose_numbers_belong_to_others_now_harms_nobody(tmp_path: Path) -> None:
    bystander = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import signal; signal.pause()", start_new_session=True
    )
    try:
        reused = ProcessId(pid=bystander.pid, born=psutil.Process(bystander.pid).create_time() - 1000)
        record = ChildRecord(
            name="old", state=ChildState.UP, process=reused, address=None, restarts=0, log=tmp_path / "old.log"
        )
        write_state(tmp_path, MeshState(supervisor=reused, url="http://nowhere", ready=True, children=[record]))
        assert running_mesh(tmp_path) is None
        async with supervised([endless("worker")], tmp_path) as watched:
            await watched.until(lambda state: state.ready)
        assert find(identify(bystander.pid))
    finally:
        bystander.kill()
        await bystander.wait()


@pytest.fixture
async def killable(tmp_path: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, MeshState]]:
    """A supervisor in a process of its own, and what it runs."""
    [port] = free_ports(1)
    supervisor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.small_mesh", str(tmp_path), str(port)),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'gen'}"},
    )
    try:
        async with asyncio.timeout(60):
            while not ((state := read_state(tmp_path)) and state.ready):  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.05)
        yield supervisor, state
    finally:
        if supervisor.returncode is None:
            supervisor.kill()
            await supervisor.wait()
        await asyncio.to_thread(stop_mesh, tmp_path)


async def test_a_killed_supervisor_leaves_nothing_that_the_next_does_not_end(
    killable: tuple[asyncio.subprocess.Process, MeshState], tmp_path: Path
) -> None:
    supervisor, state = killable
    supervisor.kill()
    await supervisor.wait()
    assert read_state(tmp_path) is not None
    assert running_mesh(tmp_path) is None
    async with supervised([endless("worker")], tmp_path) as watched:
        await watched.until(lambda state: state.ready)
        assert [find(one.process) for one in state.children if one.process] == [None, None]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a child ask to die with its parent")
async def test_children_die_with_a_killed_supervisor(
    killable: tuple[asyncio.subprocess.Process, MeshState],
) -> None:
    supervisor, state = killable
    supervisor.kill()
    await supervisor.wait()
    async with asyncio.timeout(30):
        while any(find(one.process) for one in state.children if one.process):  # noqa: ASYNC110 (other processes)
            await asyncio.sleep(0.05)


async def test_a_mesh_is_stopped_from_another_process(
    killable: tuple[asyncio.subprocess.Process, MeshState], tmp_path: Path
) -> None:
    supervisor, state = killable
    down = (sys.executable, "-m", "services.cli", "down", "--data", str(tmp_path))
    stopping = await asyncio.create_subprocess_exec(*down, cwd=ROOT)
    assert await stopping.wait() == 0
    assert await supervisor.wait() == 0
    assert [find(one.process) for one in state.children if one.process] == [None, None]
    assert not await asyncio.to_thread(stop_mesh, tmp_path)
