"""Nobody sees or changes what is another's: every route, from everybody who must not get through.

The routes come from the OpenAPI document, so that a new one without a row fails the day it is added.
"""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from services.common.artifacts import FolderStore
from services.gateway.gateway import Gateway, the_caller
from services.gateway.links import LIFETIME_SECONDS, Links
from services.gateway.sessions import COOKIE, Caller, sha256
from services.gateway.tables import Account, utc_now
from services.gateway.worker.dispatch import Dispatcher
from tests.fakes.artists import PASSWORD, Artist
from tests.fakes.isolation import (
    NOT_THERE,
    OPEN,
    ROWS,
    UNSAFE,
    WITH_IDS,
    Intruder,
    Route,
    World,
    build_world,
    documented_routes,
    problems,
)

OpenBrowser = Callable[[], httpx.AsyncClient]


@pytest.fixture
async def world(
    artist: Artist, gateway: Gateway, store: FolderStore, worker: Dispatcher, browser: OpenBrowser
) -> World:
    return await build_world(artist, gateway, store, browser)


def with_headers(http: httpx.AsyncClient, **headers: str) -> Callable[[dict[str, Any]], Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: http.request(headers=named, **request)


def nobody(open_browser: OpenBrowser) -> Intruder:
    return Intruder("nobody", with_headers(open_browser()), 401)


def another_owner(stranger: Artist) -> Intruder:
    return Intruder("another owner", with_headers(stranger.http, X_CSRF_Token=stranger.csrf), 404, WITH_IDS)


def with_bad_keys(world: World, open_browser: OpenBrowser) -> list[Intruder]:
    """Sessions and tokens that are expired, forged, or stolen from the database's file."""
    real = world.artist.http.cookies[COOKIE]
    cookies = {
        "expired session": world.expired_cookie,
        "forged session": secrets.token_urlsafe(32),
        "altered session": real[:-1] + ("A" if real[-1] != "A" else "B"),
        "a session's hash": sha256(real),
    }
    tokens = {
        "forged token": f"oma_{secrets.token_urlsafe(32)}",
        "a token's hash": sha256(world.token),
        "a session as a token": real,
    }
    return [
        *(
            Intruder(
                name, with_headers(open_browser(), Cookie=f"{COOKIE}={value}", X_CSRF_Token=world.artist.csrf), 401
            )
            for name, value in cookies.items()
        ),
        *(
            Intruder(name, with_headers(open_browser(), Authorization=f"Bearer {value}"), 401)
            for name, value in tokens.items()
        ),
    ]


def other_sites(world: World) -> list[Intruder]:
    """Pages of other sites, in the artist's own browser."""
    http, csrf = world.artist.http, world.artist.csrf
    unsafe = [route for route in ROWS if route[0] in UNSAFE]
    return [
        Intruder("another site", with_headers(http, Sec_Fetch_Site="cross-site", X_CSRF_Token=csrf), 403),
        Intruder("a sibling site", with_headers(http, Sec_Fetch_Site="same-site", X_CSRF_Token=csrf), 403),
        Intruder("another origin", with_headers(http, Origin="http://evil.test", X_CSRF_Token=csrf), 403),
        Intruder("no CSRF token", with_headers(http), 403, unsafe),
        Intruder("a guessed CSRF token", with_headers(http, X_CSRF_Token="0" * 64), 403, unsafe),
    ]


def test_every_documented_route_has_a_row() -> None:
    assert documented_routes() == set(ROWS) | set(OPEN)
    assert not set(ROWS) & set(OPEN)


async def test_nobody_and_bad_keys_get_nothing(world: World, browser: OpenBrowser) -> None:
    found = []
    for intruder in (nobody(browser), *with_bad_keys(world, browser)):
        found += await problems(world, intruder)
    assert found == []


async def test_another_owner_gets_nothing(world: World, stranger: Artist) -> None:
    assert await problems(world, another_owner(stranger)) == []
    own = [route for route in ROWS if route not in WITH_IDS]
    before = world.everything()
    for route in own:
        answer = await with_headers(stranger.http, X_CSRF_Token=stranger.csrf)(world.request(route))
        assert not [secret for secret in world.secrets() if secret in answer.text], route
    assert world.everything() == before


async def test_anothers_ids_are_answered_as_ids_that_do_not_exist(world: World, stranger: Artist) -> None:
    send = another_owner(stranger).send
    for route in WITH_IDS:
        said = []
        for ids in (world.ids, dict.fromkeys(world.ids, NOT_THERE)):
            error = (await send(world.request(route, ids))).json()["error"]
            said.append((error["reason"], error["message"]))
        assert said[0] == said[1], route


async def test_another_site_gets_nothing(world: World) -> None:
    found = []
    for intruder in other_sites(world):
        found += await problems(world, intruder)
    assert found == []


async def test_a_reading_token_writes_nothing_and_a_deleted_one_reads_nothing(
    world: World, browser: OpenBrowser
) -> None:
    credentials = {"email": "artist@example.com", "password": PASSWORD, "label": "r", "scope": "read"}
    made = await world.artist.call("POST", "/tokens", 201, json=credentials)
    send = with_headers(browser(), Authorization=f"Bearer {made['token']}")
    assert (await send({"method": "GET", "url": "/api/v1/projects"})).status_code == 200
    unsafe = [route for route in ROWS if route[0] in UNSAFE]
    assert await problems(world, Intruder("reading token", send, 403, unsafe)) == []
    await world.artist.call("DELETE", f"/tokens/{made['id']}", 204)
    assert await problems(world, Intruder("deleted token", send, 401)) == []


async def test_open_routes_do_nothing_for_another_sites_page(world: World, browser: OpenBrowser) -> None:
    bodies = {
        "/accounts": {"email": "a@example.com", "password": PASSWORD, "name": "a"},
        "/session": {"email": "artist@example.com", "password": PASSWORD},
        "/tokens": {"email": "artist@example.com", "password": PASSWORD, "label": "x"},
        "/password-resets": {"email": "artist@example.com"},
        "/password-resets/confirm": {"secret": "x", "new_password": PASSWORD},
        "/email-verifications/confirm": {"secret": "x"},
    }
    posts = [path for method, path in OPEN if method == "post" and path in bodies]
    assert len(posts) == len([route for route in OPEN if route[0] == "post"])
    before = world.everything()
    for path in posts:
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.test"}):
            answer = await browser().post(f"/api/v1{path}", json=bodies[path], headers=headers)
            assert answer.status_code == 403, path
            assert "set-cookie" not in answer.headers
    assert world.everything() == before


async def test_a_link_opens_one_file_for_its_time_and_nothing_else(world: World, browser: OpenBrowser) -> None:
    picture = await world.artist.call("GET", f"/pictures/{world.ids['picture_id']}", 200)
    good = picture["url"]
    assert (await browser().get(good)).status_code == 200
    key = next(iter(world.store.keys(f"{world.artist.id}/")))
    now = world.gateway.links._clock()  # noqa: SLF001 (the very clock that links are judged by)
    forged = Links(b"another secret").url(key, "image/png")
    expired = Links(b"secret of a test", clock=lambda: now - 2 * LIFETIME_SECONDS).url(key, "image/png")
    bad = [forged, expired, good[:-2], good + "A", f"/api/v1/files/{key}", "/api/v1/files/x"]
    bad += [good.replace(good[-20], "A" if good[-20] != "A" else "B")]
    for link in bad:
        answer = await browser().get(link)
        assert answer.status_code == 404, link
        assert b"PNG" not in answer.content


async def test_the_owner_gets_through_with_the_same_requests(world: World) -> None:
    """The matrix is not blind: these requests are refused for who asks, not for what they say."""
    refused = {("post", "/jobs/{job_id}/retry"): 409, ("post", "/email-verifications"): 409}
    needs_another = {  # they end this very session, which the rest is asked by
        ("delete", "/sessions/{session_id}"),
        ("post", "/account/deletion"),
    }
    for route in ROWS:
        if route in needs_another:
            continue
        request = world.request(route)
        answer = await world.artist.http.request(headers={"X-CSRF-Token": world.artist.csrf}, **request)
        if route in refused:
            assert answer.status_code == refused[route], (route, answer.text)
        else:
            assert answer.status_code in (200, 201, 202, 204), (route, answer.text)


@pytest.fixture
def unguarded(world: World, api: FastAPI) -> Iterator[dict[str, Route | None]]:
    """Takes the check of who calls away from the one route that `["route"]` names: anybody is its owner there."""
    chosen: dict[str, Route | None] = {"route": None}
    with world.gateway.db() as db:
        owner = db.get(Account, world.artist.id)
    assert owner is not None

    def careless(request: Request, response: Response) -> Caller:
        route = (request.method.lower(), request.scope["route"].path_format.removeprefix("/api/v1"))
        if route == chosen["route"]:
            token = world.artist.http.cookies[COOKIE]
            return Caller(account=owner, session_token=token, session_ends_at=utc_now())
        return the_caller(request, response, world.gateway)

    api.dependency_overrides[the_caller] = careless
    yield chosen
    api.dependency_overrides.clear()


async def test_the_matrix_sees_any_one_route_without_its_check(
    world: World, browser: OpenBrowser, stranger: Artist, unguarded: dict[str, Route | None]
) -> None:
    """The negative control: with the check of any one route gone, the matrix fails for that route."""
    for route in ROWS:
        for intruder in (nobody(browser), another_owner(stranger)):  # new ones: an open route may sign them in
            if route not in intruder.routes or (
                route[0] == "delete" and route in WITH_IDS and intruder.expected == 401
            ):
                continue  # what one intruder has deleted is not there for the next
            unguarded["route"] = route
            assert await problems(world, intruder, [route]) != [], f"unseen: {route} for {intruder.name}"
            unguarded["route"] = None
