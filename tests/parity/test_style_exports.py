"""What we write is read by others as we mean it: names, strengths, hashes, and the picture that comes of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from peft.utils import set_peft_model_state_dict
from safetensors.torch import load
from torch import nn
from transformers import CLIPTextModel

from services.background.engine.adapters import fold
from services.background.engine.records import Adapter, AdapterUse, Delta, DrawingSpec
from services.background.model import load_painter
from services.common.families import load_family
from services.common.lora_dialects import PEFT_METADATA, Dialect
from services.common.pictures import Pixels
from services.common.style_files import (
    LoraModule,
    read_lora,
    text_modules,
    transformer_modules,
    wide_modules,
    write_lora,
)
from tests.fakes.families import build_random_family
from tests.fakes.styles import draw_alone, random_lora
from tests.parity import independent_reader
from tests.parity.style_sets import StyleCase, all_cases, assert_near, cases_with
from tests.unit.background.test_sd15_shape import build_sd15_text, build_sd15_unet

SPEC = DrawingSpec(prompt="a beach at sunset", guidance=7.5, steps=3, seed=4, width=32, height=32)


def zeros(modules: Mapping[str, nn.Module], rank: int) -> dict[str, LoraModule]:
    found = {}
    for path, module in modules.items():
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        points = (1, 1) if weight.ndim == 4 else ()
        down = torch.zeros((rank, *weight.shape[1:]))
        found[path] = LoraModule(down=down, up=torch.zeros((weight.shape[0], rank, *points)), alpha=rank)
    return found


def test_a_style_file_has_the_names_that_every_tool_knows_and_the_promised_size() -> None:
    with torch.device("meta"):
        unet, text = build_sd15_unet(), build_sd15_text()
    content = write_lora(zeros(transformer_modules(unet), 12), metadata={})
    tensors, _ = independent_reader.read(content)
    assert independent_reader.names_of(tensors) == independent_reader.expected_unet(wide=False)
    assert len(independent_reader.expected_unet(wide=False)) == 192
    assert sum(array.size for name, array in tensors.items() if "lora_" in name.split(".", 1)[1]) == 12 * 423_936
    assert 10.17e6 < len(content) < 10.4e6
    wide, _ = independent_reader.read(
        write_lora(zeros(wide_modules(unet), 1), zeros(text_modules(text), 1), metadata={})
    )
    assert independent_reader.names_of(wide) == (
        independent_reader.expected_unet(wide=True) | independent_reader.expected_text()
    )
    assert len(independent_reader.expected_unet(wide=True)) == 278
    assert len(independent_reader.expected_text()) == 72


def kohya_files() -> list[tuple[StyleCase, Path]]:
    """Those with kohya's names, whatever the file is called."""
    return [
        (case, path)
        for case in all_cases()
        if case.kinds
        for path in case.style_files
        if any(name.endswith(".lora_down.weight") for name in independent_reader.read(path.read_bytes())[0])
    ]


class Merged:
    """A set's networks with whole files added to their weights, by a reader that shares no code with ours."""

    def __init__(self, case: StyleCase, uses: Sequence[tuple[Path, float]]) -> None:
        self.arrays = case.arrays
        self.plain = UNet2DConditionModel.from_pretrained(case.pipeline / "unet").eval()
        encoder = CLIPTextModel.from_pretrained(case.pipeline / "text_encoder").eval()
        for path, strength in uses:
            tensors, _ = independent_reader.read(path.read_bytes())
            of_unet = independent_reader.merge(
                tensors, self.plain, prefixes=independent_reader.UNET_PREFIXES, strength=strength
            )
            of_text = independent_reader.merge(
                tensors, encoder, prefixes=independent_reader.TEXT_PREFIXES, strength=strength
            )
            assert of_unet + of_text == len(independent_reader.names_of(tensors))
        with torch.inference_mode():
            self.hidden = encoder(self.arrays["input_ids"])[0]

    def assert_same(self, name: str) -> None:
        given, found = self.arrays, {f"{name}.hidden": self.hidden}
        for what, hidden in (("eps", given["hidden"]), ("eps_full_chain", self.hidden)):
            with torch.inference_mode():
                found[f"{name}.{what}"] = self.plain(given["sample"], given["timesteps"], hidden).sample
        assert_near(found, given)


