"""The compose file for one host, against its schema, the code, and the Kubernetes manifests."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.manifests import ROOT, deployments, environment, known_variables, main_container

COMPOSE = ROOT / "deploy/docker/compose.yaml"
EXAMPLE = ROOT / "deploy/docker/example.env"

Service = dict[str, Any]


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    found: dict[str, Service] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return found


def test_it_is_a_compose_file() -> None:
    check = Path(sys.executable).parent / "check-jsonschema"
    done = subprocess.run(
        [check, "--builtin-schema", "vendor.compose-spec", COMPOSE],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_runs_every_process_of_the_mesh(services: dict[str, Service]) -> None:
    for name, manifest in deployments().items():
        assert services[name]["command"] == main_container(manifest)["args"]
        assert importlib.util.find_spec(services[name]["command"][2]) is not None


def test_every_variable_that_is_set_exists_and_none_that_kubernetes_sets_is_missing(
    services: dict[str, Service],
) -> None:
    for name, manifest in deployments().items():
        here = set(services[name]["environment"])
        assert here - set(known_variables()) == set()
        wanted = {
            key
            for key in environment(manifest)
            if not key.endswith(("HEALTH_ADDRESS", "ALLOWED_CALLERS", "METRICS_ADDRESS"))
        }
        assert {key for key in wanted if "__TLS__" not in key and "_TLS__" not in key} - here == set()


def test_ports_are_those_of_the_settings(services: dict[str, Service]) -> None:
    addresses = services["gateway"]["environment"].values()
    listening = {
        name: value.rpartition(":")[2]
        for name, service in services.items()
        for key, value in service.get("environment", {}).items()
        if key.endswith("SERVER__ADDRESS")
    }
    assert len(listening) == 4
    assert {f"dns:///{name}:{port}" for name, port in listening.items()} <= set(addresses)
    http = services["gateway"]["environment"]["OMA_GATEWAY_HTTP_ADDRESS"].rpartition(":")[2]
    assert services["gateway"]["ports"] == [f"127.0.0.1:{http}:{http}"]
    assert "--grpc-port=8001" in services["triton"]["command"]


def test_only_the_gateway_is_reachable_from_outside(services: dict[str, Service]) -> None:
    assert [name for name, service in services.items() if "ports" in service] == ["gateway"]


def test_a_process_may_drain_for_as_long_as_kubernetes_lets_it(services: dict[str, Service]) -> None:
    for name, manifest in deployments().items():
        grace = int(services[name]["stop_grace_period"].removesuffix("s"))
        wanted = max(
            (field.default for key, field in known_variables().items() if key.endswith("SHUTDOWN_GRACE_SECONDS")),
            default=0,
        )
        assert grace > wanted, (name, manifest["metadata"]["name"])


def test_what_draws_and_what_trains_has_the_gpu(services: dict[str, Service]) -> None:
    with_gpu = {name for name, service in services.items() if "deploy" in service}
    assert with_gpu == {"background", "pose-transfer", "style-train-worker", "triton"}


def test_every_secret_comes_from_the_environment(services: dict[str, Service]) -> None:
    asked = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text(encoding="utf-8")))
    named = set(re.findall(r"^(?:# )?([A-Z_0-9]+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE))
    assert asked - named <= {"POSTGRES_IMAGE"}
    for service in services.values():
        for key, value in service.get("environment", {}).items():
            if key.endswith(("PASSWORD", "SECRET_KEY", "ACCESS_KEY")):
                assert str(value).startswith("${"), key


def test_only_the_gateway_holds_the_key_that_signs(services: dict[str, Service]) -> None:
    holders = {
        name for name, service in services.items() for one in service.get("volumes", []) if str(one).startswith("keys:")
    }
    assert holders == {"gateway", "gateway-worker", "keys"}
