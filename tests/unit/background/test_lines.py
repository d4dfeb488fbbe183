"""Lines of a picture, and a control that follows them only where they are given."""

import numpy as np
import torch

from services.background.engine.line_control import LineControl, Lines
from services.background.engine.lines import find_lines


class Doubling:
    """A control network that answers with its latents, and with how many rows it was asked for."""

    def __init__(self) -> None:
        self.rows = 0

    def __call__(self, latents, times, hidden, lines, *, return_dict):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        assert not return_dict
        assert lines.shape[1] == 3
        assert len(times) == len(hidden) == len(latents)
        self.rows += len(latents)
        return [latents], 2 * latents


def test_an_even_picture_has_no_lines() -> None:
    assert find_lines(np.full((64, 96, 3), 130, np.uint8)).max() == 0


def test_a_dark_stroke_is_a_line_where_it_is() -> None:
    picture_HWC = np.full((64, 64, 3), 220, np.uint8)
    picture_HWC[30:33] = 20
    lines_HW = find_lines(picture_HWC)
    assert lines_HW[31].min() > 200
    assert lines_HW[:24].max() == lines_HW[40:].max() == 0


def test_rows_without_lines_are_left_alone_and_cost_nothing() -> None:
    network = Doubling()
    control = LineControl(network)
    latents, times, hidden = torch.ones(3, 4, 2, 2), torch.zeros(3), torch.zeros(3, 5, 6)
    assert control.residuals(latents, times, hidden, [None, None, None]) == {}
    lines = Lines(lines_HW=np.zeros((16, 16), np.uint8), weight=0.5)
    added = control.residuals(latents, times, hidden, [None, lines, None])
    assert network.rows == 1
    assert added["down_block_additional_residuals"][0].sum(dim=(1, 2, 3)).tolist() == [0.0, 8.0, 0.0]
    assert added["mid_block_additional_residual"].sum(dim=(1, 2, 3)).tolist() == [0.0, 16.0, 0.0]
