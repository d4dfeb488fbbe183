"""Who may come in, and how."""

import datetime as dt
from collections.abc import Callable

import httpx
import pytest
import sqlalchemy as sa
from sqlmodel import col

from services.gateway.gateway import Gateway
from services.gateway.sessions import COOKIE
from services.gateway.tables import Account, SignIn, Token, utc_now
from tests.fakes.artists import PASSWORD, Artist, sign_up

OpenBrowser = Callable[[], httpx.AsyncClient]


async def test_signing_up_signs_in(browser: OpenBrowser) -> None:
    http = browser()
    body = {"email": " Artist@Example.com ", "password": PASSWORD, "name": "화가", "locale": "en"}
    answer = await http.post("/api/v1/accounts", json=body)
    assert answer.status_code == 201
    session = (await http.get("/api/v1/session")).json()
    assert session == answer.json()
    assert session["account"]["email"] == "artist@example.com"
    assert session["account"]["locale"] == "en"


async def test_the_cookie_is_kept_from_scripts_and_other_sites(browser: OpenBrowser) -> None:
    body = {"email": "a@example.com", "password": PASSWORD, "name": "a"}
    cookie = (await browser().post("/api/v1/accounts", json=body)).headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


async def test_over_https_the_cookie_is_secure(browser: OpenBrowser) -> None:
    body = {"email": "a@example.com", "password": PASSWORD, "name": "a"}
    answer = await browser().post("https://gateway.test/api/v1/accounts", json=body)
    assert "Secure" in answer.headers["set-cookie"]


async def test_an_email_signs_up_once_whatever_its_case(artist: Artist, browser: OpenBrowser) -> None:
    body = {"email": "ARTIST@example.com", "password": PASSWORD, "name": "a"}
    answer = await browser().post("/api/v1/accounts", json=body)
    assert answer.status_code == 409
    assert answer.json()["error"]["reason"] == "EMAIL_TAKEN"


