"""What every route is given: the parts of the gateway, built once, and who calls."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, cast

import sqlalchemy as sa
from fastapi import Depends, Request, Response
from sqlmodel import Session

from services.common.artifacts import ArtifactStore
from services.common.leases import LeaseQueue
from services.common.logs import owner_is
from services.gateway.clients import Peers
from services.gateway.limits import Allowance, Rates, RequestTally
from services.gateway.links import Links
from services.gateway.passwords import Passwords, Slots
from services.gateway.post import Post
from services.gateway.sessions import Caller, SessionRules, identify


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Everything a request needs."""

    engine: sa.Engine
    queue: LeaseQueue
    store: ArtifactStore
    peers: Peers
    links: Links
    family: Path
    web_folder: Path
    sessions: SessionRules
    max_open_jobs: int
    post: Post | None = None  # without one, no mail is sent
    rates: Rates = field(default_factory=Rates)
    allowance: Allowance = field(default_factory=Allowance)
    tally: RequestTally = field(init=False)
    passwords: Passwords = field(default_factory=Passwords)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    decoding: Slots = field(default_factory=lambda: Slots(2, wait_seconds=20.0))  # 40 megapixels take 120 MB each

    def __post_init__(self) -> None:
        object.__setattr__(self, "tally", RequestTally(self.engine, self.rates.requests))

    @contextlib.contextmanager
    def db(self) -> Iterator[Session]:
        """One short transaction; nothing slow inside, for SQLite has one at a time. The caller commits."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session


def the_gateway(request: Request) -> Gateway:
    return cast("Gateway", request.app.state.gateway)


Parts = Annotated[Gateway, Depends(the_gateway)]


def the_caller(request: Request, response: Response, gateway: Parts) -> Caller:
    with gateway.db() as db:
        caller = identify(db, request, gateway.sessions)
    owner_is(caller.id)
    gateway.tally.count(caller.id)
    if caller.renewed and caller.session_token is not None:
        gateway.sessions.set_cookie(request, response, caller.session_token)
    return caller


SignedIn = Annotated[Caller, Depends(the_caller)]
