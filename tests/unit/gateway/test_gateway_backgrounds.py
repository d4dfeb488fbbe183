"""How a background is drawn, as far as the artist chooses it: masks, schedulers, guidance, lines and colours."""

from typing import Any

import pytest
from oma.background.v1 import background_service_pb2 as pb

from services.common.errors import InvalidInput
from services.gateway.worker.dispatch import Dispatcher
from tests.fakes.artists import Artist, png
from tests.fakes.model_services import FakeServices


async def test_every_choice_of_a_drawing_reaches_its_service(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    project = await artist.project()
    picture, mask = [(await artist.picture(project, png(colour=colour)))["id"] for colour in ("red", "white")]
    body: dict[str, Any] = {
        "picture_id": picture,
        "mask_picture_id": mask,
        "scheduler": "unipc",
        "style_guidance": {"style": 1.5, "avoid": 0},
        "line_control": 0,
        "palette": 0.5,
    }
    job = await artist.call("POST", f"/projects/{project}/backgrounds", 202, json=body)
    await artist.http.get(f"/api/v1/jobs/{job['id']}/events")
    request = services.background.script.requests[0]
    assert request.mask.artifact.key != request.picture.artifact.key
    assert mask in request.mask.artifact.key
    assert request.scheduler == pb.SCHEDULER_UNIPC
    guidance = request.style_guidance
    assert (guidance.style, guidance.avoid, guidance.HasField("content")) == (1.5, 0, False)
    assert (request.HasField("line_control"), request.line_control, request.palette) == (True, 0, 0.5)
    used = (await artist.call("GET", f"/jobs/{job['id']}", 200))["results"][0]["settings"]
    assert used["scheduler"] == "unipc"


async def test_what_is_not_chosen_is_left_to_the_service(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    project = await artist.project()
    job = await artist.call("POST", f"/projects/{project}/backgrounds", 202, json={"prompt": "x"})
    await artist.http.get(f"/api/v1/jobs/{job['id']}/events")
    request = services.background.script.requests[0]
    assert request.scheduler == pb.SCHEDULER_UNSPECIFIED
    assert not any(request.HasField(name) for name in ("mask", "style_guidance", "line_control", "palette"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"picture_id": None, "prompt": "x"}, "MASK_WITHOUT_PICTURE"),
        ({"enlarge": 2}, "MASK_ENLARGE"),
        ({"mask_picture_id": "the picture"}, "MASK_IS_PICTURE"),
        ({"mask_picture_id": "smaller"}, "MASK_SIZE"),
    ],
)
async def test_a_mask_that_cannot_be_used_is_refused_when_it_is_posted(
    artist: Artist, change: dict[str, Any], reason: str
) -> None:
    project = await artist.project()
    pictures = {
        name: (await artist.picture(project, content))["id"]
        for name, content in (("the picture", png()), ("mask", png(colour="white")), ("smaller", png(20, 30)))
    }
    asked: dict[str, Any] = {"picture_id": "the picture", "mask_picture_id": "mask"} | change
    body = {name: pictures.get(value, value) for name, value in asked.items()}
    refused = await artist.call("POST", f"/projects/{project}/backgrounds", 400, json=body)
    assert refused["error"]["reason"] == reason


async def test_a_mask_of_another_artist_is_not_found(artist: Artist) -> None:
    project, other = await artist.project(), await artist.project("another")
    picture = (await artist.picture(project))["id"]
    body = {"picture_id": picture, "mask_picture_id": (await artist.picture(other))["id"]}
    await artist.call("POST", f"/projects/{project}/backgrounds", 404, json=body)


async def test_a_folder_of_photographs_is_one_request_and_a_job_for_each(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    project = await artist.project()
    pictures = [(await artist.picture(project))["id"] for _ in range(3)]
    body = {"picture_ids": [pictures[0], "nobody-knows-it", *pictures[1:]], "strength": 0.4, "seed": 3}
    path, headers = f"/projects/{project}/backgrounds/batch", {"Idempotency-Key": "photographs"}
    answer = await artist.call("POST", path, 202, json=body, headers=headers)
    assert [job["request"]["picture_id"] for job in answer["jobs"]] == pictures
    assert [(one["picture_id"], one["error"]["reason"]) for one in answer["refused"]] == [
        ("nobody-knows-it", "NO_PICTURE")
    ]
    again = await artist.call("POST", path, 202, json=body, headers=headers)
    assert [job["id"] for job in again["jobs"]] == [job["id"] for job in answer["jobs"]]
    services.background.script.failures.append(InvalidInput("it cannot be drawn", reason="SIZE_STEP"))
    for job in answer["jobs"]:
        await artist.http.get(f"/api/v1/jobs/{job['id']}/events")
    states = [(await artist.call("GET", f"/jobs/{job['id']}", 200))["state"] for job in answer["jobs"]]
    assert states.count("succeeded") >= 2
    strengths = {round(request.strength, 3) for request in services.background.script.requests}
    assert strengths == {0.4}


async def test_photographs_of_which_not_one_can_be_drawn_over_are_refused(artist: Artist) -> None:
    path = f"/projects/{await artist.project()}/backgrounds/batch"
    await artist.call("POST", path, 404, json={"picture_ids": ["a", "b"]})
    twice = await artist.call("POST", path, 400, json={"picture_ids": ["a", "a"]})
    assert twice["error"]["reason"] == "TWICE"
