"""A random family in memory and on disk, shared by the engine's tests."""

from pathlib import Path

import pytest
import torch

from services.background.engine.painter import Painter
from services.background.model import StyleTargets, load_painter
from services.common.families import load_family
from tests.fakes.families import build_random_family


@pytest.fixture(scope="session")
def family_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return build_random_family(tmp_path_factory.mktemp("family"))


@pytest.fixture(scope="session")
def loaded(family_folder: Path) -> tuple[Painter, StyleTargets]:
    return load_painter(load_family(family_folder), device=torch.device("cpu"))


@pytest.fixture(scope="session")
def painter(loaded: tuple[Painter, StyleTargets]) -> Painter:
    return loaded[0]


@pytest.fixture(scope="session")
def targets(loaded: tuple[Painter, StyleTargets]) -> StyleTargets:
    return loaded[1]