@pytest.mark.parametrize(("case", "path"), kohya_files(), ids=lambda value: getattr(value, "stem", str(value)))
def test_a_style_reader_of_its_own_comes_to_the_reference_results(case: StyleCase, path: Path) -> None:
    for name, strength in case.scales_of(case.kind_of(path)):
        Merged(case, [(path, strength)]).assert_same(name)


@pytest.mark.parametrize("case", cases_with("mix."), ids=str)
def test_a_style_reader_of_its_own_mixes_to_the_reference_results(case: StyleCase) -> None:
    files = {case.kind_of(path): path for own, path in kohya_files() if own == case}
    Merged(case, [(files[kind], float(weight)) for kind, weight in case.told["mix_weights"].items()]).assert_same("mix")


@pytest.mark.parametrize(("case", "path"), kohya_files(), ids=lambda value: getattr(value, "stem", str(value)))
def test_the_hashes_in_a_style_file_are_those_of_its_numbers(case: StyleCase, path: Path) -> None:
    content = path.read_bytes()
    _, metadata = independent_reader.read(content)
    told = {name: metadata[name] for name in ("sshs_model_hash", "sshs_legacy_hash") if name in metadata}
    found = {
        "sshs_model_hash": independent_reader.model_hash(content),
        "sshs_legacy_hash": independent_reader.legacy_hash(content),
    }
    assert {name: found[name] for name in told} == told, case


def test_the_hashes_that_we_write_are_what_others_compute_of_the_file() -> None:
    """Of a file above 1 MiB: of smaller ones the shorter hash is that of nothing."""
    with torch.device("meta"):
        modules = transformer_modules(build_sd15_unet())
    generator = torch.Generator().manual_seed(3)
    style = {
        path: replace(one, down=torch.randn(one.down.shape, generator=generator))
        for path, one in zeros(modules, 2).items()
    }
    content = write_lora(style, metadata={"ss_output_name": "잉크", "modelspec.title": "ink"})
    _, metadata = independent_reader.read(content)
    assert metadata["sshs_model_hash"] == independent_reader.model_hash(content)
    assert metadata["sshs_legacy_hash"] == independent_reader.legacy_hash(content) != "e3b0c442"


