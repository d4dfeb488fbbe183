"""The loss on a picture that is held out, always with the same noise: when it stops falling, so does learning."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

PATIENCE = 6  # looks in a row without a better one
_LOSS, _SINCE, _CURVE, _VALUE = "held_out/loss", "held_out/since", "held_out/curve", "held_out/value/"


class HeldOut:
    """The best look so far, with the parameters as they were then."""

    def __init__(self) -> None:
        self.curve: list[float] = []
        self._best = float("inf")
        self._since = 0
        self._values: dict[str, Tensor] = {}

    @property
    def tired(self) -> bool:
        """Whether looking went on in vain for long enough."""
        return self._since >= PATIENCE

    def look(self, loss: float, parameters: Mapping[str, nn.Parameter]) -> None:
        self.curve.append(loss)
        if loss < self._best:
            self._best, self._since = loss, 0
            self._values = {name: parameter.detach().cpu().clone() for name, parameter in parameters.items()}
        else:
            self._since += 1

    def put_back(self, parameters: Mapping[str, nn.Parameter]) -> None:
        """The parameters of the best look."""
        for name, value in self._values.items():
            parameters[name].data.copy_(value)

    def state(self) -> dict[str, Tensor]:
        numbers = {_LOSS: self._best, _SINCE: self._since}
        return {
            **{name: torch.tensor(float(value), dtype=torch.float64) for name, value in numbers.items()},
            _CURVE: torch.tensor(self.curve, dtype=torch.float64),
            **{_VALUE + name: value for name, value in self._values.items()},
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self._best, self._since = float(state[_LOSS]), int(state[_SINCE])
        self.curve = state[_CURVE].tolist()
        self._values = {name.removeprefix(_VALUE): value for name, value in state.items() if name.startswith(_VALUE)}
