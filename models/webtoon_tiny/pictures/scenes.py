"""Scenes: what is in a picture, sampled and drawn. The same scene can be drawn in any style and at any size."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.webtoon_tiny.pictures import scenes_indoor, scenes_nature, scenes_town
from models.webtoon_tiny.pictures.brush import Brush
from models.webtoon_tiny.pictures.canvas import Canvas
from models.webtoon_tiny.pictures.furniture import FURNITURE
from models.webtoon_tiny.pictures.sky import draw_weather
from models.webtoon_tiny.pictures.styles import Style
from models.webtoon_tiny.pictures.things import THINGS

TIMES = ("morning", "day", "sunset", "night")
WEATHERS = ("clear", "clouds", "rain", "snow", "fog")
CAMERAS: Mapping[str, float] = {"low": 0.74, "eye": 0.60, "high": 0.44}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How a place is drawn and what may stand in it: kinds with the range of their heights, where, and how many."""

    draw: Callable[[Brush], None]
    things: tuple[tuple[str, float, float], ...]
    footing: tuple[float, float] = (0.25, 0.9)
    most: int = 4
    indoors: bool = False


# Footing: how far below the horizon a thing stands, as fractions of the ground's depth.
PLACES: Mapping[str, Place] = {
    "street": Place(
        draw=scenes_town.street,
        things=(("car", 0.09, 0.16), ("lamp", 0.4, 0.6), ("tree", 0.3, 0.5), ("sign", 0.25, 0.35)),
        footing=(0.35, 0.85),
    ),
    "skyline": Place(
        draw=scenes_town.skyline,
        things=(("tree", 0.16, 0.24), ("lamp", 0.3, 0.4), ("birds", 0.06, 0.09), ("balloon", 0.12, 0.2)),
        footing=(0.5, 0.95),
    ),
    "alley": Place(
        draw=scenes_town.alley,
        things=(("lamp", 0.4, 0.55), ("sign", 0.25, 0.35), ("bush", 0.08, 0.12), ("flowers", 0.06, 0.09)),
        footing=(0.45, 0.9),
        most=3,
    ),
    "mountains": Place(
        draw=scenes_nature.mountains,
        things=(("pine", 0.2, 0.4), ("rock", 0.06, 0.12), ("house", 0.16, 0.24), ("birds", 0.06, 0.09)),
        footing=(0.45, 0.95),
        most=6,
    ),
    "sea": Place(
        draw=scenes_nature.sea,
        things=(("boat", 0.16, 0.36), ("birds", 0.06, 0.10), ("rock", 0.06, 0.12), ("balloon", 0.12, 0.2)),
        footing=(0.12, 0.7),
    ),
    "beach": Place(
        draw=scenes_nature.beach,
        things=(("parasol", 0.24, 0.38), ("palm", 0.4, 0.6), ("rock", 0.06, 0.10), ("boat", 0.12, 0.2)),
        footing=(0.65, 0.95),
    ),
    "forest": Place(
        draw=scenes_nature.forest,
        things=(("bush", 0.08, 0.14), ("rock", 0.06, 0.12), ("flowers", 0.06, 0.09), ("pine", 0.2, 0.34)),
        footing=(0.4, 0.95),
    ),
    "village": Place(
        draw=scenes_nature.village,
        things=(("house", 0.24, 0.38), ("tree", 0.22, 0.36), ("fence", 0.08, 0.11), ("flowers", 0.06, 0.09)),
        footing=(0.35, 0.95),
        most=5,
    ),
    "park": Place(
        draw=scenes_nature.park,
        things=(
            ("bench", 0.10, 0.15),
            ("tree", 0.34, 0.55),
            ("lamp", 0.36, 0.5),
            ("flowers", 0.06, 0.10),
            ("bush", 0.08, 0.13),
        ),
        footing=(0.3, 0.9),
        most=5,
    ),
    "bridge": Place(
        draw=scenes_nature.bridge,
        things=(("boat", 0.14, 0.24), ("balloon", 0.12, 0.18), ("birds", 0.06, 0.09)),
        footing=(0.55, 0.92),
        most=3,
    ),
    "classroom": Place(
        draw=scenes_indoor.classroom,
        things=(("desk", 0.16, 0.26), ("clock", 0.10, 0.13), ("plant", 0.16, 0.24), ("chair", 0.2, 0.3)),
        footing=(0.3, 0.95),
        most=6,
        indoors=True,
    ),
    "bedroom": Place(
        draw=scenes_indoor.bedroom,
        things=(("floor lamp", 0.34, 0.44), ("shelf", 0.26, 0.36), ("plant", 0.18, 0.28), ("rug", 0.18, 0.26)),
        footing=(0.2, 0.8),
        most=4,
        indoors=True,
    ),
    "cafe": Place(
        draw=scenes_indoor.cafe,
        things=(("table", 0.2, 0.3), ("hanging lamp", 0.14, 0.2), ("chair", 0.22, 0.3), ("plant", 0.2, 0.28)),
        footing=(0.35, 0.95),
        most=5,
        indoors=True,
    ),
    "school": Place(
        draw=scenes_town.school,
        things=(("tree", 0.28, 0.42), ("fence", 0.08, 0.11), ("lamp", 0.34, 0.45), ("bush", 0.07, 0.11)),
        footing=(0.4, 0.95),
    ),
}
AIRBORNE = ("birds", "balloon")
ON_THE_WALL = ("clock",)
DRAWINGS = {**THINGS, **FURNITURE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One object: where it touches the ground (x as a fraction of the width, y of the height), and its height."""

    kind: str
    x: float
    y: float
    size: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that a picture shows; `sky` is the place of sun or moon (x, y as fractions), None without either."""

    place: str
    time: str
    weather: str
    camera: str
    things: tuple[Thing, ...]
    sky: tuple[float, float] | None
    layout_seed: int

    @property
    def horizon(self) -> float:
        """Height of the horizon, as a fraction of the picture from the top."""
        return CAMERAS[self.camera]


def sample_scene(rng: np.random.Generator, *, place: str | None = None, time: str | None = None) -> Scene:
    """A random scene; `place` and `time` may be given."""
    place = str(rng.choice(list(PLACES))) if place is None else place
    time = str(rng.choice(TIMES)) if time is None else time
    weather = str(rng.choice(WEATHERS, p=[0.36, 0.28, 0.12, 0.12, 0.12]))
    camera = str(rng.choice(list(CAMERAS), p=[0.25, 0.5, 0.25]))
    shows_sky = (
        weather in {"clear", "clouds"} and not PLACES[place].indoors and place != "forest" and rng.random() < 0.65
    )
    sky = (float(rng.uniform(0.12, 0.88)), float(rng.uniform(0.10, 0.26))) if shows_sky else None
    things = _sample_things(rng, PLACES[place], CAMERAS[camera])
    return Scene(
        place=place,
        time=time,
        weather=weather,
        camera=camera,
        things=things,
        sky=sky,
        layout_seed=int(rng.integers(1 << 31)),
    )


def _sample_things(rng: np.random.Generator, place: Place, horizon: float) -> tuple[Thing, ...]:
    kinds = rng.permutation(len(place.things))[: int(rng.choice([0, 1, 1, 2, 2, 3]))]
    things: list[Thing] = []
    for index in kinds:
        kind, small, large = place.things[int(index)]
        single = kind in {"clock", "balloon", "birds", "rug", "flowers"}
        count = 1 if single else int(rng.integers(1, 4))
        for _ in range(min(count, place.most - len(things))):
            things.append(_place_thing(rng, kind, (small, large), place, horizon, things))
    return tuple(sorted(things, key=lambda thing: thing.y))


def _place_thing(
    rng: np.random.Generator, kind: str, sizes: tuple[float, float], place: Place, horizon: float, others: list[Thing]
) -> Thing:
    depth = rng.uniform(*place.footing)
    size = sizes[0] + (sizes[1] - sizes[0]) * (depth - place.footing[0]) / (place.footing[1] - place.footing[0])
    y = horizon + (1.02 - horizon) * depth
    if kind in AIRBORNE:
        y, size = rng.uniform(0.16, max(0.2, horizon - 0.15)), rng.uniform(*sizes)
    elif kind in ON_THE_WALL:
        y, size = rng.uniform(0.14, 0.24), rng.uniform(*sizes)
    elif kind == "hanging lamp":
        y = rng.uniform(0.24, 0.36)
    # The widest free spot of a few tries, so that things of one kind rarely hide each other.
    tries = rng.uniform(0.08, 0.92, 6)
    room = [min((abs(x - o.x) for o in others), default=1.0) for x in tries]
    return Thing(kind=kind, x=float(tries[int(np.argmax(room))]), y=float(y), size=float(size))


def draw_scene(scene: Scene, style: Style, width: int, height: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The picture (height, width, 3); `rng` moves the pen and the paper, the layout comes from the scene alone."""
    canvas = Canvas(width, height, style, rng)
    draw_on(canvas, scene)
    return canvas.finish()


def draw_on(canvas: Canvas, scene: Scene, *, falling: bool = True) -> None:
    """Draws the scene on a canvas that may show something else of it than its colours; `falling` is rain and snow."""
    brush = Brush(canvas, scene.time, scene.weather, scene.horizon, np.random.default_rng(scene.layout_seed))
    if scene.sky is not None:
        brush.celestial = (scene.sky[0], scene.sky[1], scene.time)
        canvas.light = (-1.0 if scene.sky[0] < 0.5 else 1.0, -0.7)
    place = PLACES[scene.place]
    brush.indoors = place.indoors
    place.draw(brush)
    for thing in scene.things:
        DRAWINGS[thing.kind](brush, thing.x * brush.aspect, thing.y, thing.size)
    if falling and not place.indoors:
        draw_weather(brush)