class Family:
    """A random family, one style for all its modules with mixed ranks and alphas, and what we draw with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = build_random_family(folder)
        self.painter, self.targets = load_painter(load_family(self.folder), device=torch.device("cpu"))
        self.mixed = random_lora(self.targets.unet, seed=1, size=0.2), random_lora(self.targets.text, seed=2, size=0.2)
        self.even = tuple(
            {path: LoraModule(down=one.down[:4], up=one.up[:, :4], alpha=2.0) for path, one in modules.items()}
            for modules in self.mixed
        )

    def drawn(self, style: Sequence[dict[str, LoraModule]]) -> Pixels:
        unet, text = ({path: self._fold(one) for path, one in modules.items()} for modules in style)
        adapter = Adapter(unet=unet, text=text, trigger="", size_bytes=0)
        use = AdapterUse(adapter=adapter, weight=1.0)
        spec = DrawingSpec(prompt=SPEC.prompt, guidance=7.5, steps=3, seed=4, width=32, height=32, adapters=(use,))
        return draw_alone(self.painter, spec)[0]

    def pipeline(self) -> Any:
        pipeline = StableDiffusionPipeline.from_pretrained(self.folder)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def _fold(self, one: LoraModule) -> Delta:
        return fold(one.down, one.up, one.alpha, device=torch.device("cpu"), dtype=torch.float32)


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Family:
    return Family(tmp_path_factory.mktemp("exports") / "family")


def picture(pipeline: Any) -> np.ndarray[Any, Any]:
    drawn: np.ndarray[Any, Any] = pipeline(
        SPEC.prompt,
        guidance_scale=7.5,
        num_inference_steps=3,
        width=32,
        height=32,
        generator=torch.Generator().manual_seed(4),
        output_type="np",
    ).images[0]
    return drawn


def assert_same(ours: Pixels, theirs: np.ndarray[Any, Any], plain: Pixels) -> None:
    assert np.abs(ours / 255 - theirs).max() <= 2 / 255
    assert np.abs(ours.astype(int) - plain).max() > 20


def test_a_style_of_mixed_alphas_is_read_as_meant_by_a_reader_of_its_own(family: Family) -> None:
    content = write_lora(*family.mixed, metadata={}, dtype=torch.float32)
    tensors, metadata = independent_reader.read(content)
    assert metadata["sshs_model_hash"] == independent_reader.model_hash(content)
    pipeline = family.pipeline()
    of_unet = independent_reader.merge(tensors, pipeline.unet, prefixes=independent_reader.UNET_PREFIXES)
    of_text = independent_reader.merge(tensors, pipeline.text_encoder, prefixes=independent_reader.TEXT_PREFIXES)
    assert (of_unet, of_text) == (len(family.targets.unet), len(family.targets.text))
    assert_same(family.drawn(family.mixed), picture(pipeline), draw_alone(family.painter, SPEC)[0])


@pytest.mark.filterwarnings("ignore")  # diffusers warns of text encoders that it then loads all the same
@pytest.mark.parametrize(
    ("dialect", "kind"), [(Dialect.KOHYA, "even"), (Dialect.DIFFUSERS, "mixed"), (Dialect.PEFT, "mixed")]
)
def test_diffusers_draws_the_same_picture_from_a_style_file(
    family: Family, tmp_path: Path, dialect: Dialect, kind: str
) -> None:
    """Of kohya files diffusers keeps one alpha for all modules only; the other dialects may mix them."""
    style = family.mixed if kind == "mixed" else family.even
    path = tmp_path / "style.safetensors"
    path.write_bytes(write_lora(*style, metadata={}, dtype=torch.float32, dialect=dialect))
    pipeline = family.pipeline()
    pipeline.load_lora_weights(tmp_path, weight_name=path.name)
    assert_same(family.drawn(style), picture(pipeline), draw_alone(family.painter, SPEC)[0])


def test_peft_loads_a_style_file_to_the_same_picture(family: Family) -> None:
    content = write_lora(*family.mixed, metadata={}, dtype=torch.float32, dialect=Dialect.PEFT)
    _, metadata = independent_reader.read(content)
    settings, tensors = json.loads(metadata[PEFT_METADATA]), load(content)
    pipeline = family.pipeline()
    for root, network in (("unet.", pipeline.unet), ("text_encoder.", pipeline.text_encoder)):
        own = {key.removeprefix(root): value for key, value in settings.items() if key.startswith(root)}
        peft.inject_adapter_in_model(peft.LoraConfig(**{**own, "peft_type": None}), network)
        state = {name.removeprefix(root): one for name, one in tensors.items() if name.startswith(root)}
        if not hasattr(network, "text_model"):  # newer transformers have no such level
            state = {name.removeprefix("text_model."): one for name, one in state.items()}
        outcome = set_peft_model_state_dict(network, state)
        assert not outcome.unexpected_keys
    assert_same(family.drawn(family.mixed), picture(pipeline), draw_alone(family.painter, SPEC)[0])


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_style_survives_every_dialect_and_precision(family: Family, dialect: Dialect, dtype: torch.dtype) -> None:
    content = write_lora(*family.mixed, metadata={}, dtype=dtype, dialect=dialect)
    read = read_lora(content, unet=family.targets.unet, text=family.targets.text)
    for written, found in zip(family.mixed, (read.unet, read.text), strict=True):
        assert found.keys() == written.keys()
        for path, one in written.items():
            change, expected = (
                each.alpha / len(each.down) * each.up.float().flatten(1) @ each.down.float().flatten(1)
                for each in (found[path], one)
            )
            tolerance = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 2e-2}[dtype]
            assert float((change - expected).abs().max()) <= tolerance * float(expected.abs().max())
