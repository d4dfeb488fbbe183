"""Puts the worker together and runs it until the platform asks it to stop."""

import asyncio
import os
import signal
import socket

import sqlalchemy as sa

from services.common.artifacts import ArtifactStore, open_store
from services.common.databases import create_database_engine
from services.common.leases import LeaseQueue, refuse_half_restored
from services.common.sweeping import sweeping_now_and_then
from services.gateway.clients import Peers, open_peers
from services.gateway.database import migrate
from services.gateway.settings import GatewaySettings
from services.gateway.sweep import sweep_files
from services.gateway.tables import jobs, metadata
from services.gateway.worker import drawing
from services.gateway.worker.carry import Carrier
from services.gateway.worker.departure import Deletion, Export
from services.gateway.worker.dispatch import Dispatcher
from services.gateway.worker.housekeeping import Housekeeping
from services.gateway.worker.patience import Patience
from services.gateway.worker.training import TrainingWork


async def run(settings: GatewaySettings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sig in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sig, stopping.set)
    engine = create_database_engine(settings.database_url)
    await asyncio.to_thread(migrate, engine)
    await asyncio.to_thread(refuse_half_restored, engine, metadata)
    peers = open_peers(settings)
    try:
        queue = LeaseQueue(engine, jobs)
        store = open_store(settings.artifacts)
        housekeeping = Housekeeping(engine=engine, queue=queue, store=store)
        dispatcher = create_dispatcher(settings, engine, queue, store, peers)
        with sweeping_now_and_then(lambda now: sweep_files(engine, store, now=now)):
            await asyncio.gather(dispatcher.run(stopping), housekeeping.run(stopping))
    finally:
        await peers.close()
        engine.dispose()


def create_dispatcher(
    settings: GatewaySettings, engine: sa.Engine, queue: LeaseQueue, store: ArtifactStore, peers: Peers
) -> Dispatcher:
    patience = Patience(down_seconds=settings.peer_patience_seconds, busy_seconds=settings.busy_patience_seconds)
    # A training goes on without us, so we wait for its service as long as for a full one.
    watching = Patience(down_seconds=settings.busy_patience_seconds, busy_seconds=settings.busy_patience_seconds)
    timeout_seconds = settings.drawing_timeout_seconds
    return Dispatcher(
        queue=queue,
        carrier=Carrier(queue=queue, store=store),
        makers={
            "training": lambda lease: TrainingWork(lease=lease, peers=peers, creating=patience, watching=watching),
            "background": lambda lease: drawing.background(lease.job, peers, store, patience, timeout_seconds),
            "pose_transfer": lambda lease: drawing.pose_transfer(lease.job, peers, store, patience, timeout_seconds),
            "export": lambda lease: Export(job=lease.job, engine=engine, store=store),
            "deletion": lambda lease: Deletion(job=lease.job, engine=engine, queue=queue, store=store, peers=peers),
        },
        room={
            "training": settings.parallel_trainings,
            "background": settings.parallel_drawings,
            "pose_transfer": settings.parallel_drawings,
            "export": 1,
            "deletion": 2,
        },
        name=f"{socket.gethostname()}-{os.getpid()}",
        lease_seconds=settings.lease_seconds,
    )
