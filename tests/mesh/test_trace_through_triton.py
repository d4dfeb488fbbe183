"""One picture's way through gateway, pose estimation and a real Triton is one trace, Triton's own spans among it."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.cli.mesh.running import MeshOptions, start_mesh
from tests.fakes.artists import png, sign_up
from tests.fakes.collector import Collector, listening_by_http, running_collector
from tests.fakes.families import build_random_family
from tests.fakes.pose_families import build_pose_family
from tests.fakes.triton.server import Triton, missing
from tests.mesh.test_what_processes_tell import traced_by

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # eight processes
ROOT = Path(__file__).parents[2]

if (why := missing()) is not None:
    pytest.skip(why, allow_module_level=True)


async def estimate_a_pose(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=300) as http:
        artist = await sign_up(http, "artist@example.com")
        project = await artist.project()
        picture = await artist.picture(project, png(64, 64, "red"))
        asked = {"picture_id": picture["id"], "whole_picture_if_nobody": True}
        await artist.call("POST", f"/projects/{project}/poses/estimate", 201, json=asked)


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    folder = tmp_path_factory.mktemp("traced")
    family = build_random_family(build_pose_family(folder / "family"))
    with running_collector() as collector, listening_by_http(collector) as address, traced_by(collector):
        triton = Triton(tmp_path_factory.mktemp("triton"), family, traces_to=address)
        os.environ["OMA_POSE_ESTIMATION_TRITON"] = triton.address
        try:
            options = MeshOptions(root=ROOT, data_folder=folder, family=family, http_port=0)
            started = start_mesh(options, outlives_us=False)
            try:
                asyncio.run(estimate_a_pose(started.state.url))
            finally:
                started.stop(folder)
        finally:
            del os.environ["OMA_POSE_ESTIMATION_TRITON"]
            triton.stop()
        yield collector


def test_all_three_processes_and_the_store_share_the_trace(collector: Collector) -> None:
    route = "POST /api/v1/projects/{project_id}/poses/estimate"
    assert collector.services_of(route) == {"gateway", "pose-estimation", "triton"}
    (trace,) = {one.trace_id for one in collector.spans if one.name == route}
    assert "store get" in {one.name for one in collector.spans if one.trace_id == trace}
    assert collector.orphans() == []


@pytest.mark.parametrize("network", ["detector", "pose"])
def test_what_triton_did_hangs_below_the_call_that_asked_for_it(collector: Collector, network: str) -> None:
    below = collector.children(f"triton {network}")
    assert below == {("triton", "InferRequest")}
    assert ("triton", network) in collector.children("InferRequest")
