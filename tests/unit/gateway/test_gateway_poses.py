"""Poses: found, made, edited, and taken by a character."""

from typing import Any

import pytest
from oma.pose.v1 import pose_transfer_service_pb2 as transfer_pb
from oma.style.v1 import style_pb2

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
        "POST",
        f"/projects/{project}/poses/estimate",
        201,
        json={**body, "min_pose_score": 0.0, "person": 2, "max_people": 3, "min_score": 0.75},
    )
    plain, picky = services.estimation.script.requests
    assert not plain.HasField("min_pose_score")
    assert not plain.HasField("person")
    assert not plain.HasField("max_people")
    assert not plain.HasField("min_score")
    assert (picky.min_pose_score, picky.person, picky.max_people, picky.min_score) == (0.0, 2, 3, 0.75)


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


async def transferred(artist: Artist, project: str, **asked: Any) -> dict[str, Any]:
    """The job of a transfer, when it has ended."""
    posted = await artist.call("POST", f"/projects/{project}/pose-transfers", 202, json=asked)
    await artist.http.get(f"/api/v1/jobs/{posted['id']}/events")
    job: dict[str, Any] = await artist.call("GET", f"/jobs/{posted['id']}", 200)
    return job


async def test_every_choice_of_a_transfer_reaches_the_service_and_is_kept_with_the_result(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    project = await artist.project()
    character, pose = await artist.picture(project), await artist.pose(project)
    asked = {"character_picture_id": character["id"], "pose_id": pose["id"], "steps": 7, "guidance": 2.5, "seed": 4}
    asked |= {"count": 1, "width": 128, "height": 64, "character_fit": "crop", "transparent_background": True}
    job = await transferred(artist, project, **asked)
    request = services.transfer.script.requests[0]
    assert (request.steps, request.guidance, request.seed, request.count) == (7, 2.5, 4, 1)
    assert (request.width, request.height) == (128, 64)
    assert request.character_fit == transfer_pb.CHARACTER_FIT_CROP
    assert request.transparent_background
    assert not request.HasField("character_skeleton")
    used = job["results"][0]["settings"]
    assert (used["character_fit"], used["transparent_background"]) == ("crop", True)


async def test_the_characters_own_skeleton_is_looked_for_where_its_proportions_are_wanted(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    services.estimation.people = [somebody(7.0), somebody(8.0)]
    project = await artist.project()
    character, pose = await artist.picture(project), await artist.pose(project)
    asked = {"character_picture_id": character["id"], "pose_id": pose["id"], "own_proportions": True}
    assert (await transferred(artist, project, **asked))["state"] == "succeeded"
    look = services.estimation.script.requests[-1]
    assert (look.max_people, look.owner) == (1, artist.id)
    assert services.transfer.script.requests[0].character_skeleton.keypoints[0].x == 7.0
    services.estimation.people = []
    failed = await transferred(artist, project, **asked)
    assert (failed["state"], failed["error"]["reason"]) == ("failed", "NO_CHARACTER_FOUND")


async def test_the_characters_own_skeleton_may_be_a_pose_that_was_corrected_by_hand(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    project = await artist.project()
    character, pose = await artist.picture(project), await artist.pose(project)
    body = {"width": 40, "height": 30, "people": [person(3.0)]}
    own = await artist.call("POST", f"/projects/{project}/poses", 201, json=body)
    nobody = await artist.call("POST", f"/projects/{project}/poses", 201, json=body | {"people": []})
    asked = {"character_picture_id": character["id"], "pose_id": pose["id"], "own_proportions": True}
    await transferred(artist, project, **asked, character_pose_id=own["id"])
    assert services.estimation.script.requests == []
    assert services.transfer.script.requests[0].character_skeleton.keypoints[0].x == 3.0
    path = f"/projects/{project}/pose-transfers"
    for wrong, reason in (
        ({"character_pose_id": nobody["id"]}, "NOBODY"),
        ({"character_pose_id": own["id"], "own_proportions": False}, "OWN_PROPORTIONS"),
    ):
        refused = await artist.call("POST", path, 400, json=asked | wrong)
        assert refused["error"]["reason"] == reason
    elsewhere = await artist.pose(await artist.project())
    await artist.call("POST", path, 404, json=asked | {"character_pose_id": elsewhere["id"]})


async def test_a_character_is_drawn_in_a_learned_style(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    project = await artist.project()
    character, pose = await artist.picture(project), await artist.pose(project)
    training = {"name": "잉크", "picture_ids": [character["id"]]}
    posted = await artist.call("POST", f"/projects/{project}/trainings", 202, json=training)
    await artist.http.get(f"/api/v1/jobs/{posted['id']}/events")
    style = (await artist.call("GET", f"/projects/{project}/styles", 200))["items"][0]["id"]
    asked = {"character_picture_id": character["id"], "pose_id": pose["id"]}
    job = await transferred(artist, project, **asked, styles=[{"style_id": style, "method": "lora", "weight": 0.5}])
    used = services.transfer.script.requests[0].styles
    assert [(one.method, one.weight) for one in used] == [(style_pb2.METHOD_LORA, 0.5)]
    assert job["results"][0]["settings"]["styles"] == [
        {"key": used[0].key, "sha256": used[0].sha256, "method": "lora", "weight": 0.5}
    ]
    wrong = asked | {"styles": [{"style_id": style, "method": "dreamstyler"}]}
    refused = await artist.call("POST", f"/projects/{project}/pose-transfers", 400, json=wrong)
    assert refused["error"]["reason"] == "STYLE_METHOD"
    wrong = asked | {"styles": [{"style_id": "0" * 32, "method": "lora"}]}
    await artist.call("POST", f"/projects/{project}/pose-transfers", 404, json=wrong)


@pytest.mark.parametrize(
    ("asked", "media_type", "ending"),
    [
        ("png", "image/png", "png"),
        ("svg", "image/svg+xml", "svg"),
        ("openpose-18", "application/json", "json"),
        ("openpose-25", "application/json", "json"),
    ],
)
async def test_a_skeleton_is_given_out_in_the_form_that_another_program_reads(
    artist: Artist, asked: str, media_type: str, ending: str
) -> None:
    pose = await artist.pose(await artist.project())
    answer = await artist.http.get(f"/api/v1/poses/{pose['id']}/skeleton", params={"format": asked})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, media_type)
    assert answer.headers["content-disposition"].endswith(f".{ending}")


@pytest.mark.parametrize("body", [18, 25])
async def test_an_exported_skeleton_can_be_imported_again(artist: Artist, body: int) -> None:
    project = await artist.project()
    pose = await artist.pose(project)
    written = await artist.http.get(f"/api/v1/poses/{pose['id']}/skeleton", params={"format": f"openpose-{body}"})
    asked = {"content": written.text, "width": pose["width"], "height": pose["height"]}
    read = await artist.call("POST", f"/projects/{project}/poses/import", 201, json=asked)
    points, expected = read["people"][0]["keypoints"], [list(point) for point in pose["people"][0]["keypoints"]]
    if body == 18:
        expected[17:23] = [[0, 0, 0]] * 6  # which that form does not have
    assert [pytest.approx(point, abs=1e-3) for point in expected] == points
    assert (await artist.http.get(read["skeleton_url"])).status_code == 200


async def test_an_import_that_is_no_openpose_file_is_refused_and_nothing_is_kept(artist: Artist) -> None:
    project = await artist.project()
    path = f"/projects/{project}/poses/import"
    for content in ("[]", '{"people": []}'):
        await artist.call("POST", path, 400, json={"content": content, "width": 64, "height": 64})
    half = '{"content": "\\ud800{}", "width": 64, "height": 64}'  # of a character
    await artist.call("POST", path, 422, content=half, headers={"Content-Type": "application/json"})
    await artist.call("POST", path, 422, json={"content": "x" * 900_001, "width": 64, "height": 64})
    assert (await artist.call("GET", f"/projects/{project}/poses", 200))["items"] == []


async def test_a_pose_without_people_cannot_be_given_out(artist: Artist) -> None:
    project = await artist.project()
    body = {"width": 64, "height": 64, "people": []}
    pose = await artist.call("POST", f"/projects/{project}/poses", 201, json=body)
    refused = await artist.call("GET", f"/poses/{pose['id']}/skeleton?format=svg", 400)
    assert refused["error"]["reason"] == "NOBODY"


async def test_a_korean_prompt_is_shown_as_the_english_that_is_drawn(artist: Artist) -> None:
    answer = await artist.call("POST", "/prompts/translate", 200, json={"prompt": "노을 뷁"})
    assert answer == {"english": "sunset", "unknown_words": ["뷁"]}
