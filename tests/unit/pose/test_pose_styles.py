"""Styles on the denoiser: they are what merging them would be, and they are one request's alone."""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from services.common.errors import InvalidInput
from services.common.lora_dialects import Dialect
from services.common.style_files import attention_modules, wide_modules, write_lora
from services.pose.transfer.adapters import Style
from services.pose.transfer.engine import Pixels, TransferEngine, TransferSpec
from services.pose.transfer.model import TorchNetworks
from services.pose.transfer.weights import load_parts
from tests.fakes.pose_families import build_pose_family, build_pose_unet
from tests.fakes.styles import dreamstyler_file, lora_file, random_lora

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_pose_family(tmp_path_factory.mktemp("family"))


@pytest.fixture(scope="module")
def networks(folder: Path) -> TorchNetworks:
    return TorchNetworks(load_parts(folder, device=CPU, dtype=torch.float32), device=CPU, dtype=torch.float32)


@pytest.fixture(scope="module")
def modules() -> Mapping[str, nn.Module]:
    return wide_modules(build_pose_unet())


def spec(style: Style | None = None, *, seed: int = 0, guidance: float = 3.5) -> TransferSpec:
    rng = np.random.default_rng(seed)
    return TransferSpec(
        character_HWC=rng.integers(0, 256, (90, 70, 3), np.uint8),
        xy_K2=rng.uniform(4, 44, (133, 2)),
        score_K=np.ones(133),
        size_wh=(48, 64),
        steps=3,
        guidance=guidance,
        style=style,
    )


def draw(engine: TransferEngine, wanted: TransferSpec, on_step: Any = lambda _done, _preview: None) -> Pixels:
    return engine.draw(wanted, engine.prepare(wanted), 1, on_step, previews=False)


def merged(folder: Path, adapters: list[tuple[Mapping[str, Any], float]]) -> TorchNetworks:
    """The family with the styles added to the denoiser's own weights: what is never done in the service."""
    parts = load_parts(folder, device=CPU, dtype=torch.float32)
    for modules, weight in adapters:
        for path, change in modules.items():
            target = parts.denoising_unet.get_submodule(path).weight
            scale = weight * change.alpha / len(change.down)
            target += (change.up.flatten(1) @ change.down.flatten(1)).reshape(target.shape) * scale
    return TorchNetworks(parts, device=CPU, dtype=torch.float32)


@pytest.mark.parametrize("weight", [1.0, -0.5])
def test_a_style_draws_what_the_denoiser_with_merged_weights_draws(
    folder: Path, networks: TorchNetworks, modules: Mapping[str, nn.Module], weight: float
) -> None:
    first, second = (random_lora(modules, seed=seed, size=0.05) for seed in (1, 2))
    files = [
        (write_lora(adapter, metadata={}, dtype=torch.float32), own)
        for adapter, own in ((first, weight), (second, 0.25))
    ]
    styled = TransferEngine(networks, cache_bytes=10**7)
    found = draw(styled, spec(styled.style(files)))
    expected = draw(TransferEngine(merged(folder, [(first, weight), (second, 0.25)]), cache_bytes=0), spec())
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert np.abs(found.astype(int) - draw(styled, spec())).max() > 3


@pytest.mark.parametrize("dialect", list(Dialect))
def test_every_dialect_of_lora_files_is_the_same_style(networks: TorchNetworks, dialect: Dialect) -> None:
    adapter = random_lora(attention_modules(build_pose_unet()), seed=3)
    kohya, other = (
        networks.style([(write_lora(adapter, metadata={}, dtype=torch.float32, dialect=one), 1.0)])
        for one in (Dialect.KOHYA, dialect)
    )
    assert kohya.deltas.keys() == other.deltas.keys()
    for path, delta in kohya.deltas.items():
        assert torch.allclose(
            delta.up @ delta.down.flatten(1), other.deltas[path].up @ other.deltas[path].down.flatten(1), atol=1e-6
        )


def test_two_requests_in_flight_draw_each_its_own_style(
    networks: TorchNetworks, modules: Mapping[str, nn.Module]
) -> None:
    """The inner ones run whole inside every step of the outer one, on the same modules."""
    engine = TransferEngine(networks, cache_bytes=10**7)
    one, two = (engine.style([(lora_file(modules, seed=seed), 1.0)]) for seed in (1, 2))
    outer, inner, plain = spec(one), spec(two, guidance=1.0), spec()
    alone = [draw(TransferEngine(networks, cache_bytes=0), wanted).tobytes() for wanted in (outer, inner, plain)]
    assert len(set(alone)) == 3
    nested: list[bytes] = []

    def run_the_others(_done: int, _preview: Pixels | None) -> None:
        nested.extend(draw(engine, wanted).tobytes() for wanted in (inner, plain))

    together = draw(engine, outer, run_the_others)
    assert together.tobytes() == alone[0]
    assert nested == alone[1:] * outer.steps


