"""Continuous drawing styles: what training may see, and the hands kept out of it."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """One way of drawing.

    Lengths are fractions of the picture's height, amounts run from 0 (absent) to 1, colours are sRGB in 0..1.
    """

    outline: bool = True
    line_weight: float = 0.010
    line_wobble: float = 0.0
    line_rgb: Rgb = (0.08, 0.07, 0.10)
    shades: int = 2
    saturation: float = 1.0
    warmth: float = 0.0
    lightness: float = 0.0
    tint: float = 0.0
    tint_rgb: Rgb = (0.5, 0.5, 0.5)
    hatching: float = 0.0
    paper: float = 0.0
    wash: float = 0.0
    edge_darkening: float = 0.0
    screentone: float = 0.0
    darkness: float = 0.0
    glow: float = 0.0


def sample_style(rng: np.random.Generator) -> Style:
    """A style for base training; by construction outside every withheld region."""
    ink = rng.random() < 0.9
    shade_of_ink = rng.uniform(0.0, 0.22)
    ink_rgb = (
        shade_of_ink + rng.uniform(0, 0.14),
        shade_of_ink + rng.uniform(0, 0.06),
        shade_of_ink + rng.uniform(0, 0.14),
    )
    return Style(
        outline=ink,
        line_weight=float(rng.uniform(0.005, 0.018)),
        line_wobble=float(rng.choice([0.0, rng.uniform(0.2, 0.8)])),
        line_rgb=ink_rgb,
        shades=int(rng.choice([1, 2, 2, 3])),
        saturation=float(rng.uniform(0.6, 1.35)),
        warmth=float(rng.uniform(-0.6, 0.6)),
        lightness=float(rng.uniform(-0.10, 0.16)),
        hatching=float(rng.choice([0.0, 0.0, 0.0, rng.uniform(0.15, 0.35)])),
        paper=float(rng.choice([0.0, 0.0, rng.uniform(0.1, 0.4)])),
        wash=float(rng.choice([0.0, 0.0, 0.0, rng.uniform(0.1, 0.3)])),
        edge_darkening=float(rng.choice([0.0, 0.0, 0.0, rng.uniform(0.1, 0.3)])),
        screentone=float(rng.choice([0.0] * 9 + [rng.uniform(0.08, 0.16)])),
    )


def hatched_ink(rng: np.random.Generator) -> Style:
    """Brown-black pen on cream paper: shade is crossed lines, colour almost absent."""
    return Style(
        line_weight=float(rng.uniform(0.008, 0.011)),
        line_wobble=0.5,
        line_rgb=(0.16, 0.10, 0.07),
        shades=3,
        saturation=0.16,
        lightness=0.30,
        tint=0.32,
        tint_rgb=(0.96, 0.90, 0.76),
        hatching=1.0,
        paper=0.35,
    )


def watercolour_wash(rng: np.random.Generator) -> Style:
    """No ink: pale pigment that pools at the edges of every wash, on rough paper."""
    return Style(
        outline=False,
        shades=2,
        saturation=1.15,
        warmth=float(rng.uniform(0.0, 0.3)),
        lightness=0.26,
        paper=0.8,
        wash=1.0,
        edge_darkening=1.0,
    )


def neon_night(rng: np.random.Generator) -> Style:
    """Glowing pink lines over violet darkness."""
    return Style(
        line_weight=float(rng.uniform(0.010, 0.014)),
        line_rgb=(1.0, 0.25, 0.75),
        shades=2,
        saturation=1.8,
        tint=0.35,
        tint_rgb=(0.22, 0.05, 0.55),
        darkness=0.45,
        glow=1.0,
    )


def screentone_manga(rng: np.random.Generator) -> Style:
    """Black and white only; every grey is a screen of dots."""
    return Style(
        line_weight=float(rng.uniform(0.011, 0.015)),
        line_rgb=(0.0, 0.0, 0.0),
        shades=2,
        saturation=0.0,
        lightness=0.12,
        screentone=1.0,
    )


HANDS: Mapping[str, Callable[[np.random.Generator], Style]] = {
    "hatched-ink": hatched_ink,
    "watercolour-wash": watercolour_wash,
    "neon-night": neon_night,
    "screentone-manga": screentone_manga,
}


def withheld(style: Style) -> str | None:
    """Name of the hand whose region of the style space holds this style, None where base training may go."""
    if style.hatching > 0.5:
        return "hatched-ink"
    if style.wash > 0.5 or style.edge_darkening > 0.5:
        return "watercolour-wash"
    if style.darkness > 0.25 or style.glow > 0.1:
        return "neon-night"
    if style.screentone > 0.4 or style.saturation < 0.3:
        return "screentone-manga"
    return None


def describe(style: Style) -> str:
    """Two or three words about the drawing for a caption, such as `thick ink lines, muted colours`."""
    words = []
    if not style.outline:
        words.append("no outlines")
    elif style.line_weight > 0.013:
        words.append("thick ink lines")
    elif style.line_weight < 0.0085:
        words.append("fine lines")
    if style.line_wobble > 0.35 and style.outline:
        words.append("wobbly lines")
    words += [word for word, present in _colour_words(style) if present]
    words += [word for word, present in _surface_words(style) if present]
    return ", ".join(words) if words else "clean lines, flat colours"


def _colour_words(style: Style) -> list[tuple[str, bool]]:
    return [
        ("muted colours", style.saturation < 0.8),
        ("vivid colours", style.saturation > 1.15),
        ("warm palette", style.warmth > 0.3),
        ("cool palette", style.warmth < -0.3),
        ("bright", style.lightness > 0.1),
        ("flat colours", style.shades == 1),
        ("deep shading", style.shades == 3),
    ]


def _surface_words(style: Style) -> list[tuple[str, bool]]:
    return [
        ("hatching", style.hatching > 0.1),
        ("grainy paper", style.paper > 0.2),
        ("soft wash", style.wash > 0.1),
        ("dark edges", style.edge_darkening > 0.1),
        ("screentone", style.screentone > 0.05),
        ("neon glow", style.glow > 0.1),
    ]


def grade(rgb: Rgb, style: Style) -> Rgb:
    """A pigment as this style mixes it: saturation, warmth, lightness, tint and darkness, in that order."""
    grey = 0.30 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2]
    lean = (0.09 * style.warmth, 0.015 * style.warmth, -0.09 * style.warmth)
    mixed = []
    for channel, shift, tint in zip(rgb, lean, style.tint_rgb, strict=True):
        value = grey + (channel - grey) * style.saturation + shift
        value += (1.0 - value) * style.lightness if style.lightness > 0 else value * style.lightness
        value += (tint - value) * style.tint
        mixed.append(min(1.0, max(0.0, value * (1.0 - style.darkness))))
    if style.saturation == 0.0:
        mixed = [sum(mixed) / 3] * 3
    return (mixed[0], mixed[1], mixed[2])


def blend(first: Style, second: Style, amount: float) -> Style:
    """The style `amount` (0..1) of the way from one to the other; switches flip at the middle."""
    values: dict[str, object] = {}
    for field in dataclasses.fields(Style):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if isinstance(a, bool):
            values[field.name] = b if amount >= 0.5 else a
        elif isinstance(a, int):
            values[field.name] = round(a + (b - a) * amount)
        elif isinstance(a, tuple):
            values[field.name] = tuple(x + (y - x) * amount for x, y in zip(a, b, strict=True))
        else:
            values[field.name] = a + (b - a) * amount
    return dataclasses.replace(first, **values)  # type: ignore[arg-type]
