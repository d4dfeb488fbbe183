"""Held-out scenes with their captions, and what of a scene its caption names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.webtoon_tiny.pictures.captions import KIND_WORDS, PLACE_WORDS, TIME_WORDS, caption
from models.webtoon_tiny.pictures.labels import OBJECTS, PLACE_NAMES, label, named_objects
from models.webtoon_tiny.pictures.scenes import PLACES, TIMES, Scene, draw_scene, sample_scene
from models.webtoon_tiny.pictures.styles import Style, sample_style

NATIVE_px = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A scene, the words that ask for it, and which of its time and objects they name."""

    scene: Scene
    style: Style
    words: str
    names_time: bool
    objects: NDArray[np.bool_]  # of OBJECTS

    def render(self, seed: int, style: Style | None = None) -> NDArray[np.uint8]:
        """The true drawing, in its own style or in another."""
        rng = np.random.default_rng(seed)
        return draw_scene(self.scene, self.style if style is None else style, NATIVE_px, NATIVE_px, rng)


def ask(rng: np.random.Generator, fits: Callable[[str], bool] = lambda _words: True) -> Asked:
    """A random scene in a base style and one of its captions: said anew while the family refuses it as too long."""
    scene, style = sample_scene(rng), sample_style(rng)
    words = caption(scene, style, rng)
    while not fits(words):
        words = caption(scene, style, rng)
    return Asked(
        scene=scene,
        style=style,
        words=words,
        names_time=any(time in words for time in TIME_WORDS[scene.time]),
        objects=_named(scene, words),
    )


def ask_plainly(rng: np.random.Generator) -> Asked:
    """A random scene, its place and time in a few words, nothing said of the style: as an artist would type it."""
    place, time = str(rng.choice(list(PLACES))), str(rng.choice(TIMES))
    scene = sample_scene(rng, place=place, time=time)
    words = f"{rng.choice(PLACE_WORDS[place])} {rng.choice(TIME_WORDS[time])}"
    return Asked(
        scene=scene, style=sample_style(rng), words=words, names_time=True, objects=np.zeros(len(OBJECTS), np.bool_)
    )


def place_share(asked: Sequence[Asked], read_places: NDArray[np.int64]) -> float:
    """Share of the pictures whose place was read as asked."""
    return float((read_places == [PLACE_NAMES.index(one.scene.place) for one in asked]).mean())


def time_share(asked: Sequence[Asked], read_times: NDArray[np.int64]) -> float:
    """Share of the pictures whose time of day was read as asked, among those that were asked for one."""
    named = np.array([one.names_time for one in asked])
    right = read_times == [TIMES.index(one.scene.time) for one in asked]
    return float(right[named].mean())


def object_shares(asked: Sequence[Asked], read_objects: NDArray[np.bool_]) -> tuple[float, float]:
    """Share of the named objects that were read, and share of what the scene lacks that was read nevertheless."""
    named = np.stack([one.objects for one in asked])
    absent = ~np.stack([label(one.scene).objects for one in asked])
    return float(read_objects[named].mean()), float(read_objects[absent].mean())


def _named(scene: Scene, words: str) -> NDArray[np.bool_]:
    """The scene's objects if the caption lists them: it lists all or none, beside those of the place's own name."""
    present = named_objects(scene)
    spoken = {**KIND_WORDS, "sun": ("the sun", "round sun"), "moon": ("the moon", "full moon")}
    for place in sorted(PLACE_WORDS[scene.place], key=len, reverse=True):
        words = words.replace(place, "")
    lists_things = any(word in words for kind in present for word in spoken[kind])
    return np.array([lists_things and kind in present for kind in OBJECTS])
