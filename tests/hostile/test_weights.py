"""Files that say they are weights: pickles, and safetensors whose headers lie. None is run, or believed."""

import json
import pickle
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
import torch
from oma.background.v1 import background_service_pb2 as background_pb
from oma.background.v1 import background_service_pb2_grpc as background_grpc
from oma.image.v1 import image_pb2
from oma.style.v1 import style_pb2

from services.background.model import load_painter
from services.common.errors import NotReady
from services.common.families import load_family
from services.common.lora_dialects import PEFT_METADATA
from tests.fakes.all_services import AllServices, Networks, all_services
from tests.fakes.families import build_random_family
from tests.fakes.owners import acting_for_owners
from tests.fakes.styles import lora_file

OWNER = "mina"
CALL_SECONDS = 120
MOST_GROWTH_BYTES = 600 * 1024**2
RAN: list[str] = []


class RunsWhenRead:
    """Unpickled, it leaves a trace."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return RAN.append, ("ran",)


def safetensors(header: object, body: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def tensor(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


NAME = "lora_unet_x.lora_down.weight"
LIES: dict[str, bytes] = {
    "nothing": b"",
    "seven bytes": b"\0" * 7,
    "a header of eight exbibytes": safetensors({}, length=2**63 - 1),
    "a header longer than the file": safetensors({}, length=4096),
    "a header of a hundred megabytes": safetensors({}, length=100_000_001),
    "no JSON": safetensors(b"{" * 64),
    "JSON within JSON": safetensors(b"[" * 100_000),
    "a list": safetensors([1, 2]),
    "brackets in PEFT's words": safetensors(
        {"__metadata__": {PEFT_METADATA: "[" * 100_000}, NAME: tensor([4], 0, 16)}, b"\0" * 16
    ),
    "a tensor beyond the end": safetensors({NAME: tensor([1024, 1024], 0, 4 * 1024**2)}, b"\0" * 16),
    "a tensor of a tebibyte": safetensors({NAME: tensor([2**20, 2**18], 0, 2**40)}, b"\0" * 16),
    "a shape that overflows": safetensors({NAME: tensor([2**62, 8], 0, 16)}, b"\0" * 16),
    "a negative shape": safetensors({NAME: tensor([-4, -1], 0, 16)}, b"\0" * 16),
    "offsets backwards": safetensors({NAME: tensor([4], 16, 0)}, b"\0" * 16),
    "two tensors of one place": safetensors({"a": tensor([4], 0, 16), "b": tensor([4], 0, 16)}, b"\0" * 16),
    "a gap": safetensors({"a": tensor([4], 8, 24)}, b"\0" * 24),
    "an unknown type": safetensors({NAME: tensor([4], 0, 16, "PICKLE")}, b"\0" * 16),
    "a hundred thousand tensors of nothing": safetensors({f"t{n}": tensor([0], 0, 0) for n in range(100_000)}),
    "metadata that are no words": safetensors({"__metadata__": {"a": [1]}, NAME: tensor([4], 0, 16)}, b"\0" * 16),
    "a pickle": pickle.dumps(RunsWhenRead()),
    "a pickle of PyTorch's old form": pickle.dumps(0x1950A86A20F9469CFC6C) + pickle.dumps(RunsWhenRead()),
    "a pickle behind a right header": safetensors(
        {NAME: tensor([4], 0, 16)}, b"\0" * 16 + pickle.dumps(RunsWhenRead())
    ),
}


def torch_archive(folder: Path) -> bytes:
    """A pickle in a zip, as `torch.save` writes."""
    path = folder / "weights.pt"
    torch.save({"x": RunsWhenRead()}, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Networks:
    return Networks.load(tmp_path_factory.mktemp("networks"))


@pytest.fixture
async def services(networks: Networks, tmp_path: Path) -> AsyncIterator[AllServices]:
    async with all_services(networks, tmp_path) as running:
        yield running


async def draw_with(services: AllServices, content: bytes, method: Any) -> grpc.StatusCode:
    ref = services.store.put(f"{OWNER}/style/offered.safetensors", content, "application/octet-stream")
    style = style_pb2.StyleUse(key=ref.key, sha256=ref.sha256, method=method, weight=1)
    stub: Any = acting_for_owners(background_grpc.BackgroundServiceStub(services.channel))
    request = background_pb.GenerateBackgroundRequest(
        request_id="r", owner=OWNER, prompt="a beach", steps=1, width=32, height=32, styles=[style]
    )
    try:
        async for _ in stub.GenerateBackground(request, timeout=CALL_SECONDS):
            pass
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def convert(services: AllServices, content: bytes) -> grpc.StatusCode:
    """What an import asks for."""
    ref = services.store.put(f"{OWNER}/in/offered", content, "application/octet-stream")
    stub: Any = acting_for_owners(background_grpc.BackgroundServiceStub(services.channel))
    file = image_pb2.Artifact(key=ref.key, sha256=ref.sha256)
    request = background_pb.ConvertStyleRequest(request_id="r", owner=OWNER, file=file)
    try:
        await stub.ConvertStyle(request, timeout=CALL_SECONDS)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_what_is_no_style_file_is_refused_by_name_and_never_run(
    services: AllServices, outcomes: Counter[str], tmp_path: Path
) -> None:
    await draw_with(services, lora_file(services.targets.unet, seed=1), style_pb2.METHOD_LORA)  # what drawing takes
    before = psutil.Process().memory_info().rss
    wrong = {}
    for name, content in {**LIES, "an archive of torch.save": torch_archive(tmp_path)}.items():
        told = [
            await draw_with(services, content, style_pb2.METHOD_LORA),
            await draw_with(services, content, style_pb2.METHOD_DREAMSTYLER),
            await convert(services, content),
        ]
        outcomes.update(code.name for code in told)
        if set(told) != {grpc.StatusCode.INVALID_ARGUMENT}:
            wrong[name] = told
    assert wrong == {}
    assert RAN == []
    growth = psutil.Process().memory_info().rss - before
    outcomes["grew by MiB"] = growth // 1024**2
    assert growth < MOST_GROWTH_BYTES


async def test_a_right_file_is_taken_where_the_wrong_ones_are_refused(services: AllServices) -> None:
    content = lora_file(services.targets.unet, seed=1)
    assert await draw_with(services, content, style_pb2.METHOD_LORA) is grpc.StatusCode.OK
    assert await convert(services, content) is grpc.StatusCode.OK


@pytest.mark.parametrize("keeps_safetensors", [False, True], ids=["alone", "beside the right file"])
def test_a_pickle_in_a_familys_folder_is_not_read(tmp_path: Path, *, keeps_safetensors: bool) -> None:
    folder = build_random_family(tmp_path / "family")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save({"x": RunsWhenRead()}, weights.with_suffix(".bin"))
    if keeps_safetensors:
        load_painter(load_family(folder), device=torch.device("cpu"))
    else:
        weights.unlink()
        with pytest.raises(NotReady, match="not complete"):
            load_painter(load_family(folder), device=torch.device("cpu"))
    assert RAN == []
