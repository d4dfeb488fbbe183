"""Brings a style of the original DreamStyler into our file: `python -m services.style_train.original final.bin out`.

The original stores a pickle of one dictionary, a vector of 1-D float32 for each token `<name>-T0`, `<name>-T1`, ...; it
is read by torch's reader of tensors alone, which runs nothing that a file may ask for. This is a command for an
operator: no service reads pickles.
"""

import argparse
import re
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from services.common.errors import InvalidInput
from services.common.style_files import write_dreamstyler

_TOKEN = re.compile(r"(?P<name>.+)-[Tt](?P<stage>\d+)\Z")


def convert(content: Path, *, trigger: str = "") -> bytes:
    """Our file of the original's; the trigger is the original's token unless another is given.

    Raises:
        InvalidInput: anything else than the vectors of stages 0, 1, ... of one token.
    """
    try:
        loaded = torch.load(content, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        message = f"{content.name} holds more than tensors, or is damaged"
        raise InvalidInput(message, reason="NOT_A_DREAMSTYLER") from error
    found = [(_TOKEN.match(str(name)), vector) for name, vector in loaded.items()] if isinstance(loaded, dict) else []
    rows = {int(match["stage"]): vector for match, vector in found if match and _is_row(vector)}
    tokens = {match["name"] for match, _ in found if match}
    if not rows or len(rows) != len(found) or len(tokens) != 1 or sorted(rows) != list(range(len(rows))):
        raise InvalidInput(
            f"{content.name} is not the vectors of one token's stages: give the file of a finished training",
            reason="NOT_A_DREAMSTYLER",
        )
    rows_TC = torch.stack([rows[stage].float() for stage in range(len(rows))])
    return write_dreamstyler(rows_TC, trigger=trigger or tokens.pop(), metadata={"origin": "dreamstyler"})


def _is_row(value: object) -> bool:
    return isinstance(value, Tensor) and value.ndim == 1 and value.is_floating_point()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("original", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--trigger", default="", help="the word that calls the style; the original's token by default")
    options = parser.parse_args()
    options.out.write_bytes(convert(options.original, trigger=options.trigger))


if __name__ == "__main__":
    main()
