"""The door of a service: so many and no more, whoever leaves makes room, and the wait it names was measured."""

from collections.abc import Callable
from typing import Any

import pytest

from services.common.admission import Places
from services.common.errors import Overloaded


class Call:
    """A call that ends when the test says so."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[Any], None]] = []

    def add_done_callback(self, callback: Callable[[Any], None], /) -> None:
        self._callbacks.append(callback)

    def end(self) -> None:
        for callback in self._callbacks:
            callback(self)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def refusal(places: Places) -> Overloaded:
    with pytest.raises(Overloaded) as caught:
        places.take(Call())
    return caught.value


def test_no_more_come_in_than_there_are_places() -> None:
    places = Places(2)
    places.take(Call())
    places.take(Call())
    assert refusal(places).reason == "QUEUE_FULL"
    assert places.taken == 2


def test_whoever_leaves_makes_room() -> None:
    places, first = Places(1), Call()
    places.take(first)
    first.end()
    assert places.taken == 0
    places.take(Call())


def test_a_refused_call_that_ends_frees_nobodys_place() -> None:
    places, refused = Places(1), Call()
    places.take(Call())
    with pytest.raises(Overloaded):
        places.take(refused)
    refused.end()
    assert places.taken == 1


def test_the_retry_delay_follows_how_long_calls_stay() -> None:
    clock = Clock()
    places = Places(4, clock=clock)
    for _ in range(40):
        call = Call()
        places.take(call)
        clock.now += 20
        call.end()
    for _ in range(4):
        places.take(Call())
    assert refusal(places).retry_after_seconds == pytest.approx(20 / 4, rel=0.01)


def test_the_retry_delay_is_never_nothing_and_never_for_ever() -> None:
    clock = Clock()
    places, call = Places(1, clock=clock), Call()
    places.take(call)
    assert refusal(places).retry_after_seconds == 0.5
    clock.now += 10_000
    call.end()
    places.take(Call())
    assert refusal(places).retry_after_seconds == 30
