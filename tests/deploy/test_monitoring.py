"""What Prometheus is asked for is what the code tells, and what wakes somebody up is written down."""

import json
import re
from collections.abc import Iterator

from scripts.metrics_page import entries
from tests.deploy.manifests import K8S, ROOT, Manifest, known_variables, main_container, named, overlay, workloads

FOLDER = K8S / "components/monitoring"
OTHERS = {"up", "certmanager_certificate_expiration_timestamp_seconds"}  # Prometheus's own, and cert-manager's
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
TAKEN_UP_BY = ("autoscaling/hpa.yaml", "autoscaling/README.md")


def told() -> dict[str, set[str]]:
    """Every series that the code tells, and its labels."""
    return {
        f"{one.name}{suffix}": {*one.labels, *({"le"} if suffix == "_bucket" else ())}
        for one in entries()
        for suffix in SUFFIXES[one.kind]
    }


def rules() -> list[Manifest]:
    (group,) = named(overlay("prod"), "PrometheusRule", "oma")["spec"]["groups"]
    found: list[Manifest] = group["rules"]
    return found


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    board = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    yield from (target["expr"] for panel in board["panels"] for target in panel["targets"])


def series(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each series of an expression and the labels that it is chosen by."""
    for name, chosen in re.findall(r"\b([a-z_]+)\{([^}]*)\}", expression):
        yield name, set(re.findall(r"(\w+)\s*(?:=|!=|=~|!~)\s*\"", chosen))


def test_every_series_that_is_asked_for_is_told_with_those_labels() -> None:
    known, asked = told(), set()
    for expression in expressions():
        for name, labels in series(expression):
            asked.add(name)
            if name not in OTHERS:
                assert name in known, name
                assert labels - {"namespace"} <= known[name], (name, labels)
    assert len(asked) > 25
    assert asked >= OTHERS


def test_every_label_that_is_summed_by_is_one_of_the_series() -> None:
    known = told()
    checked = 0
    of_prometheus = {"namespace", "pod", "app_kubernetes_io_name"}
    for expression in expressions():
        labels = {label for _, chosen in series(expression) for label in chosen}
        labels |= {label for name, _ in series(expression) for label in known.get(name, ())}
        for by in re.findall(r"\bby \(([^)]*)\)", expression):
            checked += 1
            assert {one.strip() for one in by.split(",")} <= labels | of_prometheus, expression
    assert checked > 30


def test_every_series_is_of_our_namespace() -> None:
    for expression in expressions():
        assert all("namespace" in labels for _, labels in series(expression)), expression
        assert len(re.findall(r"\{", expression)) == len(list(series(expression)))


def test_nothing_is_scaled_by_a_metric_that_nobody_tells() -> None:
    known = set(told())
    for part in TAKEN_UP_BY:
        text = (K8S / "components" / part).read_text(encoding="utf-8")
        assert set(re.findall(r"\boma_[a-z_]+", text)) - known <= {"oma_drawings_open", "oma_claimable"}
    rule = (K8S / "components/autoscaling/README.md").read_text(encoding="utf-8")
    assert "name: {as: oma_drawings_open}" in rule


def test_what_scales_stays_below_the_places_that_there_are() -> None:
    targets = {
        one["metadata"]["name"]: float(one["spec"]["metrics"][0]["pods"]["target"]["averageValue"])
        for one in overlay("prod")
        if one["kind"] == "HorizontalPodAutoscaler" and one["spec"]["metrics"][0]["type"] == "Pods"
    }
    drawn = [name for name in targets if name != "gateway"]
    most = {name: known_variables()[f"OMA_{name.upper().replace('-', '_')}_MAX_PENDING"].default for name in drawn}
    assert len(most) == 3
    assert all(targets[name] <= 0.6 * places for name, places in most.items())


def test_every_alert_is_explained_to_whom_it_wakes() -> None:
    page = (ROOT / "docs/platform.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^### (Oma\w+)$", page, re.MULTILINE))
    assert explained == {rule["alert"] for rule in rules()}
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/platform.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("critical", "warning", "info")


def test_everybody_who_tells_is_asked() -> None:
    manifests = overlay("prod")
    services = {
        one["metadata"]["name"]
        for one in manifests
        if one["kind"] == "Service" and any(port["name"] == "metrics" for port in one["spec"]["ports"])
    }
    (selected,) = named(manifests, "PodMonitor", "workers")["spec"]["selector"]["matchExpressions"]
    tells = {
        name
        for name, manifest in workloads(manifests).items()
        if any(port["containerPort"] == 9464 for port in main_container(manifest).get("ports", ()))
    }
    assert services | set(selected["values"]) == tells
    for name in services:
        assert named(manifests, "Service", name)["metadata"]["labels"]["app.kubernetes.io/part-of"] == "oma"


def test_the_brackets_of_every_expression_close() -> None:
    for expression in expressions():
        for opened, closed in ("()", "{}", "[]"):
            assert expression.count(opened) == expression.count(closed), expression
