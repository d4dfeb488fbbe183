"""Learning an unseen hand: how much nearer drawings come to it, and whether they still show what was asked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.webtoon_tiny.classifier_network import Judge
from models.webtoon_tiny.evaluation.product import Learned, Product
from models.webtoon_tiny.evaluation.prompts import Asked, ask_plainly, place_share
from models.webtoon_tiny.evaluation.statistics import gram, style_distance
from models.webtoon_tiny.pictures.styles import HANDS, Style, sample_style
from services.style_train.records import Method

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """An unseen hand: pictures to learn from, scenes to draw in it, their true drawings, and the plain drawings."""

    name: str
    lessons: list[tuple[Pixels, str]]
    asked: list[Asked]
    true: list[Pixels]
    plain: list[Pixels]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One method on one hand."""

    hand: str
    style: Learned
    drop: float  # 1 - distance / distance of the plain drawings
    place: float
    pictures: list[Pixels]


def prepare_hands(product: Product, names: Sequence[str], *, seed: int, pictures: int) -> list[Hand]:
    """Eight pictures to learn from and `pictures` scenes to draw for each hand, from seeds that depend on `seed`."""
    hands = []
    for name in names:
        rng = np.random.default_rng([seed, 3, list(HANDS).index(name)])
        style = HANDS[name](rng)
        lessons = [ask_plainly(rng) for _ in range(8)]
        asked = [ask_plainly(rng) for _ in range(pictures)]
        specs = [product.spec(one.words, seed + index) for index, one in enumerate(asked)]
        hands.append(
            Hand(
                name=name,
                lessons=[(one.render(seed + 500 + index, style), one.words) for index, one in enumerate(lessons)],
                asked=asked,
                true=[one.render(seed + index, style) for index, one in enumerate(asked)],
                plain=product.draw(specs),
            )
        )
    return hands


def learn_hand(product: Product, judge: Judge, hand: Hand, method: Method, *, seed: int) -> Outcome:
    """Learns the hand (DreamStyler from its first picture) and draws the asked scenes with the plain ones' seeds."""
    lessons = hand.lessons if method is Method.LORA else hand.lessons[:1]
    style = product.learn(method, lessons, seed=seed)
    specs = [product.styled(product.spec(one.words, seed + i), style) for i, one in enumerate(hand.asked)]
    pictures = product.draw(specs)
    true = gram(judge, hand.true)
    before, after = (style_distance(gram(judge, some), true) for some in (hand.plain, pictures))
    place = place_share(hand.asked, judge.read(pictures).place)
    return Outcome(hand=hand.name, style=style, drop=1 - after / before, place=place, pictures=pictures)


def nearest_seen(judge: Judge, hand: Hand, *, seed: int, styles: int) -> dict[str, float]:
    """How near base styles come to the hand on the same scenes: the bound of what words alone could reach.

    `nearest` is the best drop over `styles` sampled base styles, `typical` their mean distance, `floor` that of other
    pictures of the hand itself, all against the same true drawings as `before`, the distance of the plain drawings.
    """
    rng = np.random.default_rng([seed, 4])
    true = gram(judge, hand.true)

    def distance(style: Style, asked: Sequence[Asked]) -> float:
        return style_distance(gram(judge, [one.render(seed + i, style) for i, one in enumerate(asked)]), true)

    seen = [distance(sample_style(rng), hand.asked[:12]) for _ in range(styles)]
    before = style_distance(gram(judge, hand.plain), true)
    own = distance(HANDS[hand.name](rng), [ask_plainly(rng) for _ in hand.asked])
    return {
        "before": round(before, 4),
        "nearest": round(min(seen), 4),
        "typical": round(float(np.mean(seen)), 4),
        "floor": round(own, 4),
        "nearest_seen_drop": round(1 - min(seen) / before, 4),
        "place_on_true": place_share(hand.asked, judge.read(hand.true).place),
    }
