"""The client against a gateway that answers by script."""

import httpx
import pytest
from rich.console import Console

from services.cli.client import ApiError, Gateway
from services.cli.client.records import JobState
from services.cli.client.requests import BackgroundRequest, StyleChoice
from services.cli.failures import CommandFailed, Exit
from services.cli.progress import follow
from tests.fakes.scripted_gateway import Answer, ScriptedGateway, event, events, events_broken_off, job, refusal

URL = "http://gateway.test"
PROJECT = {"id": "p1", "name": "바닷가", "created_at": "2026-01-01T00:00:00Z"}


def client(transport: ScriptedGateway, *, patience_seconds: float = 5) -> Gateway:
    return Gateway(URL, token="t0k3n", patience_seconds=patience_seconds, transport=transport)


def test_a_refusal_keeps_the_gateways_reason_and_words() -> None:
    gateway = client(ScriptedGateway({"POST /projects": [refusal(422, "VALIDATION", "name: too long")]}))
    with pytest.raises(ApiError, match="name: too long") as refused:
        gateway.create_project("x" * 200)
    assert (refused.value.status, refused.value.reason, refused.value.request_id) == (422, "VALIDATION", "r1")


def test_an_answer_that_is_not_the_gateways_says_so() -> None:
    gateway = client(ScriptedGateway({"GET /status": [httpx.Response(502, text="<html>proxy</html>")]}))
    with pytest.raises(ApiError, match="is that its address") as refused:
        gateway.status()
    assert refused.value.reason == "NOT_OUR_ANSWER"


def test_a_read_is_repeated_until_the_peer_is_back() -> None:
    page = httpx.Response(200, json={"items": [PROJECT], "next_cursor": None})
    down: list[Answer] = [refusal(503, "PEER_DOWN"), httpx.ConnectError("refused"), page]
    transport = ScriptedGateway({"GET /projects": down})
    assert [project.name for project in client(transport).projects()] == ["바닷가"]
    assert len(transport.asked) == 3


def test_a_write_without_a_key_is_sent_once() -> None:
    transport = ScriptedGateway({"POST /projects": [httpx.ReadError("lost"), httpx.Response(201, json=PROJECT)]})
    with pytest.raises(ApiError, match="lost before it answered"):
        client(transport).create_project("바닷가")
    assert len(transport.asked) == 1


def test_what_never_reached_the_gateway_is_sent_again() -> None:
    answers: list[Answer] = [httpx.ConnectError("refused"), httpx.Response(201, json=PROJECT)]
    transport = ScriptedGateway({"POST /projects": answers})
    assert client(transport).create_project("바닷가").id == "p1"
    assert len(transport.asked) == 2


def test_a_job_is_created_once_however_often_it_is_sent() -> None:
    answers: list[Answer] = [httpx.ReadError("lost"), httpx.Response(202, json=job("queued"))]
    transport = ScriptedGateway({"POST /projects/p1/backgrounds": answers})
    created = client(transport).draw_background("p1", BackgroundRequest(prompt="바다"))
    first, second = (request.headers["Idempotency-Key"] for request in transport.asked)
    assert created.id == "j1"
    assert first == second


def test_patience_ends() -> None:
    transport = ScriptedGateway({"GET /status": [refusal(503, "PEER_DOWN", "gone")]})
    with pytest.raises(ApiError, match="gone"):
        client(transport, patience_seconds=0).status()


def test_what_is_not_given_is_not_sent() -> None:
    request = BackgroundRequest(prompt="sea", strength=0.0, styles=[StyleChoice(style_id="s1", method="lora")])
    assert request.body() == {
        "prompt": "sea",
        "strength": 0.0,
        "styles": [{"style_id": "s1", "method": "lora"}],
    }


def test_every_page_of_a_list_is_read() -> None:
    pages = [
        httpx.Response(200, json={"items": [PROJECT], "next_cursor": "c2"}),
        httpx.Response(200, json={"items": [{**PROJECT, "id": "p2"}], "next_cursor": None}),
    ]
    transport = ScriptedGateway({"GET /projects": [*pages]})
    assert [project.id for project in client(transport).projects()] == ["p1", "p2"]
    assert transport.asked[1].url.params["cursor"] == "c2"


def test_watching_ends_with_the_end_state() -> None:
    stream = events(
        event(job("running", steps_done=1, steps_total=2), 1), b": still here\n\n", event(job("succeeded"), 2)
    )
    seen = list(client(ScriptedGateway({"GET /jobs/j1/events": [stream]})).watch("j1"))
    assert [one.state for one in seen] == [JobState.RUNNING, JobState.SUCCEEDED]


def test_a_lost_stream_is_taken_up_where_it_ended() -> None:
    transport = ScriptedGateway(
        {
            "GET /jobs/j1/events": [
                events_broken_off(event(job("running"), 4)),
                refusal(503, "STARTING"),
                events(event(job("succeeded"), 5)),
            ]
        }
    )
    seen = list(client(transport).watch("j1"))
    assert [one.state for one in seen] == [JobState.RUNNING, JobState.SUCCEEDED]
    assert [request.headers.get("Last-Event-ID") for request in transport.asked] == [None, "4", "4"]


def test_watching_another_ones_job_is_refused_at_once() -> None:
    gateway = client(ScriptedGateway({"GET /jobs/j1/events": [refusal(404, "NO_JOB", "no such job")]}))
    with pytest.raises(ApiError, match="no such job"):
        list(gateway.watch("j1"))


def test_ctrl_c_leaves_the_job_and_names_what_takes_it_up_or_stops_it() -> None:
    def interrupt(_request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    gateway = client(
        ScriptedGateway(
            {"GET /jobs/j1": [httpx.Response(200, json=job("running"))], "GET /jobs/j1/events": [interrupt]}
        )
    )
    with pytest.raises(CommandFailed, match="oma jobs cancel j1") as told:
        follow(gateway, gateway.job("j1"), Console(stderr=True), label="drawing")
    assert told.value.code is Exit.INTERRUPTED
