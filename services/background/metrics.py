"""What background generation counts and measures, beside what every service does."""

from services.common.telemetry.metrics import SECONDS_OF_COMPUTING, counter, gauge, histogram

_US = "background"

STEP_SECONDS = histogram(
    "oma_background_step_seconds",
    "Denoising steps (calls of the UNet), by their seconds; one step serves several drawings.",
    {},
    told_by=_US,
    buckets=SECONDS_OF_COMPUTING,
)
STEP_ROWS = histogram(
    "oma_background_step_rows",
    "Denoising steps, by the rows of their batch; a result with guidance takes two.",
    {},
    told_by=_US,
    buckets=(1, 2, 4, 6, 8, 12, 16, 24, 32),
)
PICTURES = counter("oma_background_pictures_total", "Results that were drawn and stored.", {}, told_by=_US)
ENLARGE_SECONDS = histogram(
    "oma_background_enlarge_seconds",
    "Results that were enlarged, by the seconds it took.",
    {"factor": "`2` or `4`"},
    told_by=_US,
    buckets=SECONDS_OF_COMPUTING,
)
STYLE_LOOKUPS = counter(
    "oma_style_cache_lookups_total",
    "Styles that a drawing asked for.",
    {"method": "`lora` or `dreamstyler`", "outcome": "`hit`, or `miss`: read from the artifact store"},
    told_by=_US,
)
STYLE_EVICTIONS = counter(
    "oma_style_cache_evictions_total", "Styles that left memory to make room for others.", {}, told_by=_US
)
STYLE_BYTES = gauge("oma_style_cache_bytes", "Memory that loaded styles take.", {}, told_by=_US)
STYLES = gauge("oma_style_cache_styles", "Styles that are loaded.", {}, told_by=_US)


def count_step(seconds: float, rows: int) -> None:
    """One call of the UNet for so many rows."""
    STEP_SECONDS.observe(seconds)
    STEP_ROWS.observe(rows)
