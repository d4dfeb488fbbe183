"""The whole mesh as it is deployed: seven processes on PostgreSQL, a real S3 server on a small disk, and Triton.

The processes' clock can be stepped, where there is a C compiler; the servers' and ours stay right.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from services.admin.places import GATEWAY, STYLE_TRAIN, Whereabouts
from services.cli.mesh.child import Child, RestartPolicy
from services.cli.mesh.ports import free_ports
from services.cli.mesh.programs import MODEL_SERVICES, MeshPlace, Program, mesh_programs
from services.cli.mesh.state import ChildState
from services.cli.mesh.supervisor import Supervisor
from services.common.artifacts import ArtifactSettings, S3Settings
from tests.fakes.families import build_random_family
from tests.fakes.pose_families import build_pose_family
from tests.fakes.postgres import Postgres
from tests.fakes.seaweedfs import SeaweedFS
from tests.fakes.triton.server import Triton

ROOT = Path(__file__).parents[2]
DISK_MEGABYTES = 256
START_SECONDS = 600
OWNERS = {"style-train-worker": "style-train", "gateway-worker": "gateway"}  # whose settings they have
RESILIENT = RestartPolicy(first_pause_seconds=0.2, longest_pause_seconds=1.0, quick_deaths=10_000)


@dataclass(slots=True, kw_only=True)
class WholeMesh:
    """Everything that can be struck, and where it keeps things."""

    url: str
    supervisor: Supervisor
    postgres: Postgres
    seaweedfs: SeaweedFS
    triton: Triton
    disk: Path | None
    clock: Path | None
    where: dict[str, Whereabouts]

    def child(self, name: str) -> Child:
        return next(child for child in self.supervisor.children() if child.program.name == name)

    def pid(self, name: str) -> int | None:
        process = self.child(name).record().process
        return process.pid if process is not None else None

    def down(self) -> list[str]:
        return [child.program.name for child in self.supervisor.children() if child.state is not ChildState.UP]

    async def until_up(self, most_down: int = 0, *, seconds: float = START_SECONDS) -> None:
        async with asyncio.timeout(seconds):
            while len(self.down()) > most_down:  # noqa: ASYNC110 (other processes)
                await asyncio.sleep(0.2)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A file system of its own on the folder; None where this user may not mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def wrong_clock(folder: Path) -> tuple[Path | None, dict[str, str]]:
    """A file that says how wrong the clock is, and what makes a process believe it; nothing without a C compiler."""
    library, clock = folder / "wrong_clock.so", folder / "clock"
    source = Path(__file__).with_name("wrong_clock.c")
    compiler = shutil.which("cc")
    if compiler is None:
        return None, {}
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source)], check=True)
    step_clock(clock, 0)
    return clock, {"LD_PRELOAD": str(library), "OMA_WRONG_CLOCK": str(clock)}


def step_clock(clock: Path, seconds: int) -> None:
    """At once, for all processes that have the file mapped."""
    with clock.open("r+b" if clock.exists() else "w+b") as file:
        file.write(seconds.to_bytes(8, sys.byteorder, signed=True))


def deployed(program: Program, bucket: S3Settings, databases: Mapping[str, str], more: Mapping[str, str]) -> Program:
    """The program on servers, with `more` of settings and of variables for all."""
    owner = OWNERS.get(program.name, program.name)
    prefix = f"OMA_{owner.upper().replace('-', '_')}_"
    settings = {
        "ARTIFACTS__S3__ENDPOINT": bucket.endpoint,
        "ARTIFACTS__S3__BUCKET": bucket.bucket,
        "ARTIFACTS__S3__ACCESS_KEY": bucket.access_key.get_secret_value(),
        "ARTIFACTS__S3__SECRET_KEY": bucket.secret_key.get_secret_value(),
        "ARTIFACTS__S3__SECURE": "false",
        **({"DATABASE_URL": databases[owner]} if owner in databases else {}),
    }
    told = {prefix + name: value for name, value in settings.items()}
    told |= {name: value for name, value in more.items() if not name.startswith("OMA_") or name.startswith(prefix)}
    return replace(program, environment={**program.environment, **told})


def parts_of(family: Path) -> Path:
    build_pose_family(family)
    build_random_family(family)
    return family


@asynccontextmanager
async def whole_mesh(folder: Path, postgres: Postgres) -> AsyncIterator[WholeMesh]:
    """Everything up and ready; ended by process id."""
    family = await asyncio.to_thread(parts_of, folder / "family")
    http_port, *ports = free_ports(1 + len(MODEL_SERVICES))
    address = dict(zip(MODEL_SERVICES, ports, strict=True))
    data = folder / "mesh"
    data.mkdir()
    (folder / "triton").mkdir()
    place = MeshPlace(root=ROOT, data_folder=data, http_port=http_port, ports=address, family=family)
    databases = {name: postgres.new_database() for name in ("gateway", "style-train")}
    clock, faked = wrong_clock(folder)
    with small_disk(folder / "disk") as disk:
        seaweedfs = await asyncio.to_thread(SeaweedFS, folder / "disk")
        triton = await asyncio.to_thread(Triton, folder / "triton", family)
        bucket = seaweedfs.new_bucket()
        more = {
            "OMA_POSE_ESTIMATION_TRITON": triton.address,
            "OMA_STYLE_TRAIN_QUICK_SECONDS": "4",
            "OMA_STYLE_TRAIN_SAMPLE_PICTURES": "1",
            "OMA_GATEWAY_LEASE_SECONDS": "8",
            **faked,
        }
        programs = [deployed(program, bucket, databases, more) for program in mesh_programs(place)]
        url = f"http://127.0.0.1:{http_port}"
        supervisor = Supervisor(programs, root=ROOT, data_folder=data, url=url, policy=RESILIENT)
        artifacts, stopping = ArtifactSettings(s3=bucket), asyncio.Event()
        running = asyncio.create_task(supervisor.run(stopping))
        mesh = WholeMesh(
            url=url,
            supervisor=supervisor,
            postgres=postgres,
            seaweedfs=seaweedfs,
            triton=triton,
            disk=disk,
            clock=clock,
            where={
                GATEWAY: Whereabouts(database_url=databases["gateway"], artifacts=artifacts),
                STYLE_TRAIN: Whereabouts(database_url=databases["style-train"], artifacts=artifacts),
            },
        )
        try:
            await mesh.until_up()
            yield mesh
        finally:
            stopping.set()
            await running
            await asyncio.to_thread(triton.stop)
            await asyncio.to_thread(seaweedfs.stop)


def training_process(worker: int) -> int | None:
    """The process of a training: the one that the worker has started, if one runs now."""
    children = Path(f"/proc/{worker}/task/{worker}/children")
    try:
        found = [int(pid) for pid in children.read_text(encoding="ascii").split()]
    except OSError:
        return None
    return next((pid for pid in found if b"child" in command_of(pid)), None)


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def fill(disk: Path) -> Path:
    """Take all of the disk but a megabyte; the file to remove again."""
    ballast, free = disk / "ballast", os.statvfs(disk)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(free.f_bavail * free.f_frsize - 1_000_000, 1))
    return ballast
