"""Sampling takes AnimateAnyone's timesteps and noise levels, for every number of steps that is found."""

import re
from pathlib import Path

import pytest
import torch

from services.common.errors import InvalidInput
from services.pose.transfer.schedule import denoising_steps
from services.pose.transfer.weights import read_alphas
from tests.parity.pose_sets import describes, read_json, set_name
from tests.parity.transfer_sets import schedules, transfer_cases

# Of the original's scheduler, for tables that do not say it.
PUBLISHED = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "linear",
    "clip_sample": False,
    "steps_offset": 1,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
}


@pytest.mark.parametrize(
    ("path", "number"),
    [
        (path, match[1])
        for path in sorted({case.path for case in transfer_cases()})
        for match in (re.fullmatch(r"ddim_timesteps(\d*)", field) for field in describes(path))
        if match
    ],
    ids=lambda value: set_name(value) if isinstance(value, Path) else f"steps{value}",
)
def test_sampling_takes_the_same_timesteps(path: Path, number: str) -> None:
    told = describes(path)
    steps = denoising_steps(read_alphas(told["scheduler"]), told[f"ddim_steps{number}"])
    assert [step.timestep for step in steps] == told[f"ddim_timesteps{number}"]


@pytest.mark.parametrize("path", schedules(), ids=set_name)
def test_the_schedule_is_the_same_for_every_number_of_steps(path: Path) -> None:
    told = read_json(path)
    table = torch.tensor(told["alphas_cumprod_float32"])
    # A table may belong to any of the sets beside it; where it says so itself, to that alone.
    beside = [describes(case.path)["scheduler"] for case in transfer_cases()]
    ours = [
        read_alphas(scheduler) for scheduler in ([told["scheduler"]] if "scheduler" in told else [PUBLISHED, *beside])
    ]
    # The last bits of the table are the processor's: with AVX-512 it was 3.4e-6 off.
    assert any(torch.allclose(alphas_cumprod, table, rtol=1e-5, atol=0) for alphas_cumprod in ours)
    for count, expected in told["schedules"].items():
        if min(expected["timesteps"]) < 0:
            # The original takes a step more than asked for, and from a level that is none; we refuse such a number.
            with pytest.raises(InvalidInput):
                denoising_steps(table, int(count))
            continue
        steps = denoising_steps(table, int(count))
        assert [step.timestep for step in steps] == expected["timesteps"]
        assert [step.alpha_bar.item() for step in steps] == expected["alpha_bar_t"]
        assert [step.alpha_bar_after.item() for step in steps] == expected["alpha_bar_prev"]
        after = [
            table[before].item() if before >= 0 else told["final_alpha_cumprod"]
            for before in expected["prev_timesteps"]
        ]
        assert [step.alpha_bar_after.item() for step in steps] == after
