"""No reference result is passed over: every array and file of a set is one that a test here compares."""

import json
import re

import pytest

from tests.parity.style_sets import OWN_ROOT, PREDICTED, ROOT, StyleCase, all_cases

# What is compared, and what beside it that takes: without that no test would find it.
_STARTED = ("i2i.image", "i2i.clean_latents", "i2i.noise", "i2i.timesteps", "i2i.stages")
_PREDICTED = ("sample", "timesteps", "input_ids", "hidden")
_VARIANT = r"(?P<variant>(first_step|plain|min_snr|noise_offset|_)+)"
COMPARED: dict[str, tuple[str, ...]] = {
    r"(input_ids|embeds)\.(prompt|negative|empty|null_style|null_context)": (),
    r"eps\.(text|uncond|null_style|null_context|cfg|sc)": ("latents", "timesteps", "stages"),
    r"t2i\.(?P<way>cfg|sc)\.(path|image|final_sigma_min)": (
        *("t2i.{way}.path", "t2i.init_latents", "t2i.timesteps", "t2i.stages"),
    ),
    r"t2i\.(init_latents|timesteps|stages)": ("t2i.init_latents",),
    r"i2i\.(?P<way>img2img|controlnet)\.(path|final_sigma_min)": ("i2i.{way}.path", *_STARTED),
    r"i2i\.(image|vae_eps|clean_latents)": ("i2i.image", "i2i.vae_eps", "i2i.clean_latents"),
    r"i2i\.(noise|timesteps|stages)": _STARTED,
    r"i2i\.control_image": ("i2i.controlnet.path",),
    r"rows\.start": ("step1.input_ids",),
    r"(?P<step>step\d+)\.(latents|noise|timesteps|stages|input_ids|noisy_latents|target|pred|loss_per_sample|loss"
    r"|grad_rows|rows_after)": ("rows.start", "{step}.input_ids"),
    PREDICTED.pattern: _PREDICTED,
    r"mix\.(hidden|eps|eps_full_chain)": _PREDICTED,
    r"(sample|input_ids|hidden|latents|timesteps|stages|noise|snr|min_snr_weight|noise_offset_draw)": (),
    r"start\.(?P<path>.+)\.lora_[AB]\.weight": ("start.{path}.lora_A.weight", "start.{path}.lora_B.weight", "noise"),
    rf"{_VARIANT}\.(loss|loss_per_sample|pred)": ("{variant}.loss",),
    rf"{_VARIANT}\.(grad|after)\.(?P<name>.+)": ("{variant}.loss", "start.{name}"),
}
TOLD_BY = re.compile(r"(input_ids|embeds|eps|t2i|i2i|rows|start|mix)\..+|.+\.scale.+")  # a case has one of these


def passed_over(case: StyleCase) -> list[str]:
    """The arrays that no test compares."""
    return [name for name in case.arrays if not is_compared(case, name)]


def is_compared(case: StyleCase, name: str) -> bool:
    for pattern, beside in COMPARED.items():
        if match := re.fullmatch(pattern, name):
            return all(one.format(**match.groupdict()) in case.arrays for one in beside)
    return False


@pytest.mark.parametrize("case", all_cases(), ids=str)
def test_every_array_of_a_style_case_is_compared(case: StyleCase) -> None:
    assert passed_over(case) == []
    assert any(map(TOLD_BY.fullmatch, case.arrays)), f"{case} is no kind of case that a test here knows"


def test_every_folder_of_a_style_set_is_a_case() -> None:
    """Files that lie beside no arrays, and a description without any, would not be looked at."""
    known = [case.folder for case in all_cases()]
    strangers = [
        path
        for path in sorted(ROOT.rglob("*"))
        if (path.suffix == ".safetensors" or path.name == "case.json")
        and not any(path.is_relative_to(folder) for folder in known)
        and "pipeline" not in path.relative_to(ROOT).parts
    ]
    assert known, f"no reference results of styles below {ROOT}"
    assert strangers == []
    assert [case for case in all_cases() if not (case.folder / "case.json").exists()] == []


def test_the_style_set_of_the_repository_has_every_kind_of_result() -> None:
    kept = [set(json.loads(path.read_text())) for path in sorted(OWN_ROOT.rglob("case.json"))]
    for needed in ("placeholder_token", "context_prompt", "adapters", "snr_gamma"):
        assert any(needed in told for told in kept), needed
    assert (OWN_ROOT / "tables.json").exists()


@pytest.mark.parametrize("name", ["eps.depth", "t2i.plain.path", "attn.strength1.0.eps", "huber.loss", "velocity"])
def test_a_style_result_of_an_unknown_kind_is_noticed(name: str) -> None:
    assert not any(re.fullmatch(pattern, name) for pattern in COMPARED)
