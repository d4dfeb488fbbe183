"""Where a training stands, as named tensors: parameters, AdamW's averages, generators, and the losses so far."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


def pack(
    parameters: Mapping[str, nn.Parameter],
    optimiser: torch.optim.AdamW,
    noise: torch.Generator,
    losses: Sequence[float],
) -> dict[str, Tensor]:
    """Copies on the CPU; `unpack` puts them back."""
    packed = {"noise": noise.get_state().clone(), "losses": torch.tensor(losses, dtype=torch.float64)}
    for name, parameter in parameters.items():
        packed[f"value/{name}"] = parameter.detach().cpu().clone()
        for part, value in optimiser.state[parameter].items():
            packed[f"{part}/{name}"] = torch.as_tensor(value).detach().cpu().clone()
    return packed


def unpack(
    packed: Mapping[str, Tensor],
    parameters: Mapping[str, nn.Parameter],
    optimiser: torch.optim.AdamW,
    noise: torch.Generator,
) -> list[float]:
    """Put a packed state back into the same parameters, optimiser and generator; returns the losses so far."""
    noise.set_state(packed["noise"])
    for name, parameter in parameters.items():
        parameter.data.copy_(packed[f"value/{name}"])
        optimiser.state[parameter] = {
            "step": packed[f"step/{name}"].clone(),
            **{part: packed[f"{part}/{name}"].to(parameter.device).clone() for part in ("exp_avg", "exp_avg_sq")},
        }
    losses: list[float] = packed["losses"].tolist()
    return losses
