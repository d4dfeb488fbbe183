"""House rules that ruff cannot express, checked over the whole source tree. Each has a floor, so it cannot go blind."""

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ROOT / "services"
SOURCES = sorted([*SERVICES.rglob("*.py"), *(ROOT / "models").rglob("*.py")])
SERVICE_FOLDERS = [
    SERVICES / "background",
    SERVICES / "pose/estimation",
    SERVICES / "pose/transfer",
    SERVICES / "style_train",
]
SAME_FILES = {"__main__.py", "server.py", "servicer.py", "convert.py", "settings.py"}
LONGEST_FILE = 400
MOST_FILES_AT_MOST = 300
MOST_FUNCTIONS_AT_MOST = 35
MEDIAN_FUNCTION_AT_MOST = 10


def functions(paths: list[Path]) -> Iterator[int]:
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield (node.end_lineno or node.lineno) - node.lineno + 1


def rpc_methods(path: Path) -> Iterator[ast.AsyncFunctionDef | ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef) and node.name.endswith("Servicer"):
            for item in node.body:
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and not item.name.startswith("_"):
                    yield item


def nine_in_ten(numbers: list[int]) -> int:
    return sorted(numbers)[int(len(numbers) * 0.9)]


@pytest.mark.parametrize("folder", SERVICE_FOLDERS, ids=lambda folder: folder.name)
def test_every_service_has_the_same_files(folder: Path) -> None:
    assert {path.name for path in folder.glob("*.py")} >= SAME_FILES


@pytest.mark.parametrize("folder", SERVICE_FOLDERS, ids=lambda folder: folder.name)
def test_every_rpc_awaits(folder: Path) -> None:
    """An RPC that never awaits runs its work on the event loop and stalls the server."""
    methods = list(rpc_methods(folder / "servicer.py"))
    assert methods, "no RPCs found; this test has gone blind"
    for method in methods:
        awaits = any(isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith) for node in ast.walk(method))
        assert awaits, f"{method.name} never awaits"


def test_no_file_is_too_long_to_read() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert len(lengths) > 60
    assert {str(path): length for path, length in lengths.items() if length > LONGEST_FILE} == {}
    assert nine_in_ten(list(lengths.values())) <= MOST_FILES_AT_MOST


def test_most_functions_are_read_without_scrolling() -> None:
    lengths = list(functions(SOURCES))
    assert len(lengths) > 500
    assert statistics.median(lengths) <= MEDIAN_FUNCTION_AT_MOST
    assert nine_in_ten(lengths) <= MOST_FUNCTIONS_AT_MOST


def test_there_is_no_utils() -> None:
    named = {path.stem for path in SOURCES}
    assert not named & {"utils", "util", "helpers", "misc"}


def test_no_pickle_is_loaded() -> None:
    banned = re.compile(r"import pickle|(?<!safetensors\.)torch\.load\((?!.*weights_only=True)|allow_pickle=True")
    found = [str(path) for path in SOURCES if banned.search(path.read_text(encoding="utf-8"))]
    assert found == []
