"""Hostile files at the one place where files become pixels: each is taken or refused by name, in bounded memory.

The quick files run with the suite; `make test-hostile` runs all of them, and hundreds of mutated pictures.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from services.common.errors import InvalidInput
from services.common.pictures import decode
from tests.fakes.hostile_pictures import Hostile, corpus, largest, mutations, orientation, with_exif

REASONS = {
    "NOT_A_PICTURE",
    "PICTURE_ANIMATED",
    "PICTURE_DAMAGED",
    "PICTURE_EMPTY",
    "PICTURE_TOO_COMPLEX",
    "PICTURE_TOO_LARGE",
}
REMEDIES = ("save it", "send", "make it smaller")
CORPUS = corpus()
LARGEST_PIXELS_BYTES = 40_000_000 * 3
OUR_OWN_BYTES = 64 * 1024 * 1024  # beside the file and its pixels


def named(files: list[Hostile]) -> list[object]:
    return [pytest.param(one, id=one.name, marks=[pytest.mark.slow] if one.heavy else []) for one in files]


def outcome(content: bytes) -> str | None:
    """None when it was taken, else the reason of its refusal, which must name a remedy."""
    try:
        image_HWC = decode(content)
    except InvalidInput as refusal:
        assert any(remedy in str(refusal) for remedy in REMEDIES), str(refusal)  # noqa: PT017 (of either outcome)
        return refusal.reason
    assert image_HWC.dtype == np.uint8
    assert image_HWC.shape[2] == 3
    return None


@pytest.mark.parametrize("one", named(CORPUS))
def test_each_file_is_taken_or_refused_by_name(one: Hostile) -> None:
    assert outcome(one.make()) == one.reason


@pytest.mark.parametrize("one", named(largest()))
def test_the_largest_pictures_of_every_kind_fit_into_the_childs_memory(one: Hostile) -> None:
    assert outcome(one.make()) is None


def test_the_corpus_has_every_reason_and_pictures_too() -> None:
    assert len(CORPUS) >= 70
    assert {one.reason for one in CORPUS} == {*REASONS, None}


@pytest.mark.parametrize("value", range(1, 9))
def test_every_orientation_turns_the_picture_upright(value: int) -> None:
    content = with_exif(orientation(value))
    image_HWC = decode(content).astype(int)
    assert image_HWC.shape == ((40, 48, 3) if value < 5 else (48, 40, 3))
    dark, bright = {  # where the gradient begins and ends once it is turned
        1: ((0, 0), (-1, 0)), 2: ((0, 0), (-1, 0)), 3: ((-1, 0), (0, 0)), 4: ((-1, 0), (0, 0)),
        5: ((0, 0), (0, -1)), 6: ((0, -1), (0, 0)), 7: ((0, -1), (0, 0)), 8: ((0, 0), (0, -1)),
    }[value]  # fmt: skip
    assert image_HWC[bright].mean() > image_HWC[dark].mean() + 150


def test_a_camera_file_of_two_pictures_gives_the_photograph() -> None:
    (mpo,) = [one for one in CORPUS if one.name == "camera's jpeg of two pictures"]
    assert decode(mpo.make()).shape == (40, 48, 3)


def test_some_mutated_pictures_are_taken_or_refused_by_name() -> None:
    outcomes = [outcome(content) for content in mutations(12, seed=1)]
    assert set(outcomes) <= {*REASONS, None}


@pytest.mark.slow
def test_hundreds_of_mutated_pictures_are_taken_or_refused_by_name() -> None:
    outcomes = [outcome(content) for content in mutations(300, seed=2)]
    assert set(outcomes) <= {*REASONS, None}
    assert None in outcomes
    assert "PICTURE_DAMAGED" in outcomes


PEAK = """
import contextlib, pathlib, re, sys
from services.common.errors import InvalidInput
from services.common.pictures import decode
content = pathlib.Path(sys.argv[1]).read_bytes()
with contextlib.suppress(InvalidInput):
    decode(content)
# Not getrusage: it remembers the peak of whoever started this process.
print(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of memory so")
@pytest.mark.parametrize("name", ["900 megapixels of nothing", "20 mebibytes of text", "progressive jpeg"])
def test_the_service_itself_holds_the_file_and_its_pixels_once(name: str, tmp_path: Path) -> None:
    content = next(one for one in [*CORPUS, *largest()] if one.name == name).make()
    (tmp_path / "picture").write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path / "picture")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    peak_bytes = int(done.stdout) * 1024
    assert peak_bytes < OUR_OWN_BYTES + len(content) + LARGEST_PIXELS_BYTES
