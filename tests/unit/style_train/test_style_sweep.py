"""A training keeps its folder as long as its row, and of its checkpoints the one that counts."""

import datetime as dt
from pathlib import Path

import pytest

from services.common.artifacts import FolderStore
from services.common.databases import create_database_engine
from services.style_train.records import Checkpoint, Method, Order, OrderedPicture, Position, Preset, folder
from services.style_train.store import TrainingStore
from services.style_train.sweep import sweep_trainings

ORDER = Order(
    name="ink",
    pictures=(OrderedPicture(name="pictures/00.png", sha256="0" * 64, caption=""),),
    methods=(Method.LORA,),
    preset=Preset.QUICK,
    seed=1,
)
TOMORROW = dt.timedelta(hours=25)


@pytest.fixture
def trainings(tmp_path: Path) -> TrainingStore:
    store = TrainingStore(create_database_engine(f"sqlite:///{tmp_path}/style.db"), max_queued=10)
    store.migrate()
    return store


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "artifacts")


def left(trainings: TrainingStore, store: FolderStore) -> list[str]:
    sweep_trainings(trainings, store, now=dt.datetime.now(dt.UTC) + TOMORROW)
    return list(store.keys("ann/"))


def test_a_folder_without_a_row_goes(trainings: TrainingStore, store: FolderStore) -> None:
    kept = trainings.create(owner="ann", request_id="r", job_id="1" * 32, order=ORDER)
    picture = f"{folder('ann', kept.id)}pictures/00.png"
    for key in (picture, f"{folder('ann', '2' * 32)}pictures/00.png", "ann/gateway/pictures/x.png"):
        store.put(key, b"x", "image/png")
    assert left(trainings, store) == ["ann/gateway/pictures/x.png", picture]


def test_of_the_checkpoints_the_one_that_counts_stays(trainings: TrainingStore, store: FolderStore) -> None:
    job = trainings.create(owner="ann", request_id="r", job_id="1" * 32, order=ORDER)
    old, current = (f"{folder('ann', job.id)}checkpoints/lora-{step}" for step in ("00010", "00020"))
    for key in (old, current):
        store.put(key, b"x", "application/octet-stream")
    lease = trainings.claim(worker="w", lease_seconds=30)
    assert lease is not None
    position = Position(method=Method.LORA, step=20, key=current, sha256="0" * 64)
    lease.checkpoint(Checkpoint(steps={Method.LORA: 40}, position=position).as_json(), reached=20)
    assert left(trainings, store) == [current]
