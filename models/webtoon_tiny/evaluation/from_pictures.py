"""Drawing from pictures: the autoencoder, photographs in a learned hand, and what strength does."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.webtoon_tiny.classifier_network import Judge
from models.webtoon_tiny.evaluation.product import Learned, Product
from models.webtoon_tiny.evaluation.prompts import NATIVE_px, ask
from models.webtoon_tiny.evaluation.statistics import difference, edge_f1, gram, style_distance
from models.webtoon_tiny.evaluation.styles import Hand, Outcome
from models.webtoon_tiny.measure_vae import ROOT, photographs, psnr
from models.webtoon_tiny.pictures.supply import draw_captioned
from services.background.engine.line_control import Lines
from services.background.engine.lines import find_lines
from services.background.engine.recolour import near_hand
from services.background.engine.records import DrawingSpec
from services.common.palettes import mix_palettes

Pixels = NDArray[np.uint8]
STRENGTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def reconstruct(product: Product, pictures_HWC: Sequence[Pixels]) -> list[Pixels]:
    """The pictures through the autoencoder, as the service gives them at strength 0."""
    return product.draw(
        [
            product.spec("", 0, image_HWC=one, strength=0.0, width=one.shape[1], height=one.shape[0])
            for one in pictures_HWC
        ]
    )


def measure_autoencoder(product: Product, *, seed: int, renders: int) -> dict[str, float]:
    """Mean PSNR on fresh renders of the native size, and on the sample photographs at 256 pixels."""
    rng = np.random.default_rng([seed, 5])
    drawn, photos = [draw_captioned(rng, NATIVE_px, NATIVE_px)[0] for _ in range(renders)], photographs(256)
    found = [np.mean([psnr(a, b) for a, b in zip(some, reconstruct(product, some), strict=True)])
             for some in (drawn, photos)]  # fmt: skip
    return {"vae_psnr_renders": float(found[0]), "vae_psnr_photos": float(found[1])}


def photo_crops(count: int, *, seed: int) -> list[Pixels]:
    """Random squares of the sample photographs at the native size."""
    rng = np.random.default_rng([seed, 6])
    images = [Image.open(path).convert("RGB") for path in sorted((ROOT / "samples" / "photos").glob("*.jpg"))]
    crops = []
    for index in range(count):
        image = images[index % len(images)]
        side = float(rng.uniform(0.5, 1.0)) * min(image.size)
        left, top = rng.uniform(0, image.width - side), rng.uniform(0, image.height - side)
        box = (left, top, left + side, top + side)
        crops.append(np.array(image.resize((NATIVE_px, NATIVE_px), Image.Resampling.LANCZOS, box=box)))
    return crops


def draw_photos(
    product: Product, judge: Judge, crops: Sequence[Pixels], learned: Sequence[tuple[Hand, Outcome]], *, seed: int
) -> tuple[dict[str, float], list[Pixels], dict[str, object]]:
    """Every crop in every learned hand at strength 0.5 with line control; the worst hand's edge F1 and style drop."""
    plain = reconstruct(product, crops)
    scores: dict[str, dict[str, float]] = {}
    shown: list[Pixels] = []
    for hand, outcome in learned:
        drawn = product.draw(
            [_following(product, crop, outcome.style, seed + index) for index, crop in enumerate(crops)]
        )
        true = gram(judge, hand.true)
        before, after = (style_distance(gram(judge, some), true) for some in (plain, drawn))
        f1 = float(np.mean([edge_f1(one, crop) for one, crop in zip(drawn, crops, strict=True)]))
        scores[hand.name] = {"edge_f1": round(f1, 4), "style_drop": round(1 - after / before, 4)}
        shown += drawn[:6]
    measures = {
        "photo_edge_f1": min(one["edge_f1"] for one in scores.values()),
        "photo_style_drop": min(one["style_drop"] for one in scores.values()),
    }
    reached = float(np.mean([edge_f1(one, crop) for one, crop in zip(plain, crops, strict=True)]))
    return measures, shown, {"photographs_by_hand": scores, "edge_f1_of_reconstruction": round(reached, 4)}


def _following(product: Product, crop_HWC: Pixels, style: Learned, seed: int) -> DrawingSpec:
    """As the service draws a picture over by default: lines kept, in the style's palette."""
    spec = product.styled(product.spec("a drawing", seed, image_HWC=crop_HWC, strength=0.5), style)
    lines = Lines(lines_HW=find_lines(crop_HWC), weight=1.0) if product.family.has_line_control else None
    palette = mix_palettes([(use.adapter.palette, use.weight) for use in spec.adapters if use.adapter.palette])
    if lines is None or palette is None:
        return spec
    near_HWC = near_hand(crop_HWC, palette, amount=1.0, strength=spec.strength, lines=lines)
    return replace(spec, image_HWC=near_HWC, lines=lines)


def measure_strengths(product: Product, *, seed: int, inputs: int, steps: int) -> tuple[float, list[Pixels]]:
    """Share of inputs, half renders and half photographs, whose distance from the source rises with the strength.

    Strength 0 must give the autoencoder's reconstruction, or none counts.
    """
    rng = np.random.default_rng([seed, 7])
    asked = [ask(rng) for _ in range(inputs)]
    crops = photo_crops(inputs, seed=seed + 1)
    sources = [one.render(seed) if index % 2 else crops[index] for index, one in enumerate(asked)]
    words = [one.words if index % 2 else "a drawing" for index, one in enumerate(asked)]
    by_strength = []
    for strength in STRENGTHS:
        specs = [
            product.spec(said, seed + index, image_HWC=source, strength=strength, steps=steps)
            for index, (said, source) in enumerate(zip(words, sources, strict=True))
        ]
        by_strength.append(product.draw(specs))
    same = all(np.array_equal(a, b) for a, b in zip(by_strength[0], reconstruct(product, sources), strict=True))
    rising = [
        all(near <= far for near, far in pairwise(difference(drawn[index], source) for drawn in by_strength))
        for index, source in enumerate(sources)
    ]
    shown = [drawn[index] for index in range(min(4, inputs)) for drawn in by_strength]
    return (float(np.mean(rising)) if same else 0.0), shown
