"""The pose transfer networks: who sees the reference, what is saved, and that training replays."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file

from models.webtoon_tiny.train_pose_transfer import (
    TransferBatch,
    TransferTraining,
    batches,
    load_family,
    save_family,
    train_steps,
)
from models.webtoon_tiny.transfer_data import draw_set
from models.webtoon_tiny.transfer_network import Transfer, TransferConfig, build_scheduler
from services.pose.transfer.model import load_networks

TINY = TransferConfig(
    channels=(8, 16, 24),
    guider_channels=(4, 4, 8, 16),
    context=16,
    latent_channels=4,
    heads=2,
    groups=4,
    image_side=32,
    patch=16,
    encoder_layers=1,
)


def tiny_transfer() -> Transfer:
    torch.manual_seed(0)
    return Transfer(TINY).eval()


@torch.inference_mode()
def velocities(transfer: Transfer, reference_N4hw: torch.Tensor, looks_N: torch.Tensor) -> torch.Tensor:
    count = len(looks_N)
    generator = torch.Generator().manual_seed(1)
    noisy = torch.randn(1, 4, 16, 16, generator=generator).expand(count, -1, -1, -1)
    skeleton = torch.rand(1, 3, 128, 128, generator=generator).expand(count, -1, -1, -1)
    context = torch.zeros(count, 1, TINY.context)
    step = torch.full((count,), 500)
    bank = transfer.look(reference_N4hw, context)
    return transfer.velocity(noisy, step, context, transfer.pose_guider(skeleton), bank, looks_N)


def test_rows_that_may_not_look_are_the_same_whatever_the_reference() -> None:
    transfer = tiny_transfer()
    references = torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(2))
    blind = velocities(transfer, references, torch.tensor([False, False]))
    seeing = velocities(transfer, references, torch.tensor([True, True]))
    assert torch.allclose(blind[0], blind[1], atol=1e-5)
    assert not torch.allclose(seeing[0], seeing[1], atol=1e-4)


def test_a_saved_family_computes_the_same_in_the_transfer_service(tmp_path: Path) -> None:
    transfer = tiny_transfer()
    save_family(transfer, tmp_path / "animate_anyone")
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=4,
        latent_channels=4,
    )
    vae.save_pretrained(tmp_path / "vae")
    networks = load_networks(tmp_path, device_name="cpu")
    generator = torch.Generator().manual_seed(3)
    latents, noisy = torch.randn(2, 1, 4, 16, 16, generator=generator)
    clip, skeleton = torch.randn(1, 3, 32, 32, generator=generator), torch.rand(1, 3, 128, 128, generator=generator)
    with torch.inference_mode():
        served = networks.predict(noisy, 700, networks.refer(latents, clip), networks.guide(skeleton), guided=False)
        context = transfer.image_encoder(clip).image_embeds[:, None]
        bank = transfer.look(latents, context)
        looks, step = torch.tensor([True]), torch.tensor([700])
        ours = transfer.velocity(noisy, step, context, transfer.pose_guider(skeleton), bank, looks)
    assert (served - ours).abs().max() < 2e-2  # the file is half precision


def test_the_reference_network_is_saved_without_its_unused_last_layers(tmp_path: Path) -> None:
    save_family(tiny_transfer(), tmp_path)
    reference, denoiser = (
        set(load_file(tmp_path / name / "diffusion_pytorch_model.safetensors"))
        for name in ("reference_unet", "denoising_unet")
    )
    lacking = {f"{layer}.{kind}" for layer in ("conv_norm_out", "conv_out") for kind in ("weight", "bias")}
    assert denoiser - reference == lacking


def test_the_schedule_ends_without_signal() -> None:
    alphas = build_scheduler().alphas_cumprod
    assert float(alphas[999]) == pytest.approx(0.0, abs=1e-9)
    assert float(alphas[500]) == pytest.approx(0.1415126, abs=1e-4)


def _losses() -> list[float]:
    torch.manual_seed(0)
    transfer = Transfer(TINY).train()
    sets = draw_set(2, 5)
    latents = torch.randn(2, 4, 4, 16, 16, generator=torch.Generator().manual_seed(4))
    config = TransferTraining(steps=3, characters=2, warmup=1)
    supply: Iterator[TransferBatch] = batches(
        (np.asarray(sets["pictures_NPHWC"], np.uint8), np.asarray(sets["skeletons_NPHWC"], np.uint8), latents),
        config,
        TINY.image_side,
    )
    return [loss for _, loss in train_steps(transfer, supply, config)]


def test_transfer_training_replays_its_first_losses() -> None:
    assert _losses() == pytest.approx(_losses(), rel=1e-4)


def test_training_resumes_from_a_saved_family_even_with_more_latent_channels(tmp_path: Path) -> None:
    trained = tiny_transfer()
    save_family(trained, tmp_path)
    torch.manual_seed(1)
    wider = Transfer(replace(TINY, latent_channels=6)).eval()
    load_family(wider, tmp_path)
    latents_NChw = torch.randn(1, 6, 16, 16, generator=torch.Generator().manual_seed(2))
    context = torch.zeros(1, 1, TINY.context)
    with torch.inference_mode():
        before = trained.look(latents_NChw[:, :4], context)
        after = wider.look(latents_NChw, context)
    for name, seen in before.items():
        assert torch.allclose(seen, after[name], atol=2e-2), name
