"""PoseTransferService on the wire: one drawing at a time, told step by step."""

import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

from oma.pose.v1 import pose_transfer_service_pb2 as pb
from oma.pose.v1 import pose_transfer_service_pb2_grpc as pb_grpc

from services.common.admission import Places
from services.common.artifacts import ArtifactStore, get_checked
from services.common.compute import ComputeLane
from services.common.errors import Cancelled
from services.common.families import Family
from services.common.mailboxes import Mailbox
from services.common.pictures import Pixels, encode_png
from services.common.telemetry.tracing import span
from services.common.wire import picture_pixels
from services.pose.transfer import convert
from services.pose.transfer.adapters import Style
from services.pose.transfer.convert import Order
from services.pose.transfer.engine import TransferEngine, TransferSpec
from services.pose.transfer.metrics import PICTURES

MAX_STYLE_BYTES = 512 * 1024 * 1024  # of a request's style files in all; a full-size LoRA has less than half of it

Send = Callable[[pb.TransferPoseResponse], None]


class PoseTransferServicer(pb_grpc.PoseTransferServiceServicer):
    """`reading` decodes pictures, `drawing` owns the device: one thread each, for as many calls as there are places."""

    def __init__(
        self,
        engine: TransferEngine,
        family: Family,
        store: ArtifactStore,
        *,
        places: Places,
        reading: ComputeLane,
        drawing: ComputeLane,
    ) -> None:
        self._engine = engine
        self._family = family
        self._store = store
        self._places = places
        self._reading = reading
        self._drawing = drawing

    async def TransferPose(
        self, request: pb.TransferPoseRequest, context: Any
    ) -> AsyncIterator[pb.TransferPoseResponse]:
        self._places.take(context)
        order, spec = await self._reading.run(self._read, request)
        events: Mailbox[pb.TransferPoseResponse | None] = Mailbox(merge=_merge)
        left = threading.Event()
        context.add_done_callback(lambda _: left.set())  # also when it leaves while a response is being written

        def send(event: pb.TransferPoseResponse) -> None:
            if left.is_set():
                raise Cancelled("the caller left", reason="CALLER_LEFT")
            events.put(event)

        position = self._drawing.pending
        work = self._drawing.submit(self._draw, order, spec, send)
        work.add_done_callback(lambda _: events.put(None))
        try:
            yield convert.queued(position)
            while (event := await events.get()) is not None:
                yield event
            await work
        finally:
            # A waiting drawing gives up its place now, a running one before its next step.
            left.set()
            work.cancel()

    def _read(self, request: pb.TransferPoseRequest) -> tuple[Order, TransferSpec]:
        order = convert.to_order(request, self._family)
        character_HWC = picture_pixels(request.character, self._store, owner=order.owner)
        spec = convert.to_spec(order, character_HWC, self._family, self._read_style(order))
        self._engine.check(spec)
        return order, spec

    def _read_style(self, order: Order) -> Style | None:
        room, files = MAX_STYLE_BYTES, []
        for one in order.styles:
            content = get_checked(self._store, one.key, one.sha256, owner=order.owner, max_bytes=room)
            room -= len(content)
            files.append((content, one.weight))
        return self._engine.style(files) if files else None

    def _draw(self, order: Order, spec: TransferSpec, send: Send) -> None:
        with span("prepare"):
            prepared = self._engine.prepare(spec)
        all_steps = spec.steps * len(order.seeds)
        for index, seed in enumerate(order.seeds):
            done_before = index * spec.steps

            def on_step(step: int, preview_HWC: Pixels | None, done_before: int = done_before) -> None:
                send(convert.progress(done_before + step, all_steps, preview_HWC))

            with span("draw", steps=spec.steps):
                image_HWC = self._engine.draw(spec, prepared, seed, on_step, previews=order.previews)
            content = encode_png(image_HWC)
            stored = self._store.put(order.result_key(index), content, "image/png")
            PICTURES.inc()
            send(convert.drawn(index, stored, content, order, spec))
        send(convert.done(order, spec, self._family))


def _merge(
    older: pb.TransferPoseResponse | None, newer: pb.TransferPoseResponse | None
) -> pb.TransferPoseResponse | None:
    """A step replaces the step before it; a preview stays until there is a newer one."""
    if older is None or newer is None or not (older.HasField("progress") and newer.HasField("progress")):
        return None
    if not newer.progress.HasField("preview") and older.progress.HasField("preview"):
        newer.progress.preview.CopyFrom(older.progress.preview)
    return newer
