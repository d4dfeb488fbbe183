"""What is rendered is what Kubernetes accepts: every overlay, every component alone, and many together."""

import json
import warnings
from collections.abc import Sequence

import pytest

from tests.deploy.manifests import COMPONENTS, K8S, OVERLAYS, Manifest, overlay, template, with_components

VERSIONS = ("1.35", "1.36", "1.37")  # the last three minor versions
PAIRS = (
    ("autoscaling", "kueue"),
    ("autoscaling", "network-policy"),
    ("cloudnative-pg", "autoscaling"),
    ("cloudnative-pg", "seaweedfs"),
    ("gateway-api", "network-policy"),
    ("gpu-aks", "autoscaling"),
    ("gpu-eks", "triton"),
    ("gpu-gke", "kueue"),
    ("gpu", "mtls"),
    ("minio", "network-policy"),
    ("model-puller", "autoscaling"),
    ("model-puller", "triton"),
    ("monitoring", "triton"),
    ("mtls", "autoscaling"),
    ("mtls", "triton"),
    ("postgres", "seaweedfs"),
)
CUSTOM = {  # kinds that Kubernetes itself does not know; their operators' schemas are not here
    "barmancloud.cnpg.io/v1": {"ObjectStore"},
    "cert-manager.io/v1": {"Certificate", "Issuer"},
    "external-secrets.io/v1": {"ExternalSecret"},
    "gateway.networking.k8s.io/v1": {"Gateway", "HTTPRoute"},
    "keda.sh/v1alpha1": {"ScaledJob", "TriggerAuthentication"},
    "kueue.x-k8s.io/v1beta1": {"LocalQueue"},
    "monitoring.coreos.com/v1": {"PodMonitor", "PrometheusRule", "ServiceMonitor"},
    "postgresql.cnpg.io/v1": {"Cluster", "Database", "ScheduledBackup"},
}

accepted: set[tuple[str, str]] = set()  # most of what is rendered is the same in many combinations


def check(manifests: Sequence[Manifest], versions: Sequence[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the validator's own use of a deprecated resolver
        import kubernetes_validate  # noqa: PLC0415

        for manifest in manifests:
            if manifest["kind"] in CUSTOM.get(manifest["apiVersion"], ()):
                check_pod_of_custom(manifest, versions)
                continue
            for version in versions:
                seen = (version, json.dumps(manifest, sort_keys=True))
                if seen not in accepted:
                    kubernetes_validate.validate(manifest, version, strict=True)
                    accepted.add(seen)


def check_pod_of_custom(manifest: Manifest, versions: Sequence[str]) -> None:
    made = template(manifest)
    if made is not None:
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "made"}, "spec": {"template": made}}
        check([job], versions)


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_is_valid_kubernetes(name: str) -> None:
    assert len(overlay(name)) > 30
    check(overlay(name), VERSIONS[-1:])


def test_nothing_is_made_twice() -> None:
    for name in OVERLAYS:
        made = [(one["kind"], one["metadata"]["name"]) for one in overlay(name)]
        assert len(made) == len(set(made))


def test_every_component_says_what_it_is() -> None:
    assert len(COMPONENTS) >= 15
    for component in COMPONENTS:
        assert (K8S / "components" / component / "README.md").read_text(encoding="utf-8").startswith(f"# {component}\n")


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_is_valid_in_the_last_three_versions(name: str, version: str) -> None:
    check(overlay(name), [version])


@pytest.mark.slow
@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_goes_on_the_base_alone(component: str) -> None:
    needs = {"kueue": ("autoscaling",)}.get(component, ())
    bare, alone = with_components(*needs), with_components(*needs, component)
    check(alone, VERSIONS)
    assert alone != bare


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS, ids="+".join)
def test_components_go_together(pair: tuple[str, str]) -> None:
    check(with_components(*pair), VERSIONS)


@pytest.mark.slow
def test_all_components_go_together() -> None:
    everything = with_components(*COMPONENTS)
    check(everything, VERSIONS)
    made = [(one["kind"], one["metadata"]["name"]) for one in everything]
    assert len(made) == len(set(made))


@pytest.mark.slow
def test_what_takes_over_a_pod_cannot_be_listed_before_what_changes_it() -> None:
    with pytest.raises(AssertionError, match="no resource matches"):
        with_components("autoscaling", "gpu", as_listed=True)
