"""Both trainers on a random tiny family: few steps, exact promises."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from services.common.errors import InvalidInput
from services.common.palettes import PALETTE_KEY, Palette, read_palette
from services.common.style_files import read_dreamstyler, read_lora, text_modules, transformer_modules
from services.style_train.engine.dreamstyler import DreamStylerTrainer, context_prompt
from services.style_train.engine.files import dreamstyler_file, lora_file
from services.style_train.engine.lora import LoraTrainer, StylePicture
from services.style_train.engine.networks import Networks
from services.style_train.engine.recipes import DreamStylerRecipe, LoraRecipe
from services.style_train.engine.text import encode_with_rows, place_prompt
from services.style_train.engine.training import train
from services.style_train.model import load_networks
from tests.fakes.families import build_random_family

LORA = LoraRecipe(steps=6, batch=2, rate=1e-2, rank=4, alpha=2.0, seed=3)
DREAMSTYLER = DreamStylerRecipe(steps=4, rate=5e-2, seed=3)
PALETTE = Palette(mean=(70.0, 2.5, -3.0), spread=(12.0, 4.0, 5.25))
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_random_family(tmp_path_factory.mktemp("family"))


@pytest.fixture
def networks(family: Path) -> Networks:
    return load_networks(family, CPU)


@pytest.fixture(scope="module")
def pictures() -> list[StylePicture]:
    rng = np.random.default_rng(0)
    shapes = [(40, 40), (50, 48), (40, 64)]
    return [
        StylePicture(image_HWC=rng.integers(0, 255, (*shape, 3), dtype=np.uint8), caption="a beach at sunset")
        for shape in shapes
    ]


def ignore(_step: int, _loss: float) -> None: ...


def answer(networks: Networks) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn((1, 4, 4, 4), generator=generator)
    hidden = torch.randn((1, 77, 32), generator=generator)
    with torch.no_grad():
        drawn: Tensor = networks.unet(latents, 500, hidden).sample
    return drawn


def test_a_new_adapter_changes_nothing(networks: Networks, pictures: list[StylePicture]) -> None:
    before = answer(networks)
    LoraTrainer(networks, pictures, LORA)
    assert torch.equal(answer(networks), before)


def test_the_first_step_moves_only_the_upper_matrices(networks: Networks, pictures: list[StylePicture]) -> None:
    """Since they begin at zero, the gradient of the lower ones is zero."""
    trainer = LoraTrainer(networks, pictures, LORA)
    noise = torch.randn((2, 4, 4, 4), generator=torch.Generator().manual_seed(1))
    hidden = torch.randn((2, 77, 32), generator=torch.Generator().manual_seed(2))
    torch.autograd.backward(trainer.loss(noise * 0.5, noise, torch.tensor([10, 900]), hidden))
    for name, parameter in trainer.parameters.items():
        assert parameter.grad is not None
        assert bool(parameter.grad.any()) == name.endswith(".up"), name


def test_only_the_adapter_is_trained(networks: Networks, pictures: list[StylePicture]) -> None:
    trainer = LoraTrainer(networks, pictures, LORA)
    own = {id(parameter) for parameter in trainer.parameters.values()}
    frozen = {name: value.clone() for name, value in networks.unet.named_parameters() if id(value) not in own}
    train(trainer, ignore)
    for name, value in networks.unet.named_parameters():
        if name in frozen:
            assert torch.equal(value, frozen[name]), name
    assert frozen


def test_clipping_bounds_the_gradient(networks: Networks, pictures: list[StylePicture]) -> None:
    recipe = LoraRecipe(steps=1, batch=2, rate=1e-2, rank=4, alpha=4.0, seed=3, clip_norm=1e-4)
    trainer = LoraTrainer(networks, pictures, recipe)
    seen: list[float] = []

    def measure(optimiser: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
        grads = [parameter.grad for parameter in trainer.parameters.values() if parameter.grad is not None]
        seen.append(float(torch.stack([grad.norm() for grad in grads]).norm()))

    trainer.optimiser.register_step_pre_hook(measure)
    trainer.step()
    assert seen[0] == pytest.approx(1e-4, rel=1e-2)


def lora(networks: Networks, pictures: list[StylePicture]) -> LoraTrainer:
    return LoraTrainer(networks, pictures, LORA)


def watched_lora(networks: Networks, pictures: list[StylePicture]) -> LoraTrainer:
    """One that learns the text encoder too and looks at a picture that it holds out."""
    return LoraTrainer(networks, pictures, replace(LORA, text_rate=1e-3, look_every=2))


def dreamstyler(networks: Networks, pictures: list[StylePicture]) -> DreamStylerTrainer:
    return DreamStylerTrainer(networks, pictures[:1], DREAMSTYLER)


def dreamstyler_of_all(networks: Networks, pictures: list[StylePicture]) -> DreamStylerTrainer:
    return DreamStylerTrainer(networks, pictures, DREAMSTYLER)


Build = Callable[[Networks, list[StylePicture]], Any]


@pytest.mark.parametrize("build", [lora, watched_lora, dreamstyler, dreamstyler_of_all])
def test_the_same_seed_learns_the_same_style(family: Path, pictures: list[StylePicture], build: Build) -> None:
    states = []
    for _ in range(2):
        trainer = build(load_networks(family, CPU), pictures)
        train(trainer, ignore)
        states.append(trainer.state())
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name


@pytest.mark.parametrize("build", [lora, watched_lora, dreamstyler, dreamstyler_of_all])
def test_a_training_that_was_interrupted_ends_as_an_undisturbed_one(
    family: Path, pictures: list[StylePicture], build: Build
) -> None:
    undisturbed = build(load_networks(family, CPU), pictures)
    train(undisturbed, ignore)
    first = build(load_networks(family, CPU), pictures)
    for _ in range(2):
        first.step()
    second = build(load_networks(family, CPU), pictures)
    second.restore(first.state(), step_done=2)
    train(second, ignore)
    assert second.step_done == undisturbed.step_done
    for name, value in undisturbed.state().items():
        assert torch.equal(value, second.state()[name]), name


@pytest.mark.parametrize("build", [lora, watched_lora, dreamstyler])
def test_trying_a_step_changes_nothing(networks: Networks, pictures: list[StylePicture], build: Build) -> None:
    trainer = build(networks, pictures)
    before = trainer.state()
    trainer.try_step()
    after = trainer.state()
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_the_lora_file_names_modules_of_the_family_and_keeps_alpha(
    networks: Networks, pictures: list[StylePicture], family: Path
) -> None:
    trainer = lora(networks, pictures)
    train(trainer, ignore)
    content = lora_file(trainer, networks, LORA, name="Ink", pictures=3, palette=PALETTE)
    fresh = load_networks(family, CPU)
    modules = transformer_modules(fresh.unet)
    read = read_lora(content, unet=modules, text=text_modules(fresh.text_encoder))
    assert read.unet.keys() == modules.keys()
    assert {module.alpha for module in read.unet.values()} == {2.0}
    assert {module.down.shape[0] for module in read.unet.values()} == {4}
    assert read.metadata["ss_steps"] == "6"
    assert read_palette(read.metadata[PALETTE_KEY]) == PALETTE


def test_dreamstyler_changes_its_own_rows_and_nothing_else(networks: Networks, pictures: list[StylePicture]) -> None:
    parts = (networks.unet, networks.text_encoder)
    before = [{name: value.clone() for name, value in part.state_dict().items()} for part in parts]
    vocabulary = len(networks.tokenizer)
    trainer = dreamstyler(networks, pictures)
    start = trainer.rows_TC.detach().clone()
    train(trainer, ignore)
    for part, old in zip(parts, before, strict=True):
        assert all(torch.equal(value, old[name]) for name, value in part.state_dict().items())
    assert len(networks.tokenizer) == vocabulary
    moved = (trainer.rows_TC.detach() - start).abs().amax(dim=1)
    assert bool((moved > 0).all())


def test_dreamstyler_learns_from_each_of_several_pictures_as_often_and_by_its_caption(
    networks: Networks, pictures: list[StylePicture]
) -> None:
    several = [replace(picture, caption=f"a street, {index}") for index, picture in enumerate(pictures)]
    trainer = DreamStylerTrainer(networks, several, DREAMSTYLER)
    trainer.plan(2 * len(several), batch=trainer.batch)
    assert sorted(trainer.pictures_S) == sorted(2 * list(range(len(several))))
    assert len({tuple(prompt.ids_L.tolist()) for prompt in trainer.prompts}) == len(several)
    alone = DreamStylerTrainer(networks, several[:1], DREAMSTYLER)
    assert set(alone.pictures_S) == {0}


def test_every_batch_of_dreamstyler_covers_every_stage(networks: Networks, pictures: list[StylePicture]) -> None:
    recipe = DreamStylerRecipe(steps=50, rate=1e-3, seed=3, repeats=2)
    trainer = DreamStylerTrainer(networks, pictures[:1], recipe)
    stages_SB = trainer.timesteps_SB * recipe.stages // 1000
    expected = torch.arange(6).repeat(2)
    assert all(torch.equal(stages_B, expected) for stages_B in stages_SB)


def test_a_placed_row_reads_as_if_it_were_in_the_vocabulary(family: Path, networks: Networks) -> None:
    rows_TC = torch.randn((2, 32), generator=torch.Generator().manual_seed(4))
    prompt = place_prompt(networks, "a beach at sunset in the style of {}")
    placed_TLC = encode_with_rows(networks, prompt, rows_TC)
    grown = load_networks(family, CPU)
    first = len(grown.tokenizer)
    grown.tokenizer.add_tokens(["<sks-t0>", "<sks-t1>"])
    grown.text_encoder.resize_token_embeddings(first + 2, mean_resizing=False)
    grown.text_encoder.get_input_embeddings().weight.data[first:] = rows_TC
    texts = [f"a beach at sunset in the style of <sks-t{stage}>" for stage in range(2)]
    ids = grown.tokenizer(texts, padding="max_length", max_length=77, return_tensors="pt").input_ids
    with torch.no_grad():
        expected_TLC = grown.text_encoder(ids)[0]
    assert torch.allclose(placed_TLC, expected_TLC, atol=1e-5)


def test_a_long_caption_gives_way_to_the_style_s_place(networks: Networks) -> None:
    prompt = place_prompt(networks, context_prompt("palm tree " * 200))
    rest = place_prompt(networks, "in the style of {}")
    phrase = rest.ids_L[1 : rest.place].tolist()
    assert prompt.ids_L[prompt.place - len(phrase) : prompt.place].tolist() == phrase
    assert len(prompt.ids_L) == 77


def test_the_dreamstyler_file_is_read_back(networks: Networks, pictures: list[StylePicture]) -> None:
    trainer = dreamstyler(networks, pictures)
    content = dreamstyler_file(
        trainer, networks, DREAMSTYLER, name="Ink", trigger="<sks-ab>", context="a {}", palette=PALETTE
    )
    read = read_dreamstyler(content, width=32)
    assert torch.equal(read.embeddings_TC, trainer.rows_TC.detach())
    assert read.trigger == "<sks-ab>"
    assert read.metadata["context_prompt"] == "a {}"
    assert read_palette(read.metadata[PALETTE_KEY]) == PALETTE


def test_the_text_encoder_learns_when_it_is_asked_to(networks: Networks, pictures: list[StylePicture]) -> None:
    recipe = replace(LORA, text_rate=1e-3)
    trainer = LoraTrainer(networks, pictures, recipe)
    train(trainer, ignore)
    read = read_lora(
        lora_file(trainer, networks, recipe, name="Ink", pictures=3, palette=PALETTE),
        unet=transformer_modules(networks.unet),
        text=text_modules(networks.text_encoder),
    )
    assert read.text.keys() == text_modules(networks.text_encoder).keys()
    assert all(bool(module.up.any()) for module in read.text.values())
    assert read.metadata["ss_text_encoder_lr"] == "0.001"


def test_a_picture_that_is_held_out_is_never_learned_from(family: Path, pictures: list[StylePicture]) -> None:
    black = StylePicture(image_HWC=np.zeros((40, 40, 3), np.uint8), caption="a beach")
    learned = []
    for held in (black, pictures[0]):
        networks = load_networks(family, CPU)
        trainer = LoraTrainer(networks, [*pictures[:2], held], replace(LORA, look_every=1000, steps=2))
        trainer.step()
        learned.append(trainer.modules())
    for path, module in learned[0].items():
        assert torch.equal(module.up, learned[1][path].up)


def test_a_training_ends_when_looking_stops_helping_and_keeps_the_best(
    networks: Networks, pictures: list[StylePicture]
) -> None:
    recipe = replace(LORA, steps=500, rate=3.0, look_every=1, curve="constant")  # such a rate only makes it worse
    trainer = LoraTrainer(networks, pictures, recipe)
    train(trainer, ignore)
    held_out = trainer.held_out
    assert held_out is not None
    assert trainer.step_done == len(held_out.curve) < 500
    assert held_out.tired
    at_end = len(held_out.curve)
    trainer.steps = trainer.step_done
    trainer._look(held_out)  # noqa: SLF001 (the parameters that were put back are looked at once more)
    assert held_out.curve[at_end] == pytest.approx(min(held_out.curve[:at_end]), rel=1e-5)


def test_a_gradient_that_is_no_number_changes_nothing(networks: Networks, pictures: list[StylePicture]) -> None:
    trainer = lora(networks, pictures)
    before = trainer.modules()
    loss = sum((parameter.sum() for parameter in trainer.parameters.values()), torch.zeros(())) * float("nan")
    with pytest.raises(InvalidInput) as caught:
        trainer.update(loss)
    assert caught.value.reason == "LOSS_NOT_FINITE"
    assert all(torch.equal(module.down, before[path].down) for path, module in trainer.modules().items())


class Diverging:
    """A trainer whose loss stops being a number."""

    steps = 5
    step_done = 0

    def step(self) -> float:
        self.step_done += 1
        return float("nan") if self.step_done == 3 else 1.0


def test_a_loss_that_is_no_number_stops_the_training() -> None:
    told: list[int] = []
    with pytest.raises(InvalidInput) as caught:
        train(Diverging(), lambda step, _loss: told.append(step))
    assert caught.value.reason == "LOSS_NOT_FINITE"
    assert told == [1, 2]
