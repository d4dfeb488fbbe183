"""Live events of jobs, read from a real HTTP server as a browser reads them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from services.common.leases import Lease
from services.gateway.edge import Edge
from services.gateway.gateway import Gateway
from tests.fakes.artists import Artist, sign_up


class Server(uvicorn.Server):
    """Inside of a test: its signals are the test's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@pytest.fixture
async def http_address(gateway: Gateway, api: FastAPI) -> AsyncIterator[str]:
    api.state.gateway = gateway
    server = Server(uvicorn.Config(Edge(api), port=0, log_config=None, ws="none"))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 (uvicorn sets no event)
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    gateway.stopping.set()
    server.should_exit = True
    await running


@pytest.fixture
async def watcher(http_address: str) -> AsyncIterator[Artist]:
    async with httpx.AsyncClient(base_url=http_address, timeout=30) as http:
        yield await sign_up(http, "watcher@example.com")


async def events(response: httpx.Response) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    """(revision, job) of each event as it comes."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if line and name:
            fields[name] = value
        elif fields.get("event") == "job":
            yield int(fields["id"]), json.loads(fields["data"])
            fields = {}


async def posted(watcher: Artist) -> str:
    project = await watcher.project()
    job = await watcher.call("POST", f"/projects/{project}/backgrounds", 202, json={"prompt": "노을"})
    return str(job["id"])


async def taken(gateway: Gateway) -> Lease:
    lease = await asyncio.to_thread(gateway.queue.claim, ["background"], worker="w", ttl_seconds=30)
    assert lease is not None
    return lease


async def test_every_change_comes_as_it_happens_until_the_end(watcher: Artist, gateway: Gateway) -> None:
    job_id = await posted(watcher)
    seen: list[tuple[str, int]] = []
    async with watcher.http.stream("GET", f"/api/v1/jobs/{job_id}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        stream = events(response)
        seen.append(short(await anext(stream)))
        lease = await taken(gateway)
        seen.append(short(await anext(stream)))
        for step in (1, 2):
            await asyncio.to_thread(lease.heartbeat, {"steps_done": step, "steps_total": 2})
            seen.append(short(await anext(stream)))
        await asyncio.to_thread(lease.finish, {})
        seen += [short(event) async for event in stream]
    assert seen == [("queued", 0), ("running", 0), ("running", 1), ("running", 2), ("succeeded", 2)]


async def test_a_stream_resumes_after_the_last_event_that_was_seen(watcher: Artist, gateway: Gateway) -> None:
    job_id = await posted(watcher)
    lease = await taken(gateway)
    async with watcher.http.stream("GET", f"/api/v1/jobs/{job_id}/events") as response:
        revision, _ = await anext(events(response))
    headers = {"Last-Event-ID": str(revision)}
    async with watcher.http.stream("GET", f"/api/v1/jobs/{job_id}/events", headers=headers) as response:
        await asyncio.to_thread(lease.heartbeat, {"steps_done": 1, "steps_total": 2})
        newer, job = await anext(events(response))
    assert newer > revision
    assert job["steps_done"] == 1
    await asyncio.to_thread(lease.finish, {})
    last = (await watcher.http.get(f"/api/v1/jobs/{job_id}/events", headers=headers)).text
    assert last.count("event: job") == 1
    end = {"Last-Event-ID": last.partition("id: ")[2].split()[0]}
    assert "event: job" not in (await watcher.http.get(f"/api/v1/jobs/{job_id}/events", headers=end)).text


async def test_a_place_in_the_queue_is_told_when_it_changes(watcher: Artist, gateway: Gateway) -> None:
    before, job_id = await posted(watcher), await posted(watcher)
    async with watcher.http.stream("GET", f"/api/v1/jobs/{job_id}/events") as response:
        stream = events(response)
        assert (await anext(stream))[1]["queue_position"] == 1
        await watcher.call("POST", f"/jobs/{before}/cancel", 202)
        assert (await anext(stream))[1]["queue_position"] == 0


async def test_the_events_of_no_job_are_a_404_and_not_a_stream(watcher: Artist) -> None:
    answer = await watcher.http.get("/api/v1/jobs/nothing/events")
    assert answer.status_code == 404
    assert answer.json()["error"]["reason"] == "NO_JOB"


async def test_a_stopping_gateway_ends_its_streams(watcher: Artist, gateway: Gateway) -> None:
    job_id = await posted(watcher)
    async with watcher.http.stream("GET", f"/api/v1/jobs/{job_id}/events") as response:
        stream = events(response)
        await anext(stream)
        gateway.stopping.set()
        assert [event async for event in stream] == []


def short(event: tuple[int, dict[str, Any]]) -> tuple[str, int]:
    return event[1]["state"], event[1]["steps_done"]
