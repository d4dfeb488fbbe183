"""The wire side of style training. Decoding runs on the lane, rows are read in threads, nothing on the event loop."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

from oma.style.v1 import style_train_service_pb2 as pb
from oma.style.v1 import style_train_service_pb2_grpc as pb_grpc

from services.common.admission import Places
from services.common.artifacts import ArtifactStore, delete_prefix
from services.common.compute import ComputeLane
from services.common.databases import DOWN, database_errors
from services.common.errors import NotReady
from services.common.leases import Job
from services.style_train.convert import (
    check_request,
    page_size,
    read_pictures,
    revision_of,
    store_pictures,
    to_order,
    to_training,
    to_unrecorded,
)
from services.style_train.records import Order, folder
from services.style_train.store import TrainingStore

MAX_WATCHES = 256  # each looks at its row several times a second
_ANSWER_SECONDS = 0.5  # a watch ends this long before the caller's deadline, so that it ends well


class StyleTrainServicer(pb_grpc.StyleTrainServiceServicer):
    def __init__(
        self,
        store: TrainingStore,
        artifacts: ArtifactStore,
        lane: ComputeLane,
        *,
        watch_seconds: float,
        watch_poll_seconds: float,
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._lane = lane
        self._watches = Places(MAX_WATCHES, door="watches")
        self._watch_seconds = watch_seconds
        self._watch_poll_seconds = watch_poll_seconds

    async def CreateTraining(self, request: pb.CreateTrainingRequest, context: Any) -> pb.CreateTrainingResponse:
        check_request(request)
        if request.validate_only:
            return pb.CreateTrainingResponse(training=await self._lane.run(self._look, request))
        with database_errors():
            job = await self._lane.run(self._create, request)
        return pb.CreateTrainingResponse(training=to_training(job))

    async def GetTraining(self, request: pb.GetTrainingRequest, context: Any) -> pb.GetTrainingResponse:
        with database_errors():
            job = await asyncio.to_thread(self._store.get, owner=request.owner, job_id=request.id)
        return pb.GetTrainingResponse(training=to_training(job))

    async def ListTrainings(self, request: pb.ListTrainingsRequest, context: Any) -> pb.ListTrainingsResponse:
        size = page_size(request)
        with database_errors():
            jobs, token = await asyncio.to_thread(
                self._store.page, owner=request.owner, size=size, token=request.page_token
            )
        return pb.ListTrainingsResponse(trainings=[to_training(job) for job in jobs], next_page_token=token)

    async def WatchTraining(
        self, request: pb.WatchTrainingRequest, context: Any
    ) -> AsyncIterator[pb.WatchTrainingResponse]:
        self._watches.take(context)
        loop = asyncio.get_running_loop()
        patience = min(self._watch_seconds, context.time_remaining() - _ANSWER_SECONDS)
        until, seen = loop.time() + patience, revision_of(request.resume_token)
        while True:
            with database_errors():
                job = await asyncio.to_thread(self._store.get, owner=request.owner, job_id=request.id)
            if job.revision != seen:
                seen = job.revision
                yield pb.WatchTrainingResponse(training=to_training(job), resume_token=str(seen))
            if job.ended or loop.time() > until:
                return
            await asyncio.sleep(self._watch_poll_seconds)

    async def CancelTraining(self, request: pb.CancelTrainingRequest, context: Any) -> pb.CancelTrainingResponse:
        with database_errors():
            job = await asyncio.to_thread(self._cancel, request)
        return pb.CancelTrainingResponse(training=to_training(job))

    async def DeleteTraining(self, request: pb.DeleteTrainingRequest, context: Any) -> pb.DeleteTrainingResponse:
        with database_errors():
            await asyncio.to_thread(self._delete, request)
        return pb.DeleteTrainingResponse()

    def _look(self, request: pb.CreateTrainingRequest) -> pb.Training:
        return to_unrecorded(request, read_pictures(request, self._artifacts))

    def _read(self, request: pb.CreateTrainingRequest) -> tuple[Order, list[bytes]]:
        return to_order(request, read_pictures(request, self._artifacts))

    def _create(self, request: pb.CreateTrainingRequest) -> Job:
        if not self._store.has_request(owner=request.owner, request_id=request.request_id):
            self._store.check_room()  # what was accepted once is answered again, however many wait
        job_id = uuid.uuid4().hex
        own_folder = folder(request.owner, job_id)
        kept = False
        try:
            order, contents = self._read(request)
            store_pictures(order, contents, self._artifacts, prefix=own_folder)
            job = self._store.create(owner=request.owner, request_id=request.request_id, job_id=job_id, order=order)
            kept = job.id == job_id
        except DOWN:  # the row may have been written all the same; if not, these copies are swept
            kept = True
            raise
        finally:  # refused, or recorded before under another id: these copies belong to no row
            if not kept:
                delete_prefix(self._artifacts, own_folder)
        return job

    def _cancel(self, request: pb.CancelTrainingRequest) -> Job:
        self._store.get(owner=request.owner, job_id=request.id)
        self._store.request_cancel(request.id)
        return self._store.get(owner=request.owner, job_id=request.id)

    def _delete(self, request: pb.DeleteTrainingRequest) -> None:
        job = self._store.get(owner=request.owner, job_id=request.id)
        if not job.ended:
            raise NotReady("the training has not ended: cancel it first", reason="TRAINING_NOT_ENDED")
        # Files first: if this stops halfway the row is still there to try again with.
        delete_prefix(self._artifacts, folder(request.owner, request.id))
        self._store.delete(request.id)
