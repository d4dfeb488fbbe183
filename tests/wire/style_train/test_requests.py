"""What the API of style training records, answers again, lists and refuses; no worker runs."""

from typing import Any

import pytest
from oma.image.v1 import image_pb2
from oma.style.v1 import style_train_service_pb2 as pb

from services.common.clients import our_errors
from services.common.errors import Conflict, InvalidInput, NotFound, NotReady, Overloaded, Unavailable
from tests.fakes.postgres import Postgres
from tests.fakes.trainings import Place, create, picture, request


async def test_the_same_request_is_the_same_training_and_leaves_no_second_copy(stub: Any, place: Place) -> None:
    first = await create(stub, request())
    stored = place.files()
    second = await create(stub, request())
    assert first.id == second.id
    assert place.files() == stored
    assert list(place.artifacts.keys("ann/")) == list(place.artifacts.keys(f"ann/style/{first.id}/"))


async def test_a_request_id_with_another_content_is_refused(stub: Any, place: Place) -> None:
    await create(stub, request())
    stored = place.files()
    with pytest.raises(Conflict), our_errors("style"):
        await create(stub, request(seed=6))
    assert place.files() == stored


async def test_another_owner_s_training_does_not_exist(stub: Any) -> None:
    training = await create(stub, request(owner="ann"))
    calls = [
        (stub.GetTraining, pb.GetTrainingRequest(owner="bob", id=training.id)),
        (stub.CancelTraining, pb.CancelTrainingRequest(owner="bob", id=training.id)),
        (stub.DeleteTraining, pb.DeleteTrainingRequest(owner="bob", id=training.id)),
    ]
    for method, message in calls:
        with pytest.raises(NotFound), our_errors("style"):
            await method(message, timeout=10)
    watched = stub.WatchTraining(pb.WatchTrainingRequest(owner="bob", id=training.id), timeout=10)
    with pytest.raises(NotFound), our_errors("style"):
        await anext(aiter(watched))
    listed = await stub.ListTrainings(pb.ListTrainingsRequest(owner="bob"), timeout=10)
    assert list(listed.trainings) == []


async def test_a_queued_training_is_cancelled_at_once_and_again_without_harm(stub: Any) -> None:
    training = await create(stub, request())
    for _ in range(2):
        answer = await stub.CancelTraining(pb.CancelTrainingRequest(owner="ann", id=training.id), timeout=10)
        assert answer.training.state == pb.Training.STATE_CANCELLED


async def test_trainings_are_listed_newest_first_page_by_page(stub: Any) -> None:
    made = [(await create(stub, request(f"r{index}"))).id for index in range(3)]
    first = await stub.ListTrainings(pb.ListTrainingsRequest(owner="ann", page_size=2), timeout=10)
    rest = await stub.ListTrainings(
        pb.ListTrainingsRequest(owner="ann", page_size=2, page_token=first.next_page_token), timeout=10
    )
    assert [training.id for training in (*first.trainings, *rest.trainings)] == made[::-1]
    assert rest.next_page_token == ""


async def test_trainings_past_the_limit_are_refused_with_a_delay(stub: Any, place: Place) -> None:
    for index in range(4):
        await create(stub, request(f"r{index}"))
    stored = place.files()
    with pytest.raises(Overloaded) as caught, our_errors("style"):
        await create(stub, request("one too many"))
    assert caught.value.retry_after_seconds > 0
    assert place.files() == stored


async def test_an_accepted_request_is_answered_again_even_while_the_queue_is_full(stub: Any, place: Place) -> None:
    made = [await create(stub, request(f"r{index}")) for index in range(4)]
    assert (await create(stub, request("r2"))).id == made[2].id


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"pictures": []}, "PICTURE_COUNT"),
        ({"pictures": [pb.StylePicture(picture=picture())] * 31}, "PICTURE_COUNT"),
        ({"pictures": [pb.StylePicture()]}, "PICTURE_REQUIRED"),
        ({"name": " "}, "NAME"),
        ({"owner": "../bob"}, "OWNER"),
        ({"methods": [99]}, "METHODS"),
        ({"methods": [1, 1]}, "METHODS"),
        ({"preset": 99}, "PRESET"),
        ({"dreamstyler_from_all": True, "pictures": [pb.StylePicture(picture=picture())]}, "CAPTIONS"),
        ({"request_id": ""}, "REQUEST_ID"),
        (
            {
                "pictures": [
                    pb.StylePicture(picture=picture()),
                    pb.StylePicture(
                        picture=image_pb2.Picture(inline=image_pb2.Image(content=b"x", media_type="image/png"))
                    ),
                ]
            },
            "NOT_A_PICTURE",
        ),
    ],
)
async def test_a_wrong_request_is_refused_with_a_reason_and_leaves_nothing(
    stub: Any, place: Place, fields: dict[str, Any], reason: str
) -> None:
    given = {"request_id": "r1", "owner": "ann", **fields}
    with pytest.raises(InvalidInput) as caught, our_errors("style"):
        await create(stub, request(**given))
    assert caught.value.reason == reason
    assert place.files() == set()


async def test_looking_only_answers_with_every_finding_and_records_nothing(stub: Any, place: Place) -> None:
    tiny = pb.StylePicture(picture=picture(size=(40, 4)))
    asked = request(pictures=[tiny, pb.StylePicture(picture=picture())], validate_only=True, refuse_warnings=True)
    answer = await stub.CreateTraining(asked, timeout=10)
    found = {(one.code, one.is_error) for one in answer.training.findings}
    assert ("PICTURE_TOO_SMALL", True) in found
    assert ("TOO_FEW", False) in found
    assert answer.training.id == ""
    assert answer.training.steps_total > 0
    assert place.files() == set()
    listed = await stub.ListTrainings(pb.ListTrainingsRequest(owner="ann"), timeout=10)
    assert list(listed.trainings) == []


async def test_a_training_that_is_told_to_stop_at_warnings_does(stub: Any, place: Place) -> None:
    with pytest.raises(NotReady, match="are few") as caught, our_errors("style"):
        await create(stub, request(refuse_warnings=True))
    assert caught.value.reason == "WARNINGS"
    assert place.files() == set()
    training = await create(stub, request())
    assert {finding.code for finding in training.findings} >= {"TOO_FEW"}


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
async def test_while_its_database_is_down_callers_are_told_so_and_nothing_is_lost(
    stub: Any, place: Place, postgres: Postgres
) -> None:
    training = await create(stub, request())
    stored = place.files()
    again = pb.GetTrainingRequest(owner="ann", id=training.id)
    postgres.stop("immediate")
    try:
        calls = [
            stub.GetTraining(again, timeout=30),
            stub.CancelTraining(pb.CancelTrainingRequest(owner="ann", id=training.id), timeout=30),
            stub.ListTrainings(pb.ListTrainingsRequest(owner="ann"), timeout=30),
            stub.CreateTraining(request(), timeout=30),
        ]
        for call in calls:
            with pytest.raises(Unavailable) as told, our_errors("style"):
                await call
            assert told.value.reason == "DATABASE_DOWN"
    finally:
        postgres.start()
    assert (await stub.GetTraining(again, timeout=30)).training == training
    assert place.files() == stored
