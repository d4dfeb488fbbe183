"""How thoroughly a style is learned, by preset and number of pictures."""

from dataclasses import dataclass

from services.style_train.engine.recipes import DreamStylerRecipe, LoraRecipe
from services.style_train.records import Method, Preset


@dataclass(frozen=True, slots=True, kw_only=True)
class _LoraPreset:
    views: int  # how often each picture is seen, before the bounds on steps
    fewest: int
    most: int
    batch: int
    rank: int
    rate: float


_LORA = {
    Preset.QUICK: _LoraPreset(views=100, fewest=120, most=240, batch=4, rank=12, rate=1e-3),
    Preset.STANDARD: _LoraPreset(views=200, fewest=400, most=1500, batch=4, rank=12, rate=5e-4),
}
_DREAMSTYLER = {
    Preset.QUICK: DreamStylerRecipe(steps=150, rate=5e-3, seed=0),
    Preset.STANDARD: DreamStylerRecipe(steps=500, rate=2e-3, seed=0, repeats=2),
}


_LOOK_EVERY = 50
_ENOUGH_TO_HOLD_ONE_OUT = 8  # of fewer pictures each is worth more in the training


def lora_recipe(preset: Preset, *, pictures: int, seed: int, strength: float = 1.0) -> LoraRecipe:
    """`strength` is how strongly the style is learned: at 2 twice as long as usual."""
    row = _LORA[preset]
    steps = round(strength * min(row.most, max(row.fewest, row.views * pictures // row.batch)))
    watched = preset is Preset.STANDARD and pictures >= _ENOUGH_TO_HOLD_ONE_OUT
    return LoraRecipe(
        steps=steps,
        batch=row.batch,
        rate=row.rate,
        rank=row.rank,
        alpha=row.rank,
        seed=seed,
        look_every=_LOOK_EVERY if watched else 0,
    )


def dreamstyler_recipe(preset: Preset, *, seed: int, strength: float = 1.0) -> DreamStylerRecipe:
    """As `lora_recipe`."""
    row = _DREAMSTYLER[preset]
    return DreamStylerRecipe(steps=round(strength * row.steps), rate=row.rate, repeats=row.repeats, seed=seed)


def planned_steps(method: Method, preset: Preset, *, pictures: int, strength: float = 1.0) -> int:
    """Steps before a bound on time shortens them."""
    if method is Method.LORA:
        return lora_recipe(preset, pictures=pictures, seed=0, strength=strength).steps
    return dreamstyler_recipe(preset, seed=0, strength=strength).steps
