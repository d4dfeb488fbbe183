"""All four services on one port with small networks, a store that notes who touches what, and an artist's things."""

import hashlib
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import grpc
import sqlalchemy as sa
import torch
from oma.background.v1 import background_service_pb2_grpc as background_grpc
from oma.image.v1 import image_pb2
from oma.pose.v1 import pose_estimation_service_pb2_grpc as estimation_grpc
from oma.pose.v1 import pose_transfer_service_pb2_grpc as transfer_grpc
from oma.style.v1 import style_pb2
from oma.style.v1 import style_train_service_pb2 as training_pb
from oma.style.v1 import style_train_service_pb2_grpc as training_grpc

from services.background.engine.painter import Painter
from services.background.engine.turns import Turns
from services.background.enlarger import find_enlarger
from services.background.finished import Finished
from services.background.korean.translator import Translator
from services.background.metrics import count_step
from services.background.model import StyleTargets, load_painter
from services.background.results import Results
from services.background.servicer import Afterwards, BackgroundServicer
from services.background.styles import StyleShelf
from services.common.admission import Places
from services.common.artifacts import ArtifactStore, FolderStore
from services.common.compute import ComputeLane
from services.common.databases import create_database_engine
from services.common.families import Family, load_family
from services.common.identity.gate import Gate
from services.common.serving import create_server
from services.common.wire import to_artifact
from services.pose.estimation.model import load_networks
from services.pose.estimation.networks import Networks as PoseNetworks
from services.pose.estimation.servicer import PoseEstimationServicer
from services.pose.transfer.engine import TransferEngine
from services.pose.transfer.servicer import PoseTransferServicer
from services.style_train.servicer import StyleTrainServicer
from services.style_train.store import TrainingStore, jobs
from tests.fakes.families import build_random_family
from tests.fakes.owners import GATE, assertion
from tests.fakes.pose_families import write_dwpose
from tests.fakes.pose_messages import flat_picture
from tests.fakes.pose_networks import ScriptedNetworks
from tests.fakes.styles import dreamstyler_file, lora_file

TRANSFER_FAMILY = Family(name="scripted", licence="Apache-2.0", resolution=64, size_step=16, files={})
DEADLINE_SECONDS = 60


