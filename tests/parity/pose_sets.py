"""Finds reference results of the pose services by what is in them, whatever the files are called."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

ROOT = Path(os.environ.get("OMA_PARITY_ROOT", str(Path(__file__).parent / "fixtures")))
FOLDER = ROOT / "pose" / "parity"

NpzCase = tuple[Path, str]


@cache
def npz_keys(path: Path) -> tuple[str, ...]:
    with np.load(path) as arrays:
        return tuple(arrays.files)


def npz_cases(*suffixes: str) -> list[NpzCase]:
    """Every file and prefix for which all of `prefix + suffix` exist."""
    return [
        (path, key.removesuffix(suffixes[0]))
        for path in sorted(FOLDER.glob("*.npz"))
        for key in npz_keys(path)
        if key.endswith(suffixes[0])
        and all(key.removesuffix(suffixes[0]) + suffix in npz_keys(path) for suffix in suffixes)
    ]


def read_npz(case: NpzCase) -> dict[str, NDArray[Any]]:
    """The arrays of a case, by the rest of their keys."""
    path, prefix = case
    with np.load(path) as arrays:
        return {key.removeprefix(prefix): arrays[key] for key in arrays.files if key.startswith(prefix)}


def case_name(case: NpzCase) -> str:
    return f"{case[0].stem}-{case[1].strip('.')}"


def json_sets(field: str) -> list[Path]:
    """Every description that has this field."""
    return [path for path in sorted(FOLDER.glob("*.json")) if field in read_json(path)]


@cache
def read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


@cache
def read_tensors(description: Path) -> dict[str, Tensor]:
    return load_file(description.with_suffix(".safetensors"))


def weights(tensors: dict[str, Tensor], module: str) -> dict[str, Tensor]:
    prefix = f"weights.{module}."
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}


def largest_difference(found: Tensor, expected: Tensor) -> float:
    """Refuses to compare by broadcasting."""
    assert found.shape == expected.shape
    return float((found - expected).abs().max())


def one_frame(tensor: Tensor) -> Tensor:
    """Without the frame axis (2) of the reference, which must hold one frame."""
    assert tensor.shape[2] == 1
    return torch.squeeze(tensor, 2)
