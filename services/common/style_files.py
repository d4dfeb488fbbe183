"""Style files: what style training writes and background drawing reads.

A LoRA file speaks the kohya dialect, the only one every drawing program reads; diffusers' and PEFT's are read and
written too (`lora_dialects`).
A DreamStyler file holds one tensor, `embeddings`, a row for each stage of the denoising. Both are safetensors.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from services.common.errors import InvalidInput
from services.common.lora_dialects import (
    PEFT_METADATA,
    Alphas,
    Dialect,
    Names,
    Side,
    is_of_text,
    names,
    peft_metadata,
    readable,
)

DREAMSTYLER_FORMAT = "oma-dreamstyler-1"
TRIGGER_KEY = "modelspec.trigger_phrase"  # where a LoRA file says its trigger
_ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
_TEXT_LAYERS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraModule:
    """The change of one module: weight * alpha / rank * up @ down."""

    down: Tensor  # (rank, in), or (rank, in, kh, kw) of a convolution
    up: Tensor  # (out, rank), or (out, rank, 1, 1)
    alpha: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraFile:
    """What a LoRA file holds, by the dotted paths of the modules."""

    unet: Mapping[str, LoraModule]
    text: Mapping[str, LoraModule]
    metadata: Mapping[str, str]

    @property
    def trigger(self) -> str:
        """The word that calls the style, or ""."""
        return self.metadata.get(TRIGGER_KEY, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class DreamStylerFile:
    """What a DreamStyler file holds."""

    embeddings_TC: Tensor  # float32; row 0 belongs to the least noise
    trigger: str
    metadata: Mapping[str, str]


def attention_modules(unet: nn.Module) -> dict[str, nn.Module]:
    """The UNet's attention projections (128 in Stable Diffusion 1.5), by path."""
    return {path: module for path, module in wide_modules(unet).items() if path.endswith(_ATTENTION)}


def transformer_modules(unet: nn.Module) -> dict[str, nn.Module]:
    """Everything linear in the UNet's transformer blocks, their entry and exit too (192 in 1.5): kohya's default."""
    return _linear_inside(unet, ("Transformer2DModel",))


def wide_modules(unet: nn.Module) -> dict[str, nn.Module]:
    """`transformer_modules` and the residual blocks' and samplers' convolutions and linears (278 in 1.5)."""
    return _linear_inside(unet, ("Transformer2DModel", "ResnetBlock2D", "Downsample2D", "Upsample2D"))


def text_modules(text_encoder: nn.Module) -> dict[str, nn.Module]:
    """The text encoder's attention and MLP linears (72 in 1.5), by path without a leading "text_model."."""
    return {
        path.removeprefix("text_model."): module
        for path, module in text_encoder.named_modules()
        if isinstance(module, nn.Linear) and path.endswith(_TEXT_LAYERS)
    }


def write_lora(
    unet: Mapping[str, LoraModule],
    text: Mapping[str, LoraModule] | None = None,
    *,
    metadata: Mapping[str, str],
    dtype: torch.dtype = torch.float16,
    dialect: Dialect = Dialect.KOHYA,
) -> bytes:
    """A LoRA file; `metadata` holds the `ss_*` and `modelspec.*` entries, kohya's two hashes are added here.

    Diffusers' dialect has no place for alpha: there `up` carries alpha / rank.
    """
    sides: dict[Side, Mapping[str, LoraModule]] = {"unet": unet, "text": text or {}}
    tensors: dict[str, Tensor] = {}
    for side, modules in sides.items():
        for path, module in modules.items():
            own, rank = names(side, path, dialect), module.down.shape[0]
            up = module.up * (module.alpha / rank) if dialect is Dialect.DIFFUSERS else module.up
            values = {own.down: module.down, own.up: up}
            if own.alpha:
                values[own.alpha] = torch.tensor(module.alpha)
            tensors |= {name: value.detach().to("cpu", dtype).contiguous() for name, value in values.items()}
    if dialect is Dialect.PEFT:
        shapes = {
            side: {path: (one.down.shape[0], one.alpha) for path, one in own.items()} for side, own in sides.items()
        }
        return _save(tensors, {**metadata, PEFT_METADATA: peft_metadata(shapes)})
    if dialect is Dialect.DIFFUSERS:
        return _save(tensors, metadata)
    hashes = {"sshs_model_hash": _model_hash(tensors), "sshs_legacy_hash": _legacy_hash(tensors, metadata)}
    return _save(tensors, {**metadata, **hashes})


def read_lora(content: bytes, *, unet: Mapping[str, nn.Module], text: Mapping[str, nn.Module] | None) -> LoraFile:
    """A LoRA file of any dialect, against the modules that may be adapted (`wide_modules`, `text_modules`).

    With None for `text`, for who reads no words, what the file has for a text encoder is left out.

    Raises:
        InvalidInput: not such a file, or made for another model family: a module or a shape does not fit.
    """
    tensors, metadata = _load(content)
    if text is None:
        tensors = {name: tensor for name, tensor in tensors.items() if not is_of_text(name)}
    alphas = Alphas(metadata)
    sides: dict[Side, Mapping[str, nn.Module]] = {"unet": unet, "text": text or {}}
    found: dict[Side, dict[str, LoraModule]] = {"unet": {}, "text": {}}
    known: set[str] = set()
    for side, modules in sides.items():
        for path, target in modules.items():
            for own in readable(side, path):
                known.update(own.all)
                if any(name in tensors for name in own.all):
                    if path in found[side]:
                        raise InvalidInput(f"{path} is in the file twice: export it again", reason="STYLE_DAMAGED")
                    found[side][path] = _lora_module(side, path, own, target, tensors, alphas)
    _refuse_strangers(tensors, known)
    if not found["unet"] and not found["text"]:
        raise InvalidInput("the file adapts nothing: it is not a LoRA file", reason="NOT_A_LORA")
    return LoraFile(unet=found["unet"], text=found["text"], metadata=metadata)


