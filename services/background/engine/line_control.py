"""A family's line ControlNet: what it adds to the denoiser so that a drawing keeps to given lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lines:
    """Lines to keep to (H, W), 255 on a line, and how strictly: 0 not at all, 1 as trained."""

    lines_HW: NDArray[np.uint8]
    weight: float


class LineControl:
    """Adds nothing to rows that have no lines, and costs nothing where no row has any."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def residuals(
        self, latents_BCHW: Tensor, times_B: Tensor, hidden_BLC: Tensor, lines_B: Sequence[Lines | None]
    ) -> dict[str, Any]:
        """The denoiser's additional arguments; one entry of `lines_B` for each row."""
        rows = [row for row, lines in enumerate(lines_B) if lines is not None]
        if not rows:
            return {}
        given = [lines for lines in lines_B if lines is not None]
        latents = latents_BCHW[rows]
        lines_R3HW = torch.stack([self._condition(lines.lines_HW) for lines in given]).to(latents)
        weight_R111 = torch.tensor([lines.weight for lines in given]).to(latents)[:, None, None, None]
        down, mid = self._network(latents, times_B[rows], hidden_BLC[rows], lines_R3HW, return_dict=False)
        placed = [_placed(one * weight_R111, rows, len(lines_B)) for one in (*down, mid)]
        return {"down_block_additional_residuals": tuple(placed[:-1]), "mid_block_additional_residual": placed[-1]}

    def _condition(self, lines_HW: NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(lines_HW)).float().div(255).expand(3, -1, -1)


def _placed(some_RCHW: Tensor, rows: Sequence[int], count: int) -> Tensor:
    if len(rows) == count:
        return some_RCHW
    all_BCHW = some_RCHW.new_zeros((count, *some_RCHW.shape[1:]))
    all_BCHW[list(rows)] = some_RCHW
    return all_BCHW
