"""The alpha network: any size of picture, a file that is whole or refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from models.webtoon_tiny.train_alpha import AlphaTraining, alpha_loss, resume, save_network, train_steps
from services.common.errors import NotReady
from services.pose.transfer.alpha import AlphaConfig, AlphaNetwork
from services.pose.transfer.weights import load_alpha

TINY = AlphaConfig(channels=(4, 8, 8))
CPU = torch.device("cpu")


def written(folder: Path) -> AlphaNetwork:
    torch.manual_seed(0)
    network = AlphaNetwork(TINY).eval()
    save_network(network.state_dict(), TINY, folder / "animate_anyone/alpha")
    return network


@pytest.mark.parametrize("size_hw", [(32, 32), (30, 41), (8, 96)])
def test_any_size_of_picture_gets_a_coverage_of_its_size(size_hw: tuple[int, int]) -> None:
    with torch.inference_mode():
        coverage = AlphaNetwork(TINY).eval().coverage(torch.rand(2, 3, *size_hw))
    assert coverage.shape == (2, 1, *size_hw)
    assert 0 <= float(coverage.min()) <= float(coverage.max()) <= 1


def test_a_family_gives_back_the_network_that_was_written(tmp_path: Path) -> None:
    network, picture = written(tmp_path), torch.rand(1, 3, 24, 24)
    read = load_alpha(tmp_path, device=CPU, dtype=torch.float32)
    again = AlphaNetwork(TINY).eval()
    resume(again, tmp_path / "animate_anyone/alpha")
    with torch.inference_mode():
        assert torch.allclose(read.coverage(picture), network.coverage(picture), atol=2e-2)  # written as fp16
        assert torch.equal(read.coverage(picture), again.coverage(picture))


def test_a_family_without_it_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(NotReady) as told:
        load_alpha(tmp_path, device=CPU, dtype=torch.float32)
    assert told.value.reason == "NO_ALPHA_NETWORK"


def test_training_learns_what_is_character() -> None:
    torch.manual_seed(0)
    alpha = torch.zeros(4, 1, 32, 32)
    alpha[:, :, 8:24, 8:24] = 1
    pictures = alpha.expand(-1, 3, -1, -1) * 0.5
    network = AlphaNetwork(TINY).train()

    def supply() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            yield pictures, alpha

    losses = [loss for _, loss in train_steps(network, supply(), AlphaTraining(steps=20, warmup=2, rate=1e-2))]
    assert losses[-1] < 0.5 * losses[0]
    assert float(alpha_loss(torch.where(alpha > 0, 20.0, -20.0), alpha)) < 1e-3
