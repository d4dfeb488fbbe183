"""No reference result is passed over: every array of a set is one that a test of this folder compares."""

from pathlib import Path

import pytest

from tests.parity import dwpose_sets, transfer_sets
from tests.parity.pose_sets import (
    FOLDER,
    OWN_ROOT,
    ROOT,
    describes,
    npz_files,
    set_name,
    tensor_files,
)
from tests.parity.transfer_sets import Variant


def test_there_are_sets() -> None:
    assert npz_files() or tensor_files() or transfer_sets.schedules(), f"no reference results of poses below {FOLDER}"


@pytest.mark.skipif(ROOT != OWN_ROOT, reason="other sets need not have every kind")
def test_our_own_sets_are_of_every_kind() -> None:
    kinds = {
        **dwpose_sets.all_cases(),
        "transfer": transfer_sets.transfer_cases(),
        "whole transfer": transfer_sets.whole_sets(),
        "motion": transfer_sets.motion_sets(),
        "schedule": transfer_sets.schedules(),
    }
    assert [kind for kind, found in kinds.items() if not found] == []


@pytest.mark.parametrize("path", npz_files(), ids=set_name)
def test_every_array_of_dwpose_is_compared(path: Path) -> None:
    assert dwpose_sets.passed_over(path) == []


@pytest.mark.parametrize("path", tensor_files(), ids=set_name)
def test_every_tensor_of_animate_anyone_is_compared(path: Path) -> None:
    assert transfer_sets.passed_over(path) == []


@pytest.mark.parametrize("path", sorted({case.path for case in transfer_sets.transfer_cases()}), ids=set_name)
def test_every_case_that_a_set_tells_of_is_there(path: Path) -> None:
    found = {case.name for case in transfer_sets.transfer_cases() if case.path == path}
    assert set(describes(path).get("cases", found)) == found


@pytest.mark.parametrize("name", ["bank8", "bank", "uncond32", "midup33", ""])
def test_an_unknown_variant_is_named(name: str) -> None:
    with pytest.raises(AssertionError, match=f"no test knows the variant '{name}'"):
        Variant.named(name)
