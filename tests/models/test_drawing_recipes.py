"""The drawing half's recipes: a tiny run replays loss by loss from its seed, and what it writes loads again."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline
from transformers import CLIPTokenizer

from models.webtoon_tiny import train_line_control, train_text_to_image, train_vae
from models.webtoon_tiny.train_line_control import LineControlRecipe
from models.webtoon_tiny.train_text_to_image import TextToImageRecipe
from models.webtoon_tiny.train_vae import VaeRecipe
from models.webtoon_tiny.training import WEIGHTS, LossLog, learning_rate

TINY_VAE = VaeRecipe(
    latent_channels=4, widths=(8, 8, 8, 8), crop_px=32, picture_px=32, batch=2, steps=5, warmup=2, pool=4
)  # fmt: skip
TINY_TEXT_TO_IMAGE = TextToImageRecipe(
    widths=(16, 16, 16), text_width=16, text_layers=1, heads=2, picture_px=(32, 32), batch=2, steps=5, warmup=2,
    first_pool=4, fresh_per_step=1,
)  # fmt: skip
TINY_LINE_CONTROL = LineControlRecipe(
    line_widths=(4, 4, 4, 4), picture_px=(32, 32), batch=2, steps=20, warmup=2, first_pool=4, fresh_per_step=1
)
LINE_CONTROL_LOSSES = [
    1.61553,
    0.94543,
    1.35007,
    1.40841,
    1.34643,
    1.35201,
    1.00525,
    0.95983,
    1.31127,
    1.20658,
    0.95894,
    0.89894,
    1.02718,
    0.9665,
    1.00069,
    0.96573,
    1.12944,
    1.05124,
    0.94843,
    1.45242,
]
VAE_LOSSES = [0.86204, 0.77451, 0.92903, 0.75943, 0.74426]
TEXT_TO_IMAGE_LOSSES = [1.0704, 0.83988, 1.33934, 1.32709, 0.95408]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def tiny_family(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[float], list[float]]:
    """A family of five steps each: its folder and both networks' losses."""
    folder = tmp_path_factory.mktemp("family")
    log = LossLog(tmp_path_factory.mktemp("log") / "losses.jsonl")
    vae_losses = train_vae.train(TINY_VAE, folder / "vae", log, resume=False)
    losses = train_text_to_image.train(TINY_TEXT_TO_IMAGE, folder, log, resume=False)
    return folder, vae_losses, losses


def test_the_autoencoders_first_losses_replay(tiny_family: tuple[Path, list[float], list[float]]) -> None:
    assert tiny_family[1] == pytest.approx(VAE_LOSSES, rel=2e-3)


def test_the_text_to_image_networks_first_losses_replay(tiny_family: tuple[Path, list[float], list[float]]) -> None:
    assert tiny_family[2] == pytest.approx(TEXT_TO_IMAGE_LOSSES, rel=5e-3)


def test_the_line_controls_first_losses_replay(
    tiny_family: tuple[Path, list[float], list[float]], tmp_path: Path
) -> None:
    log = LossLog(tmp_path / "losses.jsonl")
    folder = tmp_path / "controlnet"
    losses = train_line_control.train(TINY_LINE_CONTROL, tiny_family[0], folder, log, resume=False, save=False)
    assert losses == pytest.approx(LINE_CONTROL_LOSSES, rel=1e-2)


def test_a_run_resumes_from_its_fp16_weights(
    tiny_family: tuple[Path, list[float], list[float]], tmp_path: Path
) -> None:
    log = LossLog(tmp_path / "losses.jsonl")
    resumed = train_vae.train(TINY_VAE, tiny_family[0] / "vae", log, resume=True, save=False)
    assert resumed[0] < tiny_family[1][0]


def test_more_latent_channels_change_nothing_of_what_was_learnt(
    tiny_family: tuple[Path, list[float], list[float]],
) -> None:
    trained = AutoencoderKL.from_pretrained(tiny_family[0] / "vae", torch_dtype=torch.float32)
    wider = train_vae.build_vae(replace(TINY_VAE, latent_channels=6))
    train_vae.load_autoencoder(wider, trained)
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        narrow_latents = trained.encode(picture).latent_dist
        wide_latents = wider.encode(picture).latent_dist
        padded = torch.cat([narrow_latents.mean, torch.zeros(1, 2, 4, 4)], 1)
        drawn, drawn_wider = trained.decode(narrow_latents.mean).sample, wider.decode(padded).sample
    assert torch.allclose(wide_latents.mean[:, :4], narrow_latents.mean, atol=1e-5)
    assert torch.allclose(wide_latents.std[:, :4], narrow_latents.std, atol=1e-5)
    assert torch.allclose(drawn_wider, drawn, atol=1e-5)


def test_what_the_recipes_write_draws_a_picture(tiny_family: tuple[Path, list[float], list[float]]) -> None:
    pipeline = StableDiffusionPipeline.from_pretrained(tiny_family[0], safety_checker=None, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(0)
    picture = pipeline("a park", num_inference_steps=2, height=32, width=64, generator=generator).images[0]
    assert picture.size == (64, 32)


def test_the_rate_warms_up_and_decays() -> None:
    rates = [learning_rate(step, steps=100, peak=1.0, warmup=10, decay_from=0.5) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[30] == 1.0
    assert rates[-1] < 0.03


def test_the_shipped_tokenizer_takes_any_text_and_knows_the_words_that_style_learning_starts_from() -> None:
    tokenizer = CLIPTokenizer.from_pretrained(WEIGHTS / "tokenizer")
    for word in ("style", "drawing", "painting"):
        assert tokenizer.tokenize(word) == [f"{word}</w>"]
    for text in ("", "A quiet street, at NIGHT!", "거리의 밤 🌃 $%&"):
        ids = tokenizer(text, padding="max_length", truncation=True).input_ids
        assert len(ids) == tokenizer.model_max_length
        assert max(ids) < len(tokenizer)
