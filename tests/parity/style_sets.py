"""Finds reference results of styles by what is in them, whatever the folders are called and wherever they lie.

A case is a folder with `case.json` and `io.safetensors`; its networks are the nearest `pipeline` beside it or above.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from services.common.style_files import read_dreamstyler
from services.style_train.engine.networks import Networks
from services.style_train.model import load_networks
from services.style_train.original import convert
from tests.fakes.families import write_manifest

OWN_ROOT = Path(__file__).parent / "fixtures" / "style" / "parity"
ROOT = (
    Path(os.environ["OMA_PARITY_ROOT"]).resolve() / "style" / "parity" if "OMA_PARITY_ROOT" in os.environ else OWN_ROOT
)
CPU = torch.device("cpu")
TOLERANCE = 1e-4  # of the largest number, and of 1 where that is larger
ROWS_AFTER = 1e-5  # the same, for weights after an optimiser's step
PREDICTED = re.compile(r"(?P<kind>.+)\.scale(?P<scale>[-+.\de]+)\.(?P<what>hidden|eps|eps_full_chain)")


@dataclass(frozen=True, slots=True, order=True)
class StyleCase:
    """One folder of reference results."""

    folder: Path

    def __str__(self) -> str:
        return self.folder.relative_to(ROOT).as_posix().replace("/", "-")

    @property
    def told(self) -> dict[str, Any]:
        return self.read("case.json")

    def read(self, name: str) -> dict[str, Any]:
        return _read_json(self.folder / name)

    @property
    def arrays(self) -> dict[str, Tensor]:
        return _read_arrays(self.folder / "io.safetensors")

    @property
    def pipeline(self) -> Path:
        return pipeline_of(self.folder)

    @property
    def scheduler_config(self) -> dict[str, Any]:
        """The pipeline's, predicting what the case says that it predicts."""
        config = _read_json(self.pipeline / "scheduler" / "scheduler_config.json")
        given = self.told.get("prediction_type") if (self.folder / "case.json").exists() else None
        return {**config, "prediction_type": given} if given else config

    @property
    def style_files(self) -> list[Path]:
        """What lies beside the arrays, other cases' files left out."""
        found = sorted(self.folder.rglob("*.safetensors"))
        others = [one.folder for one in all_cases() if one != self and one.folder.is_relative_to(self.folder)]
        return [
            path
            for path in found
            if path.name != "io.safetensors" and not any(path.is_relative_to(other) for other in others)
        ]

    @property
    def kinds(self) -> list[str]:
        """The adapters whose results are given."""
        return sorted({match["kind"] for match in map(PREDICTED.fullmatch, self.arrays) if match})

    def kind_of(self, path: Path) -> str:
        """Which adapter a file holds, by its name; the longest name that fits."""
        fitting = [kind for kind in self.kinds if f"_{kind}_" in f"_{path.stem}_"]
        if not fitting:
            raise AssertionError(f"{path} is none of the adapters {self.kinds} that {self} has results of")
        return max(fitting, key=len)

    def scales_of(self, kind: str) -> list[tuple[str, float]]:
        """The strengths of an adapter: how the arrays' names begin, and the number."""
        found = [match for match in map(PREDICTED.fullmatch, self.arrays) if match and match["kind"] == kind]
        return sorted({(f"{kind}.scale{match['scale']}", float(match["scale"])) for match in found})

    def rows_TC(self) -> Tensor:
        """The style's vectors, from the original's own file where there is no other."""
        safe, original = (self.folder / "embedding" / name for name in ("final.safetensors", "final.bin"))
        if safe.exists():
            found = load_file(safe)
            return torch.stack([found[name] for name in self.told["token_names"]])
        width = _read_json(self.pipeline / "text_encoder" / "config.json")["hidden_size"]
        return read_dreamstyler(convert(original), width=width).embeddings_TC


def all_cases() -> list[StyleCase]:
    return [StyleCase(path.parent) for path in sorted(ROOT.rglob("io.safetensors"))]


def cases(*keys: str) -> list[StyleCase]:
    """Those that have all of these arrays."""
    return [case for case in all_cases() if all(key in case.arrays for key in keys)]


def cases_with(prefix: str) -> list[StyleCase]:
    """Those that have arrays whose names begin so."""
    return [case for case in all_cases() if any(name.startswith(prefix) for name in case.arrays)]


def assert_near(found: Mapping[str, Tensor], given: Mapping[str, Tensor], tolerance: float = TOLERANCE) -> None:
    """Each of ours against the reference's of the same name, where it has that."""
    for name in found.keys() & given.keys():
        assert near(found[name], given[name], tolerance), name


def pipeline_of(place: Path) -> Path:
    """The networks that results below a folder were computed with."""
    around = [place, *place.parents]
    return next(found for folder in around if (found := folder / "pipeline").is_dir())


def near(found: Tensor, expected: Tensor, tolerance: float = TOLERANCE) -> bool:
    """Refuses to compare by broadcasting; nothing is near what is not a number."""
    assert found.shape == expected.shape, f"{tuple(found.shape)} is compared with {tuple(expected.shape)}"
    return float((found - expected).abs().max()) <= tolerance * max(1.0, float(expected.abs().max()))


def near_gradient(found: Tensor, expected: Tensor, largest: float) -> bool:
    assert found.shape == expected.shape
    return float((found - expected).abs().max()) <= TOLERANCE * largest


def networks_of(pipeline: Path, folder: Path, scheduler_config: Mapping[str, Any]) -> Networks:
    """The networks as training loads them; `folder` becomes the family's."""
    latent_side = 2 ** (len(_read_json(pipeline / "unet" / "config.json")["block_out_channels"]) - 1)
    pixels_per_latent = 2 ** (len(_read_json(pipeline / "vae" / "config.json")["block_out_channels"]) - 1)
    step = latent_side * pixels_per_latent
    shutil.copytree(pipeline, folder)
    write_manifest(folder, resolution=4 * step, size_step=step)
    return replace(load_networks(folder, CPU), scheduler_config=scheduler_config)


@cache
def _read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


@cache
def _read_arrays(path: Path) -> dict[str, Tensor]:
    return load_file(path)
