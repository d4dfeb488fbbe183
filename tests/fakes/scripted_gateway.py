"""A gateway that answers what a test has written down: a transport for the client, no sockets."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class ScriptedGateway(httpx.BaseTransport):
    """Gives the answers of each "METHOD path" in turn, the last one again and again, and remembers what was asked."""

    def __init__(self, script: dict[str, list[Answer]]) -> None:
        self._script = script
        self.asked: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        answers = self._script[f"{request.method} {request.url.path.removeprefix('/api/v1')}"]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer


class BrokenOff(httpx.SyncByteStream):
    """A body that ends in a lost connection."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts
        raise httpx.ReadError("connection lost")


def refusal(status: int, reason: str, message: str = "no", **headers: str) -> httpx.Response:
    error = {"error": {"reason": reason, "message": message, "request_id": "r1"}}
    return httpx.Response(status, json=error, headers=headers)


def event(job: dict[str, Any], revision: int) -> bytes:
    return f"event: job\nid: {revision}\ndata: {json.dumps(job)}\n\n".encode()


def events(*parts: bytes) -> httpx.Response:
    return httpx.Response(200, content=b"".join(parts), headers={"content-type": "text/event-stream"})


def events_broken_off(*parts: bytes) -> httpx.Response:
    return httpx.Response(200, stream=BrokenOff(*parts), headers={"content-type": "text/event-stream"})


def job(state: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "j1",
        "project_id": "p1",
        "kind": "background",
        "state": state,
        "created_at": "2026-01-01T00:00:00Z",
        "results": [],
        **more,
    }
