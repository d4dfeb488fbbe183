"""Hostile files at the gateway's upload: a picture or a reason with a remedy, never a 5xx, and nothing left behind."""

import pytest

from services.common.artifacts import FolderStore
from tests.fakes.artists import Artist
from tests.fakes.hostile_pictures import Hostile, corpus

QUICK = {
    "nothing", "html", "svg", "tiff", "half a jpeg", "the largest jpeg", "text that inflates to 200 mebibytes",
    "animated png", "turned by exif 6", "16 bits with alpha", "profile of noise", "gif and script at once",
}  # fmt: skip


async def upload(artist: Artist, store: FolderStore, files: list[Hostile]) -> None:
    project = await artist.project()
    for one in files:
        before = len(list(store.keys("")))
        content = one.make()
        answer = await artist.http.post(
            f"/api/v1/projects/{project}/pictures",
            files={"file": (f"{one.name}.png", content, "image/png")},
            headers={"X-CSRF-Token": artist.csrf},
        )
        added = len(list(store.keys(""))) - before
        if one.reason is None:
            assert (answer.status_code, added) == (201, 1), one.name
            continue
        error = answer.json()["error"]
        assert (answer.status_code in {400, 413}, added) == (True, 0), one.name
        assert error["reason"] in {one.reason, "TOO_LARGE"}, one.name
        assert any(remedy in error["message"] for remedy in ("save it", "send", "make it smaller", "32 MiB")), one.name


async def test_a_few_hostile_files_are_taken_or_refused_by_name(artist: Artist, store: FolderStore) -> None:
    few = [one for one in corpus() if one.name in QUICK]
    assert len(few) == len(QUICK)
    await upload(artist, store, few)


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_every_hostile_file_is_taken_or_refused_by_name(artist: Artist, store: FolderStore) -> None:
    await upload(artist, store, corpus())
