"""Noise schedules, weights and stages against reference tables; a table that no test here knows fails by its name."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from services.background.engine import schedules as drawing
from services.style_train.engine.diffusion import NoiseSchedule, stage_of
from tests.parity.style_sets import ROOT, StyleCase

SOLVERS = {
    "dpmpp_2m": "DPMSolverMultistepScheduler",
    "unipc": "UniPCMultistepScheduler",
    "ddim": "DDIMScheduler",
}
PREDICTIONS = {"eps": "epsilon", "epsilon": "epsilon", "v": "v_prediction", "v_prediction": "v_prediction"}
FILES = sorted(ROOT.rglob("tables.json"))


class Tables:
    """One file of tables, and what ours says of each kind of table."""

    def __init__(self, path: Path) -> None:
        place = StyleCase(path.parent)
        self.told = place.read("tables.json")
        self.config = place.scheduler_config
        self.schedule = NoiseSchedule.of(self.config)
        self.count = self.schedule.timesteps

    def compare(self, name: str, table: Any) -> None:
        """Raises AssertionError for a table of another kind too."""
        kinds: dict[str, Callable[..., None]] = {
            r"alphas_cumprod": self._kept,
            r"snr": self._snr,
            r"min_snr_(?P<gamma>[\d.]+)_weight_(?P<prediction>\w+)": self._weight,
            r"first_t_with_snr_below_(?P<bound>[\d.]+)": self._first_below,
            r"stage_first_timestep": self._firsts,
            r"float32_formula_equals_integer_t\*T//(?P<count>\d+)_for_T_1\.\.(?P<most>\d+)": self._formula,
            r"timesteps": self._timesteps,
            r"stages_T(?P<stages>\d+)": self._stages,
            r"i2i_(?P<steps>\d+)_steps_strength_(?P<strength>[\d.]+)": self._entered,
        }
        found = [(match, compare) for kind, compare in kinds.items() if (match := re.fullmatch(kind, name))]
        assert found, f"no test knows the table {name!r}"
        match, compare = found[0]
        compare(table, **match.groupdict())

    def _kept(self, table: dict[str, float]) -> None:
        for timestep, kept in table.items():
            assert float(self.schedule.kept_N[int(timestep)]) == pytest.approx(kept, rel=1e-4, abs=1e-8)

    def _snr(self, table: dict[str, float]) -> None:
        for timestep, snr in table.items():
            assert self._snr_at(int(timestep)) == pytest.approx(snr, rel=1e-4, abs=1e-8)

    def _weight(self, table: dict[str, float], gamma: str, prediction: str) -> None:
        schedule = NoiseSchedule.of({**self.config, "prediction_type": PREDICTIONS[prediction]})
        for timestep, weight in table.items():
            found = float(schedule.min_snr_weight(torch.tensor([int(timestep)]), float(gamma))[0])
            assert found == pytest.approx(weight, rel=1e-4, abs=1e-8)

    def _first_below(self, first: int, bound: str) -> None:
        below = (time for time in range(self.count) if self._snr_at(time) < float(bound))
        assert next(below) == first

    def _firsts(self, table: dict[str, list[int]]) -> None:
        for stages, firsts in table.items():
            found = [stage_of(time, stages=int(stages), timesteps=self.count) for time in range(self.count)]
            assert [found.index(stage) for stage in range(int(stages))] == firsts

    def _formula(self, holds: object, count: str, most: str) -> None:
        times = np.arange(int(count))
        for stages in range(1, int(most) + 1):
            by_float = np.trunc(times.astype(np.float32) / np.float32(count) * np.float32(stages)).astype(int)
            ours = [stage_of(int(time), stages=stages, timesteps=int(count)) for time in times]
            assert (by_float.tolist() == ours) is holds

    def _timesteps(self, table: dict[str, list[int]]) -> None:
        for key, expected in table.items():
            assert self._run(key) == expected, key

    def _stages(self, table: dict[str, list[int]], stages: str) -> None:
        for key, expected in table.items():
            times = self._run(key)
            assert [drawing.stage_of(t, stages=int(stages), train_steps=self.count) for t in times] == expected, key

    def _entered(self, table: dict[str, Any], steps: str, strength: str) -> None:
        """The number of steps that the reference runs of its schedule is asked of ours, at the strength it comes to."""
        whole, start = int(steps), table["start_index"]
        run = whole - start
        assert run == table["steps_run"] == min(int(whole * float(strength)), whole)
        assert drawing.schedule_length(run, run / whole) == whole
        for solver in ("dpmpp_2m", "unipc"):
            assert self._run(f"{solver}_{whole}")[start:] == table["timesteps"]

    def _run(self, key: str) -> list[int]:
        solver, _, steps = key.rpartition("_")
        assert solver in SOLVERS, f"no test knows the solver of {key!r}"
        scheduler = drawing.create_scheduler(self.config, SOLVERS[solver])
        scheduler.set_timesteps(int(steps))
        return [int(time) for time in scheduler.timesteps]

    def _snr_at(self, timestep: int) -> float:
        kept = float(self.schedule.kept_N[timestep])
        return kept / (1 - kept)


def tables() -> list[tuple[Path, str]]:
    return [(path, name) for path in FILES for name in StyleCase(path.parent).read("tables.json")]


@pytest.mark.parametrize(("path", "name"), tables(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_style_table_is_the_reference_s(path: Path, name: str) -> None:
    one = Tables(path)
    one.compare(name, one.told[name])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_an_unknown_style_table_fails_by_its_name(path: Path) -> None:
    with pytest.raises(AssertionError, match="no test knows the table 'sigmas'"):
        Tables(path).compare("sigmas", [])
