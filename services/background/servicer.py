"""oma.background.v1.BackgroundService: requests in, a stream of events out; no computing here."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from oma.background.v1 import background_service_pb2 as pb
from oma.background.v1 import background_service_pb2_grpc as pb_grpc
from oma.style.v1 import style_pb2

from services.background import convert
from services.background.convert import Order
from services.background.engine.records import Adapter, DrawingSpec, Drawn, Event, Failed, StageTokens, Stepped, Waiting
from services.background.engine.turns import Turns
from services.background.exchange import StyleExchange
from services.background.finished import Finished
from services.background.korean.translator import Translates
from services.background.results import Results
from services.background.styles import StyleShelf
from services.common.admission import Places
from services.common.artifacts import ArtifactStore, check_owner
from services.common.compute import ComputeLane
from services.common.families import Family
from services.common.mailboxes import Mailbox
from services.common.telemetry.tracing import span, span_aside
from services.common.wire import picture_pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Afterwards:
    """What becomes of finished drawings; `places` are for calls about them, which need no turn."""

    results: Results
    finished: Finished
    places: Places


class BackgroundServicer(pb_grpc.BackgroundServiceServicer):
    """Prepares each request on the lane, hands it to the turns, and passes on what they tell."""

    def __init__(
        self,
        *,
        family: Family,
        places: Places,
        turns: Turns,
        lane: ComputeLane,
        store: ArtifactStore,
        shelf: StyleShelf,
        translator: Translates,
        afterwards: Afterwards,
    ) -> None:
        self._family = family
        self._places = places
        self._turns = turns
        self._lane = lane
        self._store = store
        self._shelf = shelf
        self._translator = translator
        self._afterwards = afterwards
        self._exchange = StyleExchange(store=store, targets=shelf.targets)

    async def GenerateBackground(
        self, request: pb.GenerateBackgroundRequest, context: Any
    ) -> AsyncIterator[pb.GenerateBackgroundResponse]:
        self._places.take(context)
        with span("prepare"):
            order, spec = await self._lane.run(self._prepare, request)
        events: Mailbox[Event] = Mailbox(merge=_merge)
        ticket = self._turns.submit(spec, owner=order.owner, listener=events.put)
        context.add_done_callback(lambda _: ticket.leave())  # also when it leaves while a response is being written
        try:
            with span_aside("draw", count=spec.count, steps=spec.steps):
                finished = False
                while not finished:
                    event = await events.get()
                    response = await asyncio.to_thread(self._to_response, event, order, spec)
                    finished = response.WhichOneof("event") == "done"
                    yield response
        finally:  # done, failed, cancelled, disconnected or out of time: the place is free after the step under way
            ticket.leave()

    async def TranslatePrompt(self, request: pb.TranslatePromptRequest, context: Any) -> pb.TranslatePromptResponse:
        prompt = convert.check_prompt("prompt", request.prompt)
        return convert.to_translation(await self._lane.run(self._translator.translate, prompt))

    async def SeparateLayers(self, request: pb.SeparateLayersRequest, context: Any) -> pb.SeparateLayersResponse:
        self._afterwards.places.take(context)
        return await asyncio.to_thread(self._afterwards.finished.separate, request)

    async def ReadStyle(self, request: pb.ReadStyleRequest, context: Any) -> pb.ReadStyleResponse:
        self._afterwards.places.take(context)
        return await asyncio.to_thread(self._afterwards.finished.read, request)

    async def ConvertStyle(self, request: pb.ConvertStyleRequest, context: Any) -> pb.ConvertStyleResponse:
        self._afterwards.places.take(context)
        return await asyncio.to_thread(self._exchange.convert, request)

    def _prepare(self, request: pb.GenerateBackgroundRequest) -> tuple[Order, DrawingSpec]:
        owner = check_owner(request.owner)
        order = convert.to_order(request, self._family)
        self._afterwards.results.check(order)
        picture = picture_pixels(request.picture, self._store, owner=owner) if request.HasField("picture") else None
        mask = picture_pixels(request.mask, self._store, owner=owner) if request.HasField("mask") else None
        spec = convert.to_spec(
            order,
            self._family,
            prompt=self._translator.translate(order.prompt),
            negative_prompt=self._translator.translate(order.negative_prompt),
            image_HWC=picture,
            mask_HWC=mask,
            loaded=[self._load(style, owner) for style in order.styles],
        )
        return order, spec

    def _load(self, style: convert.StyleOrder, owner: str) -> Adapter | StageTokens:
        if style.method == style_pb2.METHOD_LORA:
            return self._shelf.adapter(style.key, style.sha256, owner=owner)
        return self._shelf.stage_tokens(style.key, style.sha256, owner=owner)

    def _to_response(self, event: Event, order: Order, spec: DrawingSpec) -> pb.GenerateBackgroundResponse:
        match event:
            case Waiting():
                return convert.to_queued(event)
            case Stepped():
                return convert.to_progress(event)
            case Drawn():
                drawn, ref, content = self._afterwards.results.keep(event, order, spec)
                return convert.to_image(drawn, ref, content if order.inline_results else None)
            case Failed(error):
                raise error
            case _:
                return convert.to_done(order, spec, self._family)


def _merge(older: Event, newer: Event) -> Event | None:
    """A place in line and a step replace what was said of them before; a preview stays until there is a newer one."""
    match older, newer:
        case Waiting(), Waiting():
            return newer
        case Stepped(), Stepped():
            return newer if newer.preview_HWC is not None else replace(newer, preview_HWC=older.preview_HWC)
        case _:
            return None
