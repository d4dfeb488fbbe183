"""Password reset and e-mail verification, through a real mail server."""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from services.common.errors import InvalidInput
from services.gateway.gateway import Gateway
from services.gateway.post import Post
from services.gateway.server import open_post
from services.gateway.settings import GatewaySettings, SmtpSettings
from services.gateway.tables import Letter, utc_now
from tests.fakes.artists import PASSWORD, Artist, sign_up
from tests.fakes.mailbox import Mailbox, link_in, secret_in

OpenBrowser = Callable[[], httpx.AsyncClient]
NEW_PASSWORD = "a new and longer password"
PUBLIC_URL = "http://gateway.test"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    running = Mailbox()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def with_mail(gateway: Gateway, api: FastAPI, mailbox: Mailbox, browser: OpenBrowser) -> Gateway:
    """The gateway behind the routes, with a mail server."""
    smtp = SmtpSettings(host="127.0.0.1", port=mailbox.port, security="none", sender="studio@gateway.test")
    api.state.gateway = replace(gateway, post=Post(smtp=smtp, public_url=PUBLIC_URL))
    return api.state.gateway  # type: ignore[no-any-return]


async def letters(mailbox: Mailbox, count: int) -> list[str]:
    """The secrets of the letters that came."""
    return [secret_in(letter) for letter in await asyncio.to_thread(mailbox.wait_for, count)]


async def test_a_forgotten_password_is_replaced_by_letter(
    artist: Artist, with_mail: Gateway, mailbox: Mailbox, browser: OpenBrowser
) -> None:
    credentials = {"email": "artist@example.com", "password": PASSWORD}
    token = await artist.call("POST", "/tokens", 201, json=credentials | {"label": "x"})
    asked = await browser().post("/api/v1/password-resets", json={"email": " Artist@Example.com"})
    assert asked.status_code == 202
    (secret,) = await letters(mailbox, 1)
    letter = mailbox.letters[0]
    assert (letter["To"], letter["From"]) == ("artist@example.com", "studio@gateway.test")
    assert link_in(letter).startswith(f"{PUBLIC_URL}/reset-password#")
    body = {"secret": secret, "new_password": NEW_PASSWORD}
    assert (await browser().post("/api/v1/password-resets/confirm", json=body)).status_code == 204
    await artist.call("GET", "/session", 401)
    program = {"Authorization": f"Bearer {token['token']}"}
    assert (await browser().get("/api/v1/projects", headers=program)).status_code == 401
    assert (await browser().post("/api/v1/session", json=credentials)).status_code == 401
    signed_in = await browser().post("/api/v1/session", json=credentials | {"password": NEW_PASSWORD})
    assert signed_in.json()["account"]["email_verified"] is True
    again = await browser().post("/api/v1/password-resets/confirm", json=body)
    assert again.json()["error"]["reason"] == "LETTER_USED_UP"


async def test_asking_for_a_letter_tells_nobody_who_has_an_account(
    artist: Artist, with_mail: Gateway, mailbox: Mailbox, browser: OpenBrowser
) -> None:
    said = [
        (await browser().post("/api/v1/password-resets", json={"email": email})).text
        for email in ("nobody@example.com", "artist@example.com")
    ]
    assert said[0] == said[1]
    await letters(mailbox, 1)
    assert [letter["To"] for letter in mailbox.letters] == ["artist@example.com"]


async def test_an_address_is_verified_by_the_letter_of_the_sign_up(
    with_mail: Gateway, mailbox: Mailbox, browser: OpenBrowser
) -> None:
    artist = await sign_up(browser(), "new@example.com")
    assert (await artist.call("GET", "/account", 200))["email_verified"] is False
    (first,) = await letters(mailbox, 1)
    assert "주소" in str(mailbox.letters[0]["Subject"])
    await artist.call("POST", "/email-verifications", 202)
    _, second = await letters(mailbox, 2)
    for secret, status in ((first, 400), (second, 204), (second, 400), ("guess", 400)):
        answer = await browser().post("/api/v1/email-verifications/confirm", json={"secret": secret})
        assert answer.status_code == status
    assert (await artist.call("GET", "/account", 200))["email_verified"] is True


async def test_a_letters_secret_serves_its_own_purpose_for_its_own_time(
    artist: Artist, with_mail: Gateway, mailbox: Mailbox, browser: OpenBrowser
) -> None:
    await artist.call("POST", "/email-verifications", 202)
    (secret,) = await letters(mailbox, 1)
    reset = {"secret": secret, "new_password": NEW_PASSWORD}
    assert (await browser().post("/api/v1/password-resets/confirm", json=reset)).status_code == 400
    with with_mail.db() as db:
        kept = db.connection().execute(sa.select(Letter)).one()
        assert secret not in str(kept)
        db.connection().execute(sa.update(Letter).values(expires_at=utc_now() - dt.timedelta(seconds=1)))
        db.commit()
    late = await browser().post("/api/v1/email-verifications/confirm", json={"secret": secret})
    assert late.json()["error"]["reason"] == "LETTER_USED_UP"


async def test_letters_to_one_address_are_bounded(
    artist: Artist, with_mail: Gateway, mailbox: Mailbox, browser: OpenBrowser
) -> None:
    statuses = [
        (await browser().post("/api/v1/password-resets", json={"email": "artist@example.com"})).status_code
        for _ in range(6)
    ]
    assert statuses == [202] * 5 + [429]
    await letters(mailbox, 5)


async def test_a_mail_server_that_refuses_changes_no_answer(
    artist: Artist, with_mail: Gateway, mailbox: Mailbox, browser: OpenBrowser
) -> None:
    mailbox.refuse = True
    answer = await browser().post("/api/v1/password-resets", json={"email": "artist@example.com"})
    assert answer.status_code == 202
    assert (
        await browser().post("/api/v1/session", json={"email": "artist@example.com", "password": PASSWORD})
    ).is_success


@pytest.mark.parametrize("path", ["/password-resets", "/email-verifications"])
async def test_without_a_mail_server_the_answer_says_so(artist: Artist, path: str) -> None:
    body = {"json": {"email": "artist@example.com"}} if path == "/password-resets" else {}
    said = await artist.call("POST", path, 409, **body)
    assert said["error"]["reason"] == "NO_MAIL"
    assert "operator" in said["error"]["message"]


def test_a_mail_server_needs_a_sender_and_an_address_for_links() -> None:
    assert open_post(GatewaySettings()) is None
    with pytest.raises(InvalidInput, match="OMA_GATEWAY_PUBLIC_URL"):
        open_post(GatewaySettings(smtp=SmtpSettings(host="mail.test")))
