"""Links to files: what they open, for how long, and for whom."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.common.errors import NotFound
from services.gateway.links import LIFETIME_SECONDS, Links, load_secret

KEY = "owner/gateway/pictures/1.png"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def token_of(url: str) -> str:
    return url.removeprefix("/api/v1/files/")


def test_a_link_opens_the_file_it_was_made_for() -> None:
    links = Links(b"secret")
    file = links.open(token_of(links.url(KEY, "image/png")))
    assert (file.key, file.media_type) == (KEY, "image/png")


def test_a_link_lives_for_fifteen_minutes_at_most_and_ten_at_least() -> None:
    clock = Clock()
    links = Links(b"secret", clock=clock)
    for begun in range(0, 400, 37):
        clock.now = 1_000_000.0 + begun
        token = token_of(links.url(KEY, "image/png"))
        clock.now += 600
        links.open(token)
        clock.now += LIFETIME_SECONDS - 600
        with pytest.raises(NotFound):
            links.open(token)


def test_links_made_soon_after_each_other_are_equal_so_that_caches_work() -> None:
    clock = Clock()
    clock.now = 900.0
    links = Links(b"secret", clock=clock)
    first = links.url(KEY, "image/png")
    clock.now += 299
    assert links.url(KEY, "image/png") == first


def test_replicas_with_the_same_secret_open_each_others_links() -> None:
    token = token_of(Links(b"secret").url(KEY, "image/png"))
    assert Links(b"secret").open(token).key == KEY
    with pytest.raises(NotFound):
        Links(b"other").open(token)


def test_every_changed_byte_closes_the_link() -> None:
    links = Links(b"secret")
    token = token_of(links.url(KEY, "image/png"))
    content = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(NotFound):
            links.open(base64.urlsafe_b64encode(changed).decode().rstrip("="))


@pytest.mark.parametrize("token", ["", "a", "한글", "....", "A" * 43, "A" * 500])
def test_what_is_no_link_of_ours_opens_nothing(token: str) -> None:
    with pytest.raises(NotFound):
        Links(b"secret").open(token)


def test_the_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret"
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(load_secret, [path] * 8))
    assert len(found) == 1
    assert len(found.pop()) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [child.name for child in path.parent.iterdir()] == ["secret"]
