"""Text-to-image: whether it draws what was asked, and how much its drawings look like renders."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.webtoon_tiny.classifier_network import Judge
from models.webtoon_tiny.evaluation.product import Fast, Product
from models.webtoon_tiny.evaluation.prompts import ask, object_shares, place_share, time_share
from models.webtoon_tiny.evaluation.statistics import feature_distance
from models.webtoon_tiny.pictures.labels import PLACE_NAMES

Measures = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawings:
    """What was measured, the pictures with their words, and which places were read for which."""

    measures: Measures
    details: dict[str, object]
    pictures: list[NDArray[np.uint8]]
    words: list[str]


def measure_text_to_image(product: Product, judge: Judge, *, seed: int, captions: int, distance: int) -> Drawings:
    """`captions` are read for place, time and objects; `distance` pictures (at least as many) are compared in all."""
    rng = np.random.default_rng([seed, 1])
    asked = [ask(rng, product.takes) for _ in range(max(captions, distance))]
    pictures = product.draw([product.spec(one.words, seed + index) for index, one in enumerate(asked)])
    renders = [one.render(seed + index) for index, one in enumerate(asked)]
    others = [ask(rng).render(seed + index) for index in range(len(asked))]
    drawn, true, other = (judge.read(some) for some in (pictures, renders, others))
    # Both against renders of other scenes: against those of the same scenes, drawings would have the easier task.
    own, base = (feature_distance(some.features, other.features) for some in (drawn, true))
    first = asked[:captions]
    objects, invented = object_shares(first, drawn.objects[:captions])
    objects_on_renders, invented_on_renders = object_shares(first, true.objects[:captions])
    measures = {
        "place": place_share(first, drawn.place[:captions]),
        "time_of_day": time_share(first, drawn.time[:captions]),
        "objects": objects,
        "fid_ratio": own / base,
    }
    details: dict[str, object] = {
        "captions": captions,
        "pictures_of_distance": len(asked),
        "distance_of_drawings": round(own, 3),
        "distance_of_renders": round(base, 3),
        "on_true_renders": {
            "place": place_share(first, true.place[:captions]),
            "time_of_day": time_share(first, true.time[:captions]),
            "objects": round(objects_on_renders, 4),
            "objects_read_though_absent": round(invented_on_renders, 4),
        },
        "objects_read_though_absent": round(invented, 4),
        "place_by_place": _by_place([one.scene.place for one in first], drawn.place[:captions]),
    }
    return Drawings(
        measures=measures, details=details, pictures=pictures[:captions], words=[one.words for one in first]
    )


def measure_fast(product: Product, judge: Judge, fast: Fast, *, seed: int, captions: int) -> tuple[Measures, float]:
    """Seconds of one native picture, by default and in the fast setting; and the share of places read in the latter."""
    rng = np.random.default_rng([seed, 2])
    asked = [ask(rng, product.takes) for _ in range(captions)]
    specs = [
        product.spec(one.words, seed + index, steps=fast.steps, scheduler=fast.scheduler)
        for index, one in enumerate(asked)
    ]
    seconds = {
        "seconds_picture": product.seconds_of(product.spec(asked[0].words, seed)),
        "seconds_picture_fast": product.seconds_of(specs[0]),
    }
    return seconds, place_share(asked, judge.read(product.draw(specs)).place)


def _by_place(places: list[str], read: NDArray[np.int64]) -> dict[str, object]:
    found: dict[str, object] = {}
    for place in PLACE_NAMES:
        chosen = [PLACE_NAMES[int(index)] for name, index in zip(places, read, strict=True) if name == place]
        wrong = {other: chosen.count(other) for other in sorted(set(chosen) - {place})}
        found[place] = {"asked": len(chosen), "right": chosen.count(place), "read_as": wrong}
    return found
