"""Styles: learned by a job, drawn with, exported, deleted."""

from typing import Any

from oma.style.v1 import style_pb2
from oma.style.v1 import style_train_service_pb2 as pb

from services.common.artifacts import FolderStore
from services.common.errors import NotReady
from services.gateway.worker.dispatch import Dispatcher
from tests.fakes.artists import Artist
from tests.fakes.model_services import STEPS, FakeServices
from tests.unit.gateway.conftest import Until


async def train(artist: Artist, project: str, **changes: Any) -> dict[str, Any]:
    pictures = [(await artist.picture(project))["id"] for _ in range(2)]
    body = {"name": "잉크새", "picture_ids": pictures, "preset": "quick", "captions": {pictures[1]: "a street"}}
    posted: dict[str, Any] = await artist.call("POST", f"/projects/{project}/trainings", 202, json=body | changes)
    return posted


async def learned(artist: Artist, project: str, **changes: Any) -> dict[str, Any]:
    """The style that a training made."""
    posted = await train(artist, project, **changes)
    await artist.http.get(f"/api/v1/jobs/{posted['id']}/events")
    job = await artist.call("GET", f"/jobs/{posted['id']}", 200)
    assert job["state"] == "succeeded", job
    style: dict[str, Any] = await artist.call("GET", f"/styles/{job['style_id']}", 200)
    return style


