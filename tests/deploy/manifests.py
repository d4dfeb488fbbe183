"""Renders what is below deploy/k8s, and reads what was rendered."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from scripts.settings_page import settings_classes, variables

ROOT = Path(__file__).parents[2]
K8S = ROOT / "deploy/k8s"
OVERLAYS = sorted(path.name for path in (K8S / "overlays").iterdir())
COMPONENTS = sorted(path.name for path in (K8S / "components").iterdir())
LAST = ("model-puller", "autoscaling", "kueue")  # they take over what the others have made of a pod

Manifest = dict[str, Any]


def render(folder: Path) -> list[Manifest]:
    kubectl = Path(sys.executable).parent / "kubectl"
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))


@cache
def overlay(name: str) -> list[Manifest]:
    return render(K8S / "overlays" / name)


@cache
def with_components(*names: str, as_listed: bool = False) -> list[Manifest]:
    """The base with these components, in this order, except that those that must come last do."""
    if not as_listed:
        names = (*(name for name in names if name not in LAST), *(name for name in LAST if name in names))
    with tempfile.TemporaryDirectory() as scratch:
        for part in ("base", "components"):
            shutil.copytree(K8S / part, Path(scratch) / part)
        chosen = Path(scratch) / "chosen"
        chosen.mkdir()
        listed = ", ".join(f"../components/{name}" for name in names)
        text = f"namespace: oma\nresources: [../base]\ncomponents: [{listed}]\n"
        (chosen / "kustomization.yaml").write_text(text, encoding="utf-8")
        return render(chosen)


def deployments(name: str = "dev") -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in overlay(name) if one["kind"] == "Deployment"}


def named(manifests: Sequence[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [item for item in manifests if (item["kind"], item["metadata"]["name"]) == (kind, name)]
    return found


def template(manifest: Manifest) -> Manifest | None:
    """The pod that it makes, if it makes pods."""
    spec = manifest.get("spec", {})
    found: Manifest | None = (spec.get("jobTargetRef") or spec).get("template")
    return found if manifest["kind"] in ("Deployment", "StatefulSet", "Job", "ScaledJob") else None


def workloads(manifests: Sequence[Manifest]) -> dict[str, Manifest]:
    """Everything that makes pods, by its name."""
    return {one["metadata"]["name"]: one for one in manifests if template(one) is not None}


def pod(manifest: Manifest) -> Manifest:
    made = template(manifest)
    assert made is not None
    spec: Manifest = made["spec"]
    return spec


def containers(manifest: Manifest) -> Iterator[Manifest]:
    yield from pod(manifest).get("initContainers", ())
    yield from pod(manifest)["containers"]


def main_container(manifest: Manifest) -> Manifest:
    container: Manifest = pod(manifest)["containers"][0]
    return container


def environment(manifest: Manifest) -> dict[str, Any]:
    return {one["name"]: one.get("value") for one in main_container(manifest).get("env", ())}


def known_variables() -> dict[str, Any]:
    pairs = [variables(kind, str(kind.model_config.get("env_prefix"))) for kind in settings_classes()]
    return {name: field for pair in pairs for name, field in pair}
