"""A whole small job through all seven processes, and what they told of it: spans, numbers and log lines."""

import asyncio
import json
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from scripts.metrics_page import entries
from scripts.settings_page import settings_classes
from services.cli.mesh.running import MeshOptions, start_mesh
from tests.fakes.artists import PASSWORD, Artist, png, sign_up
from tests.fakes.collector import Collector, running_collector
from tests.fakes.families import build_random_family
from tests.fakes.pose_families import build_pose_family

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]  # seven processes and a training
ROOT = Path(__file__).parents[2]
PROMPT, CAPTION = "sentinel-prompt", "sentinel-caption"
PROCESSES = {
    *("gateway", "gateway-worker", "style-train", "style-train-worker"),
    *("background", "pose-estimation", "pose-transfer"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything that the processes said while an artist worked; they have ended."""

    owner: str
    jobs: list[str]
    collector: Collector
    logs: dict[str, str]
    metrics: dict[str, str]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("telling")
    build_pose_family(folder / "family")
    build_random_family(folder / "family")
    with running_collector() as collector, traced_by(collector):
        options = MeshOptions(root=ROOT, data_folder=folder, family=folder / "family", http_port=0)
        started = start_mesh(options, outlives_us=False)
        try:
            owner, jobs = asyncio.run(work(started.state.url))
            metrics = {name: scrape(text) for name, text in logs_of(folder).items()}
        finally:
            started.stop(folder)
    return Told(owner=owner, jobs=jobs, collector=collector, logs=logs_of(folder), metrics=metrics)


@contextmanager
def traced_by(collector: Collector) -> Iterator[None]:
    """Every process that is started within sends its spans to the collector."""
    prefixes = [str(kind.model_config.get("env_prefix")) for kind in settings_classes()]
    names = {f"{prefix}TELEMETRY__TRACES_ENDPOINT": collector.endpoint for prefix in prefixes}
    os.environ.update(names)
    yield
    for name in names:
        del os.environ[name]


async def work(url: str) -> tuple[str, list[str]]:
    """The id of a new artist, and those of their jobs."""
    async with httpx.AsyncClient(base_url=url, timeout=600) as http:
        artist = await sign_up(http, "artist@example.com")
        return artist.id, await whole_job(artist)


async def whole_job(artist: Artist) -> list[str]:
    """Ids of the jobs: a training, a background and a character in another pose."""
    project = await artist.project()
    pictures = [(await artist.picture(project, png(64, 64, colour)))["id"] for colour in ("red", "blue")]
    captions = {pictures[0]: CAPTION}
    asked = {"name": "ink", "picture_ids": pictures, "captions": captions, "methods": ["lora"], "preset": "quick"}
    training = await done(artist, project, "trainings", asked)
    style = [{"style_id": training["style_id"], "method": "lora"}]
    drawn = await done(artist, project, "backgrounds", {"prompt": PROMPT, "styles": style, "steps": 2})
    estimate = {"picture_id": pictures[0], "whole_picture_if_nobody": True}
    pose = await artist.call("POST", f"/projects/{project}/poses/estimate", 201, json=estimate)
    moved = {"character_picture_id": pictures[1], "pose_id": pose["id"], "steps": 2}
    transferred = await done(artist, project, "pose-transfers", moved)
    return [training["id"], drawn["id"], transferred["id"]]


async def done(artist: Artist, project: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    posted = await artist.call("POST", f"/projects/{project}/{path}", 202, json=body)
    await artist.http.get(f"/api/v1/jobs/{posted['id']}/events")
    job: dict[str, Any] = await artist.call("GET", f"/jobs/{posted['id']}", 200)
    assert job["state"] == "succeeded", job
    return job


def logs_of(folder: Path) -> dict[str, str]:
    files = {path.stem: path for path in (folder / "logs").glob("*.log")}
    return {name: files[name].read_text(encoding="utf-8") for name in PROCESSES}


def lines(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def scrape(log: str) -> str:
    (port,) = {line["port"] for line in lines(log) if line["event"] == "metrics"}
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        return str(answer.read().decode())


def test_each_job_is_one_trace_through_all_the_processes_that_had_a_hand_in_it(told: Told) -> None:
    seen = told.collector
    both = {"gateway", "gateway-worker"}
    route = "POST /api/v1/projects/{project_id}"
    assert seen.services_of(f"{route}/backgrounds") == {*both, "background"}
    assert seen.services_of(f"{route}/pose-transfers") == {*both, "pose-transfer"}
    assert seen.services_of(f"{route}/poses/estimate") == {"gateway", "pose-estimation"}
    training = {*both, "style-train", "style-train-worker", "style-train-child"}
    assert seen.services_of(f"{route}/trainings") == training
    assert {"train lora", "onnxruntime detector", "onnxruntime pose", "draw"} <= {one.name for one in seen.spans}
    assert seen.orphans() == []


def test_no_line_and_no_span_quotes_what_was_asked(told: Told) -> None:
    for secret in (PROMPT, CAPTION, PASSWORD):
        assert [name for name, log in told.logs.items() if secret in log] == []
        assert [one.name for one in told.collector.spans if secret in one.text] == []
    assert [one.name for one in told.collector.spans if told.owner in one.text] == []


def test_every_line_is_json_and_says_whose_request_it_belongs_to(told: Told) -> None:
    for name, log in told.logs.items():
        assert [line for line in log.splitlines() if not line.startswith("{")] == [], name
        assert {line["service"] for line in lines(log)} <= {name, "style-train-child"}
    carried = [line for line in lines(told.logs["gateway-worker"]) if line["event"] in ("job taken", "job left")]
    assert {line["owner"] for line in carried} == {told.owner}
    assert {line["request_id"] for line in carried} == set(told.jobs)
    trained = [line for line in lines(told.logs["style-train-worker"]) if line["event"] == "training begins"]
    assert [(line["owner"], bool(line["trace_id"])) for line in trained] == [(told.owner, True)]
    traces = {line["request_id"]: line["trace_id"] for line in carried}
    known = {one.trace_id for one in told.collector.spans}
    assert set(traces.values()) <= known


def test_every_process_tells_its_own_numbers_and_no_owner(told: Told) -> None:
    documented = {entry.name for entry in entries()}
    found = {}
    for name, text in told.metrics.items():
        assert told.owner not in text
        families = {one.name: one for one in text_string_to_metric_families(text)}
        named = {f"{one.name}_total" if one.type == "counter" else one.name for one in families.values()}
        assert named <= documented, name
        found[name] = {sample.name: sample.value for one in families.values() for sample in one.samples}
    assert found["gateway"]["oma_queue_readable"] == found["style-train"]["oma_queue_readable"] == 1
    assert found["background"]["oma_background_pictures_total"] == 1
    assert found["background"]["oma_background_step_rows_sum"] == 4  # two steps, each with what to avoid beside it
    assert found["background"]["oma_style_cache_styles"] == 1
    assert found["pose-transfer"]["oma_pose_transfer_step_seconds_count"] == 2
    assert found["pose-estimation"]["oma_pose_inference_seconds_count"] >= 1
    assert found["style-train-worker"]["oma_training_step_seconds_count"] > 1
    assert found["gateway-worker"]["oma_jobs_claimed_total"] >= 1
    assert all(numbers["process_start_time_seconds"] > 0 for numbers in found.values())
