"""Style files in the dialects of other programs: read as they would be to draw with them, and written anew.

Nothing here needs the networks' thread: of the networks, only the shapes are looked at.
"""

import json

import torch
from oma.background.v1 import background_service_pb2 as pb
from oma.style.v1 import style_pb2

from services.background.convert import check_request_id
from services.background.model import StyleTargets
from services.background.styles import MAX_STYLE_BYTES
from services.common.artifacts import ArtifactStore, check_owner, get_checked
from services.common.errors import InvalidInput
from services.common.lora_dialects import PEFT_METADATA, Dialect
from services.common.style_files import (
    DREAMSTYLER_FORMAT,
    LoraFile,
    read_dreamstyler,
    read_lora,
    write_dreamstyler,
    write_lora,
)
from services.common.wire import from_artifact, to_artifact

SAFETENSORS_TYPE = "application/octet-stream"
_DIALECTS = {
    pb.STYLE_DIALECT_UNSPECIFIED: Dialect.KOHYA,
    pb.STYLE_DIALECT_KOHYA: Dialect.KOHYA,
    pb.STYLE_DIALECT_DIFFUSERS: Dialect.DIFFUSERS,
    pb.STYLE_DIALECT_PEFT: Dialect.PEFT,
}
_PRECISIONS = {
    pb.STYLE_PRECISION_FP16: torch.float16,
    pb.STYLE_PRECISION_BF16: torch.bfloat16,
    pb.STYLE_PRECISION_FP32: torch.float32,
}


class StyleExchange:
    """Safe for several threads at once."""

    def __init__(self, *, store: ArtifactStore, targets: StyleTargets) -> None:
        self._store = store
        self._targets = targets

    def convert(self, request: pb.ConvertStyleRequest) -> pb.ConvertStyleResponse:
        """Write a style file anew and store it.

        Raises:
            InvalidInput: not a style file, one of another family, or a dialect or precision that is none.
            NotFound: no such artifact of this owner.
        """
        owner = check_owner(request.owner)
        check_request_id(request.request_id)
        if request.dialect not in _DIALECTS:
            raise InvalidInput("dialects are KOHYA, DIFFUSERS and PEFT", reason="DIALECT")
        if request.precision != pb.STYLE_PRECISION_UNSPECIFIED and request.precision not in _PRECISIONS:
            raise InvalidInput("precisions are FP16, BF16 and FP32", reason="PRECISION")
        asked = from_artifact(request.file)
        content = get_checked(self._store, asked.key, asked.sha256, owner=owner, max_bytes=MAX_STYLE_BYTES)
        if _is_dreamstyler(content):
            written, answer = self._dreamstyler(content)
        else:
            written, answer = self._lora(content, request)
        name = "dreamstyler" if answer.method == style_pb2.METHOD_DREAMSTYLER else "lora"
        key = f"{owner}/out/{request.request_id}/{name}.safetensors"
        answer.file.CopyFrom(to_artifact(self._store.put(key, written, SAFETENSORS_TYPE)))
        return answer

    def _lora(self, content: bytes, request: pb.ConvertStyleRequest) -> tuple[bytes, pb.ConvertStyleResponse]:
        file = read_lora(content, unet=self._targets.unet, text=self._targets.text)
        modules = [*file.unet.values(), *file.text.values()]
        written = write_lora(
            file.unet,
            file.text,
            metadata=_metadata(file),
            dtype=_PRECISIONS.get(request.precision, modules[0].down.dtype),
            dialect=_DIALECTS[request.dialect],
        )
        return written, pb.ConvertStyleResponse(
            method=style_pb2.METHOD_LORA, trigger=file.trigger, modules=len(modules)
        )

    def _dreamstyler(self, content: bytes) -> tuple[bytes, pb.ConvertStyleResponse]:
        """There is one way to write these: rows of float32."""
        file = read_dreamstyler(content, width=self._targets.text_width)
        written = write_dreamstyler(file.embeddings_TC, trigger=file.trigger, metadata=file.metadata)
        return written, pb.ConvertStyleResponse(method=style_pb2.METHOD_DREAMSTYLER, trigger=file.trigger)


def _metadata(file: LoraFile) -> dict[str, str]:
    """The file's own, but for PEFT's settings; the least that other programs show of it is filled in."""
    modules = [*file.unet.values(), *file.text.values()]
    rank, alpha = modules[0].down.shape[0], modules[0].alpha
    shown = {
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(rank),
        "ss_network_alpha": str(alpha),
        "modelspec.architecture": "stable-diffusion-v1/lora",
    }
    own = {key: value for key, value in file.metadata.items() if key != PEFT_METADATA}
    return shown | own


def _is_dreamstyler(content: bytes) -> bool:
    """Whether the header says so; a damaged one is left to the reader of LoRA files, which says what is wrong."""
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        return bool(header["__metadata__"]["format"] == DREAMSTYLER_FORMAT)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
