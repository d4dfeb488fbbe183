"""Jobs from the post to the result, through a real queue, a real worker and scripted services over real gRPC."""

from typing import Any

import pytest

from services.common.artifacts import FolderStore
from services.common.errors import InvalidInput, Overloaded
from services.common.pictures import decode
from services.gateway.gateway import Gateway
from services.gateway.worker.dispatch import Dispatcher
from tests.fakes.artists import Artist
from tests.fakes.model_services import STEPS, FakeServices
from tests.unit.gateway.conftest import Until

SUNSET = {"prompt": "노을", "seed": 7}


async def post(artist: Artist, project: str, status: int = 202, key: str | None = None, **body: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return await artist.call("POST", f"/projects/{project}/backgrounds", status, json=SUNSET | body, headers=headers)


async def ended(artist: Artist, job_id: str) -> dict[str, Any]:
    """The job once it has ended, by its own event stream."""
    answer = await artist.http.get(f"/api/v1/jobs/{job_id}/events")
    assert answer.status_code == 200
    job: dict[str, Any] = await artist.call("GET", f"/jobs/{job_id}", 200)
    return job


async def test_a_posted_job_waits_in_its_place(artist: Artist) -> None:
    project = await artist.project()
    jobs = [await post(artist, project) for _ in range(3)]
    assert [job["queue_position"] for job in jobs] == [0, 1, 2]
    first = jobs[0]
    assert (first["kind"], first["state"], first["project_id"]) == ("background", "queued", project)
    assert first["request"]["prompt"] == "노을"
    assert first["results"] == []
    assert first["started_at"] is None


async def test_a_background_is_drawn_and_kept(artist: Artist, services: FakeServices, worker: Dispatcher) -> None:
    project = await artist.project()
    picture = await artist.picture(project)
    posted = await post(artist, project, picture_id=picture["id"], count=2, strength=0.4)
    job = await ended(artist, posted["id"])
    assert job["state"] == "succeeded"
    assert (job["steps_done"], job["steps_total"], job["error"], job["preview_url"]) == (STEPS, STEPS, None, None)
    assert [(result["index"], result["seed"]) for result in job["results"]] == [(0, 7), (1, 8)]
    assert job["results"][0]["settings"]["english_prompt"] == "sunset"
    shown = await artist.http.get(job["results"][1]["url"])
    assert decode(shown.content)[0, 0, 0] == 8
    request = services.background.script.requests[0]
    assert request.owner == artist.id
    assert request.picture.artifact.key.startswith(f"{artist.id}/gateway/pictures/")
    assert request.strength == pytest.approx(0.4)
    assert not request.HasField("guidance")


async def test_results_are_copied_and_previews_are_gone_when_a_job_has_ended(
    artist: Artist, worker: Dispatcher, store: FolderStore, until: Until
) -> None:
    job = await ended(artist, (await post(artist, await artist.project()))["id"])
    result = f"{artist.id}/gateway/results/{job['id']}/00.png"

    async def only_the_result_is_left() -> bool:
        return list(store.keys(f"{artist.id}/")) == [result]

    await until(only_the_result_is_left)


async def test_progress_and_a_preview_are_seen_while_it_is_drawn(
    artist: Artist, services: FakeServices, worker: Dispatcher, until: Until
) -> None:
    services.background.script.hold_at_step = 3
    posted = await post(artist, await artist.project())
    await services.background.script.held.wait()

    async def shows_step_three() -> bool:
        job = await artist.call("GET", f"/jobs/{posted['id']}", 200)
        return job["steps_done"] == 3 and job["preview_url"] is not None

    await until(shows_step_three)
    job = await artist.call("GET", f"/jobs/{posted['id']}", 200)
    assert (job["state"], job["stage"], job["steps_total"]) == ("running", "drawing", STEPS)
    assert job["seconds_left"] >= 0
    assert (await artist.http.get(job["preview_url"])).headers["content-type"] == "image/jpeg"
    services.background.script.go_on.set()
    assert (await ended(artist, posted["id"]))["state"] == "succeeded"


async def test_the_same_key_gives_the_same_job_and_another_request_is_refused(artist: Artist) -> None:
    project = await artist.project()
    first = await post(artist, project, key="once")
    assert (await post(artist, project, key="once"))["id"] == first["id"]
    refused = await post(artist, project, 409, key="once", prompt="other")
    assert refused["error"]["reason"] == "REQUEST_ID_REUSED"
    assert len((await artist.call("GET", "/jobs", 200))["items"]) == 1


async def test_two_accounts_may_use_the_same_key(artist: Artist, stranger: Artist) -> None:
    mine = await post(artist, await artist.project(), key="once")
    theirs = await post(stranger, await stranger.project(), key="once")
    assert mine["id"] != theirs["id"]


async def test_without_a_seed_a_job_takes_its_own_and_keeps_it(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    project = await artist.project()
    seeds = set()
    for _ in range(2):
        job = await ended(artist, (await post(artist, project, seed=None))["id"])
        seeds.add(job["results"][0]["seed"])
    assert len(seeds) == 2
    assert seeds == {request.seed for request in services.background.script.requests}


async def test_a_waiting_job_is_cancelled_at_once(artist: Artist) -> None:
    posted = await post(artist, await artist.project())
    cancelled = await artist.call("POST", f"/jobs/{posted['id']}/cancel", 202)
    assert cancelled["state"] == "cancelled"
    assert cancelled["ended_at"] is not None


async def test_a_running_job_is_cancelled_and_the_service_notices(
    artist: Artist, services: FakeServices, worker: Dispatcher, store: FolderStore, until: Until
) -> None:
    script = services.background.script
    script.hold_at_step = 2
    posted = await post(artist, await artist.project())
    await script.held.wait()
    asked = await artist.call("POST", f"/jobs/{posted['id']}/cancel", 202)
    assert asked["cancel_requested"]
    await script.left.wait()
    job = await ended(artist, posted["id"])
    assert (job["state"], job["results"], job["preview_url"]) == ("cancelled", [], None)

    async def nothing_is_left() -> bool:
        return list(store.keys(f"{artist.id}/")) == []

    await until(nothing_is_left)


async def test_cancelling_an_ended_job_changes_nothing(artist: Artist, worker: Dispatcher) -> None:
    job = await ended(artist, (await post(artist, await artist.project()))["id"])
    again = await artist.call("POST", f"/jobs/{job['id']}/cancel", 202)
    assert again["state"] == "succeeded"


async def test_a_refusal_by_the_service_is_the_jobs_error(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    services.background.script.failures.append(InvalidInput("width must be a multiple of 16", reason="SIZE_STEP"))
    job = await ended(artist, (await post(artist, await artist.project()))["id"])
    assert job["state"] == "failed"
    assert job["error"] == {"reason": "SIZE_STEP", "message": "width must be a multiple of 16"}
    assert len(services.background.script.requests) == 1


async def test_a_failed_job_is_retried_as_a_new_one(artist: Artist, services: FakeServices, worker: Dispatcher) -> None:
    services.background.script.failures.append(InvalidInput("no", reason="NO"))
    failed = await ended(artist, (await post(artist, await artist.project()))["id"])
    retried = await artist.call("POST", f"/jobs/{failed['id']}/retry", 202)
    assert retried["id"] != failed["id"]
    assert retried["request"] == failed["request"]
    assert (await ended(artist, retried["id"]))["state"] == "succeeded"
    refused = await artist.call("POST", f"/jobs/{retried['id']}/retry", 409)
    assert refused["error"]["reason"] == "NOT_ENDED_BADLY"


async def test_a_full_service_is_waited_for(artist: Artist, services: FakeServices, worker: Dispatcher) -> None:
    full = Overloaded("8 are waiting", reason="QUEUE_FULL", retry_after_seconds=0.1)
    services.background.script.failures.extend([full] * 3)
    job = await ended(artist, (await post(artist, await artist.project()))["id"])
    assert job["state"] == "succeeded"
    assert len(services.background.script.requests) == 4


async def test_a_service_that_is_down_is_waited_for(
    artist: Artist, services: FakeServices, worker: Dispatcher, until: Until
) -> None:
    await services.stop()
    posted = await post(artist, await artist.project())

    async def says_that_it_retries() -> bool:
        return bool((await artist.call("GET", f"/jobs/{posted['id']}", 200))["stage"] == "retrying")

    await until(says_that_it_retries)
    await services.start()
    assert (await ended(artist, posted["id"]))["state"] == "succeeded"


async def test_a_service_killed_in_the_middle_draws_the_same_again(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    script = services.background.script
    script.hold_at_step = 3
    posted = await post(artist, await artist.project())
    await script.held.wait()
    await services.stop()
    script.hold_at_step = None
    await services.start()
    job = await ended(artist, posted["id"])
    assert job["state"] == "succeeded"
    first, second = script.requests
    assert first == second
    assert len(job["results"]) == 1


async def test_too_many_unfinished_jobs_are_refused(artist: Artist, gateway: Gateway) -> None:
    project = await artist.project()
    for _ in range(gateway.max_open_jobs):
        posted = await post(artist, project)
    refused = await post(artist, project, 429)
    assert refused["error"]["reason"] == "TOO_MANY_JOBS"
    await artist.call("POST", f"/jobs/{posted['id']}/cancel", 202)
    await post(artist, project)


async def test_jobs_are_listed_by_project_and_state_in_pages(artist: Artist) -> None:
    one, two = await artist.project("one"), await artist.project("two")
    made = [(await post(artist, project))["id"] for project in (one, one, two, one)]
    await artist.call("POST", f"/jobs/{made[0]}/cancel", 202)

    async def listed(**params: object) -> list[str]:
        return [job["id"] for job in (await artist.call("GET", "/jobs", 200, params=params))["items"]]

    assert await listed() == made[::-1]
    assert await listed(project_id=two) == [made[2]]
    assert await listed(state="cancelled") == [made[0]]
    assert await listed(project_id=one, state="queued") == [made[3], made[1]]
    page = await artist.call("GET", "/jobs", 200, params={"limit": 3})
    rest = await artist.call("GET", "/jobs", 200, params={"limit": 3, "cursor": page["next_cursor"]})
    assert [job["id"] for job in page["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"prompt": "  "}, 400, "NOTHING_TO_DRAW"),
        ({"strength": 0.5}, 400, "STRENGTH_WITHOUT_PICTURE"),
        ({"picture_id": "nothing"}, 404, "NO_PICTURE"),
        ({"styles": [{"style_id": "nothing", "method": "lora"}]}, 404, "NO_STYLE"),
        ({"count": 9}, 422, "VALIDATION"),
        ({"guidance": 0.5}, 422, "VALIDATION"),
        ({"seed": -1}, 422, "VALIDATION"),
        ({"prompt": "x" * 1001}, 422, "VALIDATION"),
        ({"strenght": 0.5}, 422, "VALIDATION"),
    ],
)
async def test_a_request_that_cannot_be_drawn_makes_no_job(
    artist: Artist, change: dict[str, Any], status: int, reason: str
) -> None:
    refused = await post(artist, await artist.project(), status, **change)
    assert refused["error"]["reason"] == reason
    assert (await artist.call("GET", "/jobs", 200))["items"] == []


async def test_a_picture_of_another_project_is_not_there(artist: Artist) -> None:
    picture = await artist.picture(await artist.project("one"))
    await post(artist, await artist.project("two"), 404, picture_id=picture["id"])
