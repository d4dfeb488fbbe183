"""Every overlay renders, is what Kubernetes accepts, and agrees with the code that it runs."""

import importlib.util
import re
import shutil
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.settings_page import settings_classes, variables

ROOT = Path(__file__).parents[2]
K8S = ROOT / "deploy/k8s"
OVERLAYS = sorted(path.name for path in (K8S / "overlays").iterdir())
COMPONENTS = sorted(path.name for path in (K8S / "components").iterdir())
PRE_STOP_SECONDS = 5

Manifest = dict[str, Any]


def render(folder: Path) -> list[Manifest]:
    kubectl = Path(sys.executable).parent / "kubectl"
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@cache
def overlay(name: str) -> list[Manifest]:
    return render(K8S / "overlays" / name)


def deployments(name: str = "prod") -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in overlay(name) if one["kind"] == "Deployment"}


def pod(manifest: Manifest) -> Manifest:
    spec: Manifest = manifest["spec"]["template"]["spec"]
    return spec


def main_container(manifest: Manifest) -> Manifest:
    container: Manifest = pod(manifest)["containers"][0]
    return container


def environment(manifest: Manifest) -> dict[str, Any]:
    return {one["name"]: one.get("value") for one in main_container(manifest)["env"]}


def known_variables() -> dict[str, Any]:
    pairs = [variables(kind, str(kind.model_config.get("env_prefix"))) for kind in settings_classes()]
    return {name: field for pair in pairs for name, field in pair}


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_is_valid_kubernetes(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the validator's own use of a deprecated resolver
        import kubernetes_validate  # noqa: PLC0415

        manifests = overlay(name)
        assert len(manifests) > 20
        for manifest in manifests:
            kubernetes_validate.validate(manifest, "1.32", strict=True)


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_goes_on_the_base_alone_and_says_what_it_is(component: str, tmp_path: Path) -> None:
    shutil.copytree(K8S, tmp_path / "k8s")
    alone = tmp_path / "k8s/alone"
    alone.mkdir()
    text = f"resources: [../base]\ncomponents: [../components/{component}]\n"
    (alone / "kustomization.yaml").write_text(text, encoding="utf-8")
    assert render(alone)
    assert (K8S / "components" / component / "README.md").exists()


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_variable_that_is_set_exists(name: str) -> None:
    used = {key for one in deployments(name).values() for key in environment(one) if key.startswith("OMA_")}
    assert len(used) > 20
    assert used - set(known_variables()) == set()


def test_every_process_that_is_started_exists() -> None:
    modules = [main_container(one)["args"][2] for one in deployments().values()]
    assert len(modules) == 7
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []


def test_ports_agree_from_the_setting_to_the_caller() -> None:
    addresses = environment(deployments()["gateway"])
    services = {one["metadata"]["name"]: one for one in overlay("prod") if one["kind"] == "Service"}
    checked = 0
    for name, manifest in deployments().items():
        listens = next((value for key, value in environment(manifest).items() if key.endswith("SERVER__ADDRESS")), None)
        if listens is None:
            continue
        port = int(listens.rpartition(":")[2])
        probed = next(value for key, value in environment(manifest).items() if key.endswith("SERVER__HEALTH_ADDRESS"))
        health_port = int(probed.rpartition(":")[2])
        container = main_container(manifest)
        assert [one["containerPort"] for one in container["ports"]] == [port, health_port]
        assert {container[probe]["grpc"]["port"] for probe in container if probe.endswith("Probe")} == {health_port}
        assert services[name]["spec"]["ports"][0]["port"] == port
        assert f"dns:///{name}:{port}" in addresses.values()
        checked += 1
    assert checked == 4


def mounted(manifest: Manifest, path: str) -> str:
    """Name of the Secret or ConfigMap that holds the file or folder at `path`."""
    mounts = {one["mountPath"]: one["name"] for one in main_container(manifest)["volumeMounts"]}
    folder = next(folder for folder in mounts if Path(path).is_relative_to(folder) and folder != "/")
    volume = next(one for one in pod(manifest)["volumes"] if one["name"] == mounts[folder])
    return str(volume.get("secret", {}).get("secretName") or volume.get("configMap", {}).get("name"))


def test_who_signs_owner_assertions_has_the_private_key_and_who_checks_them_the_public_ones() -> None:
    found = {}
    for name, manifest in deployments().items():
        for key, value in environment(manifest).items():
            if key.endswith(("SIGNING_KEY_FILE", "TRUSTED_KEYS")):
                found[name] = mounted(manifest, value)
    private, public = "owner-signing-key", "owner-trusted-keys"
    assert found == {
        **dict.fromkeys(("gateway", "gateway-worker"), private),
        **dict.fromkeys(("background", "pose-estimation", "pose-transfer", "style-train"), public),
    }


def test_in_production_every_call_goes_over_mutual_tls() -> None:
    over_tls = 0
    for name, manifest in deployments("prod").items():
        told = environment(manifest)
        assert not any(key.endswith("SERVER__ALLOW_PLAINTEXT") for key in told)
        files = {key: value for key, value in told.items() if "_TLS__" in key}
        if name == "style-train-worker":  # calls nobody and is called by nobody
            assert files == {}
            continue
        assert len(files) == 3
        assert {mounted(manifest, value) for value in files.values()} == {f"{name}-tls"}
        over_tls += 1
    assert over_tls == 6


def test_a_pod_may_drain_for_as_long_as_its_process_wants_to() -> None:
    graces = {name: field for name, field in known_variables().items() if name.endswith("SHUTDOWN_GRACE_SECONDS")}
    for manifest in deployments().values():
        prefix = re.match(r"OMA_[A-Z]+(_TRAIN|_ESTIMATION|_TRANSFER)?_", next(iter(environment(manifest))))
        assert prefix is not None
        wanted = max(float(field.default) for name, field in graces.items() if name.startswith(prefix.group()))
        assert pod(manifest)["terminationGracePeriodSeconds"] >= wanted + PRE_STOP_SECONDS


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_pod_is_locked_down(name: str) -> None:
    workloads = [one for one in overlay(name) if one["kind"] in ("Deployment", "StatefulSet")]
    assert len(workloads) >= 7
    for manifest in workloads:
        security = main_container(manifest)["securityContext"]
        assert security["readOnlyRootFilesystem"]
        assert security["capabilities"]["drop"] == ["ALL"]
        assert pod(manifest)["securityContext"]["runAsNonRoot"]
        assert pod(manifest)["enableServiceLinks"] is False
        assert pod(manifest)["automountServiceAccountToken"] is False
        assert {"requests", "limits"} <= set(main_container(manifest)["resources"])


def test_what_draws_and_what_trains_goes_to_its_own_gpu_pool() -> None:
    pools = {name: pod(one).get("nodeSelector", {}).get("oma.dev/pool") for name, one in deployments().items()}
    assert {name: pool for name, pool in pools.items() if pool} == {
        "background": "inference",
        "pose-transfer": "inference",
        "style-train-worker": "training",
    }
    for name in ("background", "pose-transfer", "style-train-worker"):
        manifest = deployments()[name]
        assert main_container(manifest)["resources"]["limits"]["nvidia.com/gpu"] == "1"
        assert "cuda" in environment(manifest).values()
