"""The background service over a real channel, with the real engine on a random family."""

import asyncio
import hashlib
import io
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import torch
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from oma.background.v1 import background_service_pb2 as pb
from oma.background.v1 import background_service_pb2_grpc as pb_grpc
from oma.image.v1 import image_pb2
from oma.style.v1 import style_pb2
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from services.background.engine.painter import Painter
from services.background.engine.turns import Turns
from services.background.finished import Finished
from services.background.korean.translator import Translator
from services.background.model import StyleTargets, load_painter
from services.background.results import Results
from services.background.servicer import Afterwards, BackgroundServicer
from services.background.styles import StyleShelf
from services.common.admission import Places
from services.common.artifacts import FolderStore
from services.common.compute import ComputeLane
from services.common.families import load_family
from services.common.pictures import Pixels, encode_png
from services.common.serving import create_server
from tests.fakes.families import build_random_family
from tests.fakes.owners import GATE, acting_for_owners
from tests.fakes.styles import dreamstyler_file, lora_file

OWNER = "ann"
TIMEOUT_SECONDS = 60


class Repeating:
    """Enlarges by repeating pixels, wherever the tests run."""

    def check(self, factor: int) -> None:
        """It can do every factor."""

    def enlarge(self, image_HWC: Pixels, factor: int) -> Pixels:
        return image_HWC.repeat(factor, 0).repeat(factor, 1)


class Mesh:
    """One running service, and what a test needs to look behind it."""

    def __init__(self, stub: Any, turns: Turns, store: FolderStore, targets: StyleTargets) -> None:
        self.stub = stub
        self.turns = turns
        self.store = store
        self.targets = targets

    def call(self, **fields: Any) -> Any:
        request = pb.GenerateBackgroundRequest(
            **{"request_id": "r1", "owner": OWNER, "prompt": "a beach at sunset", "steps": 3, **fields}
        )
        return self.stub.GenerateBackground(request, timeout=TIMEOUT_SECONDS)

    def keep_lora(self, *, owner: str = OWNER, seed: int = 1, trigger: str = "inkhand") -> style_pb2.StyleUse:
        return self._keep(owner, f"lora{seed}", lora_file(self.targets.unet, seed=seed, trigger=trigger), "METHOD_LORA")

    def keep_dreamstyler(self, *, owner: str = OWNER, seed: int = 1) -> style_pb2.StyleUse:
        content = dreamstyler_file(width=self.targets.text_width, seed=seed)
        return self._keep(owner, f"dream{seed}", content, "METHOD_DREAMSTYLER")

    def _keep(self, owner: str, name: str, content: bytes, method: str) -> style_pb2.StyleUse:
        key = f"{owner}/style/{name}.safetensors"
        self.store.put(key, content, "application/octet-stream")
        return style_pb2.StyleUse(
            key=key, sha256=hashlib.sha256(content).hexdigest(), method=style_pb2.Method.Value(method)
        )


@pytest.fixture(scope="module")
def family_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return build_random_family(tmp_path_factory.mktemp("family"))


@pytest.fixture(scope="module")
def translator() -> Translator:
    return Translator()


@pytest.fixture(scope="module")
def loaded(family_folder: Path) -> tuple[Painter, StyleTargets]:
    return load_painter(load_family(family_folder), device=torch.device("cpu"))


@pytest.fixture
async def mesh(
    family_folder: Path, loaded: tuple[Painter, StyleTargets], translator: Translator, tmp_path: Path
) -> AsyncIterator[Mesh]:
    family = load_family(family_folder)
    painter, targets = loaded
    turns, lane = Turns(painter, max_rows=8, max_pending=10), ComputeLane(max_pending=8)
    store = FolderStore(tmp_path)
    shelf = StyleShelf(store, targets, max_bytes=2**26)
    server = create_server(GATE)
    servicer = BackgroundServicer(
        family=family,
        places=Places(2),
        turns=turns,
        lane=lane,
        store=store,
        shelf=shelf,
        translator=translator,
        afterwards=Afterwards(
            results=Results(store=store, family=family, enlarger=Repeating(), settings_in_pictures=True),
            finished=Finished(store=store, find_sky=None),
            places=Places(8),
        ),
    )
    pb_grpc.add_BackgroundServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    thread = threading.Thread(target=turns.run)
    thread.start()
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Mesh(acting_for_owners(pb_grpc.BackgroundServiceStub(channel)), turns, store, targets)
    await server.stop(None)
    turns.close()
    thread.join()
    lane.close()