class WatchedStore:
    """Passes everything on, and notes the key or prefix of every call."""

    def __init__(self, store: FolderStore) -> None:
        self.touched: list[str] = []
        self._store = store

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def noted(*arguments: Any, **options: Any) -> Any:
            self.touched.append(f"{name} {arguments[0] if arguments else ''}")
            return method(*arguments, **options)

        return noted


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """What takes long to load, for many tests."""

    family: Family
    painter: Painter
    targets: StyleTargets
    translator: Translator
    pose_family: Path

    @classmethod
    def load(cls, folder: Path) -> "Networks":
        torch.set_num_threads(1)
        family = load_family(build_random_family(folder / "family"))
        painter, targets = load_painter(family, device=torch.device("cpu"))
        write_dwpose(folder / "pose" / "dwpose")
        return cls(
            family=family, painter=painter, targets=targets, translator=Translator(), pose_family=folder / "pose"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """What one owner has: a stored picture, two learned styles, a training that waits and one that has ended."""

    owner: str
    picture: image_pb2.Picture
    styles: dict[str, style_pb2.StyleUse]
    waiting_training: str
    ended_training: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AllServices:
    """The running services, and what a test needs to look behind them."""

    address: str
    channel: grpc.aio.Channel
    store: WatchedStore
    engine: sa.Engine
    targets: StyleTargets
    training: "training_grpc.StyleTrainServiceAsyncStub" = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "training", training_grpc.StyleTrainServiceStub(self.channel))

    def rows(self) -> list[tuple[Any, ...]]:
        """Everything that the database says of trainings."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.select(jobs).order_by(jobs.c.id))]

    async def give_things_to(self, owner: str) -> Things:
        picture = self.store.put(f"{owner}/in/picture.png", flat_picture(90).inline.content, "image/png")
        files = {
            "METHOD_LORA": lora_file(self.targets.unet, seed=1, trigger="inkhand"),
            "METHOD_DREAMSTYLER": dreamstyler_file(width=self.targets.text_width, seed=1),
        }
        styles = {}
        for method, content in files.items():
            key = f"{owner}/style/{method}.safetensors"
            self.store.put(key, content, "application/octet-stream")
            digest = hashlib.sha256(content).hexdigest()
            styles[method] = style_pb2.StyleUse(key=key, sha256=digest, method=style_pb2.Method.Value(method))
        waiting, ended = [await self._train(owner, name) for name in ("waiting", "ended")]
        cancel = training_pb.CancelTrainingRequest(owner=owner, id=ended)
        signed = assertion("oma.style.v1.StyleTrainService", owner)
        await self.training.CancelTraining(cancel, timeout=DEADLINE_SECONDS, metadata=(signed,))
        return Things(
            owner=owner,
            picture=image_pb2.Picture(artifact=to_artifact(picture)),
            styles=styles,
            waiting_training=waiting,
            ended_training=ended,
        )

    async def _train(self, owner: str, name: str) -> str:
        request = training_pb.CreateTrainingRequest(
            request_id=name, owner=owner, name=name, pictures=[training_pb.StylePicture(picture=flat_picture(90))]
        )
        signed = assertion("oma.style.v1.StyleTrainService", owner)
        answer = await self.training.CreateTraining(request, timeout=DEADLINE_SECONDS, metadata=(signed,))
        return answer.training.id


@asynccontextmanager
async def all_services(
    networks: Networks,
    folder: Path,
    *,
    gate: Gate = GATE,
    trainings: Callable[[sa.Engine], TrainingStore] = lambda engine: TrainingStore(engine, max_queued=100),
    estimation: PoseNetworks | None = None,
) -> AsyncIterator[AllServices]:
    """Run all services on `folder`; `gate` stands before them. Pose estimation's own networks are small ones."""
    watched = WatchedStore(FolderStore(folder / "artifacts"))
    store = cast("ArtifactStore", watched)
    engine = create_database_engine(f"sqlite:///{folder}/style.db")
    training_store = trainings(engine)
    training_store.migrate()
    turns = Turns(networks.painter, max_rows=8, max_pending=10, on_step=count_step)
    drawing = threading.Thread(target=turns.run)
    lanes = [ComputeLane(max_pending=8) for _ in range(6)]
    server = create_server(gate)
    background_grpc.add_BackgroundServiceServicer_to_server(
        BackgroundServicer(
            family=networks.family,
            places=Places(8),
            turns=turns,
            lane=lanes[0],
            store=store,
            shelf=StyleShelf(store, networks.targets, max_bytes=2**26),
            translator=networks.translator,
            afterwards=Afterwards(
                results=Results(
                    store=store, family=networks.family, enlarger=find_enlarger(threads=1), settings_in_pictures=True
                ),
                finished=Finished(store=store, find_sky=None),
                places=Places(8),
            ),
        ),
        server,
    )
    estimation = estimation or load_networks(networks.pose_family, threads=1)
    estimation_grpc.add_PoseEstimationServiceServicer_to_server(
        PoseEstimationServicer(estimation, store, places=Places(8), reading=lanes[1], looking=lanes[2]), server
    )
    transfer_grpc.add_PoseTransferServiceServicer_to_server(
        PoseTransferServicer(
            TransferEngine(ScriptedNetworks(), cache_bytes=10**6),
            TRANSFER_FAMILY,
            store,
            places=Places(8),
            reading=lanes[3],
            drawing=lanes[4],
        ),
        server,
    )
    training_grpc.add_StyleTrainServiceServicer_to_server(
        StyleTrainServicer(training_store, store, lanes[5], watch_seconds=0.2, watch_poll_seconds=0.05), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    drawing.start()
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield AllServices(
            address=f"127.0.0.1:{port}", channel=channel, store=watched, engine=engine, targets=networks.targets
        )
    await server.stop(None)
    turns.close()
    drawing.join()
    for lane in lanes:
        lane.close()
    engine.dispose()
