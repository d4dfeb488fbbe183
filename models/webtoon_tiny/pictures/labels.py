"""What a scene shows, as numbers that a classifier can learn."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.webtoon_tiny.pictures.scenes import PLACES, TIMES, WEATHERS, Scene, draw_scene, sample_scene
from models.webtoon_tiny.pictures.styles import Style, sample_style

PLACE_NAMES = tuple(PLACES)
OBJECTS = (*sorted({kind for place in PLACES.values() for kind, _, _ in place.things}), "sun", "moon")
# What a place draws of itself, whether or not a scene asks for more of it.
ALWAYS: Mapping[str, frozenset[str]] = {
    "park": frozenset({"tree"}),
    "forest": frozenset({"tree"}),
    "mountains": frozenset({"pine"}),
    "bridge": frozenset({"bush"}),
    "village": frozenset({"house"}),
    "school": frozenset({"clock"}),
    "classroom": frozenset({"desk"}),
    "cafe": frozenset({"table", "chair"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Indices into PLACE_NAMES, TIMES and WEATHERS, and which of OBJECTS are drawn (len(OBJECTS),)."""

    place: int
    time: int
    weather: int
    objects: NDArray[np.bool_]


def named_objects(scene: Scene) -> frozenset[str]:
    """The kinds that a caption of the scene may name."""
    things = {thing.kind for thing in scene.things}
    if scene.sky is not None:
        things.add("moon" if scene.time == "night" else "sun")
    return frozenset(things)


def label(scene: Scene) -> Labels:
    """The labels of a scene; things hidden behind others count as drawn."""
    present = named_objects(scene) | ALWAYS.get(scene.place, frozenset())
    # Windows of rooms show the moon at night.
    if PLACES[scene.place].indoors and scene.time == "night" and scene.weather != "fog":
        present |= {"moon"}
    return Labels(
        place=PLACE_NAMES.index(scene.place),
        time=TIMES.index(scene.time),
        weather=WEATHERS.index(scene.weather),
        objects=np.array([kind in present for kind in OBJECTS]),
    )


def draw_labelled(
    rng: np.random.Generator, width: int, height: int, *, style: Style | None = None
) -> tuple[NDArray[np.uint8], Labels]:
    """One random scene (height, width, 3) with its labels, in a random base style unless one is given."""
    scene = sample_scene(rng)
    drawn_in = sample_style(rng) if style is None else style
    return draw_scene(scene, drawn_in, width, height, rng), label(scene)
