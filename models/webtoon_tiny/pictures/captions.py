"""English captions of scenes, from many sentence patterns and synonyms."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from models.webtoon_tiny.pictures.scenes import PLACES, Scene
from models.webtoon_tiny.pictures.styles import Style, describe

PLACE_WORDS: Mapping[str, tuple[str, ...]] = {
    "street": (
        "a city street",
        "a street",
        "a road between buildings",
        "a busy street in town",
        "an avenue with shops",
    ),
    "skyline": ("a city skyline", "a skyline", "skyscrapers", "a city with tall buildings", "the towers of a big city"),
    "alley": ("an alley", "a narrow alley", "a back alley", "a lane between houses"),
    "mountains": ("mountains", "a mountain landscape", "snowy peaks", "a mountain range", "hills and mountains"),
    "sea": ("the sea", "the ocean", "open water", "the open sea", "waves on the sea"),
    "beach": ("a beach", "a sandy beach", "the seaside", "the shore", "a beach by the sea"),
    "forest": ("a forest", "the woods", "a path in the forest", "a deep forest", "a forest with tall trees"),
    "village": ("a village", "a small village", "a country village", "houses in the countryside", "cottages on a hill"),
    "park": ("a park", "a city park", "a park with a path", "a green park", "a garden"),
    "bridge": (
        "a bridge over a river",
        "a river with a bridge",
        "a bridge",
        "an arched bridge",
        "a river under a bridge",
    ),
    "classroom": (
        "a classroom",
        "a school classroom",
        "the inside of a classroom",
        "a room with a blackboard and desks",
    ),
    "bedroom": ("a bedroom", "a room with a bed", "a quiet bedroom", "a small bedroom"),
    "cafe": ("a cafe", "a coffee shop", "the inside of a cafe", "a cafe with a counter", "a cozy cafe"),
    "school": ("a school", "a school building", "the front of a school", "a school with a clock", "a school front"),
}
TIME_WORDS: Mapping[str, tuple[str, ...]] = {
    "morning": ("in the morning", "early in the morning", "at dawn", "at sunrise", "in morning light"),
    "day": ("by day", "at noon", "during the day", "in daylight", "in the afternoon"),
    "sunset": ("at sunset", "in the evening", "at dusk", "in the glow of sunset", "at golden hour"),
    "night": ("at night", "by night", "late at night", "on a dark night", "in the night"),
}
WEATHER_WORDS: Mapping[str, tuple[str, ...]] = {
    "clear": ("under a clear sky", "clear weather", "with a clear sky", ""),
    "clouds": ("with clouds", "under a cloudy sky", "with white clouds", "cloudy"),
    "rain": ("in the rain", "on a rainy day", "rain is falling", "rainy"),
    "snow": ("in the snow", "with falling snow", "snowy", "in winter, snowing"),
    "fog": ("in the fog", "foggy", "in thick mist", "misty"),
}
KIND_WORDS: Mapping[str, tuple[str, str]] = {
    "tree": ("tree", "trees"),
    "pine": ("pine tree", "pine trees"),
    "palm": ("palm tree", "palm trees"),
    "bush": ("bush", "bushes"),
    "lamp": ("street lamp", "street lamps"),
    "car": ("car", "cars"),
    "boat": ("sailing boat", "boats"),
    "house": ("house", "houses"),
    "bench": ("bench", "benches"),
    "parasol": ("beach umbrella", "beach umbrellas"),
    "rock": ("rock", "rocks"),
    "sign": ("sign", "signs"),
    "fence": ("fence", "fences"),
    "flowers": ("patch of flowers", "flowers"),
    "balloon": ("hot air balloon", "hot air balloons"),
    "birds": ("flock of birds", "birds"),
    "desk": ("desk", "desks"),
    "table": ("table", "tables"),
    "chair": ("chair", "chairs"),
    "bed": ("bed", "beds"),
    "shelf": ("bookshelf", "bookshelves"),
    "plant": ("plant", "plants"),
    "hanging lamp": ("hanging lamp", "hanging lamps"),
    "floor lamp": ("floor lamp", "floor lamps"),
    "clock": ("clock", "clocks"),
    "picture": ("picture on the wall", "pictures"),
    "rug": ("rug", "rugs"),
}
COUNTS = ("no", "a", "two", "three", "four", "five", "six")
CAMERA_WORDS: Mapping[str, str] = {"low": "seen from below", "eye": "", "high": "seen from above"}
PATTERNS = (
    "{place} {time}, {weather}, {things}, {camera}",
    "{place} {time}, {things}, {weather}",
    "a drawing of {place} {time}, {weather}, {things}",
    "a drawing of {place} {time}, {things}, in the style of {style}",
    "{style}, {place} {time}, {weather}, {things}",
    "a webtoon background of {place} {time}, {weather}, {things}, {camera}",
    "{things}, {place} {time}, {weather}",
    "a painting of {place} {time}, {things}, {weather}, in the style of {style}",
    "a picture of {place}, {time}, {weather}, {style}",
    "{place}, {time}, {things}, {style}",
    "an illustration of {place} {time}, {camera}, {weather}, {style}",
    "{place} {time}",
    "a drawing of {place}",
)


def caption(scene: Scene, style: Style, rng: np.random.Generator) -> str:
    """One sentence about the scene and, in some patterns, its style; parts with nothing to say are left out."""
    pattern = _any(rng, PATTERNS)
    filled = pattern.format(
        place=_any(rng, PLACE_WORDS[scene.place]),
        time=_any(rng, TIME_WORDS[scene.time]),
        weather=_any(rng, WEATHER_WORDS[scene.weather]),
        things=_things(scene, rng),
        camera=CAMERA_WORDS[scene.camera],
        style=describe(style),
    )
    parts = [part.strip() for part in filled.split(",")]
    return ", ".join(part for part in parts if part)


def _things(scene: Scene, rng: np.random.Generator) -> str:
    named = [_counted(kind, count, rng) for kind, count in Counter(thing.kind for thing in scene.things).items()]
    if scene.sky is not None:
        where = "on the left" if scene.sky[0] < 0.36 else "on the right" if scene.sky[0] > 0.64 else ""
        name = "the moon" if scene.time == "night" else "the sun"
        named.append(
            f"{name} {where}".strip()
            if rng.random() < 0.7
            else f"a {'full moon' if scene.time == 'night' else 'round sun'}"
        )
    if not named:
        return "" if rng.random() < 0.7 or not PLACES[scene.place].indoors else "nobody there"
    joined = " and ".join([", ".join(named[:-1]), named[-1]]) if len(named) > 1 else named[0]
    return f"with {joined}"


def _counted(kind: str, count: int, rng: np.random.Generator) -> str:
    one, many = KIND_WORDS[kind]
    if count == 1:
        return many if kind in {"flowers", "birds"} else f"a {one}"
    return many if rng.random() < 0.25 else f"{COUNTS[count]} {many}"


def _any(rng: np.random.Generator, words: Sequence[str]) -> str:
    return words[int(rng.integers(len(words)))]
