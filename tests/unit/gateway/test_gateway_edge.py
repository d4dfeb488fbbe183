"""What holds for every request: ids, headers, one form of error, and the web app beside the API."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.gateway.app import create_api
from services.gateway.edge import Edge
from services.gateway.gateway import Gateway
from tests.fakes.artists import Artist
from tests.fakes.model_services import FakeServices

OpenBrowser = Callable[[], httpx.AsyncClient]
INDEX = "<!doctype html><title>Oh My Assistant</title>"


@pytest.fixture
def web(gateway: Gateway) -> Path:
    (gateway.web_folder / "assets").mkdir(parents=True)
    (gateway.web_folder / "index.html").write_text(INDEX)
    (gateway.web_folder / "assets/app-1a2b.js").write_text("export {}")
    (gateway.web_folder.parent / "secret.txt").write_text("secret")
    return gateway.web_folder


async def test_a_request_keeps_the_id_it_comes_with(browser: OpenBrowser) -> None:
    answer = await browser().get("/api/v1/projects", headers={"X-Request-ID": "from-the-browser.1"})
    assert answer.headers["x-request-id"] == "from-the-browser.1"
    assert answer.json()["error"]["request_id"] == "from-the-browser.1"


async def test_a_request_without_a_plain_id_gets_one(browser: OpenBrowser) -> None:
    answers = [await browser().get("/healthz", headers=headers) for headers in ({}, {"X-Request-ID": "two words"})]
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", request_id) for request_id in ids)


async def test_the_request_id_reaches_the_services(artist: Artist, services: FakeServices) -> None:
    headers = {"X-Request-ID": "follow-me"}
    await artist.call("POST", "/prompts/translate", 200, json={"prompt": "노을"}, headers=headers)
    assert services.seen_request_ids[-1] == "follow-me"


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/projects", "/api/v1/status", "/nothing.js"])
async def test_every_answer_carries_the_careful_headers(browser: OpenBrowser, web: Path, path: str) -> None:
    headers = (await browser().get(path)).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "script-src" not in headers["content-security-policy"]  # default-src 'self' holds: no inline scripts
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api", 404),
        ("DELETE", "/api/v1/projects", 405),
        ("POST", "/api/v1/accounts", 422),
        ("GET", "/api/v1/projects", 401),
        ("GET", "/api/v1/files/forged", 404),
        ("GET", "/missing.png", 404),
    ],
)
async def test_every_error_has_the_one_form(
    browser: OpenBrowser, web: Path, method: str, path: str, status: int
) -> None:
    answer = await browser().request(method, path)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"reason", "message", "request_id"}
    assert re.fullmatch("[A-Z_]+", error["reason"])


async def test_a_body_past_a_megabyte_is_refused_where_no_file_is_expected(artist: Artist) -> None:
    refused = await artist.call("POST", "/projects", 413, json={"name": "x" * 2_000_000})
    assert "request_id" in refused["error"]


async def test_a_bug_tells_its_id_and_nothing_of_itself(gateway: Gateway) -> None:
    app = create_api(gateway)

    @app.get("/api/v1/broken", include_in_schema=False)
    def broken() -> None:
        raise RuntimeError("the password is hunter2")

    app.router.routes.insert(0, app.router.routes.pop())
    transport = httpx.ASGITransport(Edge(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http:
        answer = await http.get("/api/v1/broken")
    assert answer.status_code == 500
    assert answer.json()["error"]["reason"] == "BUG"
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]
    assert "hunter2" not in answer.text


async def test_the_status_says_which_services_serve(browser: OpenBrowser, services: FakeServices) -> None:
    before = (await browser().get("/api/v1/status")).json()
    assert set(before["services"].values()) == {"serving"}
    assert set(before["services"]) == {"background", "pose_estimation", "pose_transfer", "style_train"}
    assert before["family"] is None
    await services.stop()
    after = (await browser().get("/api/v1/status")).json()
    assert set(after["services"].values()) == {"down"}


async def test_a_service_that_is_down_is_told_as_such(artist: Artist, services: FakeServices) -> None:
    await services.stop()
    answer = await artist.call("POST", "/prompts/translate", 503, json={"prompt": "노을"})
    assert answer["error"]["reason"] == "PEER_DOWN"


@pytest.mark.parametrize("path", ["/", "/projects/1/poses", "/sign-in"])
async def test_every_page_of_the_app_is_its_index(browser: OpenBrowser, web: Path, path: str) -> None:
    answer = await browser().get(path)
    assert (answer.status_code, answer.text) == (200, INDEX)
    assert answer.headers["cache-control"] == "no-cache"


async def test_built_files_may_be_kept_for_ever(browser: OpenBrowser, web: Path) -> None:
    answer = await browser().get("/assets/app-1a2b.js")
    assert answer.text == "export {}"
    assert "immutable" in answer.headers["cache-control"]
    assert "javascript" in answer.headers["content-type"]


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt", "/%2e%2e/secret.txt"]
)
async def test_nothing_outside_of_the_app_is_served(browser: OpenBrowser, web: Path, path: str) -> None:
    answer = await browser().get(path)
    assert "secret" not in answer.text or answer.status_code == 404


async def test_without_a_built_app_the_page_says_what_to_do(browser: OpenBrowser) -> None:
    answer = await browser().get("/")
    assert answer.status_code == 404
    assert "make setup" in answer.json()["error"]["message"]


def test_the_openapi_document_can_be_made_without_a_gateway() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "services.gateway.openapi"], check=True, capture_output=True, text=True
    )
    document: dict[str, Any] = json.loads(made.stdout)
    operations = [one for path in document["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names)) >= 40
    for one in operations:
        assert "HTTPValidationError" not in json.dumps(one)