@pytest.mark.parametrize(
    "change",
    [
        {"password": "123456789"},
        {"email": "nobody"},
        {"email": "a@b"},
        {"name": " "},
        {"locale": "fr"},
        {"admin": True},
    ],
)
async def test_a_sign_up_of_the_wrong_shape_is_refused(browser: OpenBrowser, change: dict[str, object]) -> None:
    body = {"email": "a@example.com", "password": PASSWORD, "name": "a"} | change
    answer = await browser().post("/api/v1/accounts", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["reason"] == "VALIDATION"


async def test_a_refused_password_is_not_repeated_in_the_answer(browser: OpenBrowser) -> None:
    body = {"email": "a@example.com", "password": "short-one", "name": "a"}
    assert "short-one" not in (await browser().post("/api/v1/accounts", json=body)).text


async def test_every_failed_sign_in_says_the_same(artist: Artist, browser: OpenBrowser) -> None:
    answers = [
        await browser().post("/api/v1/session", json={"email": email, "password": password})
        for email, password in (("artist@example.com", "wrong password"), ("nobody@example.com", PASSWORD))
    ]
    said = [
        (answer.status_code, answer.json()["error"]["reason"], answer.json()["error"]["message"]) for answer in answers
    ]
    assert said[0] == said[1] == (401, "WRONG_CREDENTIALS", "e-mail or password is wrong")


async def test_signing_out_ends_the_session_itself(artist: Artist) -> None:
    stolen = artist.http.cookies[COOKIE]
    await artist.call("DELETE", "/session", 204)
    artist.http.cookies.set(COOKIE, stolen)
    await artist.call("GET", "/session", 401)


async def test_signing_out_leaves_other_sessions(artist: Artist, browser: OpenBrowser) -> None:
    other = browser()
    await other.post("/api/v1/session", json={"email": "artist@example.com", "password": PASSWORD})
    await artist.call("DELETE", "/session", 204)
    assert (await other.get("/api/v1/session")).status_code == 200


async def test_a_session_ends_when_it_is_not_used(artist: Artist, gateway: Gateway) -> None:
    with gateway.db() as db:
        db.connection().execute(sa.update(SignIn).values(expires_at=utc_now() - dt.timedelta(seconds=1)))
        db.commit()
    await artist.call("GET", "/projects", 401)


async def test_asking_who_is_signed_in_renews_the_session(artist: Artist, gateway: Gateway) -> None:
    with gateway.db() as db:
        db.connection().execute(sa.update(SignIn).values(expires_at=utc_now() + dt.timedelta(minutes=1)))
        db.commit()
    await artist.call("GET", "/session", 200)
    with gateway.db() as db:
        expires_at = db.connection().execute(sa.select(col(SignIn.expires_at))).scalar_one()
    assert expires_at > utc_now() + dt.timedelta(hours=23)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF-Token": "0" * 64},
        {"X-CSRF-Token": "한글"},
        {"X-CSRF-Token": "good", "Origin": "http://evil.test"},
        {"X-CSRF-Token": "good", "Origin": "null"},
        {"X-CSRF-Token": "good", "Sec-Fetch-Site": "cross-site"},
        {"X-CSRF-Token": "good", "Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_sites_page_cannot_write_with_our_cookie(artist: Artist, headers: dict[str, str]) -> None:
    sent = {name.encode(): (artist.csrf if value == "good" else value).encode() for name, value in headers.items()}
    answer = await artist.http.post("/api/v1/projects", json={"name": "x"}, headers=sent)
    assert answer.status_code == 403
    assert (await artist.call("GET", "/projects", 200))["items"] == []


async def test_our_own_page_can_write(artist: Artist) -> None:
    headers = {"Origin": "http://gateway.test", "Sec-Fetch-Site": "same-origin"}
    await artist.call("POST", "/projects", 201, json={"name": "x"}, headers=headers)


@pytest.mark.parametrize("path", ["/accounts", "/session", "/tokens"])
async def test_another_sites_page_cannot_sign_anybody_in(artist: Artist, browser: OpenBrowser, path: str) -> None:
    body = {"email": "artist@example.com", "password": PASSWORD}
    body |= {"/accounts": {"name": "b"}, "/session": {}, "/tokens": {"label": "b"}}[path]
    answer = await browser().post(f"/api/v1{path}", json=body, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


async def test_a_program_comes_in_by_token_alone(artist: Artist, browser: OpenBrowser) -> None:
    body = {"email": "artist@example.com", "password": PASSWORD, "label": "cli"}
    made = await browser().post("/api/v1/tokens", json=body)
    assert made.status_code == 201
    program = browser()
    program.headers["Authorization"] = f"Bearer {made.json()['token']}"
    assert (await program.post("/api/v1/projects", json={"name": "x"})).status_code == 201
    assert len((await artist.call("GET", "/projects", 200))["items"]) == 1
    assert (await program.get("/api/v1/session")).status_code == 401


@pytest.mark.parametrize("authorization", ["Bearer ", "Bearer oma_guess", "Basic YTpi", "Bearer"])
async def test_a_guessed_token_opens_nothing(browser: OpenBrowser, authorization: str) -> None:
    answer = await browser().get("/api/v1/projects", headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert answer.json()["error"]["reason"] == "SIGN_IN"


async def test_no_secret_is_stored_as_it_is(gateway: Gateway, browser: OpenBrowser) -> None:
    artist = await sign_up(browser(), "a@example.com")
    body = {"email": "a@example.com", "password": PASSWORD, "label": "cli"}
    token = (await artist.call("POST", "/tokens", 201, json=body))["token"]
    with gateway.db() as db:
        kept = [str(row) for table in (Account, SignIn, Token) for row in db.connection().execute(sa.select(table))]
    assert len(kept) == 3
    for secret in (PASSWORD, artist.http.cookies[COOKIE], artist.csrf, token):
        assert not any(secret in row for row in kept)
