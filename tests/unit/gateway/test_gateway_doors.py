"""Cookies over HTTPS, sessions that slide and end, other sessions, tokens, and what an operator does."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import col

from services.common.errors import NotFound
from services.gateway.gateway import Gateway
from services.gateway.operator import reset_link, set_quota
from services.gateway.sessions import COOKIE, SECURE_COOKIE
from services.gateway.tables import SignIn, Token, utc_now
from tests.fakes.artists import PASSWORD, Artist

OpenBrowser = Callable[[], httpx.AsyncClient]
CREDENTIALS = {"email": "artist@example.com", "password": PASSWORD}


async def test_over_https_the_cookie_belongs_to_this_host_alone(artist: Artist, browser: OpenBrowser) -> None:
    http = browser()
    http.base_url = httpx.URL("https://gateway.test")
    cookie = (await http.post("/api/v1/session", json=CREDENTIALS)).headers["set-cookie"]
    assert cookie.startswith(f"{SECURE_COOKIE}=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert (await http.get("/api/v1/session")).status_code == 200
    token = http.cookies[SECURE_COOKIE]
    weak = await browser().get("https://gateway.test/api/v1/session", headers={"Cookie": f"{COOKIE}={token}"})
    assert weak.status_code == 401


async def test_behind_a_proxy_that_ends_tls_cookies_are_secure_too(
    artist: Artist, browser: OpenBrowser, gateway: Gateway, api: FastAPI
) -> None:
    api.state.gateway = replace(gateway, sessions=replace(gateway.sessions, public_url="https://studio.test"))
    origin = {"Origin": "https://studio.test"}
    answer = await browser().post("/api/v1/session", json=CREDENTIALS, headers=origin)
    assert answer.headers["set-cookie"].startswith(f"{SECURE_COOKIE}=")
    foreign = await browser().post("/api/v1/session", json=CREDENTIALS, headers={"Origin": "https://evil.test"})
    assert foreign.status_code == 403


def age(gateway: Gateway, *, ends_in: dt.timedelta, created_ago: dt.timedelta) -> None:
    with gateway.db() as db:
        now = utc_now()
        values = {"expires_at": now + ends_in, "created_at": now - created_ago}
        db.connection().execute(sa.update(SignIn).values(**values))
        db.commit()


def ends_in(gateway: Gateway) -> dt.timedelta:
    with gateway.db() as db:
        return db.connection().execute(sa.select(col(SignIn.expires_at))).scalar_one() - utc_now()


async def test_using_a_session_moves_its_end_and_tells_the_browser(artist: Artist, gateway: Gateway) -> None:
    age(gateway, ends_in=dt.timedelta(minutes=1), created_ago=dt.timedelta(hours=23))
    answer = await artist.http.get("/api/v1/projects")
    assert answer.headers["set-cookie"].startswith(f"{COOKIE}=")
    assert ends_in(gateway) > dt.timedelta(hours=23)
    assert "set-cookie" not in (await artist.http.get("/api/v1/projects")).headers


async def test_no_use_makes_a_session_longer_than_the_longest(artist: Artist, gateway: Gateway) -> None:
    age(gateway, ends_in=dt.timedelta(minutes=1), created_ago=dt.timedelta(days=3) - dt.timedelta(hours=1))
    told = await artist.call("GET", "/session", 200)
    assert ends_in(gateway) < dt.timedelta(hours=2)
    in_page = dt.datetime.fromisoformat(told["expires_at"]) - utc_now()
    assert abs(in_page - ends_in(gateway)) < dt.timedelta(seconds=5)  # the page can warn of it


async def test_other_sessions_are_listed_and_end_when_told_to(artist: Artist, browser: OpenBrowser) -> None:
    others = [browser() for _ in range(3)]
    for number, other in enumerate(others):
        await other.post("/api/v1/session", json=CREDENTIALS, headers={"User-Agent": f"browser {number}"})
    listed = (await artist.call("GET", "/sessions", 200))["items"]
    assert [one["user_agent"] for one in listed][:3] == ["browser 2", "browser 1", "browser 0"]
    assert [one["current"] for one in listed] == [False, False, False, True]
    await artist.call("DELETE", f"/sessions/{listed[0]['id']}", 204)
    assert (await others[2].get("/api/v1/session")).status_code == 401
    await artist.call("DELETE", f"/sessions/{listed[0]['id']}", 404)
    await artist.call("DELETE", "/sessions", 204)
    assert [(await other.get("/api/v1/session")).status_code for other in others] == [401] * 3
    await artist.call("GET", "/session", 200)


async def test_a_new_password_ends_every_other_session(artist: Artist, browser: OpenBrowser) -> None:
    other = browser()
    await other.post("/api/v1/session", json=CREDENTIALS)
    body = {"password": PASSWORD, "new_password": "another long password"}
    wrong = await artist.call("PUT", "/account/password", 401, json=body | {"password": "not this one"})
    assert wrong["error"]["reason"] == "WRONG_PASSWORD"
    await artist.call("PUT", "/account/password", 204, json=body)
    assert (await other.get("/api/v1/session")).status_code == 401
    await artist.call("GET", "/session", 200)
    signed_in = await browser().post("/api/v1/session", json=CREDENTIALS | {"password": body["new_password"]})
    assert signed_in.status_code == 200


async def test_a_token_is_shown_once_and_listed_without_its_secret(artist: Artist, gateway: Gateway) -> None:
    made = await artist.call("POST", "/tokens", 201, json=CREDENTIALS | {"label": "cli", "scope": "read"})
    shown = await artist.http.get("/api/v1/tokens")
    assert made["token"] not in shown.text
    (token,) = shown.json()["items"]
    assert (token["label"], token["scope"], token["last_used_at"]) == ("cli", "read", None)
    await artist.http.get("/api/v1/account", headers={"Authorization": f"Bearer {made['token']}"})
    (token,) = (await artist.call("GET", "/tokens", 200))["items"]
    assert token["last_used_at"] is not None
    with gateway.db() as db:
        assert made["token"] not in str(db.connection().execute(sa.select(Token)).one())


async def test_a_program_cannot_touch_sessions(artist: Artist, browser: OpenBrowser) -> None:
    made = await artist.call("POST", "/tokens", 201, json=CREDENTIALS | {"label": "cli"})
    program = browser()
    program.headers["Authorization"] = f"Bearer {made['token']}"
    for method, path in (("GET", "/sessions"), ("DELETE", "/sessions"), ("DELETE", "/session")):
        assert (await program.request(method, f"/api/v1{path}")).status_code == 401
    assert (await program.get("/api/v1/account")).json()["email"] == "artist@example.com"


async def test_an_account_changes_its_name_and_language(artist: Artist) -> None:
    changed = await artist.call("PATCH", "/account", 200, json={"name": "달", "locale": "en"})
    assert (changed["name"], changed["locale"]) == ("달", "en")
    assert (await artist.call("GET", "/session", 200))["account"] == changed


async def test_an_operators_link_chooses_a_new_password_without_mail(
    artist: Artist, browser: OpenBrowser, gateway: Gateway
) -> None:
    link = reset_link(gateway.engine, "http://gateway.test", "Artist@example.com")
    body = {"secret": link.partition("#")[2], "new_password": "another long password"}
    assert (await browser().post("/api/v1/password-resets/confirm", json=body)).status_code == 204
    await artist.call("GET", "/session", 401)
    with pytest.raises(NotFound):
        reset_link(gateway.engine, "http://gateway.test", "nobody@example.com")


async def test_an_operator_sets_quotas(artist: Artist, gateway: Gateway) -> None:
    assert set_quota(gateway.engine, "artist@example.com", {"drawings_a_day": 3})["drawings_a_day"] == 3
    assert (await artist.call("GET", "/account/usage", 200))["drawings_a_day_allowed"] == 3
    set_quota(gateway.engine, "artist@example.com", {"drawings_a_day": None})
    assert (await artist.call("GET", "/account/usage", 200))["drawings_a_day_allowed"] is None
