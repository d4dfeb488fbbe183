"""How many steps a schedule has, where a drawing enters it, and who computes a step."""

import math
from collections.abc import Mapping
from typing import Any

from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, UniPCMultistepScheduler

from services.common.errors import NotReady

LONGEST_SCHEDULE = 1000

_SCHEDULERS: dict[str, Any] = {
    "DDIMScheduler": DDIMScheduler,
    "DPMSolverMultistepScheduler": DPMSolverMultistepScheduler,
    "UniPCMultistepScheduler": UniPCMultistepScheduler,
    # Stable Diffusion 1.5 is published with PNDM, whose warm-up costs calls that DPM-Solver++ does not need.
    "PNDMScheduler": DPMSolverMultistepScheduler,
}


def schedule_length(steps: int, strength: float) -> int:
    """Steps of the whole schedule whose last `steps` are run, so that the number asked for is kept.

    Strength 1 runs all of it; a strength near 0 runs the last ones of the finest schedule there is.
    """
    if strength <= 0:
        return LONGEST_SCHEDULE
    # The small number forgives a quotient such as 7 / 0.7, which floating point puts just above 10.
    return min(LONGEST_SCHEDULE, math.ceil(steps / strength - 1e-6))


def create_scheduler(config: Mapping[str, Any], name: str = "") -> Any:
    """A scheduler of its own for one result, from a family's `scheduler_config.json`; of another kind if named.

    Raises:
        NotReady: a scheduler that this engine does not know.
    """
    name = name or config.get("_class_name", "")
    if name not in _SCHEDULERS:
        known = ", ".join(sorted(_SCHEDULERS))
        raise NotReady(f"the family's scheduler {name!r} is not one of {known}", reason="SCHEDULER")
    return _SCHEDULERS[name].from_config(dict(config))


def stage_of(timestep: int, *, stages: int, train_steps: int) -> int:
    """The DreamStyler stage of a timestep; stage 0 has the least noise."""
    return timestep * stages // train_steps
