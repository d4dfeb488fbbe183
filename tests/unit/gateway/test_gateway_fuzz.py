"""Whatever is sent, the answer is one of ours: never a server error."""

import random
from collections import defaultdict
from typing import Any

import pytest

from services.gateway.app import create_api
from tests.fakes.artists import Artist

DOCUMENT = create_api(None).openapi()
STRANGE: list[Any] = [
    *(None, True, -1, 0, 2**63, 2**70, 1e308, -0.5, [], {}, [None], [[]], {"a": {}}, [1] * 200),
    *("", " ", "\0", "x" * 3000, "한글 \u202e 👩‍🎨"),
]


def posts_with_json() -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, properties) of every route that takes a JSON body."""
    found = []
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content:
                name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
                found.append((method, path, DOCUMENT["components"]["schemas"][name]["properties"]))
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_no_body_makes_a_server_error(artist: Artist, seed: int) -> None:
    chance = random.Random(seed)
    project = await artist.project()
    picture, pose = (await artist.picture(project))["id"], (await artist.pose(project))["id"]
    ids = {"project_id": project, "pose_id": pose, "picture_id": picture}
    good = {**ids, "character_picture_id": picture, "picture_ids": [picture], "name": "x", "prompt": "x"}
    routes = posts_with_json()
    assert len(routes) >= 13
    for method, path, properties in routes * 5:
        body = {name: good[name] for name in properties if name in good}
        for name in chance.sample(list(properties), k=min(len(properties), chance.randint(1, 3))):
            body[name] = chance.choice(STRANGE)
        headers = {"X-CSRF-Token": artist.csrf}
        answer = await artist.http.request(
            method, path.format_map(defaultdict(lambda: "nowhere", ids)), json=body, headers=headers
        )
        assert answer.status_code < 500, f"{method} {path} {body}: {answer.text}"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"a":' * 5000, b"1" * 5000])
async def test_what_is_no_json_object_is_refused_in_our_form(artist: Artist, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    headers |= {"X-CSRF-Token": artist.csrf}
    answer = await artist.http.post("/api/v1/projects", content=content, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["reason"] in ("BAD_REQUEST", "VALIDATION")