def write_dreamstyler(embeddings_TC: Tensor, *, trigger: str, metadata: Mapping[str, str]) -> bytes:
    """A DreamStyler file of these rows; format, number of stages and trigger are added to the metadata."""
    own = {"format": DREAMSTYLER_FORMAT, "num_stages": str(embeddings_TC.shape[0]), "token": trigger}
    rows_TC = embeddings_TC.detach().to("cpu", torch.float32).contiguous()
    return _save({"embeddings": rows_TC}, {**metadata, **own})


def read_dreamstyler(content: bytes, *, width: int) -> DreamStylerFile:
    """A DreamStyler file whose rows fit a text encoder of `width`.

    Raises:
        InvalidInput: not such a file, or made for another model family.
    """
    tensors, metadata = _load(content)
    rows_TC = tensors.get("embeddings")
    if metadata.get("format") != DREAMSTYLER_FORMAT or rows_TC is None or rows_TC.ndim != 2:  # noqa: PLR2004 (T, C)
        raise InvalidInput("not a DreamStyler file of ours", reason="NOT_A_DREAMSTYLER")
    if metadata.get("num_stages") != str(rows_TC.shape[0]) or not rows_TC.shape[0] or not metadata.get("token"):
        raise InvalidInput("the DreamStyler file's stages or token are missing", reason="NOT_A_DREAMSTYLER")
    if rows_TC.shape[1] != width:
        raise InvalidInput(
            f"learned for a text encoder {rows_TC.shape[1]} wide, this family's is {width}: train it on this family",
            reason="STYLE_FAMILY",
        )
    return DreamStylerFile(embeddings_TC=rows_TC.float(), trigger=metadata["token"], metadata=metadata)


def _linear_inside(unet: nn.Module, containers: tuple[str, ...]) -> dict[str, nn.Module]:
    return {
        f"{outer}.{inner}": module
        for outer, container in unet.named_modules()
        if type(container).__name__ in containers
        for inner, module in container.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    }


def _refuse_strangers(tensors: Collection[str], known: Collection[str]) -> None:
    strangers = sorted(set(tensors) - set(known))
    if strangers:
        raise InvalidInput(
            f"{len(strangers)} tensors fit nothing in this model family, the first is {strangers[0]!r}: "
            "use a LoRA file that was trained on this family",
            reason="STYLE_FAMILY",
        )


def _lora_module(
    side: Side, path: str, own: Names, target: nn.Module, tensors: Mapping[str, Tensor], alphas: Alphas
) -> LoraModule:
    down, up, alpha = (tensors.get(name) for name in (own.down, own.up, own.alpha))
    weight = target.weight
    if not isinstance(weight, Tensor):
        raise TypeError(f"{path} is not a linear or convolution")
    points = (1, 1) if weight.ndim == 4 else ()  # noqa: PLR2004 (a convolution's out, in, kh, kw)
    rank = down.shape[0] if down is not None and down.ndim else 0
    fits = up is not None and up.shape == (weight.shape[0], rank, *points)
    if (
        down is None
        or up is None
        or not rank
        or down.shape[1:] != weight.shape[1:]
        or not fits
        or (alpha is not None and alpha.numel() != 1)
    ):
        raise InvalidInput(
            f"{own.down} does not have the shape of this model family's module: use a file that was trained on it",
            reason="STYLE_FAMILY",
        )
    return LoraModule(down=down, up=up, alpha=alphas.of(side, path, rank=rank) if alpha is None else float(alpha))


def _load(content: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        tensors = safetensors.torch.load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (SafetensorError, ValueError, KeyError, RecursionError) as error:
        raise InvalidInput("not a safetensors file, or a damaged one", reason="STYLE_DAMAGED") from error
    return tensors, header.get("__metadata__", {})


def _save(tensors: dict[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    content = safetensors.torch.save(tensors)
    start = 8 + int.from_bytes(content[:8], "little")
    # The library writes metadata in a random order; the same style must be the same bytes.
    header = json.dumps({"__metadata__": dict(sorted(metadata.items())), **json.loads(content[8:start])})
    padded = header.encode().ljust(-(-len(header.encode()) // 8) * 8)
    return len(padded).to_bytes(8, "little") + padded + content[start:]


def _model_hash(tensors: Mapping[str, Tensor]) -> str:
    content = safetensors.torch.save(dict(tensors))
    return hashlib.sha256(content[8 + int.from_bytes(content[:8], "little") :]).hexdigest()


def _legacy_hash(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    own = {key: value for key, value in metadata.items() if key.startswith("ss_")}
    content = safetensors.torch.save(dict(tensors), own)
    return hashlib.sha256(content[0x100000:0x110000]).hexdigest()[:8]
