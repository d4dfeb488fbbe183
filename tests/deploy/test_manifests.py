"""What the overlays run agrees with the code: processes, settings, ports, keys, probes and times."""

import importlib.util
import re
from pathlib import Path

import pytest

from services.common.serving import LIVE
from tests.deploy.manifests import (
    OVERLAYS,
    Manifest,
    containers,
    deployments,
    environment,
    known_variables,
    main_container,
    named,
    overlay,
    pod,
    workloads,
)

PROCESSES = {
    "background",
    "gateway",
    "gateway-worker",
    "pose-estimation",
    "pose-transfer",
    "style-train",
    "style-train-worker",
}
METRICS_PORT = 9464
CLUSTER_SCOPED = {"Namespace", "PriorityClass"}


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_variable_that_is_set_exists(name: str) -> None:
    used = {key for one in workloads(overlay(name)).values() for key in environment(one) if key.startswith("OMA_")}
    assert len(used) > 20
    assert used - set(known_variables()) == set()


@pytest.mark.parametrize("name", OVERLAYS)
def test_everything_is_in_one_namespace(name: str) -> None:
    places = {one["metadata"].get("namespace") for one in overlay(name) if one["kind"] not in CLUSTER_SCOPED}
    assert places == {"oma"}


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_process_of_the_mesh_is_started_and_exists(name: str) -> None:
    ours = {key: one for key, one in workloads(overlay(name)).items() if key in PROCESSES}
    assert set(ours) == PROCESSES
    modules = {main_container(one)["args"][2] for one in ours.values()}
    assert len(modules) == len(PROCESSES)
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []


@pytest.mark.parametrize("name", OVERLAYS)
def test_no_container_says_one_variable_twice(name: str) -> None:
    for manifest in workloads(overlay(name)).values():
        for container in containers(manifest):
            told = [one["name"] for one in container.get("env", ())]
            assert len(told) == len(set(told))


def test_ports_agree_from_the_setting_to_the_caller() -> None:
    addresses = environment(deployments()["gateway"])
    checked = 0
    for name, manifest in deployments().items():
        listens = next((value for key, value in environment(manifest).items() if key.endswith("SERVER__ADDRESS")), None)
        if listens is None:
            continue
        port = int(listens.rpartition(":")[2])
        probed = next(value for key, value in environment(manifest).items() if key.endswith("SERVER__HEALTH_ADDRESS"))
        health_port = int(probed.rpartition(":")[2])
        container = main_container(manifest)
        assert [one["containerPort"] for one in container["ports"]] == [port, health_port, METRICS_PORT]
        probes = {container[probe]["grpc"]["port"] for probe in container if probe.endswith("Probe")}
        assert probes == {health_port}
        assert named(overlay("dev"), "Service", name)["spec"]["ports"][0]["port"] == port
        assert f"dns:///{name}:{port}" in addresses.values()
        checked += 1
    assert checked == 4


def test_every_process_tells_its_numbers_where_they_are_read() -> None:
    for manifest in deployments().values():
        (address,) = [value for key, value in environment(manifest).items() if key.endswith("METRICS_ADDRESS")]
        assert address == f"0.0.0.0:{METRICS_PORT}"
        assert {"name": "metrics", "containerPort": METRICS_PORT} in main_container(manifest)["ports"]


def test_the_kubelet_asks_every_server_whether_it_has_started_is_ready_and_lives() -> None:
    for name, manifest in deployments().items():
        probes = {key: value for key, value in main_container(manifest).items() if key.endswith("Probe")}
        if name.endswith("worker"):  # nobody calls it, and a hung one loses its lease
            assert probes == {}
            continue
        assert set(probes) == {"startupProbe", "readinessProbe", "livenessProbe"}
        slow = probes["startupProbe"]["periodSeconds"] * probes["startupProbe"]["failureThreshold"]
        assert slow >= 120
        assert probes["livenessProbe"]["failureThreshold"] >= 6


def test_with_triton_the_process_lives_before_triton_does() -> None:
    container = main_container(deployments("prod")["pose-estimation"])
    assert {container[probe]["grpc"]["service"] for probe in ("startupProbe", "livenessProbe")} == {LIVE}


