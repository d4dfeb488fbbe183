"""Reads a trained detector or pose network back from its ONNX file, so that a run can go on from what is committed.

The exporter has folded each batch norm into the convolution before it. The weights come back as a convolution with a
batch norm that undoes itself: its statistics are measured on a batch of pictures, and its gain and shift put back what
they take away, so the network computes what the file does and can be trained on at once.
"""

import itertools
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn


def read_weights(path: Path) -> dict[str, Tensor]:
    """Weights and biases by the module's path; a convolution without a bias of its own has its batch norm's there."""
    graph = onnx.load(path).graph
    arrays = {entry.name: torch.from_numpy(numpy_helper.to_array(entry).copy()) for entry in graph.initializer}
    found = {name.removeprefix("network."): array for name, array in arrays.items() if name.startswith("network.")}
    for node in graph.node:
        if node.op_type == "Conv" and not node.input[1].startswith("network."):
            path_of_module = _module_path(node.name)
            found[f"{path_of_module}.weight"], found[f"{path_of_module}.bias"] = (arrays[i] for i in node.input[1:3])
    return found


def _module_path(node_name: str) -> str:
    """`/network/lift/lift.0/Conv` is the convolution of `lift.0`: a list of modules names itself twice."""
    parts = node_name.strip("/").split("/")[1:-1]
    kept = [part for part, after in zip(parts, [*parts[1:], ""], strict=True) if not after.startswith(f"{part}.")]
    return ".".join(kept)


def resume(network: nn.Module, path: Path, pictures: Tensor, *, call: str = "forward") -> None:
    """Fills `network` with the weights of `path`; `pictures` go through its method `call` once, to measure statistics.

    Raises:
        KeyError: the file is of another network.
    """
    weights = read_weights(path)
    own = network.state_dict()
    pairs = _convolutions_with_norms(network)
    folded = {name for conv, _ in pairs for name in (f"{conv}.weight", f"{conv}.bias")}
    with torch.no_grad():
        for name in own.keys() & weights.keys() - folded:
            own[name].copy_(weights[name])
        for conv, norm in pairs:
            own[f"{conv}.weight"].copy_(weights[f"{conv}.weight"])
            _undo(network.get_submodule(norm), torch.zeros_like(own[f"{norm}.bias"]), weights[f"{conv}.bias"])
        measured = _measure(network, [norm for _, norm in pairs], pictures, call)
        for conv, norm in pairs:
            _undo(network.get_submodule(norm), measured[norm][0], weights[f"{conv}.bias"], measured[norm][1])


def _convolutions_with_norms(network: nn.Module) -> list[tuple[str, str]]:
    """Paths of neighbours, in the order in which they were built."""
    modules = list(network.named_modules())
    return [
        (first, second)
        for (first, one), (second, other) in itertools.pairwise(modules)
        if isinstance(one, nn.Conv2d) and isinstance(other, nn.BatchNorm2d)
    ]


def _undo(norm: nn.Module, mean: Tensor, bias: Tensor, variance: Tensor | None = None) -> None:
    """Set a batch norm's statistics, and gain and shift so that together they only add `bias`."""
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(torch.ones_like(mean) if variance is None else variance)
    norm.weight.copy_((norm.running_var + norm.eps).sqrt())
    norm.bias.copy_(bias + mean)


def _measure(network: nn.Module, norms: list[str], pictures: Tensor, call: str) -> dict[str, tuple[Tensor, Tensor]]:
    measured: dict[str, tuple[Tensor, Tensor]] = {}
    hooks = []
    for name in norms:

        def note(_: nn.Module, given: tuple[Tensor], name: str = name) -> None:
            measured[name] = (given[0].mean(dim=(0, 2, 3)), given[0].var(dim=(0, 2, 3)))

        hooks.append(network.get_submodule(name).register_forward_pre_hook(note))
    was_training = network.training
    network.eval()
    getattr(network, call)(pictures)
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    return measured