def test_two_threads_at_the_same_layer_draw_each_its_own_style(
    networks: TorchNetworks, modules: Mapping[str, nn.Module]
) -> None:
    """One stops inside the denoiser, in the middle of a call, while the other draws whole pictures through it."""
    engine = TransferEngine(networks, cache_bytes=0)
    styled, plain = spec(engine.style([(lora_file(modules, seed=4), 1.0)])), spec()
    alone = [draw(engine, wanted).tobytes() for wanted in (styled, plain)]
    inside, go_on = threading.Event(), threading.Event()
    stopped = threading.get_ident()

    def stop(_module: nn.Module, _args: Any, _output: Tensor) -> None:
        if threading.get_ident() != stopped and not inside.is_set():
            inside.set()
            assert go_on.wait(timeout=60)

    drawn: list[bytes] = []
    hook = networks.denoiser.get_submodule("mid_block").register_forward_hook(stop)
    other = threading.Thread(target=lambda: drawn.append(draw(engine, styled).tobytes()))
    other.start()
    assert inside.wait(timeout=60)
    assert draw(engine, plain).tobytes() == alone[1]
    go_on.set()
    other.join(timeout=60)
    hook.remove()
    assert drawn == alone[:1]


def test_a_style_leaves_the_weights_and_a_drawing_that_failed_leaves_nothing_behind(
    networks: TorchNetworks, modules: Mapping[str, nn.Module]
) -> None:
    engine, before = TransferEngine(networks, cache_bytes=0), state_of(networks)
    plain, style = draw(engine, spec()), engine.style([(lora_file(modules, seed=5), 1.0)])

    def fail(_module: nn.Module, _args: Any, _output: Tensor) -> None:
        raise RuntimeError("out of memory")

    hook = networks.denoiser.get_submodule("mid_block").register_forward_hook(fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        draw(engine, spec(style))
    hook.remove()
    assert draw(engine, spec()).tobytes() == plain.tobytes()
    assert state_of(networks) == before


def test_a_character_seen_in_one_style_is_not_taken_for_another(
    networks: TorchNetworks, modules: Mapping[str, nn.Module]
) -> None:
    engine = TransferEngine(networks, cache_bytes=10**8)
    content = lora_file(modules, seed=6)
    styles = [None, engine.style([(content, 1.0)]), engine.style([(content, 0.5)])]
    fresh = [draw(TransferEngine(networks, cache_bytes=0), spec(style)).tobytes() for style in styles]
    assert [draw(engine, spec(style)).tobytes() for style in (*styles, *styles)] == fresh * 2
    assert len(set(fresh)) == 3


def test_what_a_file_has_for_a_text_encoder_is_left_out(
    networks: TorchNetworks, modules: Mapping[str, nn.Module]
) -> None:
    text = {"encoder.layers.0.self_attn.q_proj": nn.Linear(8, 8)}
    assert networks.style([(lora_file(modules, text, seed=7), 1.0)]).deltas.keys() == set(modules)
    with pytest.raises(InvalidInput) as told:
        networks.style([(lora_file({}, text, seed=7), 1.0)])
    assert told.value.reason == "NOT_A_LORA"


def test_a_style_of_other_shapes_or_of_no_shape_is_refused_by_name(networks: TorchNetworks) -> None:
    wider = {"mid_block.attentions.0.proj_in": nn.Conv2d(64, 64, 1)}
    for content, reason in (
        (lora_file(wider, seed=8), "STYLE_NOT_FOR_CHARACTERS"),
        (lora_file({"elsewhere": nn.Linear(4, 4)}, seed=8), "STYLE_NOT_FOR_CHARACTERS"),
        (dreamstyler_file(width=16, seed=1), "STYLE_NOT_FOR_CHARACTERS"),
        (b"style", "STYLE_DAMAGED"),
    ):
        with pytest.raises(InvalidInput) as told:
            networks.style([(content, 1.0)])
        assert told.value.reason == reason


def test_weight_nought_is_no_style(networks: TorchNetworks, modules: Mapping[str, nn.Module]) -> None:
    engine = TransferEngine(networks, cache_bytes=0)
    nothing = engine.style([(lora_file(modules, seed=9), 0.0)])
    assert draw(engine, replace(spec(), style=nothing)).tobytes() == draw(engine, spec()).tobytes()


def state_of(networks: TorchNetworks) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(networks.denoiser.state_dict().items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()
