"""A style file is written anew in every dialect and precision, and is the same style in each."""

from pathlib import Path

import pytest
import safetensors.torch
import torch
from oma.background.v1 import background_service_pb2 as pb
from oma.style.v1 import style_pb2

from services.background.exchange import StyleExchange
from services.background.model import StyleTargets
from services.common.artifacts import FolderStore
from services.common.errors import InvalidInput, NotFound
from services.common.style_files import LoraFile, read_lora
from services.common.wire import to_artifact
from tests.fakes.styles import dreamstyler_file, lora_file

HALF, SINGLE = pb.STYLE_PRECISION_FP16, pb.STYLE_PRECISION_FP32


class Office:
    """An exchange, and what it stores."""

    def __init__(self, folder: Path, targets: StyleTargets) -> None:
        self.store = FolderStore(folder)
        self.targets = targets
        self._exchange = StyleExchange(store=self.store, targets=targets)

    def send(self, content: bytes, *, owner: str = "ann", **fields: int) -> tuple[pb.ConvertStyleResponse, bytes]:
        ref = self.store.put("ann/style/given", content, "application/octet-stream")
        request = pb.ConvertStyleRequest(request_id="r1", owner=owner, file=to_artifact(ref))
        for name, value in fields.items():
            setattr(request, name, value)
        answer = self._exchange.convert(request)
        assert answer.file.key.startswith("ann/out/r1/")
        return answer, self.store.get(answer.file.key)

    def read(self, content: bytes) -> LoraFile:
        return read_lora(content, unet=self.targets.unet, text=self.targets.text)


@pytest.fixture
def office(tmp_path: Path, targets: StyleTargets) -> Office:
    return Office(tmp_path, targets)


@pytest.mark.parametrize("dialect", [pb.STYLE_DIALECT_KOHYA, pb.STYLE_DIALECT_DIFFUSERS, pb.STYLE_DIALECT_PEFT])
def test_every_dialect_changes_the_networks_alike(office: Office, dialect: int) -> None:
    given = lora_file(office.targets.unet, office.targets.text, seed=1, trigger="ink")
    answer, written = office.send(given, dialect=dialect, precision=SINGLE)
    before, after = office.read(given), office.read(written)
    assert (answer.method, answer.trigger) == (style_pb2.METHOD_LORA, "ink")
    assert answer.modules == len(before.unet) + len(before.text)
    assert (before.unet.keys(), before.text.keys()) == (after.unet.keys(), after.text.keys())
    for path, one in before.unet.items():
        other = after.unet[path]
        first, second = (
            m.alpha / m.down.shape[0] * m.up.flatten(1).float() @ m.down.flatten(1).float() for m in (one, other)
        )
        assert torch.allclose(first, second, rtol=1e-5, atol=1e-7), path
    back, again = office.send(written, dialect=pb.STYLE_DIALECT_KOHYA)
    assert back.trigger == "ink"
    assert set(safetensors.torch.load(again)) == set(safetensors.torch.load(given))


@pytest.mark.parametrize(
    ("precision", "dtype"), [(HALF, torch.float16), (pb.STYLE_PRECISION_BF16, torch.bfloat16), (SINGLE, torch.float32)]
)
def test_numbers_have_the_precision_that_is_asked_for(office: Office, precision: int, dtype: torch.dtype) -> None:
    _, written = office.send(lora_file(office.targets.unet, office.targets.text, seed=1), precision=precision)
    assert {tensor.dtype for tensor in safetensors.torch.load(written).values()} == {dtype}


def test_a_dreamstyler_file_is_recognised(office: Office) -> None:
    given = dreamstyler_file(width=office.targets.text_width, seed=2, trigger="sks07")
    answer, written = office.send(given, dialect=pb.STYLE_DIALECT_PEFT)
    assert (answer.method, answer.trigger) == (style_pb2.METHOD_DREAMSTYLER, "sks07")
    assert written == given


@pytest.mark.parametrize(
    "content", [b"", b"not safetensors at all", bytes(8), safetensors.torch.save({"x": torch.ones(2)})]
)
def test_what_is_no_style_of_this_family_is_refused_and_leaves_nothing(office: Office, content: bytes) -> None:
    with pytest.raises(InvalidInput):
        office.send(content)
    assert list(office.store.keys("")) == ["ann/style/given"]


def test_a_stranger_s_file_is_not_found_and_strange_wishes_are_refused(office: Office) -> None:
    given = lora_file(office.targets.unet, office.targets.text, seed=1)
    with pytest.raises(NotFound):
        office.send(given, owner="bob")
    with pytest.raises(InvalidInput, match="dialects are"):
        office.send(given, dialect=99)
    with pytest.raises(InvalidInput, match="precisions are"):
        office.send(given, precision=99)
