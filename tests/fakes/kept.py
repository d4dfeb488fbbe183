"""Everything that a small mesh keeps: the gateway's rows and objects, and trainings' rows to what its styles name."""

from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa
from oma.style.v1 import style_train_service_pb2 as pb

from services.admin.places import GATEWAY, STYLE_TRAIN, Whereabouts
from services.common.artifacts import ArtifactSettings, ArtifactStore
from services.common.wire import from_artifact
from services.style_train.records import Checkpoint, Learned, Method, Order, OrderedPicture, Preset, folder
from services.style_train.store import KIND, TrainingStore
from tests.fakes.artists import png


def places_in(data_folder: Path) -> dict[str, Whereabouts]:
    """As `oma up` lays them out."""
    artifacts = ArtifactSettings(folder=data_folder / "artifacts")
    return {
        name: Whereabouts(database_url=f"sqlite:///{data_folder}/{name}.db", artifacts=artifacts)
        for name in (GATEWAY, STYLE_TRAIN)
    }


def record_trainings(engine: sa.Engine, store: ArtifactStore, trainings: Mapping[str, pb.Training]) -> TrainingStore:
    """Rows of style training for what a scripted service has learned, with the pictures that it learned from."""
    known = TrainingStore(engine, max_queued=100)
    known.migrate()
    for training in trainings.values():
        record(known, store, training)
    return known


def record(known: TrainingStore, store: ArtifactStore, training: pb.Training) -> None:
    picture = store.put(f"{folder(training.owner, training.id)}pictures/00.png", png(), "image/png")
    order = Order(
        name=training.name,
        pictures=(OrderedPicture(name="pictures/00.png", sha256=picture.sha256, caption=""),),
        methods=(Method.LORA,),
        preset=Preset.QUICK,
        seed=1,
    )
    known.create(owner=training.owner, request_id=training.id, job_id=training.id, order=order)
    lease = known.claim(worker="w", lease_seconds=60)
    assert lease is not None
    assert lease.job.kind == KIND
    samples = tuple(from_artifact(sample) for sample in training.samples)
    learned = [
        Learned(method=Method.LORA, file=from_artifact(file.artifact), trigger=file.trigger, samples=samples)
        for file in training.files
    ]
    checkpoint = Checkpoint(steps={Method.LORA: 4}, learned=tuple(learned))
    lease.checkpoint(checkpoint.as_json(), reached=checkpoint.reached)
    lease.finish({"learned": len(learned)})
