"""Steps of both trainers against reference results, found by what is in them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from services.common.style_files import attention_modules, transformer_modules, wide_modules
from services.style_train.engine.diffusion import NoiseSchedule, loss_per_sample, stage_of
from services.style_train.engine.dreamstyler import DreamStylerTrainer
from services.style_train.engine.lora import LoraTrainer, StylePicture
from services.style_train.engine.low_rank import gradient_norm
from services.style_train.engine.networks import Networks
from services.style_train.engine.recipes import DreamStylerRecipe, LoraRecipe, Reach
from services.style_train.engine.text import PlacedPrompt, encode_ids, place_prompt, tokenise
from tests.parity.style_sets import (
    ROWS_AFTER,
    StyleCase,
    all_cases,
    assert_near,
    cases,
    near,
    near_gradient,
    networks_of,
)

VARIANT = re.compile(r"(first_step|plain|min_snr|noise_offset|_)+")  # what may be said of a step, in its name
STEP = re.compile(r"step(\d+)\.input_ids")


def lora_steps() -> list[tuple[StyleCase, str]]:
    """Every case that begins from given adapters, and each of its steps."""
    begun = [case for case in all_cases() if any(name.startswith("start.") for name in case.arrays)]
    return [(case, name.removesuffix(".loss")) for case in begun for name in case.arrays if name.endswith(".loss")]


def picture(networks: Networks) -> StylePicture:
    side = networks.resolution
    return StylePicture(image_HWC=np.zeros((side, side, 3), np.uint8), caption="a painting")


def reach_of(networks: Networks, paths: set[str]) -> Reach:
    """The reach that adapts just these modules."""
    reaches: dict[Reach, Any] = {
        "attention": attention_modules,
        "transformers": transformer_modules,
        "wide": wide_modules,
    }
    found = [reach for reach, modules in reaches.items() if set(modules(networks.unet)) == paths]
    assert found, f"no reach of ours adapts these {len(paths)} modules: {sorted(paths)}"
    return found[0]


def as_in(told: dict[str, Any], optimiser: torch.optim.Optimizer) -> None:
    """Take over the averages' weights; rate and decay are the recipe's."""
    assert told["name"] == "AdamW"
    for group in optimiser.param_groups:
        group.update(betas=tuple(told["betas"]), eps=told["eps"])


@contextmanager
def watched(network: Any) -> Iterator[list[Tensor]]:
    """What a network is given first, and what it answers."""
    seen: list[Tensor] = []
    handle = network.register_forward_hook(
        lambda _module, given, answer: seen.extend((given[0].detach(), answer.sample.detach()))
    )
    try:
        yield seen
    finally:
        handle.remove()


class LoraStep:
    """Our trainer where a reference step begins."""

    def __init__(self, case: StyleCase, variant: str, folder: Path) -> None:
        assert VARIANT.fullmatch(variant), f"{case} has a step {variant!r} that this test does not know"
        self.told, self.arrays = case.told, case.arrays
        self.networks = networks_of(case.pipeline, folder / "family", case.scheduler_config)
        optimiser, weighted = self.told["optimizer"], "min_snr" in variant
        starts = {name.removeprefix("start.") for name in self.arrays if name.startswith("start.")}
        paths = {name.rpartition(".lora_")[0] for name in starts}
        recipe = LoraRecipe(
            steps=1,
            batch=1,
            rate=optimiser["lr"],
            rank=self.told["rank"],
            alpha=self.told["alpha"],
            seed=0,
            reach=reach_of(self.networks, paths),
            weight_decay=optimiser["weight_decay"],
            clip_norm=optimiser["max_grad_norm"],
            snr_gamma=float(self.told["snr_gamma"]) if weighted else None,
        )
        self.trainer = LoraTrainer(self.networks, [picture(self.networks)], recipe)
        as_in(optimiser, self.trainer.optimiser)
        self.spelled = {
            name: re.sub(r"\.down$", ".lora_A.weight", re.sub(r"\.up$", ".lora_B.weight", name))
            for name in self.trainer.parameters
        }
        assert set(self.spelled.values()) == starts
        for name, parameter in self.trainer.parameters.items():
            start = self.arrays[f"start.{self.spelled[name]}"]
            parameter.data.copy_(start.reshape(parameter.shape))
            if "first_step" in variant and name.endswith(".up"):
                parameter.data.zero_()
        drawn = self.told["noise_offset"] * self.arrays["noise_offset_draw"] if "noise_offset" in variant else 0
        self.noise = self.arrays["noise"] + drawn


@pytest.mark.parametrize(("case", "variant"), lora_steps(), ids=str)
def test_a_style_lora_step_is_the_reference_s(case: StyleCase, variant: str, tmp_path: Path) -> None:
    step = LoraStep(case, variant, tmp_path)
    arrays, trainer = step.arrays, step.trainer
    own = {name.removeprefix(f"{variant}."): array for name, array in arrays.items()}
    with watched(step.networks.unet) as seen:
        loss = trainer.loss(arrays["latents"], step.noise, arrays["timesteps"], arrays["hidden"])
    target = NoiseSchedule.of(step.networks.scheduler_config).target(arrays["latents"], step.noise, arrays["timesteps"])
    before_weights = loss_per_sample(seen[1], target)
    assert_near({"pred": seen[1], "loss_per_sample": before_weights, "loss": loss.detach()}, own)
    torch.autograd.backward(loss, retain_graph=True)
    found = {f"grad.{step.spelled[name]}": parameter.grad for name, parameter in trainer.parameters.items()}
    largest = max((float(own[name].abs().max()) for name in found if name in own), default=0.0)
    for name, gradient in found.items():
        assert gradient is not None
        if name in own:
            assert near_gradient(gradient, own[name].reshape(gradient.shape), largest), name
    told = step.told.get("results", {}).get(variant, {})
    norm = gradient_norm(trainer.parameters.values(), most=float("inf"))
    assert told.get("loss", float(loss.detach())) == pytest.approx(float(loss.detach()), rel=1e-4)
    assert told.get("grad_norm", norm) == pytest.approx(norm, rel=1e-4)
    trainer.optimiser.zero_grad()
    trainer.update(loss)
    after = {f"after.{step.spelled[name]}": parameter.detach() for name, parameter in trainer.parameters.items()}
    told_after = {name: array.reshape(after[name].shape) for name, array in own.items() if name in after}
    assert_near(after, told_after, ROWS_AFTER)


@pytest.mark.parametrize("case", sorted({case for case, _ in lora_steps()}), ids=str)
def test_what_a_style_lora_step_reads_is_the_reference_s(case: StyleCase, tmp_path: Path) -> None:
    networks = networks_of(case.pipeline, tmp_path / "family", case.scheduler_config)
    arrays, schedule = case.arrays, NoiseSchedule.of(case.scheduler_config)
    with torch.no_grad():
        assert_near({"hidden": encode_ids(networks, arrays["input_ids"])}, arrays)
    kept = schedule.kept_N[arrays["timesteps"]]
    if "snr" in arrays:  # from under a thousandth to above a thousand: each by its own size
        assert torch.allclose(kept / (1 - kept), arrays["snr"], rtol=1e-4, atol=1e-4)
    if "min_snr_weight" in arrays:
        weight = schedule.min_snr_weight(arrays["timesteps"], float(case.told["snr_gamma"]))
        assert near(weight, arrays["min_snr_weight"])


@pytest.mark.parametrize("case", cases("rows.start"), ids=str)
def test_style_dreamstyler_steps_are_the_reference_s(case: StyleCase, tmp_path: Path) -> None:
    told, arrays = case.told, case.arrays
    optimiser, stages = told["optimizer"], told["num_stages"]
    networks = networks_of(case.pipeline, tmp_path / "family", case.scheduler_config)
    steps = sorted(int(match[1]) for match in map(STEP.fullmatch, arrays) if match)
    assert steps == list(range(1, len(steps) + 1))
    recipe = DreamStylerRecipe(
        steps=len(steps), rate=optimiser["lr"], seed=0, stages=stages, weight_decay=optimiser["weight_decay"]
    )
    trainer = DreamStylerTrainer(networks, [picture(networks)], recipe)
    as_in(optimiser, trainer.optimiser)
    assert trainer.rows_TC.shape == arrays["rows.start"].shape
    trainer.rows_TC.data.copy_(arrays["rows.start"])
    for number in steps:
        begin = f"step{number}."
        own = {name.removeprefix(begin): array for name, array in arrays.items() if name.startswith(begin)}
        assert_same_step(trainer, networks, own, placed(networks, told, own), told, number)


def assert_same_step(
    trainer: DreamStylerTrainer,
    networks: Networks,
    own: dict[str, Tensor],
    prompt: PlacedPrompt,
    told: dict[str, Any],
    number: int,
) -> None:
    given = (own["latents"], own["noise"], own["timesteps"])
    with watched(networks.unet) as seen:
        loss = trainer.loss(*given, prompt)
    target = NoiseSchedule.of(networks.scheduler_config).target(*given)
    (gradient,) = torch.autograd.grad(loss, [trainer.rows_TC], retain_graph=True)
    found = {"noisy_latents": seen[0], "pred": seen[1], "target": target, "loss": loss.detach()}
    assert_near({**found, "loss_per_sample": loss_per_sample(seen[1], target)}, own)
    if "grad_rows" in own:
        assert near_gradient(gradient, own["grad_rows"], float(own["grad_rows"].abs().max()))
    if "loss" in told:
        assert told["loss"][number - 1] == pytest.approx(float(loss.detach()), rel=1e-4)
    if "grad_norm_per_row" in told:
        norms = told["grad_norm_per_row"][number - 1]
        assert near_gradient(gradient.norm(dim=1), torch.tensor(norms), max(norms))
    trainer.update(loss)
    assert_near({"rows_after": trainer.rows_TC.detach()}, own, ROWS_AFTER)


def placed(networks: Networks, told: dict[str, Any], own: dict[str, Tensor]) -> PlacedPrompt:
    """Our tokens of the prompt, which are the reference's but for the token of each sample's stage."""
    prompt = place_prompt(networks, told["context_prompt"])
    timesteps = NoiseSchedule.of(networks.scheduler_config).timesteps
    stages = [stage_of(int(time), stages=told["num_stages"], timesteps=timesteps) for time in own["timesteps"]]
    assert_near({"stages": torch.tensor(stages)}, own)
    first_BL = own["input_ids"][:, prompt.place] - torch.tensor(stages)
    known = tokenise(networks, [""])  # every token of ours is one that the tokenizer knows
    assert int(known.max()) < int(first_BL[0])
    assert bool((first_BL == first_BL[0]).all())
    ids_BL = own["input_ids"].clone()
    ids_BL[:, prompt.place] = prompt.ids_L[prompt.place]
    assert torch.equal(ids_BL, prompt.ids_L.expand_as(ids_BL))
    return prompt
