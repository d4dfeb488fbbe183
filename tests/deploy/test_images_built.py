"""The images, really built from the recipe and started; what they weigh, who they run as, and what is not in them.

Needs `buildah` and root, and two base images by name: OMA_TEST_BASE with Python 3.11, and OMA_TEST_NODE with Node. What
pip and npm of this machine need to reach their registries is mounted into the build by OMA_TEST_VOLUMES
(`/host:/inside` pairs, with commas between them).
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deploy.manifests import ROOT
from tests.fakes.postgres import free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3000),
    pytest.mark.skipif(
        shutil.which("buildah") is None or "OMA_TEST_BASE" not in os.environ,
        reason="needs buildah, and base images named by OMA_TEST_BASE and OMA_TEST_NODE",
    ),
]
MOST_MEGABYTES = {"gateway": 700, "mesh": 3500}  # with the base; the gateway's without torch
ENVIRONMENT = {**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}


def buildah(*arguments: str, seconds: int = 2400) -> str:
    done = subprocess.run(
        ["buildah", *arguments], capture_output=True, text=True, timeout=seconds, check=False, env=ENVIRONMENT, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout.strip()


@pytest.fixture(scope="module", params=["gateway", "mesh"])
def image(request: pytest.FixtureRequest) -> str:
    """Builds it, and gives its name; OMA_TEST_IMAGES says which ones, where not both."""
    target: str = request.param
    if target not in os.environ.get("OMA_TEST_IMAGES", "gateway,mesh").split(","):
        pytest.skip("OMA_TEST_IMAGES names other images")
    volumes = [one for one in os.environ.get("OMA_TEST_VOLUMES", "").split(",") if one]
    buildah(
        "bud", "--network", "host", "--ignorefile", "deploy/docker/Dockerfile.dockerignore",
        *(part for volume in volumes for part in ("--volume", f"{volume}:ro")),
        "--build-arg", f"BASE={os.environ['OMA_TEST_BASE']}",
        "--build-arg", f"NODE={os.environ.get('OMA_TEST_NODE', '')}",
        "--build-arg", f"TORCH_INDEX={os.environ.get('OMA_TEST_TORCH_INDEX', 'https://download.pytorch.org/whl/cpu')}",
        "--target", target, "--tag", f"localhost/oma-{target}:test", "--file", "deploy/docker/Dockerfile", ".",
    )  # fmt: skip
    return f"localhost/oma-{target}:test"


@pytest.fixture
def container(image: str) -> Iterator[str]:
    name = buildah("from", image)
    yield name
    buildah("rm", name)


def within(container: str, *command: str) -> str:
    return buildah("run", container, "--", *command, seconds=300)


def target_of(image: str) -> str:
    return image.removeprefix("localhost/oma-").removesuffix(":test")


def test_it_runs_as_nobody_and_is_small(
    image: str, container: str, record_property: Callable[[str, object], None]
) -> None:
    assert within(container, "id", "-u") == "10001"
    mounted = Path(buildah("mount", container))
    files = [path for path in mounted.rglob("*") if path.is_file() and not path.is_symlink()]
    megabytes = sum(path.lstat().st_size for path in files) / 1e6
    record_property("megabytes", round(megabytes))
    assert megabytes < MOST_MEGABYTES[target_of(image)]
    assert [path for path in files if path.suffix == ".safetensors"] == []


def test_its_processes_start(image: str, container: str) -> None:
    """Each module is loaded as it is in a pod, up to the first setting that it misses."""
    modules = {
        "gateway": ["services.gateway.server", "services.gateway.worker.server", "services.cli.__main__"],
        "mesh": [
            "services.background.server",
            "services.pose.estimation.server",
            "services.pose.transfer.server",
            "services.style_train.server",
            "services.style_train.worker",
        ],
    }[target_of(image)]
    said = within(container, "python", "-c", f"import {', '.join(modules)}; print('loaded')")
    assert said.endswith("loaded")


STARTED = {  # a process with its data in /tmp, and what asks it whether it serves
    "gateway": (
        "services.gateway",
        {
            "OMA_GATEWAY_HTTP_ADDRESS": "127.0.0.1:{port}",
            "OMA_GATEWAY_DATABASE_URL": "sqlite:////tmp/gateway.db",
            "OMA_GATEWAY_ARTIFACTS__FOLDER": "/tmp/artifacts",  # noqa: S108
            "OMA_GATEWAY_LINK_SECRET_FILE": "/tmp/link",  # noqa: S108
            "OMA_GATEWAY_SIGNING_KEY_FILE": "/tmp/keys/signing.pem",  # noqa: S108
            "OMA_GATEWAY_WEB_FOLDER": "/app/web/dist",
        },
        (
            "import urllib.request as r; r.urlopen('http://127.0.0.1:{port}/healthz').read();"
            "assert b'<div id=' in r.urlopen('http://127.0.0.1:{port}/').read()"
        ),
    ),
    "mesh": (
        "services.pose.estimation",
        {
            "OMA_POSE_ESTIMATION_SERVER__ADDRESS": "127.0.0.1:{port}",
            "OMA_POSE_ESTIMATION_SERVER__TRUSTED_KEYS": "/tmp/keys/trusted",  # noqa: S108
            "OMA_POSE_ESTIMATION_ARTIFACTS__FOLDER": "/tmp/artifacts",  # noqa: S108
            "OMA_POSE_ESTIMATION_FAMILY": "/models/family",
        },
        (
            "import grpc; from grpc_health.v1 import health_pb2 as p, health_pb2_grpc as s;"
            "assert s.HealthStub(grpc.insecure_channel('127.0.0.1:{port}')).Check(p.HealthCheckRequest()).status == 1"
        ),
    ),
}
START = """
import subprocess, sys, time
serving = subprocess.Popen([sys.executable, "-m", sys.argv[1]])
ends_at = time.monotonic() + 240
while subprocess.run([sys.executable, "-c", sys.argv[2]], stderr=subprocess.DEVNULL).returncode:
    assert serving.poll() is None and time.monotonic() < ends_at
    time.sleep(1)
serving.terminate()
print("served", serving.wait())
"""


def test_a_process_of_it_serves_and_ends_when_it_is_told_to(image: str, container: str) -> None:
    module, settings, asks = STARTED[target_of(image)]
    port = str(free_port())
    within(container, "python", "-m", "services.common.identity.keys", "/tmp/keys")  # noqa: S108
    told = [f"{name}={value.format(port=port)}" for name, value in settings.items()]
    family = ROOT / "models/webtoon_tiny/weights"
    said = buildah(
        "run", "--volume", f"{family}:/models/family:ro", container, "--",
        "env", *told, "python", "-c", START, module, asks.format(port=port), seconds=400,
    )  # fmt: skip
    assert said.endswith("served 0")


def test_only_the_mesh_has_torch_and_only_the_gateway_has_the_page(image: str, container: str) -> None:
    asked = (
        "import importlib.util as u, os; print(u.find_spec('torch') is not None, os.path.exists('web/dist/index.html'))"
    )
    expected = {"gateway": "False True", "mesh": "True False"}[target_of(image)]
    assert within(container, "python", "-c", asked) == expected


def test_the_command_line_is_in_the_gateway(image: str, container: str) -> None:
    if target_of(image) == "gateway":
        assert "pull" in within(container, "oma", "models", "--help")
