"""The component that runs Triton, beside the base, against Kubernetes' schemas and the code."""

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import pytest

from services.common.serving import LIVE
from tests.deploy.manifests import K8S, environment, known_variables, main_container, pod, render

GRACE_OF_TRITON_SECONDS = 30


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """All that is rendered with the component, the network policies and nothing else."""
    folder = tmp_path_factory.mktemp("rendered")
    links = folder / "k8s"
    links.mkdir()
    for name in ("base", "components"):
        copy(K8S / name, links / name)
    alone = links / "alone"
    alone.mkdir()
    text = "resources: [../base]\ncomponents: [../components/triton, ../components/network-policy]\n"
    (alone / "kustomization.yaml").write_text(text, encoding="utf-8")
    return render(alone)


def copy(source: Path, target: Path) -> None:
    for file in source.rglob("*"):
        if file.is_file():
            (target / file.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            (target / file.relative_to(source)).write_bytes(file.read_bytes())


def one(manifests: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = [item for item in manifests if (item["kind"], item["metadata"]["name"]) == (kind, name)]
    return found


def test_it_is_valid_kubernetes(manifests: list[dict[str, Any]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the validator's own use of a deprecated resolver
        import kubernetes_validate  # noqa: PLC0415

        for manifest in manifests:
            kubernetes_validate.validate(manifest, "1.32", strict=True)
    one(manifests, "PodDisruptionBudget", "triton")


def test_the_caller_the_service_and_the_server_name_one_port(manifests: list[dict[str, Any]]) -> None:
    caller = environment(one(manifests, "Deployment", "pose-estimation"))
    assert "OMA_POSE_ESTIMATION_TRITON" in known_variables()
    assert caller["OMA_POSE_ESTIMATION_TRITON"] == "dns:///triton:8001"
    container = main_container(one(manifests, "Deployment", "triton"))
    named = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {f"--{name}-port={port}" for name, port in named.items()} <= set(container["args"])
    (served,) = one(manifests, "Service", "triton")["spec"]["ports"]
    assert (served["port"], named[served["targetPort"]]) == (8001, 8001)


def test_only_pose_estimation_reaches_it(manifests: list[dict[str, Any]]) -> None:
    ends = {
        "to-triton": ("egress", "pose-estimation", "to", "triton"),
        "triton": ("ingress", "triton", "from", "pose-estimation"),
    }
    for name, (direction, selected, side, other) in ends.items():
        spec = one(manifests, "NetworkPolicy", name)["spec"]
        assert spec["podSelector"]["matchExpressions"][0]["values"] == [selected]
        (rule,) = spec[direction]
        assert [peer["podSelector"]["matchExpressions"][0]["values"] for peer in rule[side]] == [[other]]
        assert rule["ports"] == [{"protocol": "TCP", "port": 8001}]


def test_its_repository_is_written_by_a_command_that_exists(manifests: list[dict[str, Any]]) -> None:
    triton = one(manifests, "Deployment", "triton")
    (writer,) = pod(triton)["initContainers"]
    assert importlib.util.find_spec(writer["args"][2]) is not None
    family = environment(one(manifests, "Deployment", "pose-estimation"))["OMA_POSE_ESTIMATION_FAMILY"]
    assert writer["args"][3] == family
    assert f"--model-repository={writer['args'][4]}" in main_container(triton)["args"]


def test_it_is_locked_down_on_the_gpu_pool(manifests: list[dict[str, Any]]) -> None:
    spec = pod(one(manifests, "Deployment", "triton"))
    for container in (*spec["containers"], *spec["initContainers"]):
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert not container["securityContext"]["allowPrivilegeEscalation"]
        assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
        assert {"requests", "limits"} <= set(container["resources"])
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["enableServiceLinks"] is False
    assert spec["automountServiceAccountToken"] is False
    assert spec["nodeSelector"]["oma.dev/pool"] == "inference"
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert f"--exit-timeout-secs={GRACE_OF_TRITON_SECONDS}" in spec["containers"][0]["args"]
    assert spec["terminationGracePeriodSeconds"] > GRACE_OF_TRITON_SECONDS + 5


def test_probes_ask_triton_for_readiness_and_the_caller_for_life(manifests: list[dict[str, Any]]) -> None:
    triton = main_container(one(manifests, "Deployment", "triton"))
    assert triton["readinessProbe"]["httpGet"]["path"] == "/v2/health/ready"
    assert triton["livenessProbe"]["httpGet"]["path"] == "/v2/health/live"
    caller = main_container(one(manifests, "Deployment", "pose-estimation"))
    assert {caller[probe]["grpc"]["service"] for probe in ("startupProbe", "livenessProbe")} == {LIVE}
    assert "service" not in caller["readinessProbe"]["grpc"]
    assert {caller[probe]["grpc"]["port"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")} == {
        int(
            environment(one(manifests, "Deployment", "pose-estimation"))[
                "OMA_POSE_ESTIMATION_SERVER__HEALTH_ADDRESS"
            ].rpartition(":")[2]
        )
    }
