"""Workers and training processes that are killed or told to stop: another goes on where they stood."""

import asyncio
import os
import signal
from typing import Any

import pytest
from oma.style.v1 import style_pb2
from oma.style.v1 import style_train_service_pb2 as pb

from tests.fakes.trainings import (
    Place,
    Workers,
    children,
    create,
    finish,
    half_learned,
    largest_difference,
    learned,
    request,
    undisturbed,
    watch,
)

SAME = 1e-6  # weights are of the order of 0.01 to 1
ON_ONE_DATABASE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)


async def test_a_killed_worker_s_training_is_taken_over_and_ends_with_the_same_weights(
    stub: Any, place: Place, workers: Workers
) -> None:
    training = place.shorten(await create(stub, request(methods=[style_pb2.METHOD_LORA])))
    expected = await asyncio.to_thread(undisturbed, place, training)
    worker = workers.start()
    await watch(stub, training, half_learned)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    workers.start()
    weights = await learned(stub, place, training)
    assert largest_difference(weights, expected) <= SAME


@ON_ONE_DATABASE
async def test_a_killed_training_process_goes_on_within_the_same_lease(
    stub: Any, place: Place, workers: Workers
) -> None:
    training = place.shorten(await create(stub, request(methods=[style_pb2.METHOD_DREAMSTYLER])))
    expected = await asyncio.to_thread(undisturbed, place, training)
    worker = workers.start()
    await watch(stub, training, half_learned)
    for child in children(worker.pid):
        os.kill(child, signal.SIGKILL)
    assert largest_difference(await learned(stub, place, training), expected) <= SAME


@ON_ONE_DATABASE
async def test_a_stopped_worker_gives_its_training_back_with_its_place_kept(
    stub: Any, place: Place, workers: Workers
) -> None:
    training = place.shorten(await create(stub, request(methods=[style_pb2.METHOD_LORA])))
    worker = workers.start()
    await watch(stub, training, half_learned)
    worker.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(worker.wait, 60) == 0
    given_back = (await stub.GetTraining(pb.GetTrainingRequest(owner="ann", id=training.id), timeout=10)).training
    assert given_back.state == pb.Training.STATE_QUEUED
    assert len(list(place.artifacts.keys(f"ann/style/{training.id}/checkpoints/"))) == 1
    workers.start()
    assert (await finish(stub, training)).state == pb.Training.STATE_SUCCEEDED
