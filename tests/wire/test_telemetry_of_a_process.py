"""A process of its own and a collector on the network: what arrives, and what is left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.fakes.collector import running_collector
from tests.fakes.telling_program import PARENT

ROOT = Path(__file__).parents[2]


def run(endpoint: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.fakes.telling_program", endpoint],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}"},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )


def test_spans_reach_the_collector_before_the_process_ends_and_lines_name_their_trace() -> None:
    with running_collector() as collector:
        told = run(collector.endpoint)
    (arrived,) = collector.spans
    assert (arrived.service, arrived.name, arrived.trace_id) == ("telling", "work", PARENT.split("-")[1])
    assert arrived.parent_id == PARENT.split("-")[2]
    lines = [json.loads(line) for line in told.stderr.splitlines() if line.startswith("{")]
    assert [line["trace_id"] for line in lines if line["event"] == "working"] == [arrived.trace_id]
    assert {line["service"] for line in lines} == {"telling"}
    assert "process_start_time_seconds " in told.stdout


def test_a_collector_that_is_not_there_keeps_no_process_from_its_end() -> None:
    told = run("http://127.0.0.1:1")
    assert "working" in told.stderr