async def test_a_training_becomes_a_style(artist: Artist, services: FakeServices, worker: Dispatcher) -> None:
    project = await artist.project()
    style = await learned(artist, project, seed=5)
    assert (style["name"], style["project_id"]) == ("잉크새", project)
    assert [file["method"] for file in style["files"]] == ["lora", "dreamstyler"]
    assert style["files"][0]["trigger"] == "inkbird"
    assert len(style["sample_urls"]) == STEPS
    assert (await artist.http.get(style["sample_urls"][0])).status_code == 200
    assert [(one["method"], one["step"]) for one in style["checkpoint_samples"]] == [("lora", STEPS // 2)]
    assert (await artist.http.get(style["checkpoint_samples"][0]["url"])).status_code == 200
    assert (await artist.call("GET", f"/projects/{project}/styles", 200))["items"] == [style]
    request = services.training.script.requests[0]
    assert (request.owner, request.seed, request.preset) == (artist.id, 5, pb.PRESET_QUICK)
    assert [picture.caption for picture in request.pictures] == ["", "a street"]


async def test_progress_of_a_training_is_the_services_own(
    artist: Artist, services: FakeServices, worker: Dispatcher, until: Until
) -> None:
    services.training.script.hold_at_step = 2
    posted = await train(artist, await artist.project())

    async def at_step_two() -> bool:
        return bool((await artist.call("GET", f"/jobs/{posted['id']}", 200))["steps_done"] == 2)

    await until(at_step_two)
    job = await artist.call("GET", f"/jobs/{posted['id']}", 200)
    assert (job["state"], job["stage"], job["steps_total"]) == ("running", "lora", STEPS)
    assert [(one["method"], one["step"]) for one in job["checkpoint_samples"]] == [("lora", STEPS // 2)]
    assert (await artist.http.get(job["checkpoint_samples"][0]["url"])).status_code == 200
    assert (await artist.http.get(job["preview_url"])).status_code == 200
    services.training.script.go_on.set()


async def test_a_watch_that_ends_is_taken_up_again(artist: Artist, services: FakeServices, worker: Dispatcher) -> None:
    services.training.watch_ends_early = True
    await learned(artist, await artist.project())


async def test_a_training_goes_on_when_its_service_is_restarted(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    script = services.training.script
    script.hold_at_step = 2
    posted = await train(artist, await artist.project())
    await script.held.wait()
    await services.stop()
    script.hold_at_step = None
    await services.start()
    await artist.http.get(f"/api/v1/jobs/{posted['id']}/events")
    assert (await artist.call("GET", f"/jobs/{posted['id']}", 200))["state"] == "succeeded"
    assert len(services.training.trainings) == 1


async def test_a_failed_training_says_why(artist: Artist, services: FakeServices, worker: Dispatcher) -> None:
    services.training.fail_with = pb.Failure(reason="LOSS_NOT_FINITE", message="use other pictures")
    posted = await train(artist, await artist.project())
    await artist.http.get(f"/api/v1/jobs/{posted['id']}/events")
    job = await artist.call("GET", f"/jobs/{posted['id']}", 200)
    assert (job["state"], job["style_id"]) == ("failed", None)
    assert job["error"] == {"reason": "LOSS_NOT_FINITE", "message": "use other pictures"}


async def test_cancelling_a_training_cancels_it_at_the_service_and_removes_it(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    services.training.script.hold_at_step = 2
    project = await artist.project()
    posted = await train(artist, project)
    await services.training.script.held.wait()
    await artist.call("POST", f"/jobs/{posted['id']}/cancel", 202)
    await artist.http.get(f"/api/v1/jobs/{posted['id']}/events")
    assert (await artist.call("GET", f"/jobs/{posted['id']}", 200))["state"] == "cancelled"
    assert services.training.deleted == [posted["id"]]
    assert (await artist.call("GET", f"/projects/{project}/styles", 200))["items"] == []


async def test_a_style_is_drawn_with_by_its_file_and_weight(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    project = await artist.project()
    style = await learned(artist, project)
    chosen = [
        {"style_id": style["id"], "method": "lora", "weight": 0.5},
        {"style_id": style["id"], "method": "dreamstyler"},
    ]
    body = {"prompt": "노을", "styles": chosen}
    posted = await artist.call("POST", f"/projects/{project}/backgrounds", 202, json=body)
    await artist.http.get(f"/api/v1/jobs/{posted['id']}/events")
    lora, dreamstyler = services.background.script.requests[0].styles
    assert (lora.method, lora.weight) == (style_pb2.METHOD_LORA, 0.5)
    assert lora.key.startswith(f"{artist.id}/style/")
    assert len(lora.sha256) == 64
    assert not dreamstyler.HasField("weight")


async def test_a_method_that_was_not_learned_cannot_be_drawn_with(artist: Artist, worker: Dispatcher) -> None:
    project = await artist.project()
    style = await learned(artist, project, methods=["lora"])
    body = {"prompt": "노을", "styles": [{"style_id": style["id"], "method": "dreamstyler"}]}
    refused = await artist.call("POST", f"/projects/{project}/backgrounds", 409, json=body)
    assert refused["error"]["reason"] == "NO_SUCH_METHOD"
    await artist.call("GET", f"/styles/{style['id']}/export?method=dreamstyler", 404)


async def test_the_file_itself_can_be_exported_under_its_korean_name(artist: Artist, worker: Dispatcher) -> None:
    style = await learned(artist, await artist.project())
    answer = await artist.http.get(f"/api/v1/styles/{style['id']}/export?method=lora")
    assert answer.content == b"style 1"
    assert "attachment" in answer.headers["content-disposition"]
    assert "%EC%9E%89%ED%81%AC%EC%83%88_lora.safetensors" in answer.headers["content-disposition"]


async def test_a_lora_is_exported_in_the_dialect_and_precision_that_are_asked_for(
    artist: Artist, services: FakeServices, worker: Dispatcher, store: FolderStore
) -> None:
    style = await learned(artist, await artist.project())
    before = set(store.keys(""))
    asked = {"method": "lora", "dialect": "peft", "precision": "bf16"}
    answer = await artist.http.get(f"/api/v1/styles/{style['id']}/export", params=asked)
    assert answer.content == b"style 1 3 2"
    assert "_lora_peft_bf16.safetensors" in answer.headers["content-disposition"]
    assert set(store.keys("")) == before
    same = await artist.http.get(f"/api/v1/styles/{style['id']}/export", params=asked | {"method": "dreamstyler"})
    assert same.content == b"style 2"
    await artist.call("GET", f"/styles/{style['id']}/export?method=lora&dialect=klingon", 422)


async def bring_in(artist: Artist, project: str, content: bytes, status: int = 201) -> Any:
    files = {"file": ("ink.safetensors", content, "application/octet-stream")}
    headers = {"Idempotency-Key": "once"}
    return await artist.call(
        "POST", f"/projects/{project}/styles/import", status, files=files, data={"name": "먹"}, headers=headers
    )


async def test_a_file_of_another_program_becomes_a_style_to_draw_in(
    artist: Artist, services: FakeServices, worker: Dispatcher, store: FolderStore
) -> None:
    project = await artist.project()
    style = await bring_in(artist, project, b"style of kohya")
    assert (style["name"], style["imported"], style["version"], style["in_use"]) == ("먹", True, 1, True)
    assert [(file["method"], file["trigger"]) for file in style["files"]] == [("lora", "inkbird")]
    assert (await bring_in(artist, project, b"style of kohya"))["id"] == style["id"]
    assert [key for key in store.keys("") if "as_given" in key or "/out/" in key] == []
    assert (await artist.call("GET", "/account/usage", 200))["storage_bytes"] == style["files"][0]["size_bytes"]
    body = {"prompt": "노을", "styles": [{"style_id": style["id"], "method": "lora"}]}
    drawn = await artist.call("POST", f"/projects/{project}/backgrounds", 202, json=body)
    await artist.http.get(f"/api/v1/jobs/{drawn['id']}/events")
    assert services.background.script.requests[-1].styles[0].key.endswith(f"{style['id']}/lora.safetensors")
    await artist.call("DELETE", f"/styles/{style['id']}", 204)
    assert [key for key in store.keys("") if key.endswith(".safetensors")] == []
    assert services.training.deleted == []


async def test_what_is_no_style_of_this_family_is_not_kept(
    artist: Artist, services: FakeServices, store: FolderStore
) -> None:
    project = await artist.project()
    refused = await bring_in(artist, project, b"nothing of ours", 400)
    assert refused["error"]["reason"] == "STYLE_DAMAGED"
    assert list(store.keys("")) == []
    assert (await artist.call("GET", f"/projects/{project}/styles", 200))["items"] == []


async def test_an_uploaded_style_goes_with_its_project(
    artist: Artist, services: FakeServices, store: FolderStore
) -> None:
    project = await artist.project()
    await bring_in(artist, project, b"style of kohya")
    await artist.call("DELETE", f"/projects/{project}", 204)
    assert list(store.keys("")) == []


async def test_a_deleted_style_is_deleted_at_the_service_too(
    artist: Artist, services: FakeServices, worker: Dispatcher, store: FolderStore
) -> None:
    style = await learned(artist, await artist.project())
    await artist.call("DELETE", f"/styles/{style['id']}", 204)
    await artist.call("GET", f"/styles/{style['id']}", 404)
    assert services.training.deleted == [style["job_id"]]
    assert [key for key in store.keys("") if key.endswith(".safetensors")] == []


async def test_a_style_stays_when_its_service_cannot_delete_it_now(
    artist: Artist, services: FakeServices, worker: Dispatcher, until: Until
) -> None:
    style = await learned(artist, await artist.project())
    await services.stop()
    refused = await artist.call("DELETE", f"/styles/{style['id']}", 503)
    assert refused["error"]["reason"] == "PEER_DOWN"
    await artist.call("GET", f"/styles/{style['id']}", 200)
    await services.start()

    async def deleted() -> bool:
        headers = {"X-CSRF-Token": artist.csrf}
        return (await artist.http.delete(f"/api/v1/styles/{style['id']}", headers=headers)).status_code == 204

    await until(deleted)


async def test_pictures_are_looked_at_before_a_training_begins(artist: Artist, services: FakeServices) -> None:
    project = await artist.project()
    pictures = [(await artist.picture(project))["id"] for _ in range(2)]
    services.training.findings = [
        pb.PictureFinding(code="BLANK", picture=1, message="picture 2 is one flat colour: leave it out"),
        pb.PictureFinding(code="TOO_FEW", message="2 pictures are few"),
    ]
    body: dict[str, Any] = {"picture_ids": pictures, "methods": ["lora"], "preset": "quick", "style_strength": 1.5}
    seen = await artist.call("POST", f"/projects/{project}/trainings/check", 200, json=body)
    assert [(one["code"], one["picture_id"], one["is_error"]) for one in seen["findings"]] == [
        ("BLANK", pictures[1], False),
        ("TOO_FEW", None, False),
    ]
    assert (seen["can_begin"], seen["steps_total"]) == (True, STEPS)
    request = services.training.script.requests[0]
    assert (request.validate_only, request.style_strength, len(request.pictures)) == (True, 1.5, 2)
    assert (await artist.call("GET", "/jobs", 200))["items"] == []
    services.training.findings[0].is_error = True
    assert not (await artist.call("POST", f"/projects/{project}/trainings/check", 200, json=body))["can_begin"]
    twice = body | {"picture_ids": [pictures[0], pictures[0]]}
    refused = await artist.call("POST", f"/projects/{project}/trainings/check", 400, json=twice)
    assert refused["error"]["reason"] == "TWICE"


async def test_a_training_says_what_was_noticed_and_may_be_told_to_stop_at_that(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    services.training.findings = [pb.PictureFinding(code="SMALL", picture=0, message="picture 1 is only 9 x 9 pixels")]
    project = await artist.project()
    posted = await train(artist, project, style_strength=2)
    await artist.http.get(f"/api/v1/jobs/{posted['id']}/events")
    job = await artist.call("GET", f"/jobs/{posted['id']}", 200)
    first = posted["request"]["picture_ids"][0]
    assert [(one["code"], one["picture_id"]) for one in job["findings"]] == [("SMALL", first)]
    request = services.training.script.requests[0]
    assert (request.style_strength, request.refuse_warnings) == (2, False)
    services.training.script.failures.append(NotReady("picture 1 is only 9 x 9 pixels", reason="WARNINGS"))
    stopped = await train(artist, project, despite_warnings=False)
    await artist.http.get(f"/api/v1/jobs/{stopped['id']}/events")
    job = await artist.call("GET", f"/jobs/{stopped['id']}", 200)
    assert (job["state"], job["error"]["reason"]) == ("failed", "WARNINGS")
    assert services.training.script.requests[-1].refuse_warnings


async def test_a_training_must_name_its_pictures_once_and_caption_only_those(artist: Artist) -> None:
    project = await artist.project()
    picture = (await artist.picture(project))["id"]
    for change, reason in (
        ({"picture_ids": [picture, picture]}, "TWICE"),
        ({"methods": ["lora", "lora"]}, "TWICE"),
        ({"captions": {"other": "x"}}, "CAPTIONS"),
        ({"dreamstyler_from_all": True}, "CAPTIONS"),
        ({"dreamstyler_from_all": True, "captions": {picture: " "}}, "CAPTIONS"),
    ):
        body = {"name": "x", "picture_ids": [picture]} | change
        refused = await artist.call("POST", f"/projects/{project}/trainings", 400, json=body)
        assert refused["error"]["reason"] == reason


async def test_learning_again_makes_a_version_that_waits_to_be_chosen(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    project = await artist.project()
    first = await learned(artist, project)
    second = await learned(artist, project, style_id=first["id"])
    assert (first["version"], first["in_use"]) == (1, True)
    assert (second["version"], second["in_use"], second["lineage_id"]) == (2, False, first["lineage_id"])
    versions = (await artist.call("GET", f"/styles/{first['id']}/versions", 200))["items"]
    assert [one["id"] for one in versions] == [second["id"], first["id"]]
    await artist.call("POST", f"/styles/{second['id']}/use", 200)
    in_use = (await artist.call("GET", f"/projects/{project}/styles", 200, params={"in_use": True}))["items"]
    assert [one["id"] for one in in_use] == [second["id"]]
    await artist.call("DELETE", f"/styles/{second['id']}", 204)
    assert (await artist.call("GET", f"/styles/{first['id']}", 200))["in_use"] is True


async def test_a_style_is_renamed_in_all_versions_and_noted_in_one(
    artist: Artist, services: FakeServices, worker: Dispatcher
) -> None:
    project = await artist.project()
    first = await learned(artist, project)
    second = await learned(artist, project, style_id=first["id"])
    await artist.call("PATCH", f"/styles/{second['id']}", 200, json={"name": "새 붓", "note": "more pages"})
    versions = (await artist.call("GET", f"/projects/{project}/styles", 200))["items"]
    assert [(one["name"], one["note"]) for one in versions] == [("새 붓", "more pages"), ("새 붓", "")]
