"""A training is recorded once, also when the connection to the database ends while its row is being committed."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import sqlalchemy as sa
from oma.style.v1 import style_train_service_pb2 as pb

from services.style_train.store import jobs
from tests.fakes.cutting_proxy import CuttingProxy, Moment, cutting_proxy
from tests.fakes.postgres import Postgres
from tests.fakes.trainings import Place, create, open_place, open_stub, request


@pytest.fixture
def proxy(postgres: Postgres) -> Iterator[CuttingProxy]:
    with cutting_proxy(postgres.port) as proxy:
        yield proxy


@pytest.fixture
def place(proxy: CuttingProxy, postgres: Postgres, tmp_path: Path, family: Path) -> Iterator[Place]:
    url = postgres.new_database().replace(f":{postgres.port}/", f":{proxy.port}/")
    with open_place(url, tmp_path, family) as place:
        yield place


def rows(place: Place) -> dict[str, str]:
    """Request by id of the recorded trainings."""
    with place.engine.connect() as c:
        return {str(row.id): str(row.key) for row in c.execute(sa.select(jobs))}


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_request_whose_commit_was_lost_makes_one_training_when_it_is_sent_again(
    place: Place, proxy: CuttingProxy, moment: Moment
) -> None:
    async with open_stub(place) as stub:
        proxy.cut_next_commit(moment)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await create(stub, request())
        assert (caught.value.code(), proxy.cuts) == (grpc.StatusCode.UNAVAILABLE, 1)
        recorded = rows(place)
        assert list(recorded.values()) == ([] if moment == "before" else ["r1"])
        again = [await create(stub, request()) for _ in range(2)]
        other = await create(stub, request("r2"))
    assert rows(place) == {**recorded, again[0].id: "r1", other.id: "r2"}
    assert again[0].id == again[1].id
    for training in (again[0], other):
        assert training.state == pb.Training.STATE_QUEUED
        kept = place.store.get(owner="ann", job_id=training.id).payload["pictures"]
        for picture in kept:
            assert place.artifacts.get(f"ann/style/{training.id}/{picture['name']}")


async def test_a_lost_commit_of_a_request_that_is_repeated_at_once_makes_no_second_training(
    place: Place, proxy: CuttingProxy
) -> None:
    """The answer to the first is lost each time; whoever asks again and again still has one training."""
    moments: tuple[Moment, ...] = ("before", "after", "after")
    async with open_stub(place) as stub:
        for moment in moments:
            proxy.cut_next_commit(moment)
            with pytest.raises(grpc.aio.AioRpcError):
                await create(stub, request())
        training = await create(stub, request())
    assert proxy.cuts == 3
    assert rows(place) == {training.id: "r1"}
