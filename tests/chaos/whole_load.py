"""Artists at work while the mesh is struck: they post with a key until they are answered, as the web app does."""

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.fakes.artists import Artist, png, sign_up

MOST_UNFINISHED = 3
MOST_TRAININGS = 3  # of each artist
PATIENCE_SECONDS = 600
PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A job that the gateway has answered for: `pictures` are those asked for."""

    key: str
    job_id: str
    kind: str
    owner: str
    pictures: int


@dataclass(slots=True)
class Worked:
    """What all artists together saw."""

    accepted: list[Accepted] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)  # other than the one hoped for, by status and reason
    drafts: int = 0  # poses that were estimated, through Triton
    slow_clients: int = 0
    vanished_clients: int = 0


@dataclass(slots=True)
class Desk:
    """One artist's, with what is needed to ask for anything."""

    artist: Artist
    project: str
    pictures: list[str]
    pose: str
    worked: Worked
    dice: random.Random
    trainings: int = 0
    asked: int = 0

    async def persist(self, method: str, path: str, **kwargs: Any) -> Any:
        """The answer to a request that is repeated while nobody answers, or the answer is to come again."""
        headers = {"X-CSRF-Token": self.artist.csrf, **kwargs.pop("headers", {})}
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends_at:
            with suppress(httpx.TransportError):
                answer = await self.artist.http.request(method, f"/api/v1{path}", headers=headers, **kwargs)
                if answer.is_success:
                    return answer.json()
                reason = answer.json()["error"]["reason"]
                self.worked.answers[f"{answer.status_code} {reason}"] += 1
                if answer.status_code not in (429, 503):
                    return None
            await asyncio.sleep(PAUSE_SECONDS)
        raise TimeoutError(path)

    async def work(self, stopping: asyncio.Event) -> None:
        mine: list[str] = []
        while not stopping.is_set():
            unfinished = await self.persist("GET", "/jobs?state=running&limit=20")
            waiting = await self.persist("GET", "/jobs?state=queued&limit=20")
            assert unfinished is not None, self.worked.answers
            assert waiting is not None, self.worked.answers
            if len(unfinished["items"]) + len(waiting["items"]) < MOST_UNFINISHED:
                mine.append(await self._ask())
            if self.dice.random() < 0.2:
                await self._estimate()
            await asyncio.sleep(self.dice.uniform(0.2, 1.0))

    async def _ask(self) -> str:
        self.asked += 1
        kind, pictures, path, body = self._choose()
        key = f"{self.artist.id}-{self.asked}"
        if self.dice.random() < 0.2:
            await self.vanish(path, body, key)
        job = await self.persist("POST", path, json=body, headers={"Idempotency-Key": key})
        assert job is not None, self.worked.answers
        accepted = Accepted(key=key, job_id=job["id"], kind=kind, owner=self.artist.id, pictures=pictures)
        self.worked.accepted.append(accepted)
        return accepted.job_id

    def _choose(self) -> tuple[str, int, str, dict[str, Any]]:
        dice, base = self.dice.random(), f"/projects/{self.project}"
        if dice < 0.2 and self.trainings < MOST_TRAININGS:
            self.trainings += 1
            body = {"name": f"ink {self.asked}", "picture_ids": self.pictures, "preset": "quick", "methods": ["lora"]}
            return "training", 0, f"{base}/trainings", body
        if dice < 0.5:
            posed = {"character_picture_id": self.pictures[0], "pose_id": self.pose, "steps": 4, "seed": self.asked}
            return "pose_transfer", 1, f"{base}/pose-transfers", posed
        drawn = {"prompt": "a beach", "picture_id": self.pictures[1], "steps": 12, "count": 2, "seed": self.asked}
        return "background", 2, f"{base}/backgrounds", drawn

    async def _estimate(self) -> None:
        body = {"picture_id": self.pictures[0], "whole_picture_if_nobody": True}
        path = f"/projects/{self.project}/poses/estimate"
        self.worked.drafts += await self.persist("POST", path, json=body) is not None

    async def vanish(self, path: str, body: dict[str, Any], key: str) -> None:
        """Post, and hang up before the answer."""
        headers = {"X-CSRF-Token": self.artist.csrf, "Idempotency-Key": key}
        with suppress(httpx.TransportError, TimeoutError):
            async with asyncio.timeout(self.dice.uniform(0.001, 0.05)):
                await self.artist.http.post(f"/api/v1{path}", json=body, headers=headers)
        self.worked.vanished_clients += 1

    async def dawdle(self, stopping: asyncio.Event) -> None:
        """Ask for the events of a job and never read them; then send half of an upload, byte by byte."""
        place = urlsplit(str(self.artist.http.base_url))
        cookies = "; ".join(f"{name}={value}" for name, value in self.artist.http.cookies.items())
        while not stopping.is_set():
            job = self.worked.accepted[-1].job_id if self.worked.accepted else "none"
            common = f"Host: {place.netloc}\r\nCookie: {cookies}\r\nX-CSRF-Token: {self.artist.csrf}\r\n"
            watching = f"GET /api/v1/jobs/{job}/events HTTP/1.1\r\n{common}\r\n"
            upload = f"POST /api/v1/projects/{self.project}/pictures HTTP/1.1\r\n{common}"
            upload += "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n--b\r\n"
            for said in (watching, upload):
                with suppress(OSError):
                    _, writer = await asyncio.open_connection(place.hostname, place.port)
                    writer.write(said.encode())
                    for _ in range(8):
                        await asyncio.sleep(0.5)
                        writer.write(b"" if said is watching else b"x")
                    writer.transport.abort()
                    self.worked.slow_clients += 1
            await asyncio.sleep(1)


async def desk(http: httpx.AsyncClient, worked: Worked, number: int, seed: int) -> Desk:
    """An artist with a project, pictures and a pose."""
    artist = await sign_up(http, f"artist{number}@example.com")
    project = await artist.project()
    pictures = [(await artist.picture(project, png(64, 64, colour)))["id"] for colour in ("red", "blue")]
    pose = await artist.pose(project)
    return Desk(artist, project, pictures, pose["id"], worked, random.Random(f"{seed} {number}"))
