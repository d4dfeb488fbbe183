"""The init container that fetches the family, against the command that it runs."""

from pathlib import Path

from typer.testing import CliRunner

from services.cli.__main__ import app
from tests.deploy.manifests import (
    Manifest,
    known_variables,
    main_container,
    named,
    overlay,
    pod,
    with_components,
    workloads,
)

FAMILY = "/models/family"


def pullers(manifests: list[Manifest]) -> dict[str, Manifest]:
    return {
        name: container
        for name, manifest in workloads(manifests).items()
        for container in pod(manifest).get("initContainers", ())
        if container["name"] == "model-puller"
    }


def test_whoever_reads_the_family_has_it_fetched_to_where_it_reads_it() -> None:
    found = pullers(overlay("prod"))
    assert set(found) == {
        "background",
        "pose-estimation",
        "pose-transfer",
        "style-train",
        "style-train-worker",
        "triton",
    }
    for name, container in found.items():
        spec = pod(workloads(overlay("prod"))[name])
        assert spec["initContainers"][0] == container  # Triton's repository is written from it
        told = {one["name"]: one.get("value") for one in container["env"]}
        assert container["args"] == ["oma", "models", "pull", "$(FAMILY)", "--to", FAMILY]
        assert {key for key in told if key.startswith("OMA_")} <= set(known_variables())
        (mount,) = [one for one in container["volumeMounts"] if one["mountPath"] == "/models"]
        (volume,) = [one for one in spec["volumes"] if one["name"] == mount["name"]]
        assert "emptyDir" in volume
        reader = [*spec["initContainers"][1:], spec["containers"][0]][0]
        assert {"name": mount["name"], "mountPath": "/models", "readOnly": True} in reader["volumeMounts"]


def test_the_command_fetches_and_compares_a_family(tmp_path: Path) -> None:
    """The arguments of the manifest itself, with the smallest family there is as a source on this disk."""
    source = tmp_path / "source/tiny"
    source.mkdir(parents=True)
    (source / "model_index.json").write_text("{}", encoding="utf-8")
    sha256 = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    manifest = (
        '{"name": "tiny", "licence": "Apache-2.0", "resolution": 64, "size_step": 16, '
        f'"files": {{"model_index.json": "{sha256}"}}}}'
    )
    (source / "manifest.json").write_text(manifest, encoding="utf-8")
    args = named(overlay("prod"), "Deployment", "background")["spec"]["template"]["spec"]["initContainers"][0]["args"]
    target = tmp_path / "models/family"
    here = [one.replace("$(FAMILY)", "tiny").replace(FAMILY, str(target)) for one in args[1:]]
    runner = CliRunner(env={"OMA_MODELS_SOURCE": str(tmp_path / "source")})
    assert runner.invoke(app, here).exit_code == 0
    assert (target / "model_index.json").read_bytes() == b"{}"
    (source / "model_index.json").write_text("[]", encoding="utf-8")
    other = [one.replace(str(target), str(tmp_path / "other")) for one in here]
    assert runner.invoke(app, other).exit_code != 0
    assert not (tmp_path / "other").exists()


def test_without_it_the_family_is_on_a_volume_of_the_operators() -> None:
    manifests = with_components("triton")
    assert pullers(manifests) == {}
    claims = {
        volume["persistentVolumeClaim"]["claimName"]
        for manifest in workloads(manifests).values()
        for volume in pod(manifest)["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert claims == {"models"}
    for manifest in workloads(manifests).values():
        mounts = main_container(manifest)["volumeMounts"]
        assert all(one["readOnly"] for one in mounts if one["mountPath"] == "/models")
