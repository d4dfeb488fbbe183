"""What a process tells of itself: numbers, spans, and log lines that quote nobody."""

import asyncio
import io
import json
import logging
import threading
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from scripts.metrics_page import entries
from services.common.compute import ComputeLane
from services.common.errors import NotFound
from services.common.logs import await_owner, json_lines, owner_is
from services.common.telemetry.calls import answering
from services.common.telemetry.exposition import serving_metrics
from services.common.telemetry.jobs import QueueStanding, Standing
from services.common.telemetry.metrics import REGISTRY
from services.common.telemetry.tracing import current_traceparent, span
from tests.fakes.traces import recorded_spans, trees

BOUNDED_LABELS = {
    *("rpc_service", "rpc_method", "code", "reason", "door", "peer", "operation", "outcome", "queue", "kind", "state"),
    *("factor", "method", "network", "backend", "device", "route", "status"),
}
METHOD = "/oma.test.v1.TestService/Draw"
LABELS = {"rpc_service": "oma.test.v1.TestService", "rpc_method": "Draw"}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_what_prometheus_reads_is_what_the_page_says_and_nothing_else() -> None:
    documented = {entry.name: entry for entry in entries()}
    with serving_metrics("127.0.0.1:0") as port, urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    told = {family.name: family for family in text_string_to_metric_families(text)}
    assert len(told) > 30
    for name, family in told.items():
        entry = documented[f"{name}_total" if family.type == "counter" else name]
        assert entry.kind == family.type
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(entry.labels)


def test_no_metric_has_a_label_without_a_bound() -> None:
    used = {label for entry in entries() for label in entry.labels}
    assert used <= BOUNDED_LABELS
    assert len(used) > 10


def test_a_port_is_free_again_when_its_process_has_told_enough() -> None:
    with serving_metrics("127.0.0.1:0") as port:
        pass
    with serving_metrics(f"127.0.0.1:{port}") as again:
        assert again == port


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("error", "remaining_seconds", "code", "reason"),
    [
        (NotFound("no style", reason="NO_STYLE"), 5.0, "NOT_FOUND", "NO_STYLE"),
        (asyncio.CancelledError(), 5.0, "CANCELLED", "CALLER_LEFT"),
        (asyncio.CancelledError(), -0.1, "DEADLINE_EXCEEDED", "DEADLINE"),
        (ZeroDivisionError(), 5.0, "INTERNAL", "BUG"),
    ],
)
def test_a_call_is_counted_by_how_it_ended(
    error: BaseException, remaining_seconds: float, code: str, reason: str
) -> None:
    seconds, errors = "oma_rpc_duration_seconds_count", "oma_rpc_errors_total"
    before = value(seconds, **LABELS, code=code), value(errors, **LABELS, code=code, reason=reason)
    call = answering(METHOD, (), lambda: remaining_seconds)
    call.__enter__()
    assert value("oma_rpcs_in_flight", **LABELS) == 1
    assert not call.__exit__(type(error), error, None)
    after = value(seconds, **LABELS, code=code), value(errors, **LABELS, code=code, reason=reason)
    assert after == (before[0] + 1, before[1] + 1)
    assert value("oma_rpcs_in_flight", **LABELS) == 0


def test_a_queue_that_cannot_be_read_says_so_and_breaks_no_scrape() -> None:
    def down() -> dict[str, Standing]:
        raise ConnectionError

    (readable, jobs, _) = QueueStanding("broken", down).collect()
    assert [sample.value for sample in readable.samples] == [0.0]
    assert jobs.samples == []


def test_a_queue_tells_every_state_of_every_kind() -> None:
    look = QueueStanding("some", lambda: {"drawing": Standing(counts={"queued": 2}, oldest_seconds=7.5)})
    readable, jobs, oldest = look.collect()
    assert {sample.labels["state"]: sample.value for sample in jobs.samples} == {
        "queued": 2,
        "running": 0,
        "abandoned": 0,
    }
    assert [sample.value for sample in oldest.samples] == [7.5]
    assert [sample.value for sample in readable.samples] == [1.0]


async def test_a_trace_goes_through_a_call_and_into_the_thread_that_computes() -> None:
    lane = ComputeLane(max_pending=1)

    async def answer() -> None:
        with answering(METHOD, [("traceparent", PARENT)], lambda: 5.0):
            await lane.run(work)

    def work() -> None:
        with span("work"):
            assert current_traceparent().split("-")[1] == PARENT.split("-")[1]

    with recorded_spans() as spans:
        await asyncio.create_task(answer())
    lane.close()
    assert trees(spans, int(PARENT.split("-")[1], 16)) == [("oma.test.v1.TestService/Draw", (("work", ()),))]


def test_a_span_says_why_it_failed_and_not_in_which_words() -> None:
    with recorded_spans() as spans, pytest.raises(ValueError, match="hunter2"), span("work"):
        raise ValueError("the password is hunter2")
    (failed,) = spans
    assert failed.status.description == "ValueError"
    assert "hunter2" not in failed.to_json()


@pytest.mark.parametrize("parent", ["", "nonsense", "00-00000000000000000000000000000000-b7ad6b7169203331-01"])
def test_what_is_no_traceparent_begins_a_trace_of_its_own(parent: str) -> None:
    with recorded_spans() as spans, span("work", parent=parent):
        pass
    assert spans[0].parent is None


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a process called "tested" would have logged."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(json_lines("tested"))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_line_names_its_service_its_trace_and_its_owner_even_when_it_was_found_out_in_a_thread(
    lines: io.StringIO,
) -> None:
    def answer() -> None:
        await_owner()
        lane = ComputeLane(max_pending=1)
        asyncio.run(run_in(lane))
        lane.close()
        with span("work", parent=PARENT):
            logging.getLogger("x").info("done")

    async def run_in(lane: ComputeLane) -> None:
        await lane.run(owner_is, "ann")

    thread = threading.Thread(target=answer)  # a context of its own
    thread.start()
    thread.join()
    line = json.loads(lines.getvalue().splitlines()[-1])
    assert (line["service"], line["owner"], line["trace_id"]) == ("tested", "ann", PARENT.split("-")[1])


def test_an_error_is_logged_with_its_place_and_kind_but_without_words_that_may_quote_a_request(
    lines: io.StringIO,
) -> None:
    log = logging.getLogger("x")
    try:
        try:
            int("hunter" + str(2))  # the line itself is shown
        except ValueError as error:
            raise NotFound("no style of that name", reason="NO_STYLE") from error
    except NotFound:
        log.exception("refused")
    told = json.loads(lines.getvalue().splitlines()[-1])["exception"]
    assert "hunter2" not in lines.getvalue()
    assert "builtins.ValueError" in told
    assert "no style of that name" in told
    assert "test_telemetry.py" in told
