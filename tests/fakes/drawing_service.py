"""The background service as it is wired in its process, in this process, on a family of the caller's: a port and the
parts that a test or a benchmark looks at.
"""

import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
from oma.background.v1 import background_service_pb2_grpc as pb_grpc

from services.background.engine.painter import Canvas, Painter
from services.background.engine.records import DrawingSpec
from services.background.engine.turns import Turns
from services.background.enlarger import find_enlarger
from services.background.finished import Finished
from services.background.results import Results
from services.background.servicer import Afterwards, BackgroundServicer
from services.background.styles import StyleShelf
from services.common.admission import Places
from services.common.artifacts import FolderStore
from services.common.compute import ComputeLane
from services.common.interceptors import CallInterceptor
from services.common.pictures import Pixels
from services.common.serving import server_options
from tests.fakes.all_services import Networks
from tests.fakes.owners import GATE

MAX_ROWS = 8


class RowCounter:
    """A painter that counts the rows it steps."""

    def __init__(self, painter: Painter) -> None:
        self._painter = painter
        self.rows = 0

    def begin(self, spec: DrawingSpec) -> list[Canvas]:
        return self._painter.begin(spec)

    def step(self, canvases: Sequence[Canvas]) -> None:
        self.rows += sum(canvas.rows for canvas in canvases)
        self._painter.step(canvases)

    def finish(self, canvas: Canvas) -> Pixels:
        return self._painter.finish(canvas)

    def preview(self, canvas: Canvas) -> Pixels:
        return self._painter.preview(canvas)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingService:
    """A running service."""

    address: str
    places: Places
    turns: Turns
    lane: ComputeLane
    counter: RowCounter

    @property
    def at_work(self) -> bool:
        """Whether a drawing is being prepared, waits, or is under way."""
        return bool(self.places.taken or self.turns.pending or self.lane.pending)


@asynccontextmanager
async def running_drawing_service(
    networks: Networks,
    store: FolderStore,
    *,
    places: int,
    outermost: Sequence[grpc.aio.ServerInterceptor] = (),  # type: ignore[type-arg]  # generic in the type stubs only
) -> AsyncIterator[DrawingService]:
    """Serve until the context ends; `outermost` interceptors see each call before ours."""
    family = networks.family
    counter = RowCounter(networks.painter)
    turns, lane = Turns(counter, max_rows=MAX_ROWS, max_pending=places + MAX_ROWS), ComputeLane(max_pending=2 * places)
    door = Places(places)
    servicer = BackgroundServicer(
        family=family,
        places=door,
        turns=turns,
        lane=lane,
        store=store,
        shelf=StyleShelf(store, networks.targets, max_bytes=2**26),
        translator=networks.translator,
        afterwards=Afterwards(
            results=Results(store=store, family=family, enlarger=find_enlarger(threads=1), settings_in_pictures=True),
            finished=Finished(store=store, find_sky=None),
            places=Places(8),
        ),
    )
    server = grpc.aio.server(interceptors=[*outermost, CallInterceptor(GATE)], options=server_options())
    pb_grpc.add_BackgroundServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    drawing = threading.Thread(target=turns.run)
    drawing.start()
    await server.start()
    try:
        yield DrawingService(address=f"127.0.0.1:{port}", places=door, turns=turns, lane=lane, counter=counter)
    finally:
        await server.stop(None)
        turns.close()
        drawing.join()
        lane.close()
