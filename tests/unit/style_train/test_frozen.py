"""A network whose weights take half the memory answers as before, and so do its gradients."""

import copy

import torch
from torch import Tensor, nn

from services.style_train.engine.frozen import halve_weights


def build() -> nn.Sequential:
    """Every kind of layer: small and large maps, a stride, a linear layer; weights that bfloat16 holds exactly."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(96, 96, 3, padding=1),
        nn.Conv2d(96, 96, 3, stride=2, padding=1),
        nn.Conv2d(96, 96, 3, padding=1, bias=False),
        nn.Conv2d(96, 768, 1),
        nn.Flatten(2),
        nn.Linear(64, 1024),
    ).requires_grad_(requires_grad=False)
    for parameter in network.parameters():
        parameter.copy_(parameter.to(torch.bfloat16))
    return network


def run(network: nn.Module) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    values = torch.randn((2, 96, 16, 16), generator=generator, requires_grad=True)
    answer = network(values)
    (gradient,) = torch.autograd.grad(answer.square().mean(), [values])
    return answer.detach(), gradient


def test_halved_weights_answer_as_whole_ones() -> None:
    whole = build()
    halved = copy.deepcopy(whole)
    halve_weights(halved)
    for found, expected in zip(run(halved), run(whole), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    sizes = [sum(one.numel() * one.element_size() for one in network.parameters()) for network in (halved, whole)]
    assert sizes[0] < 0.51 * sizes[1]
