"""Stubs of the version before against today's services, and today's stubs against services of the version before."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from oma.background.v1 import background_service_pb2 as pb
from oma.background.v1 import background_service_pb2_grpc as pb_grpc
from oma.style.v1 import style_train_service_pb2 as training_pb
from oma.style.v1 import style_train_service_pb2_grpc as training_grpc
from oma_stubs import draw, open_channel

from services.common.artifacts import FolderStore
from tests.fakes.model_services import NAMES, FakeServices
from tests.fakes.owners import SIGNER

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
BASELINES = sorted((ROOT / "stubs/baselines").glob("*.binpb"))
NEWEST = BASELINES[-1]


@pytest.fixture(scope="module")
def older_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python generated from the contract as it was."""
    folder = tmp_path_factory.mktemp("older")
    protos = [str(path.relative_to(ROOT / "protos")) for path in sorted((ROOT / "protos").rglob("*.proto"))]
    protoc = (sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_in={NEWEST}")
    subprocess.run((*protoc, f"--python_out={folder}", f"--grpc_python_out={folder}", *protos), check=True, timeout=60)
    return folder


def with_modules(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(folder)}


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda path: path.stem)
def test_nothing_that_a_version_knew_was_changed_or_taken_away(baseline: Path) -> None:
    buf = Path(sys.executable).parent / "buf"
    command = (buf, "breaking", "protos", "--against", baseline)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def test_older_stubs_are_served(older_modules: Path, tmp_path: Path) -> None:
    services = FakeServices(FolderStore(tmp_path))
    await services.start()
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, str(HERE / "older_client.py"), services.address),
        env=with_modules(older_modules),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assertions = {name: SIGNER.sign("mina", audience=name) for name in NAMES}
    said, _ = await client.communicate(json.dumps(assertions).encode())
    await services.stop()
    answers = json.loads(said)
    assert Path(answers.pop("module")).is_relative_to(older_modules)
    assert answers == {"training": "STATE_SUCCEEDED", "seed": 7, "skeleton": "image/png", "family": "fake"}


def test_todays_stubs_are_served_by_an_older_service(older_modules: Path) -> None:
    command = (sys.executable, str(HERE / "older_server.py"))
    with subprocess.Popen(command, env=with_modules(older_modules), stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            port, module = server.stdout.readline().split()
            assert Path(module).is_relative_to(older_modules)

            def assertion(owner: str, service: str) -> str:
                return SIGNER.sign(owner, audience=service)

            with open_channel(f"127.0.0.1:{port}", owner="mina", assertion=assertion) as channel:
                request = pb.GenerateBackgroundRequest(
                    request_id="new", owner="mina", prompt="a beach", seed=7, enlarge=2
                )
                events = list(draw(pb_grpc.BackgroundServiceStub(channel).GenerateBackground, request))
                get = training_pb.GetTrainingRequest(owner="mina", id="t1")
                found = training_grpc.StyleTrainServiceStub(channel).GetTraining(get, timeout=60).training
        finally:
            server.terminate()
    assert (events[-1].done.prompt, events[-1].done.seed, events[-1].done.enlarge) == ("a beach", 7, 0)
    assert (found.id, found.state) == ("t1", training_pb.Training.STATE_RUNNING)
