"""Styles of one batch never touch each other, and each is applied in full."""

import copy
import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import CLIPTokenizer

from services.background.engine.adapters import AdaptedModules, RowDeltas, fold, plan_of
from services.background.engine.painter import Canvas, Painter
from services.background.engine.records import Adapter, AdapterUse, Delta, DrawingSpec, StageTokens
from services.background.engine.text import TextSide
from services.background.model import StyleTargets
from services.common.errors import InvalidInput
from services.common.style_files import LoraModule, wide_modules
from tests.fakes.families import build_text_encoder, build_tokenizer, build_unet
from tests.fakes.styles import draw_alone, random_lora

SPEC = DrawingSpec(prompt="a beach", steps=3, seed=5, width=32, height=32)


def adapter(targets: StyleTargets, *, seed: int, value: float | None = None) -> Adapter:
    """A random style, or one whose every number is `value`."""

    def deltas(modules: dict[str, LoraModule]) -> dict[str, Delta]:
        folded = {
            path: fold(one.down, one.up, one.alpha, device=targets.device, dtype=targets.dtype)
            for path, one in modules.items()
        }
        if value is None:
            return folded
        return {
            path: Delta(down=torch.full_like(one.down, value), up=torch.full_like(one.up, value))
            for path, one in folded.items()
        }

    unet = deltas(random_lora(targets.unet, seed=seed, size=0.2))
    text = deltas(random_lora(targets.text, seed=seed, size=0.2))
    return Adapter(unet=unet, text=text, trigger="", size_bytes=0)


def tokens(targets: StyleTargets, *, seed: int, stages: int = 6) -> StageTokens:
    rows_TC = torch.randn((stages, targets.text_width), generator=torch.Generator().manual_seed(seed))
    return StageTokens(embeddings_TC=rows_TC, trigger="sks03", size_bytes=0)


def run(painter: Painter, canvases: list[Canvas], *, steps: int = SPEC.steps) -> list[Canvas]:
    """So many steps of drawings that share each of them."""
    for _ in range(steps):
        painter.step(canvases)
    return canvases


def draw_together(painter: Painter, specs: Sequence[DrawingSpec]) -> list[Tensor]:
    """The finished latents of drawings that share every step."""
    return [canvas.latents_1CHW for canvas in run(painter, [painter.begin(spec)[0] for spec in specs])]


def test_two_styles_in_one_batch_draw_what_each_draws_alone(painter: Painter, targets: StyleTargets) -> None:
    first, second = (AdapterUse(adapter=adapter(targets, seed=seed), weight=1.0) for seed in (1, 2))
    specs = [SPEC, replace(SPEC, adapters=(first,)), replace(SPEC, adapters=(second,))]
    together = draw_together(painter, specs)
    alone = [draw_together(painter, [spec])[0] for spec in specs]
    for mixed, own in zip(together, alone, strict=True):
        torch.testing.assert_close(mixed, own, rtol=1e-4, atol=1e-4)
    assert (alone[0] - alone[1]).abs().max() > 0.1
    assert (alone[1] - alone[2]).abs().max() > 0.1


@pytest.mark.parametrize(("broken", "mixes"), [(float("nan"), 200), (float("inf"), 20)])
def test_a_broken_style_changes_no_neighbour(
    painter: Painter, targets: StyleTargets, broken: float, mixes: int
) -> None:
    """Random mixes of neighbours around one row whose style is broken: each is what it is alone, to rounding.

    One call of the UNet agrees to 1e-5 of the largest number in it, the finished picture to 2/255.
    """
    choose = random.Random(3)
    pool = [painter.begin(spec)[0] for spec in neighbours(targets, choose, count=12)]
    alone = [run(painter, [again(canvas)], steps=1)[0].latents_1CHW for canvas in pool]
    finished = [painter.finish(run(painter, [again(canvas)])[0]).astype(int) for canvas in pool]
    style = AdapterUse(adapter=adapter(targets, seed=99, value=broken), weight=1.0)
    poison = painter.begin(replace(SPEC, adapters=(style,)))[0]
    for mix in range(mixes):
        picked = choose.sample(range(len(pool)), choose.randint(1, 3))
        place = choose.randint(0, len(picked))
        canvases = [again(pool[index]) for index in picked]
        canvases.insert(place, again(poison))
        run(painter, canvases, steps=1 if mix % 20 else SPEC.steps)
        assert not torch.isfinite(canvases.pop(place).latents_1CHW).all()
        for index, canvas in zip(picked, canvases, strict=True):
            if canvas.finished:
                difference = np.abs(painter.finish(canvas) - finished[index])
                assert difference.max() <= 2
                assert difference.mean() <= 0.05
            else:
                assert (canvas.latents_1CHW - alone[index]).abs().max() <= 1e-5 * alone[index].abs().max()


def again(canvas: Canvas) -> Canvas:
    """The same drawing, not begun."""
    return replace(canvas, scheduler=copy.deepcopy(canvas.scheduler))


