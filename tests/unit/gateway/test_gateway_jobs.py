"""Jobs from the post to the result, through a real queue and scripted services over real gRPC."""

from services.gateway.worker.dispatch import Dispatcher
from tests.fakes.artists import Artist
from tests.fakes.model_services import FakeServices


async def ended(artist: Artist, job_id: str) -> dict[str, object]:
    """The job once it has ended, by its own event stream."""
    answer = await artist.http.get(f"/api/v1/jobs/{job_id}/events")
    assert answer.status_code == 200
    job: dict[str, object] = await artist.call("GET", f"/jobs/{job_id}", 200)
    return job


async def test_a_background_is_drawn_and_kept(artist: Artist, services: FakeServices, worker: Dispatcher) -> None:
    project = await artist.project()
    picture = await artist.picture(project)
    body = {"prompt": "노을", "picture_id": picture["id"], "seed": 7, "count": 2}
    posted = await artist.call("POST", f"/projects/{project}/backgrounds", 202, json=body)
    job = await ended(artist, posted["id"])
    assert job["state"] == "succeeded", job