def mounted(manifest: Manifest, path: str) -> str:
    """Name of the Secret or ConfigMap that holds the file or folder at `path`."""
    mounts = {one["mountPath"]: one["name"] for one in main_container(manifest)["volumeMounts"]}
    folder = next(folder for folder in mounts if Path(path).is_relative_to(folder) and folder != "/")
    volume = next(one for one in pod(manifest)["volumes"] if one["name"] == mounts[folder])
    return str(volume.get("secret", {}).get("secretName") or volume.get("configMap", {}).get("name"))


def test_who_signs_owner_assertions_has_the_private_key_and_who_checks_them_the_public_ones() -> None:
    found = {}
    for name, manifest in deployments("prod").items():
        for key, value in environment(manifest).items():
            if key.endswith(("SIGNING_KEY_FILE", "TRUSTED_KEYS")):
                found[name] = mounted(manifest, value)
    private, public = "owner-signing-key", "owner-trusted-keys"
    assert found == {
        **dict.fromkeys(("gateway", "gateway-worker"), private),
        **dict.fromkeys(("background", "pose-estimation", "pose-transfer", "style-train"), public),
    }


@pytest.mark.parametrize("overlay_name", ["prod", "staging"])
def test_in_production_every_call_goes_over_mutual_tls(overlay_name: str) -> None:
    over_tls = 0
    for name in PROCESSES:
        manifest = workloads(overlay(overlay_name))[name]
        told = environment(manifest)
        assert not any(key.endswith("SERVER__ALLOW_PLAINTEXT") for key in told)
        files = {key: value for key, value in told.items() if "_TLS__" in key}
        if name == "style-train-worker":  # calls nobody and is called by nobody
            assert files == {}
            continue
        assert len(files) == 3
        assert {mounted(manifest, value) for value in files.values()} == {f"{name}-tls"}
        certificate = named(overlay(overlay_name), "Certificate", name)["spec"]
        assert (certificate["secretName"], certificate["uris"]) == (f"{name}-tls", [f"spiffe://oma/{name}"])
        assert certificate.get("dnsNames", []) == ([] if name.startswith("gateway") else [name])
        over_tls += 1
    assert over_tls == 6


def test_a_certificate_is_renewed_long_before_it_ends() -> None:
    certificates = [one["spec"] for one in overlay("prod") if one["kind"] == "Certificate"]
    assert len(certificates) == 7
    for spec in certificates:
        lasts, before = (int(spec[key].removesuffix("h")) for key in ("duration", "renewBefore"))
        assert lasts / 10 < before < lasts / 2


def test_a_pod_may_drain_for_as_long_as_its_process_wants_to() -> None:
    graces = {
        name: field
        for name, field in known_variables().items()
        if name.endswith(("SHUTDOWN_GRACE_SECONDS", "_STOP_SECONDS"))
    }
    assert len(graces) == 6
    for name, manifest in deployments().items():
        prefix = re.match(r"OMA_[A-Z]+(_TRAIN|_ESTIMATION|_TRANSFER)?_", next(iter(environment(manifest))))
        assert prefix is not None
        wanted = max(float(field.default) for key, field in graces.items() if key.startswith(prefix.group()))
        waits = main_container(manifest).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert waits == (0 if name.endswith("worker") else 5)
        assert pod(manifest)["terminationGracePeriodSeconds"] >= wanted + waits + 5


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_what_draws_and_what_trains_goes_to_its_own_gpu_pool(name: str) -> None:
    running = workloads(overlay(name))
    pools = {key: pod(one).get("nodeSelector", {}).get("oma.dev/pool") for key, one in running.items()}
    wanted = {"background": "inference", "pose-transfer": "inference", "style-train-worker": "training"}
    assert {key: pool for key, pool in pools.items() if pool and key != "triton"} == wanted
    for key in wanted:
        for part in ("limits", "requests"):
            assert main_container(running[key])["resources"][part]["nvidia.com/gpu"] == "1"
        assert "cuda" in environment(running[key]).values()
        assert any(one.get("effect") == "NoSchedule" for one in pod(running[key])["tolerations"])
