"""What a pod may do, by the rules of Pod Security's level "restricted" and some of our own; exceptions have reasons."""

import re
from pathlib import Path

import pytest

from tests.deploy.manifests import (
    COMPONENTS,
    K8S,
    OVERLAYS,
    ROOT,
    containers,
    named,
    overlay,
    pod,
    template,
    workloads,
)

# (workload, rule): why it may be so.
EXCEPTIONS = {
    ("gateway-worker", "probes"): "nobody calls it; one that hangs loses its leases to another",
    ("style-train-worker", "probes"): "as above; its readiness tells KEDA that it has taken a training",
    ("minio-buckets", "probes"): "ends by itself",
    ("seaweedfs-buckets", "probes"): "ends by itself",
    ("minio", "budget"): "one pod with one volume: a budget would only block the drain of its node",
    ("postgres", "budget"): "one pod with one volume; components/cloudnative-pg has three and budgets of its operator",
    ("seaweedfs", "budget"): "one pod with one volume",
    ("style-train-worker", "budget"): "a drained one gives its training back with a checkpoint",
    ("postgres", "high user id"): "the image's own",
}
# Images of others, and why each is named so: none is "latest", and an overlay pins them by digest.
TAGS = re.compile(r":(unset|\d[\w.-]*)$")


each_overlay = pytest.mark.parametrize("name", OVERLAYS)


def test_every_exception_is_of_something_that_runs() -> None:
    running = {key for name in OVERLAYS for key in workloads(overlay(name))}
    assert len(running) > 10
    assert {key for key, _ in EXCEPTIONS} <= running


@each_overlay
def test_the_namespace_refuses_what_is_not_restricted(name: str) -> None:
    labels = named(overlay(name), "Namespace", "oma")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@each_overlay
def test_a_pod_keeps_to_the_level_restricted(name: str) -> None:
    for key, manifest in workloads(overlay(name)).items():
        spec = pod(manifest)
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(spec), key
        assert spec["securityContext"]["runAsNonRoot"] is True, key
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, key
        kinds = {kind for one in spec.get("volumes", ()) for kind in one if kind != "name"}
        assert kinds <= {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}, key
        for container in containers(manifest):
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False, key
            assert security["capabilities"] == {"drop": ["ALL"]}, key
            assert not security.get("privileged", False), key
            assert all("hostPort" not in port for port in container.get("ports", ())), key


@each_overlay
def test_a_pod_holds_nothing_that_it_does_not_need(name: str) -> None:
    for key, manifest in workloads(overlay(name)).items():
        spec = pod(manifest)
        assert spec["automountServiceAccountToken"] is False, key
        assert spec["enableServiceLinks"] is False, key
        if (key, "high user id") not in EXCEPTIONS:
            assert spec["securityContext"]["runAsUser"] >= 10_000, key
        assert all(container["securityContext"]["readOnlyRootFilesystem"] for container in containers(manifest)), key
        for volume in spec.get("volumes", ()):
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": ""}), key


@each_overlay
def test_a_container_says_what_it_needs_and_where_it_comes_from(name: str) -> None:
    for key, manifest in workloads(overlay(name)).items():
        for container in containers(manifest):
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]), key
            assert {"cpu", "memory"} <= set(container["resources"]["limits"]), key
            assert TAGS.search(container["image"]), container["image"]


@each_overlay
def test_a_pod_has_a_priority_probes_and_time_to_end(name: str) -> None:
    for key, manifest in workloads(overlay(name)).items():
        spec = pod(manifest)
        assert spec.get("priorityClassName") in ("oma-interactive", "oma-batch"), key
        assert spec["terminationGracePeriodSeconds"] > 0, key
        if (key, "probes") not in EXCEPTIONS:
            assert {"readinessProbe", "livenessProbe"} <= set(spec["containers"][0]), key


@each_overlay
def test_a_pod_that_others_wait_for_is_not_evicted_with_all_its_like(name: str) -> None:
    for key, manifest in workloads(overlay(name)).items():
        if (key, "budget") in EXCEPTIONS or manifest["kind"] == "Job":
            continue
        budget = named(overlay(name), "PodDisruptionBudget", key)["spec"]
        made = template(manifest)
        assert made is not None
        assert budget["maxUnavailable"] == 1
        assert budget["selector"]["matchLabels"].items() <= made["metadata"]["labels"].items(), key


@each_overlay
def test_replicas_lie_on_many_nodes(name: str) -> None:
    spread: dict[str, set[str]] = {}
    for key, manifest in workloads(overlay(name)).items():
        for rule in pod(manifest).get("topologySpreadConstraints", ()):
            assert rule["labelSelector"]["matchLabels"] == {"app.kubernetes.io/name": key}
            spread.setdefault(key, set()).add(rule["topologyKey"])
    zones_and_nodes = {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
    assert all(keys == zones_and_nodes for keys in spread.values())
    assert set(spread) >= {"gateway", "gateway-worker", "style-train", "background", "pose-estimation", "pose-transfer"}


@each_overlay
def test_secrets_are_named_and_never_written(name: str) -> None:
    assert [one["metadata"]["name"] for one in overlay(name) if one["kind"] == "Secret"] == []
    for manifest in workloads(overlay(name)).values():
        for container in containers(manifest):
            for one in container.get("env", ()):
                if one["name"].endswith(("PASSWORD", "SECRET_KEY", "ACCESS_KEY", "DATABASE_URL", "ADMIN_KEY", "USER")):
                    assert "secretKeyRef" in one["valueFrom"], one["name"]


@each_overlay
def test_what_a_pod_mounts_is_there_or_is_written_down_for_the_operator(name: str) -> None:
    manifests = overlay(name)
    said = " ".join((path / "README.md").read_text(encoding="utf-8") for path in component_folders())
    for manifest in workloads(manifests).values():
        for volume in pod(manifest).get("volumes", ()):
            if "persistentVolumeClaim" in volume:
                named(manifests, "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
            if "secret" in volume:
                wanted = volume["secret"]["secretName"]
                made = {one["spec"].get("secretName") for one in manifests if one["kind"] == "Certificate"}
                assert wanted in made or wanted in said or wanted in platform_page(), wanted


def component_folders() -> list[Path]:
    return [K8S / "components" / name for name in COMPONENTS]


def platform_page() -> str:
    return (ROOT / "docs/platform.md").read_text(encoding="utf-8")
