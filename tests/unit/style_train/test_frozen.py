"""A network whose weights take another form answers as before, and so do its gradients."""

import copy

import pytest
import torch
from torch import Tensor, nn

from services.style_train.engine.frozen import LARGE_NETWORK, Form, bring_into, fitting_form, multiply_apart


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


@pytest.mark.parametrize("share", [0.51, 1.0])
def test_weights_that_are_multiplied_apart_answer_as_others(share: float) -> None:
    whole = build()
    apart = copy.deepcopy(whole)
    multiply_apart(apart, halve=share < 1)
    for found, expected in zip(run(apart), run(whole), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    sizes = [sum(one.numel() * one.element_size() for one in network.parameters()) for network in (apart, whole)]
    assert sizes[0] <= share * sizes[1]


@pytest.mark.parametrize(
    ("parameters", "machine", "free_bytes", "expected"),
    [
        (1000, {"bfloat16": True, "on_gpu": False}, 2**40, Form.FLOAT32),  # small ones stay exact
        (1000, {"bfloat16": True, "on_gpu": True}, 2**40, Form.BFLOAT16),
        (LARGE_NETWORK, {"bfloat16": True, "on_gpu": False}, 2**40, Form.BFLOAT16),
        # Emulated bfloat16 would take minutes a step.
        (LARGE_NETWORK, {"bfloat16": False, "on_gpu": False}, 4 * LARGE_NETWORK, Form.FLOAT32),
        (LARGE_NETWORK, {"bfloat16": False, "on_gpu": False}, 4 * LARGE_NETWORK - 1, Form.WIDENED),
    ],
)
def test_frozen_weights_take_the_form_that_suits_the_machine(
    parameters: int, machine: dict[str, bool], free_bytes: int, expected: Form
) -> None:
    assert fitting_form(parameters, free_bytes=free_bytes, **machine) is expected


@pytest.mark.parametrize("form", list(Form))
def test_a_form_is_the_same_wherever_it_is_asked_for(form: Form) -> None:
    """What a training began in can be had on every machine, to the bit."""
    networks = [build().to(torch.float32) for _ in range(2)]
    for network in networks:
        bring_into(form, network)
    kept = {one.dtype for one in networks[0].parameters() if one.ndim > 1}
    assert kept == {torch.float32 if form is Form.FLOAT32 else torch.bfloat16}
    if form is not Form.BFLOAT16:  # it is given values of its own kind
        assert torch.equal(run(networks[0])[0], run(networks[1])[0])
