"""One drawing and one pose through gateway, worker and the real services: their traces, their numbers, their lines."""

import io
import json
import logging
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from tritonclient.grpc import service_pb2_grpc as triton_grpc

from services.common.logs import json_lines
from services.common.telemetry.metrics import REGISTRY
from services.gateway.gateway import Gateway
from services.gateway.tables import KINDS
from services.gateway.worker.dispatch import Dispatcher
from services.pose.estimation.model import read_signature
from services.pose.estimation.networks import Networks as PoseNetworks
from services.pose.estimation.triton import TritonNetworks
from services.pose.estimation.triton_repository import MODELS, Placement, to_config
from tests.fakes.all_services import AllServices, Networks, all_services
from tests.fakes.artists import PASSWORD, Artist
from tests.fakes.traces import Tree, recorded_spans, trees
from tests.fakes.triton.scripted import ScriptedTriton
from tests.unit.gateway.conftest import Until

PROMPT = "sentinel-prompt"
CAPTION = "sentinel-caption"
SECRETS = (PROMPT, CAPTION, PASSWORD)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Networks:
    return Networks.load(tmp_path_factory.mktemp("networks"))


class Triton:
    """A scripted Triton that notes the metadata of what it is asked."""

    def __init__(self, family: Path) -> None:
        configs = [to_config(model, read_signature(family / model.file), Placement()) for model in MODELS]
        self.server, self.heard = grpc.aio.server(), list[dict[str, Any]]()
        self.scripted = ScriptedTriton(*configs)
        self.scripted.answers = [self._note]
        triton_grpc.add_GRPCInferenceServiceServicer_to_server(self.scripted, self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")

    async def _note(self, context: Any) -> None:
        self.heard.append(dict(context.invocation_metadata()))


@pytest.fixture
async def triton(networks: Networks) -> AsyncIterator[Triton]:
    made = Triton(networks.pose_family)
    await made.server.start()
    yield made
    await made.server.stop(None)


@pytest.fixture
async def services(tmp_path: Path, networks: Networks, triton: Triton) -> AsyncIterator[AllServices]:
    """Where the gateway of these tests finds its services: the real ones, pose estimation's networks in Triton."""
    in_triton: PoseNetworks = TritonNetworks(f"127.0.0.1:{triton.port}", at_once=2, rng=random.Random(0))
    await in_triton.start()
    async with all_services(networks, tmp_path, estimation=in_triton) as running:
        yield running
    await in_triton.close()


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the processes would have logged, as one."""
    written, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(written), root.level
    handler.setFormatter(json_lines("all"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


async def draw(artist: Artist, project: str, until: Until, **body: Any) -> None:
    posted = await artist.call("POST", f"/projects/{project}/backgrounds", 202, json={"prompt": PROMPT, **body})

    async def ended() -> bool:
        job = await artist.call("GET", f"/jobs/{posted['id']}", 200)
        assert job["state"] not in ("failed", "cancelled"), job
        return bool(job["state"] == "succeeded")

    await until(ended)


def tree_of(spans: Sequence[ReadableSpan], name: str) -> Tree:
    """The one tree that begins with this span, siblings of one name as one and in order: how many is not the point."""
    (trace_id,) = {one.context.trace_id for one in spans if one.name == name}
    (tree,) = trees(spans, trace_id)
    return _simple(tree)


def _simple(tree: Tree) -> Tree:
    return tree[0], tuple(sorted({_simple(child) for child in tree[1]}))


async def test_a_drawing_is_one_trace_from_its_request_to_its_picture_in_the_store(
    artist: Artist, worker: Dispatcher, until: Until
) -> None:
    project = await artist.project()
    picture = await artist.picture(project)
    with recorded_spans() as spans:
        await draw(artist, project, until, picture_id=picture["id"], strength=0.6, steps=2)
        await until(lambda: _seen(spans, "carry background"))
    drawing = (
        "oma.background.v1.BackgroundService/GenerateBackground",
        (("draw", ()), ("prepare", (("store get", ()),)), ("store put", ())),
    )
    carried = (
        ("background generation", (drawing,)),
        *(("store delete", ()), ("store get", ()), ("store put", ())),
    )
    assert tree_of(spans, "POST /api/v1/projects/{project_id}/backgrounds") == (
        "POST /api/v1/projects/{project_id}/backgrounds",
        (("carry background", carried),),
    )


async def _seen(spans: Sequence[ReadableSpan], name: str) -> bool:
    return any(one.name == name for one in spans)


async def test_a_pose_is_one_trace_from_its_request_into_triton(artist: Artist, triton: Triton) -> None:
    project = await artist.project()
    picture = await artist.picture(project)
    with recorded_spans() as spans:
        body = {"picture_id": picture["id"], "whole_picture_if_nobody": True}
        await artist.call("POST", f"/projects/{project}/poses/estimate", 201, json=body)
    name = "POST /api/v1/projects/{project_id}/poses/estimate"
    looking = ("store get", ()), ("triton detector", ()), ("triton pose", ())
    assert tree_of(spans, name) == (
        name,
        (
            ("pose estimation", (("oma.pose.v1.PoseEstimationService/DrawSkeleton", ()),)),
            ("pose estimation", (("oma.pose.v1.PoseEstimationService/EstimatePose", looking),)),
            ("store put", ()),
        ),
    )
    asking = {one.context.span_id: one for one in spans if one.name.startswith("triton ")}
    assert [int(heard["traceparent"].split("-")[2], 16) for heard in triton.heard] == list(asking)


async def test_no_line_quotes_what_was_asked_and_each_says_whose_it_is(
    artist: Artist, worker: Dispatcher, until: Until, lines: io.StringIO
) -> None:
    project = await artist.project()
    picture = await artist.picture(project)
    body = {"name": "ink", "picture_ids": [picture["id"]], "captions": {picture["id"]: CAPTION}}
    with recorded_spans():
        posted = await artist.call("POST", f"/projects/{project}/trainings", 202, json=body)
        await draw(artist, project, until, steps=1)
        await artist.call("POST", f"/projects/{project}/backgrounds", 422, json={"prompt": [PROMPT]})
        await artist.http.post("/api/v1/session", json={"email": "artist@example.com", "password": PASSWORD})
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [secret for secret in SECRETS if secret in lines.getvalue()] == []
    carried = [line for line in told if line["event"] in ("job taken", "job left")]
    assert {line["owner"] for line in carried} == {artist.id}
    assert {line["request_id"] for line in carried} > {posted["id"]}
    requests = [line for line in told if line["event"] == "request"]
    assert len(requests) > 5
    assert all(line["request_id"] and line["trace_id"] for line in requests)
    signed_in = [line for line in requests if line["path"] != "/api/v1/session"]
    assert {line["owner"] for line in signed_in} == {artist.id}


async def test_another_artist_adds_no_line_to_what_prometheus_reads(
    artist: Artist, stranger: Artist, worker: Dispatcher, until: Until
) -> None:
    async def everything(who: Artist) -> None:
        project = await who.project()
        picture = await who.picture(project)
        await draw(who, project, until, picture_id=picture["id"], steps=1)
        await who.call("POST", f"/projects/{project}/poses/estimate", 201, json={"picture_id": picture["id"]})
        await who.call("GET", f"/jobs/{who.id}", 404)
        await who.http.get(f"/nowhere/{who.id}")

    await everything(artist)
    first = series()
    await everything(stranger)
    assert series() - first == set()
    words = {value for _, labels in first for _, value in labels}
    assert [word for word in words if artist.id in word or PROMPT in word] == []
    assert {name for name, _ in first} >= {
        *("oma_http_request_duration_seconds_count", "oma_rpc_duration_seconds_count", "oma_jobs_ended_total"),
        *("oma_background_step_rows_count", "oma_background_pictures_total", "oma_pose_inference_seconds_count"),
        *(
            "oma_artifact_store_duration_seconds_count",
            "oma_peer_call_duration_seconds_count",
            "oma_job_wait_seconds_sum",
        ),
    }


def series() -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Everything that has a number of its own."""
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name.startswith("oma_")
    }


async def test_the_queue_tells_who_waits(artist: Artist, gateway: Gateway) -> None:
    project = await artist.project()
    await artist.call("POST", f"/projects/{project}/backgrounds", 202, json={"prompt": PROMPT})
    standings = gateway.queue.standings(KINDS)
    assert set(standings) == set(KINDS)
    assert standings["background"].counts == {"queued": 1}
    assert 0 <= standings["background"].oldest_seconds < 300
    assert (standings["training"].counts, standings["training"].oldest_seconds) == ({}, 0.0)
