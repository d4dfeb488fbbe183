"""Poses: found, made, edited, and taken by a character."""

from typing import Any

import pytest

from services.common.artifacts import FolderStore
from services.gateway.worker.dispatch import Dispatcher
from tests.fakes.artists import Artist, png
from tests.fakes.model_services import FakeServices, somebody


def person(x: float = 5.0, score: float = 0.9) -> dict[str, Any]:
    return {"keypoints": [[x, float(number), score] for number in range(133)]}


async def test_people_are_found_in_a_picture(artist: Artist, services: FakeServices) -> None:
    services.estimation.people = [somebody(1.0), somebody(2.0)]
    project = await artist.project()
    picture = await artist.picture(project)
    body = {"picture_id": picture["id"], "whole_picture_if_nobody": True}
    pose = await artist.call("POST", f"/projects/{project}/poses/estimate", 201, json=body)
    assert (pose["width"], pose["height"], pose["picture_id"]) == (64, 48, picture["id"])
    assert [one["keypoints"][0][0] for one in pose["people"]] == [1.0, 2.0]
    assert pose["people"][0]["box"] == {"left": 1, "top": 2, "width": 3, "height": 4, "score": 0.5}
    assert services.estimation.script.requests[0].whole_picture_if_nobody
    assert (await artist.http.get(pose["skeleton_url"])).headers["content-type"] == "image/png"
    assert await artist.call("GET", f"/poses/{pose['id']}", 200) == pose


async def test_a_floor_for_scores_and_one_person_are_asked_for_where_they_are_wanted(
    artist: Artist, services: FakeServices
) -> None:
    project = await artist.project()
    body = {"picture_id": (await artist.picture(project))["id"]}
    await artist.call("POST", f"/projects/{project}/poses/estimate", 201, json=body)
    await artist.call(
        "POST", f"/projects/{project}/poses/estimate", 201, json={**body, "min_pose_score": 0.0, "person": 2}
    )
    plain, picky = services.estimation.script.requests
    assert not plain.HasField("min_pose_score")
    assert not plain.HasField("person")
    assert (picky.min_pose_score, picky.person) == (0.0, 2)


async def test_a_picture_without_people_is_no_error_and_has_no_skeleton(artist: Artist, services: FakeServices) -> None:
    services.estimation.people = []
    project = await artist.project()
    body = {"picture_id": (await artist.picture(project))["id"]}
    pose = await artist.call("POST", f"/projects/{project}/poses/estimate", 201, json=body)
    assert (pose["people"], pose["skeleton_url"]) == ([], None)


async def test_an_edited_pose_gets_a_new_skeleton_and_loses_the_old(
    artist: Artist, services: FakeServices, store: FolderStore
) -> None:
    made = await artist.pose(await artist.project())
    edited = await artist.call("PUT", f"/poses/{made['id']}", 200, json={"people": [person(9.0)]})
    assert edited["people"][0]["keypoints"][0][0] == 9.0
    assert edited["skeleton_url"] != made["skeleton_url"]
    assert len(list(store.keys(f"{artist.id}/gateway/poses"))) == 1
    assert (await artist.http.get(edited["skeleton_url"])).status_code == 200
    assert services.estimation.skeletons[-1].people[0].keypoints[0].x == 9.0


async def test_a_pose_without_people_loses_its_skeleton(artist: Artist, store: FolderStore) -> None:
    made = await artist.pose(await artist.project())
    edited = await artist.call("PUT", f"/poses/{made['id']}", 200, json={"people": []})
    assert edited["skeleton_url"] is None
    assert list(store.keys(f"{artist.id}/gateway/poses")) == []


async def test_a_deleted_pose_leaves_no_skeleton(artist: Artist, store: FolderStore) -> None:
    made = await artist.pose(await artist.project())
    await artist.call("DELETE", f"/poses/{made['id']}", 204)
    await artist.call("GET", f"/poses/{made['id']}", 404)
    assert list(store.keys("")) == []


async def test_a_skeleton_of_a_large_photograph_is_drawn_smaller(artist: Artist, services: FakeServices) -> None:
    project = await artist.project()
    body = {"width": 4096, "height": 2048, "people": [person(4000.0)]}
    pose = await artist.call("POST", f"/projects/{project}/poses", 201, json=body)
    drawn = services.estimation.skeletons[-1]
    assert (drawn.width, drawn.height, drawn.people[0].keypoints[0].x) == (2048, 1024, 2000.0)
    assert pose["people"][0]["keypoints"][0][0] == 4000.0


@pytest.mark.parametrize(
    ("people", "status"),
    [
        ([{"keypoints": [[0, 0, 0]] * 132}], 422),
        ([{"keypoints": [[0, 0]] * 133}], 422),
        ([{"keypoints": [["x", 0, 0]] * 133}], 422),
        ([person(score=2.0)], 400),
    ],
)
async def test_a_pose_of_the_wrong_shape_is_refused_and_nothing_is_kept(
    artist: Artist, store: FolderStore, people: list[Any], status: int
) -> None:
    project = await artist.project()
    body = {"width": 64, "height": 64, "people": people}
    await artist.call("POST", f"/projects/{project}/poses", status, json=body)
    assert (await artist.call("GET", f"/projects/{project}/poses", 200))["items"] == []
    assert list(store.keys("")) == []


async def test_not_a_number_is_refused(artist: Artist) -> None:
    project = await artist.project()
    text = f'{{"width": 64, "height": 64, "people": [{{"keypoints": [{", ".join(["[NaN, 0, 0]"] * 133)}]}}]}}'
    headers = {"Content-Type": "application/json"}
    await artist.call("POST", f"/projects/{project}/poses", 422, content=text, headers=headers)


async def test_a_character_takes_a_pose(artist: Artist, services: FakeServices, worker: Dispatcher) -> None:
    project = await artist.project()
    character = await artist.picture(project, png(colour="blue"))
    body = {"width": 64, "height": 48, "people": [person(1.0), person(2.0)]}
    pose = await artist.call("POST", f"/projects/{project}/poses", 201, json=body)
    asked = {"character_picture_id": character["id"], "pose_id": pose["id"], "person_index": 1, "seed": 9}
    posted = await artist.call("POST", f"/projects/{project}/pose-transfers", 202, json=asked)
    await artist.http.get(f"/api/v1/jobs/{posted['id']}/events")
    job = await artist.call("GET", f"/jobs/{posted['id']}", 200)
    assert (job["kind"], job["state"]) == ("pose_transfer", "succeeded")
    assert job["results"][0]["seed"] == 9
    assert "pose" not in job["results"][0]["settings"]
    request = services.transfer.script.requests[0]
    assert request.pose.person.keypoints[0].x == 2.0
    assert (request.pose.width, request.pose.height) == (64, 48)
    refused = await artist.call("POST", f"/projects/{project}/pose-transfers", 400, json=asked | {"person_index": 2})
    assert refused["error"]["reason"] == "PERSON_INDEX"


async def test_a_korean_prompt_is_shown_as_the_english_that_is_drawn(artist: Artist) -> None:
    answer = await artist.call("POST", "/prompts/translate", 200, json={"prompt": "노을 뷁"})
    assert answer == {"english": "sunset", "unknown_words": ["뷁"]}
