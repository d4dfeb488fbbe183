"""Who draws when: fairness, sharing, leaving and refusing, with a painter that only counts."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from services.background.engine.painter import Canvas
from services.background.engine.records import Done, DrawingSpec, Drawn, Event, Failed, Stepped, Waiting
from services.background.engine.turns import Turns
from services.common.errors import InvalidInput, Overloaded
from services.common.pictures import Pixels

NOTHING = torch.zeros(1)
SMALL = DrawingSpec(prompt="small", width=16, height=16, steps=3)
WIDE = replace(SMALL, prompt="wide", width=32)


class CountingPainter:
    """Draws nothing; remembers which prompts shared each step."""

    def __init__(self) -> None:
        self.steps: list[list[str]] = []

    def begin(self, spec: DrawingSpec) -> list[Canvas]:
        if spec.prompt == "too long":
            raise InvalidInput("too long", reason="PROMPT_TOO_LONG")
        times = [] if spec.strength == 0 else list(range(spec.steps))
        return [
            Canvas(
                spec=spec,
                index=index,
                negative_1LC=NOTHING,
                prompt_TLC=NOTHING,
                scheduler=SimpleNamespace(),
                timesteps=times,
                latents_1CHW=NOTHING,
                clean_1CHW=NOTHING,
            )
            for index in range(spec.count)
        ]

    def step(self, canvases: Sequence[Canvas]) -> None:
        self.steps.append([canvas.spec.prompt for canvas in canvases])
        if any(canvas.spec.prompt == "breaks" for canvas in canvases):
            raise ZeroDivisionError
        for canvas in canvases:
            canvas.steps_done += 1

    def finish(self, canvas: Canvas) -> Pixels:
        return np.zeros((1, 1, 3), np.uint8)

    def preview(self, canvas: Canvas) -> Pixels:
        return np.zeros((1, 1, 3), np.uint8)


class Desk:
    """Turns with a counting painter, and all that was told."""

    def __init__(self, *, max_rows: int = 8, max_pending: int = 16) -> None:
        self.painter = CountingPainter()
        self.turns = Turns(self.painter, max_rows=max_rows, max_pending=max_pending)
        self.told: dict[str, list[Event]] = {}

    def submit(self, spec: DrawingSpec, name: str = "", owner: str = "ann") -> Any:
        told = self.told.setdefault(name or spec.prompt, [])
        return self.turns.submit(spec, owner=owner, listener=told.append)

    def run(self, turns: int = 100) -> None:
        for _ in range(turns):
            self.turns.take_turn()


def test_a_drawing_is_told_from_waiting_to_done() -> None:
    desk = Desk()
    desk.submit(replace(SMALL, count=2))
    desk.run()
    kinds = [type(event) for event in desk.told["small"]]
    assert kinds == [Waiting, Stepped, Stepped, Stepped, Drawn, Drawn, Done]
    assert [event.step for event in desk.told["small"] if isinstance(event, Stepped)] == [2, 4, 6]


def test_drawings_of_one_size_share_a_step_and_others_do_not() -> None:
    desk = Desk()
    for name in ("a", "b"):
        desk.submit(replace(SMALL, prompt=name))
    desk.submit(WIDE)
    desk.run()
    assert desk.painter.steps == [["a", "b"], ["wide"]] * 3


def test_a_drawing_joins_between_steps_of_another() -> None:
    desk = Desk()
    desk.submit(replace(SMALL, prompt="a"))
    desk.run(1)
    desk.submit(replace(SMALL, prompt="b"))
    desk.run()
    assert desk.painter.steps == [["a"], ["a", "b"], ["a", "b"], ["b"]]


def test_every_drawing_gives_one_result_before_any_gives_a_second() -> None:
    desk = Desk(max_rows=4)
    desk.submit(replace(SMALL, prompt="many", count=8))
    desk.submit(replace(SMALL, prompt="one"))
    desk.run(1)
    assert desk.painter.steps == [["many", "one"]]


def test_a_step_never_takes_more_rows_than_allowed_unless_it_is_one_result() -> None:
    desk = Desk(max_rows=5)
    desk.submit(replace(SMALL, count=4))
    desk.run(1)
    assert desk.painter.steps == [["small", "small"]]
    narrow = Desk(max_rows=1)
    narrow.submit(SMALL)
    narrow.run(1)
    assert narrow.painter.steps == [["small"]]


def test_nobody_starves_beside_drawings_of_another_size() -> None:
    desk = Desk()
    for name in ("a", "b", "c"):
        desk.submit(replace(SMALL, prompt=name, steps=100))
    desk.submit(replace(WIDE, steps=100))
    desk.run(20)
    turns_of_wide = [index for index, step in enumerate(desk.painter.steps) if "wide" in step]
    assert max(np.diff(turns_of_wide)) <= 4


def test_owners_take_turns_at_being_taken_up() -> None:
    desk = Desk(max_rows=4)
    for name in ("a1", "a2", "a3"):
        desk.submit(replace(SMALL, prompt=name), owner="ann")
    desk.submit(replace(SMALL, prompt="b1"), owner="bob")
    desk.run(1)
    assert desk.painter.steps == [["a1", "b1"]]


def test_positions_count_who_is_before() -> None:
    desk = Desk(max_rows=2)
    for name in ("a", "b", "c"):
        desk.submit(replace(SMALL, prompt=name))
    desk.run()
    positions = [event.position for event in desk.told["c"] if isinstance(event, Waiting)]
    assert positions == [2, 1, 0]


def test_one_who_leaves_is_gone_before_the_next_step() -> None:
    desk = Desk()
    ticket = desk.submit(replace(SMALL, prompt="a"))
    desk.submit(replace(SMALL, prompt="b"))
    desk.run(1)
    ticket.leave()
    desk.run()
    assert desk.painter.steps[0] == ["a", "b"]
    assert all("a" not in step for step in desk.painter.steps[1:])
    assert isinstance(desk.told["b"][-1], Done)


def test_one_who_leaves_while_waiting_is_never_begun() -> None:
    desk = Desk(max_rows=2)
    desk.submit(replace(SMALL, prompt="a"))
    waiting = desk.submit(replace(SMALL, prompt="b"))
    desk.run(1)
    waiting.leave()
    desk.run()
    assert all("b" not in step for step in desk.painter.steps)


def test_a_full_queue_refuses_and_has_room_after_one_step() -> None:
    desk = Desk(max_pending=2)
    tickets = [desk.submit(replace(SMALL, prompt=name)) for name in ("a", "b")]
    with pytest.raises(Overloaded) as caught:
        desk.submit(SMALL)
    assert caught.value.reason == "QUEUE_FULL"
    tickets[0].leave()
    desk.run(1)
    desk.submit(SMALL)


def test_a_drawing_that_cannot_begin_fails_alone() -> None:
    desk = Desk()
    desk.submit(replace(SMALL, prompt="too long"))
    desk.submit(SMALL)
    desk.run()
    last = desk.told["too long"][-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, InvalidInput)
    assert isinstance(desk.told["small"][-1], Done)


def test_a_step_that_breaks_is_told_to_those_in_it_and_the_turns_go_on() -> None:
    desk = Desk()
    desk.submit(replace(SMALL, prompt="breaks"))
    desk.submit(WIDE)
    desk.run()
    assert isinstance(desk.told["breaks"][-1], Failed)
    assert isinstance(desk.told["wide"][-1], Done)


def test_nothing_to_denoise_is_drawn_at_once() -> None:
    desk = Desk()
    desk.submit(replace(SMALL, strength=0))
    desk.run(1)
    assert [type(event) for event in desk.told["small"]] == [Waiting, Drawn, Done]
    assert desk.painter.steps == []


def test_who_waits_when_the_turns_end_hears_of_it() -> None:
    desk = Desk()
    desk.submit(SMALL)
    desk.turns.close()
    desk.turns.run()
    assert isinstance(desk.told["small"][-1], Failed)