def neighbours(targets: StyleTargets, choose: random.Random, *, count: int) -> list[DrawingSpec]:
    """Drawings of up to three styles mixed by weight, some with stage tokens, some without guidance."""
    styles = [adapter(targets, seed=seed) for seed in range(6)]
    return [
        replace(
            SPEC,
            seed=seed,
            guidance=choose.choice((1.0, 7.5)),
            adapters=tuple(
                AdapterUse(adapter=style, weight=choose.choice((-0.4, 0.3, 1.0)))
                for style in choose.sample(styles, seed % 4)
            ),
            stage_tokens=tokens(targets, seed=seed) if seed % 3 == 0 else None,
        )
        for seed in range(count)
    ]


def test_a_broken_style_ends_its_own_drawing_with_a_reason(painter: Painter, targets: StyleTargets) -> None:
    poison = AdapterUse(adapter=adapter(targets, seed=9, value=float("nan")), weight=1.0)
    with pytest.raises(InvalidInput) as caught:
        draw_alone(painter, replace(SPEC, adapters=(poison,)))
    assert caught.value.reason == "NOT_FINITE"


def test_drawing_in_a_style_leaves_the_base_as_it_was(painter: Painter, targets: StyleTargets) -> None:
    before = draw_alone(painter, SPEC)[0]
    style = AdapterUse(adapter=adapter(targets, seed=1), weight=1.0)
    styled = draw_alone(painter, replace(SPEC, adapters=(style,), stage_tokens=tokens(targets, seed=1)))[0]
    assert not np.array_equal(styled, before)
    assert np.array_equal(draw_alone(painter, SPEC)[0], before)


def test_weight_0_is_the_base(painter: Painter, targets: StyleTargets) -> None:
    style = AdapterUse(adapter=adapter(targets, seed=1), weight=0.0)
    assert np.array_equal(draw_alone(painter, replace(SPEC, adapters=(style,)))[0], draw_alone(painter, SPEC)[0])


def test_mixed_adapters_equal_weights_merged_in_double_precision() -> None:
    """W + sum of weight * alpha / rank * up @ down, for linears and every kind of convolution."""
    torch.manual_seed(0)
    unet = build_unet().eval().requires_grad_(requires_grad=False)
    merged = copy.deepcopy(unet)
    loras = [(random_lora(wide_modules(unet), seed=seed, size=0.2), weight) for seed, weight in ((1, 0.7), (2, -0.4))]
    for lora, weight in loras:
        for path, one in lora.items():
            _merge(merged.get_submodule(path), one, weight)
    device = torch.device("cpu")
    folded = [
        ({p: fold(o.down, o.up, o.alpha, device=device, dtype=torch.float32) for p, o in lora.items()}, weight)
        for lora, weight in loras
    ]
    inputs = torch.randn(1, 4, 4, 6), torch.tensor([321]), torch.randn(1, 77, 32)
    adapted = AdaptedModules(wide_modules(unet))
    with torch.inference_mode(), adapted.applied(plan_of([RowDeltas(slice(0, 1), folded)])):
        ours = unet(*inputs).sample
    with torch.inference_mode():
        torch.testing.assert_close(ours, merged(*inputs).sample, rtol=1e-4, atol=1e-4)
        assert (ours - unet(*inputs).sample).abs().max() > 0.01


def test_a_stage_token_stands_where_the_trigger_stood() -> None:
    """As if each stage's token were in the vocabulary and its vector in the table."""
    tokenizer, rows_TC = build_tokenizer(), torch.randn(6, 32, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(0)
    plain = build_text_encoder(tokenizer).eval()
    text_encoder = copy.deepcopy(plain)
    spec = replace(SPEC, prompt="a beach in the style of SKS03, night")
    style = StageTokens(embeddings_TC=rows_TC, trigger="sks03", size_bytes=0)
    _, prompt_TLC = TextSide(tokenizer, text_encoder).encode(replace(spec, stage_tokens=style))
    for stage, row in enumerate(rows_TC):
        expected = _with_new_token(tokenizer, copy.deepcopy(plain), row, spec.prompt.lower())
        torch.testing.assert_close(prompt_TLC[stage : stage + 1], expected, rtol=1e-5, atol=1e-5)


def _merge(module: nn.Module, one: LoraModule, weight: float) -> None:
    assert isinstance(module.weight, Tensor)
    product = one.up.double().flatten(1) @ one.down.double().flatten(1)
    delta = (weight * one.alpha / one.down.shape[0] * product).reshape(module.weight.shape)
    module.weight.copy_((module.weight.double() + delta).float())


def _with_new_token(tokenizer: CLIPTokenizer, text_encoder: nn.Module, row: Tensor, prompt: str) -> Tensor:
    own = copy.deepcopy(tokenizer)
    own.add_tokens(["sks03"])
    with torch.inference_mode():
        text_encoder.resize_token_embeddings(len(own), mean_resizing=False)  # type: ignore[operator]
        text_encoder.get_input_embeddings().weight[-1] = row  # type: ignore[operator]
        ids = own(prompt, padding="max_length", return_tensors="pt").input_ids
        hidden: Tensor = text_encoder.eval()(ids).last_hidden_state
    return hidden
