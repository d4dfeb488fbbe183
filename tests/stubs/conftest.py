"""An environment as another team has it: our wheel of stubs, grpcio and protobuf, and nothing else."""

import importlib.metadata
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = ("grpcio", "protobuf", "typing_extensions")
PAGE = ROOT / "docs/stubs.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """Another team's environment, and the program that they wrote from our page."""

    python: Path
    program: Path
    wheel: Path

    def environment(self, **told: str) -> dict[str, str]:
        """What their program finds: `oma` on the path, and what it is told."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return {"PATH": path, "HOME": os.environ.get("HOME", "/"), "PYTHONDONTWRITEBYTECODE": "1", **told}


def program_of_page() -> str:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 5
    return "\n".join(blocks)


def link_installed(site_packages: Path) -> None:
    """What an index would install beside the wheel, from what is installed here: no network is needed."""
    for name in NEEDED:
        distribution = importlib.metadata.distribution(name)
        for file in {Path(*file.parts[: 2 if file.parts[0] == "google" else 1]) for file in distribution.files or ()}:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                target = site_packages / file
                target.parent.mkdir(exist_ok=True)
                target.symlink_to(Path(str(distribution.locate_file(file))))


@pytest.fixture(scope="session")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    folder = tmp_path_factory.mktemp("newcomer")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    build = (*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT / "stubs"))
    subprocess.run(build, check=True, timeout=250)
    (wheel,) = folder.glob("*.whl")
    subprocess.run((sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")), check=True, timeout=100)
    python = folder / "venv/bin/python"
    (site_packages,) = (folder / "venv").glob("lib/python*/site-packages")
    link_installed(site_packages)
    into = (*pip[:3], "--python", str(python))
    subprocess.run((*into, "install", "-q", "--no-index", str(wheel)), check=True, timeout=250)
    subprocess.run((*into, "check"), check=True, timeout=100)
    program = folder / "program.py"
    program.write_text(program_of_page(), encoding="utf-8")
    return Newcomer(python=python, program=program, wheel=wheel)
