"""How LoRA files name their tensors: kohya's, diffusers' (now and formerly) and PEFT's ways.

kohya       `lora_unet_<path with underscores>.lora_down.weight`, `.lora_up.weight`, `.alpha`; what every program reads
diffusers   `unet.<path>.lora.down.weight`; of the text encoder `.lora_linear_layer.down.weight`; alpha is the rank
PEFT        `unet.<path>.lora_A.weight`; alpha is in the metadata, as JSON
processors  `unet.<...attn1>.processor.to_q_lora.down.weight`: diffusers before PEFT; alpha is the rank
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from services.common.errors import InvalidInput

Side = Literal["unet", "text"]
PEFT_METADATA = "lora_adapter_metadata"
KOHYA_PREFIXES: dict[Side, str] = {"unet": "lora_unet_", "text": "lora_te_text_model_"}
_KOHYA_ALSO: dict[Side, tuple[str, ...]] = {
    "unet": (),
    "text": ("lora_te1_text_model_",),  # readers accept SDXL's spelling for SD1.5 too
}
_ROOTS: dict[Side, tuple[str, ...]] = {
    "unet": ("unet.",),
    "text": ("text_encoder.text_model.", "text_encoder."),  # newer transformers have no such level
}
_OF_TEXT = (KOHYA_PREFIXES["text"], *_KOHYA_ALSO["text"], "text_encoder.")
_ATTENTION = {"to_q", "to_k", "to_v", "to_out.0"}
_TEXT_ATTENTION = {"q_proj": "to_q", "k_proj": "to_k", "v_proj": "to_v", "out_proj": "to_out"}


class Dialect(StrEnum):
    """A way to write a LoRA file."""

    KOHYA = "kohya"
    DIFFUSERS = "diffusers"
    PEFT = "peft"


@dataclass(frozen=True, slots=True)
class Names:
    """The tensors of one module; only kohya has one for alpha."""

    down: str
    up: str
    alpha: str = ""

    @property
    def all(self) -> tuple[str, ...]:
        return tuple(name for name in (self.down, self.up, self.alpha) if name)


def names(side: Side, path: str, dialect: Dialect) -> Names:
    """How a dialect is written."""
    root = _ROOTS[side][0] + path
    match dialect:
        case Dialect.KOHYA:
            return _kohya(KOHYA_PREFIXES[side], path)
        case Dialect.DIFFUSERS:
            layer = "lora" if side == "unet" else "lora_linear_layer"
            return Names(f"{root}.{layer}.down.weight", f"{root}.{layer}.up.weight")
        case Dialect.PEFT:
            return Names(f"{root}.lora_A.weight", f"{root}.lora_B.weight")


def is_of_text(name: str) -> bool:
    """Whether a tensor of this name is for the text encoder, in any dialect."""
    return name.startswith(_OF_TEXT)


def readable(side: Side, path: str) -> list[Names]:
    """Every way in which a module may be named in a file."""
    found = [_kohya(prefix, path) for prefix in (KOHYA_PREFIXES[side], *_KOHYA_ALSO[side])]
    for root in _ROOTS[side]:
        for down, up in (("lora_A", "lora_B"), ("lora.down", "lora.up"), _linear_layer("down", "up")):
            found.append(Names(f"{root}{path}.{down}.weight", f"{root}{path}.{up}.weight"))
        if processor := _processor(side, path):
            found.append(Names(f"{root}{processor}.down.weight", f"{root}{processor}.up.weight"))
    return found


class Alphas:
    """The alphas of a file that names none beside its tensors."""

    def __init__(self, metadata: Mapping[str, str]) -> None:
        """Raises InvalidInput when PEFT's metadata cannot be read."""
        try:
            settings = json.loads(metadata.get(PEFT_METADATA, "{}"))
            self._settings: dict[Side, dict[str, Any]] = {
                "unet": _of_side(settings, "unet."),
                "text": _of_side(settings, "text_encoder."),
            }
        except (ValueError, AttributeError, RecursionError) as error:
            raise _unreadable() from error

    def of(self, side: Side, path: str, *, rank: int) -> float:
        """Alpha of a module by the metadata; without any it is the rank, as every reader takes it.

        Raises:
            InvalidInput: it is not a number.
        """
        settings = self._settings[side]
        try:
            alpha = float(_matching(settings.get("alpha_pattern") or {}, path, settings.get("lora_alpha", rank)))
            return alpha * rank**0.5 if settings.get("use_rslora") else alpha
        except (TypeError, ValueError, AttributeError) as error:
            raise _unreadable() from error


def peft_metadata(shapes: Mapping[Side, Mapping[str, tuple[int, float]]]) -> str:
    """PEFT's metadata for modules of these ranks and alphas, by side and path.

    The text encoder's modules go by their last name: under another release of transformers their paths are others.
    """
    settings: dict[str, Any] = {}
    for side, modules in shapes.items():
        if not modules:
            continue
        rank, alpha = next(iter(modules.values()))
        targets = sorted({path.rsplit(".", 1)[-1] for path in modules}) if side == "text" else sorted(modules)
        own = {
            "peft_type": "LORA",
            "r": rank,
            "lora_alpha": alpha,
            "target_modules": targets,
            "rank_pattern": {path: other for path, (other, _) in modules.items() if other != rank},
            "alpha_pattern": {path: other for path, (_, other) in modules.items() if other != alpha},
        }
        root = "unet." if side == "unet" else "text_encoder."
        settings |= {f"{root}{key}": value for key, value in own.items()}
    return json.dumps(settings, sort_keys=True)


def _kohya(prefix: str, path: str) -> Names:
    name = prefix + path.replace(".", "_")
    return Names(f"{name}.lora_down.weight", f"{name}.lora_up.weight", f"{name}.alpha")


def _linear_layer(down: str, up: str) -> tuple[str, str]:
    return f"lora_linear_layer.{down}", f"lora_linear_layer.{up}"


def _processor(side: Side, path: str) -> str:
    """Where attention processors kept a module's adapter, "" for modules that they did not have."""
    parent, _, name = path.removesuffix(".0").rpartition(".")
    if side == "text":
        return f"{parent}.{_TEXT_ATTENTION[name]}_lora" if name in _TEXT_ATTENTION else ""
    return f"{parent}.processor.{name}_lora" if path.removeprefix(f"{parent}.") in _ATTENTION else ""


def _of_side(settings: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in settings.items() if key.startswith(prefix)}


def _matching(patterns: Mapping[str, Any], path: str, otherwise: Any) -> Any:
    """PEFT reads a pattern as a regular expression at the path's end; we read it as the end itself.

    A pattern from a file must not run for hours, and the files that programs write hold plain paths.
    """
    for pattern, value in patterns.items():
        plain = pattern.removeprefix("^").replace("\\.", ".").removeprefix("text_model.")
        if path == plain or path.endswith(f".{plain}"):
            return value
    return otherwise


def _unreadable() -> InvalidInput:
    return InvalidInput(f"the file's {PEFT_METADATA} cannot be read: export the style again", reason="STYLE_DAMAGED")
