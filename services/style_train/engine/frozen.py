"""The forms in which the frozen weights beside an adapter are kept and multiplied.

A processor that multiplies bfloat16 has them so. On others that would be emulated, and very slow: there they are
float32, or, where memory is short, kept in bfloat16 and widened while they are multiplied, forward and backward, with
nothing of it saved in between. Convolutions of small maps are done as one matrix product there: a library spends more
time on laying the weight out anew than on multiplying.
"""

from enum import StrEnum
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.grad import conv2d_input

LARGE_NETWORK = 100_000_000  # parameters; smaller ones stay as they are
_LARGE_WEIGHT = 2**16
_SMALL_MAP = 144  # places


class Form(StrEnum):
    """A training keeps to the form that it began in: in another it would learn another style, if only by rounding."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    WIDENED = "bfloat16, widened"


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is at least as fast as float32 there."""
    if device.type != "cpu":
        return True
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())  # noqa: SLF001


def fitting_form(parameters: int, *, bfloat16: bool, on_gpu: bool, free_bytes: int) -> Form:
    """The form that is fastest for a network of so many parameters, where `free_bytes` are left beside it in float32.

    What a step keeps for its way back takes about as much as the weights; so much must be left for these to stay whole.
    """
    if parameters < LARGE_NETWORK and not on_gpu:
        return Form.FLOAT32
    if bfloat16:
        return Form.BFLOAT16
    return Form.FLOAT32 if free_bytes >= parameters * torch.float32.itemsize else Form.WIDENED


def bring_into(form: Form, network: nn.Module) -> None:
    """Give a frozen network of float32 weights this form; but for rounding it answers as before."""
    if form is Form.BFLOAT16:
        network.to(dtype=torch.bfloat16, memory_format=torch.channels_last)  # type: ignore[call-overload]
    elif form is Form.WIDENED or sum(one.numel() for one in network.parameters()) >= LARGE_NETWORK:
        multiply_apart(network, halve=form is Form.WIDENED)


def multiply_apart(network: nn.Module, *, halve: bool) -> None:
    """Let large layers multiply in their own ways, their weights kept in bfloat16 when halved."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d) and module.weight.numel() >= _LARGE_WEIGHT:
            if halve:
                module.weight = nn.Parameter(module.weight.detach().to(torch.bfloat16), requires_grad=False)
            forward = _linear if isinstance(module, nn.Linear) else _convolution
            module.forward = MethodType(forward, module)  # type: ignore[method-assign]


def _linear(module: nn.Linear, values: Tensor) -> Tensor:
    answer: Tensor = _Linear.apply(values, module.weight, module.bias)  # type: ignore[no-untyped-call]
    return answer


def _convolution(module: nn.Conv2d, values: Tensor) -> Tensor:
    stride, padding = (int(module.stride[0]), int(module.padding[0]))
    answer: Tensor = _Convolution.apply(  # type: ignore[no-untyped-call]
        values, module.weight, module.bias, stride, padding
    )
    return answer


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(weight)
        return functional.linear(values, weight.float(), bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (weight,) = ctx.saved_tensors
        return gradients[0] @ weight.float(), None, None


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.shape, ctx.stride, ctx.padding = values.shape, stride, padding
        if not _is_small(values.shape, weight, stride):
            return functional.conv2d(values, weight.float(), bias, stride, padding)
        patches = functional.unfold(values, weight.shape[2:], padding=padding)
        answer = (weight.flatten(1).float() @ patches).reshape(len(values), -1, *values.shape[2:])
        return answer if bias is None else answer + bias[:, None, None]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        (weight,), gradient = ctx.saved_tensors, gradients[0]
        if _is_small(ctx.shape, weight, ctx.stride):
            patches = weight.flatten(1).float().T @ gradient.flatten(2)
            back = functional.fold(patches, ctx.shape[2:], weight.shape[2:], padding=ctx.padding)
        else:
            back = conv2d_input(ctx.shape, weight.float(), gradient, ctx.stride, ctx.padding)  # type: ignore[no-untyped-call]
        return back, None, None, None, None


def _is_small(shape: torch.Size, weight: Tensor, stride: int) -> bool:
    """The map stays as large as it is, and is so small that the weight is most of the work."""
    return stride == 1 and weight.shape[2:] == (3, 3) and shape[2] * shape[3] <= _SMALL_MAP
