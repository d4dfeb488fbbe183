"""Finds reference results of the pose services by what is in them, whatever the files are called and wherever they lie.

DWPose's are `.npz` files, in which each family of cases is told by how its arrays' names end. AnimateAnyone's are
`.safetensors` files, each with its description, a `.json` file of the same name, beside it; the schedule is in a
`.json` file alone.
"""

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

OWN_ROOT = Path(__file__).parent / "fixtures" / "pose"
ROOT = Path(os.environ["OMA_PARITY_ROOT"]).resolve() / "pose" if "OMA_PARITY_ROOT" in os.environ else OWN_ROOT
FOLDER = ROOT / "parity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A kind of case in `.npz` files: all that is given must be there, and any of the results are compared."""

    given: tuple[str, ...]
    results: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NpzCase:
    """The arrays of one file whose names begin alike."""

    path: Path
    prefix: str
    family: Family

    def __str__(self) -> str:
        return f"{set_name(self.path)}-{self.prefix.strip('.')}"

    @property
    def keys(self) -> list[str]:
        names = (self.prefix + name for name in (*self.family.given, *self.family.results))
        return [name for name in names if name in npz_keys(self.path)]

    def read(self) -> dict[str, NDArray[Any]]:
        """The arrays that are there, by the ends of their names."""
        with np.load(self.path) as arrays:
            return {key.removeprefix(self.prefix): arrays[key] for key in self.keys}


def set_name(path: Path) -> str:
    return path.relative_to(FOLDER).with_suffix("").as_posix().replace("/", "-")


def npz_files() -> list[Path]:
    return sorted(FOLDER.rglob("*.npz"))


@cache
def npz_keys(path: Path) -> frozenset[str]:
    with np.load(path) as arrays:
        return frozenset(arrays.files)


def npz_cases(family: Family) -> list[NpzCase]:
    """Every case of the family in any file."""
    found = []
    for path in npz_files():
        keys, first = npz_keys(path), family.given[0]
        prefixes = {key.removesuffix(first) for key in keys if f".{key}".endswith(f".{first}")}
        found += [NpzCase(path, prefix, family) for prefix in sorted(prefixes) if _is_case(family, prefix, keys)]
    return found


def _is_case(family: Family, prefix: str, keys: frozenset[str]) -> bool:
    return all(prefix + name in keys for name in family.given) and any(prefix + name in keys for name in family.results)


def json_files() -> list[Path]:
    return sorted(FOLDER.rglob("*.json"))


@cache
def read_json(path: Path) -> dict[str, Any]:
    """Empty where the file holds something else than fields."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return content if isinstance(content, dict) else {}


def tensor_files() -> list[Path]:
    return sorted(FOLDER.rglob("*.safetensors"))


@cache
def tensor_keys(path: Path) -> frozenset[str]:
    with safe_open(path, framework="pt") as tensors:
        return frozenset(tensors.keys())


def describes(path: Path) -> dict[str, Any]:
    """The description of a file of tensors."""
    return read_json(path.with_suffix(".json"))


@cache
def read_tensors(path: Path) -> dict[str, Tensor]:
    return load_file(path)


def weights(tensors: dict[str, Tensor], module: str) -> dict[str, Tensor]:
    prefix = f"weights.{module}."
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}


def named_set(name: str, beside: Path) -> Path:
    """The file of tensors that another set names: in the same folder, or else the only one of that name."""
    near = beside.with_name(name)
    found = [near] if near.exists() else [path for path in tensor_files() if path.name == name]
    assert len(found) == 1, f"{beside} needs one {name}, there are {found}"
    return found[0]


def largest_difference(found: Tensor, expected: Tensor) -> float:
    """Refuses to compare by broadcasting. NaN, which is no less than any tolerance, if either holds one."""
    assert found.shape == expected.shape, f"{tuple(found.shape)} is compared with {tuple(expected.shape)}"
    return float((found.double() - expected.double()).abs().max())


def one_frame(tensor: Tensor) -> Tensor:
    """Without the frame axis (2) of the reference, which must hold one frame."""
    assert tensor.shape[2] == 1
    return tensor.squeeze(2)
