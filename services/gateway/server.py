"""Puts the gateway together and serves it until the platform asks it to stop."""

import asyncio
import contextlib
import datetime as dt
import signal
from collections.abc import Iterator

import uvicorn

from services.common.artifacts import open_store
from services.common.databases import create_database_engine
from services.common.leases import LeaseQueue
from services.common.serving import ServerSettings, refuse_open_plaintext
from services.gateway.app import create_app
from services.gateway.clients import open_peers
from services.gateway.database import migrate
from services.gateway.gateway import Gateway
from services.gateway.links import Links, load_secret
from services.gateway.settings import GatewaySettings
from services.gateway.tables import jobs


class _Server(uvicorn.Server):
    """Stops for SIGTERM as for an end like any other: event streams are told, and the exit code is 0."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sig, self._stop)
        yield

    def _stop(self) -> None:
        self._stopping.set()
        self.should_exit = True


async def run(settings: GatewaySettings) -> None:
    refuse_open_plaintext(ServerSettings(address=settings.http_address, allow_plaintext=settings.allow_plaintext))
    engine = create_database_engine(settings.database_url)
    await asyncio.to_thread(migrate, engine)
    peers = open_peers(settings)
    gateway = Gateway(
        engine=engine,
        queue=LeaseQueue(engine, jobs),
        store=open_store(settings.artifacts),
        peers=peers,
        links=Links(load_secret(settings.link_secret_file)),
        family=settings.family,
        web_folder=settings.web_folder,
        session_lifetime=dt.timedelta(days=settings.session_days),
        max_open_jobs=settings.max_open_jobs,
    )
    host, _, port = settings.http_address.rpartition(":")
    config = uvicorn.Config(
        create_app(gateway),
        host=host.strip("[]"),
        port=int(port),
        access_log=False,  # edge.py writes one line for each request, with its id
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_grace_seconds)),
    )
    try:
        await _Server(config, gateway.stopping).serve()
    finally:
        await peers.close()
        engine.dispose()
