"""Styles that the original DreamStyler learned are brought over row by row, and nothing else is."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from services.common.errors import InvalidInput
from services.common.style_files import read_dreamstyler
from services.style_train.original import convert
from tests.parity.style_sets import StyleCase, all_cases

CASES = [case for case in all_cases() if (case.folder / "embedding").is_dir()]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_original_style_file_keeps_every_row_and_its_token(case: StyleCase, tmp_path: Path) -> None:
    """The original's own file where it lies beside; the repository keeps no pickle, so there it is made first."""
    folder, told = case.folder / "embedding", case.told
    safe, original = folder / "final.safetensors", folder / "final.bin"
    expected = load_file(safe) if safe.exists() else torch.load(original, weights_only=True)
    if not original.exists():
        original = tmp_path / "final.bin"
        torch.save(expected, original)
    assert sorted(expected) == sorted(told["token_names"])
    assert len(expected) == told["num_stages"]
    width = next(iter(expected.values())).shape[0]
    read = read_dreamstyler(convert(original), width=width)
    assert torch.equal(read.embeddings_TC, torch.stack([expected[name] for name in told["token_names"]]))
    assert read.trigger == told["placeholder_token"]
    assert read_dreamstyler(convert(original, trigger="ink"), width=width).trigger == "ink"


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("/tmp/never"),)  # type: ignore[return-value]  # noqa: S108 (never made)


@pytest.mark.parametrize(
    "content",
    [
        {"<a>-T0": torch.zeros(4), "<a>-T2": torch.zeros(4)},
        {"<a>-T0": torch.zeros(4), "<b>-T1": torch.zeros(4)},
        {"<a>-T0": torch.zeros(4, 4)},
        {"<a>": torch.zeros(4)},
        torch.zeros(4),
        {"<a>-T0": Evil()},
    ],
)
def test_what_is_no_original_style_is_refused(content: object, tmp_path: Path) -> None:
    path = tmp_path / "final.bin"
    torch.save(content, path)
    with pytest.raises(InvalidInput) as caught:
        convert(path)
    assert caught.value.reason == "NOT_A_DREAMSTYLER"
