"""Trainings over a real channel, with the real worker on a random tiny family, from request to file."""

import io
from typing import Any

import pytest
import safetensors.torch
from oma.style.v1 import style_pb2
from oma.style.v1 import style_train_service_pb2 as pb
from PIL import Image

from services.common.artifacts import FolderStore
from services.common.clients import our_errors
from services.common.errors import NotFound, NotReady
from tests.fakes.trainings import (
    DEADLINE_SECONDS,
    Place,
    Workers,
    create,
    finish,
    half_learned,
    largest_difference,
    request,
    undisturbed,
    watch,
)

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # requests and stops are tried on both


async def test_both_methods_are_learned_and_the_files_are_what_they_say(
    stub: Any, place: Place, workers: Workers
) -> None:
    training = await create(stub, request())
    assert training.state == pb.Training.STATE_QUEUED
    assert training.steps_total > 0
    place.shorten(training)
    workers.start(CHECKPOINT_SECONDS="3600")  # so that a slow machine, too, has only the one halfway
    ended = await finish(stub, training)
    assert (ended.state, ended.failure.reason) == (pb.Training.STATE_SUCCEEDED, "")
    assert [file.method for file in ended.files] == [style_pb2.METHOD_LORA, style_pb2.METHOD_DREAMSTYLER]
    lora, dreamstyler = (safetensors.torch.load(place.artifacts.get(file.artifact.key)) for file in ended.files)
    assert all(name.startswith("lora_unet_") for name in lora)
    assert any(bool(tensor.any()) for name, tensor in lora.items() if name.endswith("lora_up.weight"))
    assert dreamstyler["embeddings"].shape == (6, 32)
    assert ended.files[1].trigger == f"<sks-{training.id[:8]}>"
    assert ended.steps_done == ended.steps_total
    for sample in ended.samples:
        assert Image.open(io.BytesIO(place.artifacts.get(sample.key))).size == (32, 32)
    assert len(ended.samples) == 2
    assert [sample.method for sample in ended.checkpoint_samples] == [file.method for file in ended.files]
    for over in ended.checkpoint_samples:
        assert 0 < over.step < ended.steps_total
        drawn = Image.open(io.BytesIO(place.artifacts.get(over.image.key)))
        assert (drawn.width % 8, drawn.height % 8) == (0, 0)
    assert list(place.artifacts.keys(f"ann/style/{training.id}/checkpoints/")) == []


@pytest.mark.parametrize("method", [style_pb2.METHOD_LORA, style_pb2.METHOD_DREAMSTYLER])
async def test_drawing_at_checkpoints_changes_no_bit_of_what_is_learned(
    stub: Any, place: Place, method: style_pb2.Method.ValueType
) -> None:
    training = place.shorten(await create(stub, request(methods=[method])))
    drawn, plain = (undisturbed(place, training, checkpoint_samples=draws) for draws in (True, False))
    assert largest_difference(drawn, plain) == 0
    assert [key for key in FolderStore(place.folder / "undisturbed").keys("") if "-at-" in key]


async def test_a_watch_tells_of_progress_and_its_token_resumes_it(stub: Any, place: Place, workers: Workers) -> None:
    training = place.shorten(await create(stub, request(methods=[style_pb2.METHOD_LORA])))
    workers.start()
    call = stub.WatchTraining(pb.WatchTrainingRequest(owner="ann", id=training.id), timeout=DEADLINE_SECONDS)
    seen = [response async for response in call]
    states = [response.training.state for response in seen]
    assert states == sorted(states)
    assert states[-1] == pb.Training.STATE_SUCCEEDED
    told = [response.training for response in seen if response.training.HasField("seconds_left")]
    assert told
    assert told[0].current_method == style_pb2.METHOD_LORA
    assert 0 < told[0].steps_done <= told[0].steps_total
    again = stub.WatchTraining(
        pb.WatchTrainingRequest(owner="ann", id=training.id, resume_token=seen[-1].resume_token),
        timeout=DEADLINE_SECONDS,
    )
    assert [response async for response in again] == []


async def test_a_running_training_can_be_cancelled_and_then_deleted_with_every_file(
    stub: Any, place: Place, workers: Workers
) -> None:
    workers.start()
    training = await create(stub, request())
    await watch(stub, training, half_learned)
    with pytest.raises(NotReady), our_errors("style"):
        await stub.DeleteTraining(pb.DeleteTrainingRequest(owner="ann", id=training.id), timeout=10)
    await stub.CancelTraining(pb.CancelTrainingRequest(owner="ann", id=training.id), timeout=10)
    ended = await finish(stub, training)
    assert ended.state == pb.Training.STATE_CANCELLED
    assert place.files() != set()
    await stub.DeleteTraining(pb.DeleteTrainingRequest(owner="ann", id=training.id), timeout=10)
    assert place.files() == set()
    with pytest.raises(NotFound), our_errors("style"):
        await stub.GetTraining(pb.GetTrainingRequest(owner="ann", id=training.id), timeout=10)
