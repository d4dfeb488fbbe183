"""How much is allowed, and what who asks for more is told."""

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from services.common.errors import Overloaded
from services.gateway.gateway import Gateway
from services.gateway.limits import Allowance, Rates, RequestTally, Rule, take
from services.gateway.tables import Quota, Rate
from tests.fakes.artists import PASSWORD, Artist, png

OpenBrowser = Callable[[], httpx.AsyncClient]
FEW = Rule(name="request", count=3, seconds=600)


def change(api: FastAPI, gateway: Gateway, **changes: object) -> None:
    """The same gateway with other limits behind the same routes."""
    api.state.gateway = replace(gateway, **changes)  # type: ignore[arg-type]


def refused(answer: httpx.Response, reason: str) -> int:
    """Seconds to wait, after checking that it is a refusal of this kind."""
    assert answer.status_code == 429, answer.text
    assert answer.json()["error"]["reason"] == reason
    return int(answer.headers["retry-after"])


def test_a_rate_gives_its_places_and_then_says_how_long_to_wait(gateway: Gateway) -> None:
    for _ in range(3):
        take(gateway.engine, FEW, "a")
    with pytest.raises(Overloaded) as caught:
        take(gateway.engine, FEW, "a")
    assert 195 <= caught.value.retry_after_seconds <= 200
    take(gateway.engine, FEW, "b")


def test_a_rate_comes_back_evenly(gateway: Gateway) -> None:
    for _ in range(3):
        take(gateway.engine, FEW, "a")
    with gateway.engine.begin() as connection:  # as if 200 seconds had gone by
        connection.execute(sa.update(Rate).values(used_until=Rate.used_until - 200))
    take(gateway.engine, FEW, "a")
    with pytest.raises(Overloaded):
        take(gateway.engine, FEW, "a")


def counts(replica: RequestTally) -> bool:
    try:
        replica.count("a")
    except Overloaded:
        return False
    return True


def test_two_replicas_share_one_rate(gateway: Gateway) -> None:
    replicas = [RequestTally(gateway.engine, Rule(name="request", count=100, seconds=600)) for _ in range(2)]
    counted = sum(counts(replicas[number % 2]) for number in range(200))
    assert 90 <= counted <= 101  # one place may come back meanwhile


async def test_requests_of_one_account_are_bounded_and_anothers_go_on(
    artist: Artist, stranger: Artist, gateway: Gateway, api: FastAPI
) -> None:
    change(api, gateway, rates=Rates(requests=FEW))
    for _ in range(3):
        await artist.call("GET", "/projects", 200)
    assert refused(await artist.http.get("/api/v1/projects"), "TOO_MANY_REQUESTS") > 100
    await stranger.call("GET", "/projects", 200)


async def test_uploads_are_bounded(artist: Artist, gateway: Gateway, api: FastAPI) -> None:
    project = await artist.project()
    change(api, gateway, rates=Rates(uploads=Rule(name="upload", count=1, seconds=600)))
    await artist.picture(project)
    files = {"file": ("x.png", png(), "image/png")}
    answer = await artist.http.post(
        f"/api/v1/projects/{project}/pictures", files=files, headers={"X-CSRF-Token": artist.csrf}
    )
    refused(answer, "TOO_MANY_UPLOADS")


@pytest.mark.parametrize("email", ["artist@example.com", "nobody@example.com"])
async def test_passwords_cannot_be_tried_without_end(
    artist: Artist, browser: OpenBrowser, gateway: Gateway, api: FastAPI, email: str
) -> None:
    change(api, gateway, rates=Rates(sign_ins=Rule(name="sign-in", count=2, seconds=600)))
    body = {"email": email, "password": "wrong password"}
    for path in ("session", "session"):
        assert (await browser().post(f"/api/v1/{path}", json=body)).status_code == 401
    right = body | {"password": PASSWORD}
    assert refused(await browser().post("/api/v1/session", json=right), "TOO_MANY_SIGN_INS") > 200
    assert refused(await browser().post("/api/v1/tokens", json=right | {"label": "x"}), "TOO_MANY_SIGN_INS") > 200


async def test_accounts_cannot_be_made_without_end(browser: OpenBrowser, gateway: Gateway, api: FastAPI) -> None:
    change(api, gateway, rates=Rates(sign_ups_from=Rule(name="sign-up-from", count=1, seconds=3600)))
    body = {"password": PASSWORD, "name": "a"}
    await browser().post("/api/v1/accounts", json=body | {"email": "a@example.com"})
    second = await browser().post("/api/v1/accounts", json=body | {"email": "b@example.com"})
    assert refused(second, "TOO_MANY_SIGN_UPS") > 3000


async def test_full_storage_takes_no_more_and_says_what_to_do(artist: Artist, gateway: Gateway, api: FastAPI) -> None:
    project = await artist.project()
    change(api, gateway, allowance=Allowance(storage_bytes=len(png()) + 10))
    await artist.picture(project)
    usage = await artist.call("GET", "/account/usage", 200)
    assert 0 < usage["storage_bytes"] <= usage["storage_bytes_allowed"]
    files = {"file": ("x.png", png(), "image/png")}
    said = await artist.call("POST", f"/projects/{project}/pictures", 429, files=files)
    assert said["error"]["reason"] == "STORAGE_FULL"
    assert "trash" in said["error"]["message"]
    change(api, gateway, allowance=Allowance(storage_bytes=0))
    said = await artist.call("POST", f"/projects/{project}/backgrounds", 429, json={"prompt": "x"})
    assert said["error"]["reason"] == "STORAGE_FULL"


async def test_a_day_has_as_many_drawings_and_trainings_as_an_operator_allows(
    artist: Artist, gateway: Gateway, api: FastAPI
) -> None:
    project = await artist.project()
    picture = await artist.picture(project)
    change(api, gateway, allowance=Allowance(drawings_a_day=2, trainings_a_day=0))
    body, key = {"prompt": "x"}, {"Idempotency-Key": "1"}
    for headers in (key, key, {}):  # the same job again is no other
        await artist.call("POST", f"/projects/{project}/backgrounds", 202, json=body, headers=headers)
    answer = await artist.http.post(
        f"/api/v1/projects/{project}/backgrounds", json=body, headers={"X-CSRF-Token": artist.csrf}
    )
    assert refused(answer, "DRAWINGS_USED_UP") <= 86_400
    learn = {"name": "x", "picture_ids": [picture["id"]]}
    said = await artist.call("POST", f"/projects/{project}/trainings", 429, json=learn)
    assert said["error"]["reason"] == "TRAININGS_USED_UP"
    assert len((await artist.call("GET", "/jobs", 200))["items"]) == 2
    assert (await artist.call("GET", "/account/usage", 200))["drawings_today"] == 2


async def test_an_operator_can_allow_one_account_something_else(
    artist: Artist, stranger: Artist, gateway: Gateway, api: FastAPI
) -> None:
    change(api, gateway, allowance=Allowance(drawings_a_day=0))
    with gateway.db() as db:
        db.add(Quota(account_id=artist.id, drawings_a_day=1))
        db.commit()
    project = await artist.project()
    await artist.call("POST", f"/projects/{project}/backgrounds", 202, json={"prompt": "x"})
    other = await stranger.project()
    await stranger.call("POST", f"/projects/{other}/backgrounds", 429, json={"prompt": "x"})
