"""Reads kohya LoRA files by the description of the format alone; shares no code with what writes them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Array = NDArray[np.float64]
_DTYPES: dict[str, type[np.generic]] = {
    "F16": np.float16,
    "F32": np.float32,
    "F64": np.float64,
    "I32": np.int32,
    "I64": np.int64,
}
UNET_PREFIXES = ("lora_unet_",)
TEXT_PREFIXES = ("lora_te_text_model_", "lora_te1_text_model_")  # the second is SDXL's, and read for SD1.5 too


def read(content: bytes) -> tuple[dict[str, Array], dict[str, str]]:
    """Tensors and metadata: eight bytes of length, a header in JSON, then the numbers."""
    length = int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    numbers = content[8 + length :]
    tensors = {}
    for name, place in header.items():
        start, end = place["data_offsets"]
        tensors[name] = _numbers(numbers[start:end], place["dtype"]).reshape(place["shape"])
    return tensors, metadata


def _numbers(content: bytes, dtype: str) -> Array:
    if dtype == "BF16":  # the upper half of a float32
        upper = np.frombuffer(content, np.uint16).astype(np.uint32) << 16
        return upper.view(np.float32).astype(np.float64)
    return np.frombuffer(content, _DTYPES[dtype]).astype(np.float64)


def model_hash(content: bytes) -> str:
    """What A1111 shows: SHA-256 of everything behind the header."""
    return hashlib.sha256(content[8 + int.from_bytes(content[:8], "little") :]).hexdigest()


def legacy_hash(content: bytes) -> str:
    """Eight digits of SHA-256 of 64 KiB at 1 MiB of the file, were `ss_*` the only metadata in its header."""
    end = 8 + int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8:end])
    own = {key: value for key, value in header.pop("__metadata__", {}).items() if key.startswith("ss_")}
    smaller = {"__metadata__": own, **header} if own else header
    length = len(json.dumps(smaller, separators=(",", ":"), ensure_ascii=False).encode())
    start = 2**20 - 8 - -(-length // 8) * 8  # headers are filled up to eights
    return hashlib.sha256(content[end:][start : start + 2**16]).hexdigest()[:8]


def names_of(tensors: Mapping[str, Array]) -> set[str]:
    """The adapted modules: everything before the first dot."""
    return {name.split(".", 1)[0] for name in tensors}


def merge(tensors: Mapping[str, Array], network: nn.Module, *, prefixes: Sequence[str], strength: float = 1.0) -> int:
    """Add strength * alpha / rank * up @ down to the weights that the names mean; how many there were."""
    paths = {
        prefix + path.removeprefix("text_model.").replace(".", "_"): path
        for prefix in prefixes
        for path, _ in network.named_modules()
    }
    merged = 0
    for name in names_of(tensors):
        if not name.startswith(tuple(prefixes)):
            continue
        down, up = tensors[f"{name}.lora_down.weight"], tensors[f"{name}.lora_up.weight"]
        rank = down.shape[0]
        alpha = float(tensors[f"{name}.alpha"].item()) if f"{name}.alpha" in tensors else rank
        weight = network.get_submodule(paths[name]).weight
        assert isinstance(weight, torch.Tensor)
        change = (up.reshape(len(up), rank) @ down.reshape(rank, -1)).reshape(tuple(weight.shape))
        with torch.no_grad():
            weight.copy_((weight.double() + torch.from_numpy(strength * alpha / rank * change)).float())
        merged += 1
    return merged


def expected_unet(*, wide: bool) -> set[str]:
    """The names that a file for Stable Diffusion 1.5 may have: 192 of transformer blocks, 278 with the rest."""
    places = [f"down_blocks_{block}_attentions_{one}" for block in (0, 1, 2) for one in (0, 1)]
    places += ["mid_block_attentions_0"]
    places += [f"up_blocks_{block}_attentions_{one}" for block in (1, 2, 3) for one in (0, 1, 2)]
    inner = [f"attn{number}_to_{part}" for number in (1, 2) for part in ("q", "k", "v", "out_0")]
    parts = ["proj_in", "proj_out", *(f"transformer_blocks_0_{one}" for one in (*inner, "ff_net_0_proj", "ff_net_2"))]
    names = {f"lora_unet_{place}_{part}" for place in places for part in parts}
    if not wide:
        return names
    resnets = {
        f"down_blocks_{block}_resnets_{one}": (block in (1, 2)) and one == 0 for block in range(4) for one in (0, 1)
    }
    resnets |= {f"mid_block_resnets_{one}": False for one in (0, 1)}
    resnets |= {f"up_blocks_{block}_resnets_{one}": True for block in range(4) for one in (0, 1, 2)}
    for resnet, widens in resnets.items():
        parts = ["conv1", "conv2", "time_emb_proj"] + ["conv_shortcut"] * widens
        names |= {f"lora_unet_{resnet}_{part}" for part in parts}
    names |= {f"lora_unet_down_blocks_{block}_downsamplers_0_conv" for block in (0, 1, 2)}
    return names | {f"lora_unet_up_blocks_{block}_upsamplers_0_conv" for block in (0, 1, 2)}


def expected_text() -> set[str]:
    """The 72 names of the text encoder."""
    parts = ("self_attn_q_proj", "self_attn_k_proj", "self_attn_v_proj", "self_attn_out_proj", "mlp_fc1", "mlp_fc2")
    return {f"lora_te_text_model_encoder_layers_{layer}_{part}" for layer in range(12) for part in parts}
