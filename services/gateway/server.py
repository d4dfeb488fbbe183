"""Puts the gateway together and serves it until the platform asks it to stop."""

import asyncio
import contextlib
import datetime as dt
import signal
from collections.abc import Iterator
from dataclasses import replace

import uvicorn

from services.common.artifacts import open_store
from services.common.databases import create_database_engine
from services.common.errors import InvalidInput
from services.common.leases import LeaseQueue, refuse_half_restored
from services.common.serving import ServerSettings, refuse_open_plaintext
from services.common.telemetry.jobs import showing_queue
from services.gateway.app import create_app
from services.gateway.clients import open_peers
from services.gateway.database import migrate
from services.gateway.gateway import Gateway
from services.gateway.limits import Allowance, Rates
from services.gateway.links import Links, load_secret
from services.gateway.post import Post
from services.gateway.sessions import SessionRules
from services.gateway.settings import GatewaySettings, RateSettings
from services.gateway.tables import KINDS, jobs, metadata


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


def session_rules(settings: GatewaySettings) -> SessionRules:
    return SessionRules(
        lifetime=dt.timedelta(days=settings.session_days),
        longest=dt.timedelta(days=settings.longest_session_days),
        public_url=settings.public_url,
    )


def open_post(settings: GatewaySettings) -> Post | None:
    """The way letters go; None where an operator has set no mail server.

    Raises:
        InvalidInput: a mail server without an address to send from, or without one for browsers to come to.
    """
    if not settings.smtp.host:
        return None
    if not settings.smtp.sender or not settings.public_url:
        raise InvalidInput(
            "with OMA_GATEWAY_SMTP__HOST set OMA_GATEWAY_SMTP__SENDER and OMA_GATEWAY_PUBLIC_URL too: "
            "letters come from the one, and their links lead to the other",
            reason="MAIL_SETTINGS",
        )
    return Post(smtp=settings.smtp, public_url=settings.public_url)


def rates(asked: RateSettings) -> Rates:
    defaults = Rates()
    return Rates(
        sign_ins=replace(defaults.sign_ins, count=asked.sign_ins_per_ten_minutes),
        sign_ins_from=replace(defaults.sign_ins_from, count=asked.sign_ins_from_one_address),
        sign_ups_from=replace(defaults.sign_ups_from, count=asked.sign_ups_per_hour),
        letters=replace(defaults.letters, count=asked.letters_per_hour),
        requests=replace(defaults.requests, count=asked.requests_per_minute),
        uploads=replace(defaults.uploads, count=asked.uploads_per_minute),
    )


async def run(settings: GatewaySettings) -> None:
    refuse_open_plaintext(ServerSettings(address=settings.http_address, allow_plaintext=settings.allow_plaintext))
    engine = create_database_engine(settings.database_url)
    await asyncio.to_thread(migrate, engine)
    await asyncio.to_thread(refuse_half_restored, engine, metadata)
    peers = open_peers(settings)
    gateway = Gateway(
        engine=engine,
        queue=LeaseQueue(engine, jobs),
        store=open_store(settings.artifacts),
        peers=peers,
        links=Links(load_secret(settings.link_secret_file)),
        family=settings.family,
        web_folder=settings.web_folder,
        sessions=session_rules(settings),
        max_open_jobs=settings.max_open_jobs,
        post=open_post(settings),
        rates=rates(settings.rates),
        allowance=Allowance(**settings.quotas.model_dump()),
    )
    host, _, port = settings.http_address.rpartition(":")
    config = uvicorn.Config(
        create_app(gateway),
        host=host.strip("[]"),
        port=int(port),
        access_log=False,  # edge.py writes one line for each request, with its id
        log_config=None,
        server_header=False,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_grace_seconds)),
    )
    try:
        with showing_queue("gateway", lambda: gateway.queue.standings(KINDS)):
            await _Server(config, gateway.stopping).serve()
    finally:
        await peers.close()
        engine.dispose()