def png(width: int, height: int) -> image_pb2.Picture:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (200, 120, 40)).save(buffer, "PNG")
    return image_pb2.Picture(inline=image_pb2.Image(content=buffer.getvalue(), media_type="image/png"))


def inked() -> image_pb2.Picture:
    image_HWC = np.full((96, 96, 3), (240, 220, 180), np.uint8)
    image_HWC[30:32], image_HWC[:, 60:62] = (20, 20, 40), (20, 20, 40)
    return image_pb2.Picture(inline=image_pb2.Image(content=encode_png(image_HWC), media_type="image/png"))


def pixels(content: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(content)))


def reason_of(error: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # its stub knows the synchronous call only
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return str(info.reason)


async def test_a_drawing_is_queued_drawn_stored_and_described(mesh: Mesh) -> None:
    call = mesh.call(prompt="노을 지는 해변", count=2, seed=5, previews=True)
    events = [event async for event in call]
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds[0] == "queued"
    assert kinds[-1] == "done"
    progress = [event.progress for event in events if event.HasField("progress")]
    assert [one.step for one in progress] == [2, 4, 6]  # both results in each step
    assert {one.steps for one in progress} == {6}
    assert Image.open(io.BytesIO(progress[0].preview.content)).format == "JPEG"
    images = [event.image for event in events if event.HasField("image")]
    assert [(image.index, image.seed) for image in images] == [(0, 5), (1, 6)]
    stored = mesh.store.get(images[1].artifact.key)
    assert images[1].artifact.key == "ann/out/r1/01.png"
    assert hashlib.sha256(stored).hexdigest() == images[1].artifact.sha256
    assert pixels(stored).shape == (32, 32, 3)
    text = PngImageFile(io.BytesIO(stored)).text
    assert text["parameters"] == "a beach at sunset\nSteps: 3, CFG scale: 7.5, Seed: 6, Size: 32x32, Model: random-tiny"
    assert "/trainedAlgorithmicMedia" in text["XML:com.adobe.xmp"]
    done = events[-1].done
    assert (done.english_prompt, done.steps, done.guidance, done.strength) == ("a beach at sunset", 3, 7.5, 1.0)


async def test_a_drawing_grows_after_it_was_drawn_when_asked_to(mesh: Mesh) -> None:
    events = [event async for event in mesh.call(enlarge=2, inline_results=True)]
    image, done = events[-2].image, events[-1].done
    assert pixels(image.inline.content).shape == (64, 64, 3)
    assert (image.width, image.height) == (64, 64)
    assert (done.width, done.height, done.enlarge) == (32, 32, 2)
    settings = PngImageFile(io.BytesIO(image.inline.content)).text["parameters"]
    assert "Size: 32x32" in settings
    assert "Hires upscale: 2" in settings


async def test_a_photograph_keeps_its_aspect(mesh: Mesh) -> None:
    events = [event async for event in mesh.call(prompt="", picture=png(320, 160), strength=0.5, inline_results=True)]
    image = next(event.image for event in events if event.HasField("image"))
    assert (image.width, image.height) == (48, 16)
    assert pixels(image.inline.content).shape == (16, 48, 3)
    assert b"/compositeWithTrainedAlgorithmicMedia" in image.inline.content


async def test_styles_mix_and_bring_their_triggers(mesh: Mesh) -> None:
    styles = [mesh.keep_lora(seed=1), mesh.keep_lora(seed=2, trigger="softhand"), mesh.keep_dreamstyler()]
    plain = [event async for event in mesh.call(request_id="plain", inline_results=True)]
    styled = [event async for event in mesh.call(request_id="styled", inline_results=True, styles=styles)]
    assert styled[-1].done.english_prompt == "a beach at sunset, in the style of inkhand and softhand and sks03"
    assert [use.weight for use in styled[-1].done.styles] == [1.0, 1.0, 1.0]
    assert plain[-2].image.inline.content != styled[-2].image.inline.content


async def test_another_owners_style_is_not_there(mesh: Mesh) -> None:
    foreign = mesh.keep_lora(owner="bob")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await mesh.call(styles=[foreign]).read()
    assert (caught.value.code(), reason_of(caught.value)) == (grpc.StatusCode.NOT_FOUND, "NO_ARTIFACT")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"owner": "../bob"}, "OWNER"),
        ({"request_id": ""}, "REQUEST_ID"),
        ({"request_id": "a/b"}, "REQUEST_ID"),
        ({"prompt": " "}, "PROMPT_REQUIRED"),
        ({"prompt": "x" * 1001}, "PROMPT_TOO_LONG"),
        ({"prompt": "a beach " * 60}, "PROMPT_TOO_LONG"),
        ({"prompt": "용"}, "PROMPT_NOT_UNDERSTOOD"),
        ({"strength": 0.5}, "STRENGTH_WITHOUT_PICTURE"),
        ({"picture": png(32, 32), "strength": 1.5}, "STRENGTH_RANGE"),
        ({"picture": png(32, 32), "strength": float("nan")}, "STRENGTH_RANGE"),
        ({"guidance": 0.5}, "GUIDANCE_RANGE"),
        ({"steps": 0}, "STEPS_RANGE"),
        ({"steps": 151}, "STEPS_RANGE"),
        ({"seed": 2**64 - 1}, "SEED_RANGE"),
        ({"count": 9}, "COUNT_RANGE"),
        ({"enlarge": 3}, "ENLARGE"),
        ({"width": 40}, "SIZE_STEP"),
        ({"height": -16}, "SIZE_STEP"),
        ({"width": 1024, "height": 1024}, "SIZE_RANGE"),
        ({"picture": image_pb2.Picture()}, "PICTURE_REQUIRED"),
        (
            {"picture": image_pb2.Picture(inline=image_pb2.Image(content=b"GIF89a", media_type="image/png"))},
            "NOT_A_PICTURE",
        ),
        ({"styles": [style_pb2.StyleUse(key="ann/s/a", sha256="0" * 64)]}, "STYLE_METHOD"),
        ({"styles": [style_pb2.StyleUse(key="ann/s/a", sha256="0", method=style_pb2.METHOD_LORA)]}, "STYLE_SHA256"),
        (
            {"styles": [style_pb2.StyleUse(key="ann/s", sha256="0" * 64, method=style_pb2.METHOD_LORA, weight=2.5)]},
            "WEIGHT_RANGE",
        ),
        (
            {
                "styles": [
                    style_pb2.StyleUse(key=f"ann/s/{name}", sha256="0" * 64, method=style_pb2.METHOD_DREAMSTYLER)
                    for name in "ab"
                ]
            },
            "TWO_DREAMSTYLERS",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_cannot_be_drawn_is_refused_with_its_reason(mesh: Mesh, fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in mesh.call(**fields):
            pass
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(caught.value) == reason


async def test_a_size_between_two_names_both(mesh: Mesh) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await mesh.call(width=40).read()
    assert "use 32 or 48" in str(caught.value.details())


async def test_the_wrong_kind_of_style_file_is_refused(mesh: Mesh) -> None:
    style = mesh.keep_dreamstyler()
    style.method = style_pb2.METHOD_LORA
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await mesh.call(styles=[style]).read()
    assert reason_of(caught.value) == "STYLE_FAMILY"


async def test_the_third_drawing_is_refused_while_two_are_under_way(mesh: Mesh) -> None:
    busy = [mesh.call(request_id=f"busy{index}", steps=150, count=8) for index in range(2)]
    for call in busy:
        await call.read()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await mesh.call().read()
    assert (caught.value.code(), reason_of(caught.value)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL")
    for call in busy:
        call.cancel()


async def test_a_caller_who_leaves_frees_the_place(mesh: Mesh) -> None:
    busy = [mesh.call(request_id=f"busy{index}", steps=150, count=8) for index in range(2)]
    for call in busy:
        await call.read()
        call.cancel()
    while True:  # bounded by the test's own timeout
        try:
            events = [event async for event in mesh.call(request_id="after")]
            break
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # noqa: PT017 (anything else is a failure)
            await asyncio.sleep(0.01)
    assert events[-1].HasField("done")


async def test_a_deadline_ends_the_drawing(mesh: Mesh) -> None:
    request = pb.GenerateBackgroundRequest(request_id="r", owner=OWNER, prompt="a room", steps=150, count=8)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in mesh.stub.GenerateBackground(request, timeout=0.5):
            pass
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_translations_name_what_was_not_understood(mesh: Mesh) -> None:
    response = await mesh.stub.TranslatePrompt(pb.TranslatePromptRequest(prompt="용이 지키는 성"), timeout=10)
    assert response.english == "a castle"
    assert list(response.unknown_words) == ["용", "지키는"]


async def test_a_drawing_is_taken_apart_into_a_file_of_layers(mesh: Mesh) -> None:
    request = pb.SeparateLayersRequest(request_id="p1", owner=OWNER, picture=inked(), original=inked(), language="ko")
    response = await mesh.stub.SeparateLayers(request, timeout=TIMEOUT_SECONDS)
    assert list(response.layers) == [pb.LAYER_KIND_ORIGINAL, pb.LAYER_KIND_COLOUR, pb.LAYER_KIND_LINE]
    assert [(one.kind, one.reason) for one in response.left_out] == [(pb.LAYER_KIND_SKY, "NO_SKY_NETWORK")]
    assert response.largest_difference <= 1
    assert (response.psd.key, response.psd.media_type) == (f"{OWNER}/out/p1/layers.psd", "image/vnd.adobe.photoshop")
    assert mesh.store.get(response.psd.key).startswith(b"8BPS")


async def test_a_drawing_is_read_against_the_artist_s_pages(mesh: Mesh) -> None:
    request = pb.ReadStyleRequest(owner=OWNER, picture=inked(), pages=[inked(), inked()])
    response = await mesh.stub.ReadStyle(request, timeout=TIMEOUT_SECONDS)
    assert response.verdict == pb.STYLE_VERDICT_CLOSE
    assert {one.kind for one in response.aspects} == set(pb.StyleAspect.Kind.values()) - {0}
    other = pb.ReadStyleRequest(owner=OWNER, picture=png(64, 64), pages=[inked()])
    assert (await mesh.stub.ReadStyle(other, timeout=TIMEOUT_SECONDS)).verdict == pb.STYLE_VERDICT_OFF


@pytest.mark.parametrize(
    ("method", "request_", "reason"),
    [
        ("SeparateLayers", pb.SeparateLayersRequest(request_id="../x", owner=OWNER), "REQUEST_ID"),
        ("SeparateLayers", pb.SeparateLayersRequest(request_id="x", owner=OWNER), "PICTURE_REQUIRED"),
        ("SeparateLayers", pb.SeparateLayersRequest(request_id="x", owner=OWNER, language="fr"), "LANGUAGE"),
        ("ReadStyle", pb.ReadStyleRequest(owner=OWNER), "PAGES"),
    ],
)
async def test_what_cannot_be_done_with_a_drawing_is_refused_by_name(
    mesh: Mesh, method: str, request_: Any, reason: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await getattr(mesh.stub, method)(request_, timeout=TIMEOUT_SECONDS)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(caught.value) == reason
