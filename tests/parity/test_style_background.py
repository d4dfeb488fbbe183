"""Style files of every dialect, rank and strength against reference results, found by what is in them."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from services.background.engine.adapters import AdaptedModules, RowDeltas, fold, plan_of
from services.background.engine.records import Adapter, AdapterUse, Delta, DrawingSpec
from services.background.engine.text import TextSide
from services.common.style_files import LoraFile, LoraModule, read_lora, text_modules, wide_modules
from services.style_train.engine.text import tokenise
from tests.parity.style_sets import CPU, StyleCase, all_cases, cases_with, near, networks_of

Uses = list[tuple[LoraFile, float]]


def with_adapters() -> list[StyleCase]:
    return [case for case in all_cases() if case.kinds]


def style_files() -> list[tuple[StyleCase, Path]]:
    """Every style file that lies beside results of adapters."""
    return [(case, path) for case in with_adapters() for path in case.style_files]


def name_of(value: StyleCase | Path) -> str:
    return value.stem if isinstance(value, Path) else str(value)


def deltas(modules: Mapping[str, LoraModule]) -> dict[str, Delta]:
    return {path: fold(one.down, one.up, one.alpha, device=CPU, dtype=torch.float32) for path, one in modules.items()}


class Adapted:
    """A set's networks, drawn through our hooks."""

    def __init__(self, pipeline: Path) -> None:
        self.unet = UNet2DConditionModel.from_pretrained(pipeline / "unet").eval()
        encoder = CLIPTextModel.from_pretrained(pipeline / "text_encoder").eval()
        self._unet_modules, self._text_modules = wide_modules(self.unet), text_modules(encoder)
        self._adapted = AdaptedModules(self._unet_modules)
        self._text = TextSide(CLIPTokenizer.from_pretrained(pipeline / "tokenizer"), encoder)

    def read(self, path: Path) -> LoraFile:
        return read_lora(path.read_bytes(), unet=self._unet_modules, text=self._text_modules)

    def predict(self, arrays: Mapping[str, Tensor], hidden: Tensor, uses: Uses) -> Tensor:
        parts = [(deltas(file.unet), weight) for file, weight in uses]
        rows = [RowDeltas(slice(row, row + 1), parts) for row in range(len(hidden))]
        with torch.inference_mode(), self._adapted.applied(plan_of(rows)):
            predicted: Tensor = self.unet(arrays["sample"], arrays["timesteps"], hidden).sample
        return predicted

    def encode(self, prompts: list[str], uses: Uses) -> Tensor:
        adapters = tuple(
            AdapterUse(adapter=Adapter(unet={}, text=deltas(file.text), trigger="", size_bytes=0), weight=weight)
            for file, weight in uses
        )
        specs = [DrawingSpec(prompt=prompt, width=8, height=8, adapters=adapters) for prompt in prompts]
        return torch.cat([self._text.encode(spec)[1] for spec in specs])


@cache
def adapted(pipeline: Path) -> Adapted:
    return Adapted(pipeline)


def assert_same(case: StyleCase, uses: Uses, name: str) -> None:
    """The adapted text encoder, the adapted denoiser on plain words, and both: each that there are results of."""
    networks, arrays = adapted(case.pipeline), case.arrays
    hidden = networks.encode(case.told["prompts"], uses)
    found = {
        "hidden": lambda: hidden,
        "eps": lambda: networks.predict(arrays, arrays["hidden"], uses),
        "eps_full_chain": lambda: networks.predict(arrays, hidden, uses),
    }
    given = [what for what in found if f"{name}.{what}" in arrays]
    assert given, f"{case} has no results of {name!r}"
    for what in given:
        assert near(found[what](), arrays[f"{name}.{what}"]), f"{name}.{what}"


@pytest.mark.parametrize(("case", "path"), style_files(), ids=name_of)
def test_a_style_file_of_any_dialect_rank_and_alpha_changes_the_networks_as_it_should(
    case: StyleCase, path: Path
) -> None:
    file = adapted(case.pipeline).read(path)
    scales = case.scales_of(case.kind_of(path))
    assert {scale for _, scale in scales} == {float(scale) for scale in case.told["scales"]}
    for name, scale in scales:
        assert_same(case, [(file, scale)], name)


@pytest.mark.parametrize(("case", "path"), style_files(), ids=name_of)
def test_a_style_file_adapts_the_modules_that_are_said(case: StyleCase, path: Path) -> None:
    said, file = case.told["adapters"][case.kind_of(path)], adapted(case.pipeline).read(path)
    of_text = [one.removeprefix("text_model.") for one in said.get("text_encoder_modules", file.text)]
    assert sorted(file.unet) == sorted(said.get("unet_modules", file.unet))
    assert sorted(file.text) == sorted(of_text)


@pytest.mark.parametrize("case", cases_with("mix."), ids=str)
def test_styles_mixed_by_weight_change_the_networks_as_they_should(case: StyleCase) -> None:
    """In every dialect at least once: the files of each adapter take turns."""
    files = {
        kind: [path for path in case.style_files if case.kind_of(path) == kind] for kind in case.told["mix_weights"]
    }
    assert all(files.values()), f"{case} lacks files of one of {sorted(files)}"
    for turn in range(max(len(paths) for paths in files.values())):
        chosen = {kind: paths[turn % len(paths)] for kind, paths in files.items()}
        read = {kind: adapted(case.pipeline).read(path) for kind, path in chosen.items()}
        assert_same(case, [(read[kind], float(weight)) for kind, weight in case.told["mix_weights"].items()], "mix")


@pytest.mark.parametrize("case", with_adapters(), ids=str)
def test_words_without_a_style_are_the_reference_s(case: StyleCase, tmp_path: Path) -> None:
    arrays, networks = case.arrays, networks_of(case.pipeline, tmp_path / "family", case.scheduler_config)
    assert torch.equal(tokenise(networks, case.told["prompts"]), arrays["input_ids"])
    assert near(adapted(case.pipeline).encode(case.told["prompts"], []), arrays["hidden"])


@pytest.mark.parametrize("case", with_adapters(), ids=str)
def test_every_adapter_with_results_has_a_style_file(case: StyleCase) -> None:
    assert {case.kind_of(path) for path in case.style_files} == set(case.kinds) == set(case.told["adapters"])
