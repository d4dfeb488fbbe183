"""Every connection that a process's settings lead to is allowed, and no other."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.deploy.manifests import (
    Manifest,
    containers,
    environment,
    overlay,
    template,
    with_components,
    workloads,
)

Edge = tuple[str, str, int]  # from, to, port
STORES = {"seaweedfs": 8333, "minio": 9000}
OUTSIDE = {  # who comes in from other namespaces, and on which port
    "oma.dev/edge": {("gateway", 8080)},
    "oma.dev/monitoring": {
        *((name, 9464) for name in ("gateway", "gateway-worker", "style-train", "style-train-worker")),
        *((name, 9464) for name in ("background", "pose-estimation", "pose-transfer")),
        ("triton", 8002),
    },
}


def labels_of(manifests: Sequence[Manifest]) -> dict[str, Mapping[str, str]]:
    found = {}
    for name, manifest in workloads(manifests).items():
        made = template(manifest)
        assert made is not None
        found[name] = made["metadata"]["labels"]
    return found


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(
        one["operator"] == "In" and labels.get(one["key"]) in one["values"]
        for one in selector.get("matchExpressions", ())
    )


def allowed(manifests: Sequence[Manifest], way: str, pod: Mapping[str, str], other: Mapping[str, str]) -> set[int]:
    """Ports that the policies of `pod` open towards `other`: `way` is Ingress or Egress."""
    ports: set[int] = set()
    side = {"Ingress": "from", "Egress": "to"}[way]
    for policy in (one["spec"] for one in manifests if one["kind"] == "NetworkPolicy"):
        if way not in policy["policyTypes"] or not selects(policy["podSelector"], pod):
            continue
        for rule in policy.get(way.lower(), ()):
            peers = [peer for peer in rule[side] if "podSelector" in peer and "namespaceSelector" not in peer]
            if any(selects(peer["podSelector"], other) for peer in peers):
                ports |= {port["port"] for port in rule["ports"]}
    return ports


def edges_allowed(manifests: Sequence[Manifest]) -> set[Edge]:
    pods = labels_of(manifests)
    return {
        (source, target, port)
        for source, own in pods.items()
        for target, its in pods.items()
        for port in allowed(manifests, "Egress", own, its) & allowed(manifests, "Ingress", its, own)
    }


def edges_used(manifests: Sequence[Manifest]) -> Iterator[Edge]:
    running = workloads(manifests)
    for source, manifest in running.items():
        for value in environment(manifest).values():
            if called := re.fullmatch(r"dns:///([a-z-]+):(\d+)", str(value)):
                yield source, called[1], int(called[2])
        told = {one["name"] for container in containers(manifest) for one in container.get("env", ())}
        if any(name.endswith("DATABASE_URL") for name in told) and "postgres" in running:
            yield source, "postgres", 5432
        if any(name.endswith("ENDPOINT") for name in told):
            yield from ((source, store, port) for store, port in STORES.items() if store in running)


CLOSED = {
    "ci": lambda: overlay("ci"),
    "prod": lambda: overlay("prod"),
    "staging": lambda: overlay("staging"),
    "with pulled models": lambda: with_components("seaweedfs", "postgres", "triton", "model-puller", "network-policy"),
    "with minio and triton": lambda: with_components("minio", "postgres", "triton", "network-policy"),
}


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_what_is_called_is_allowed_and_nothing_else_is(name: str) -> None:
    manifests = CLOSED[name]()
    used = set(edges_used(manifests))
    assert len(used) >= 8
    assert edges_allowed(manifests) == used


def test_without_a_policy_nobody_reaches_anybody() -> None:
    rules = [one for one in overlay("prod") if one["kind"] == "NetworkPolicy"]
    (closed,) = [one["spec"] for one in rules if one["metadata"]["name"] == "default-deny"]
    assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_other_namespaces_reach_what_is_meant_for_them() -> None:
    pods = labels_of(overlay("prod"))
    found: dict[str, set[tuple[str, int]]] = {}
    for policy in (one["spec"] for one in overlay("prod") if one["kind"] == "NetworkPolicy"):
        for rule in policy.get("ingress", ()):
            for peer in rule["from"]:
                for label in peer.get("namespaceSelector", {}).get("matchLabels", ()):
                    reached = {name for name, labels in pods.items() if selects(policy["podSelector"], labels)}
                    ports = {port["port"] for port in rule["ports"]}
                    found.setdefault(label, set()).update((name, port) for name in reached for port in ports)
    assert {label: ends for label, ends in found.items() if ends} == OUTSIDE


def test_who_leaves_the_cluster_does_so_by_the_ports_of_databases_stores_and_mail() -> None:
    ports = {
        port["port"]
        for one in overlay("prod")
        if one["kind"] == "NetworkPolicy"
        for rule in one["spec"].get("egress", ())
        if any("ipBlock" in peer for peer in rule["to"])
        for port in rule["ports"]
    }
    assert ports == {443, 587, 5432}
