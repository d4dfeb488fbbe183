"""The measures of the figure half, each as its own recipe's page takes it."""

from collections.abc import Callable
from pathlib import Path

from models.webtoon_tiny.alpha_quality import measure_alpha
from models.webtoon_tiny.figure_quality import measure_figures
from models.webtoon_tiny.transfer_quality import measure_transfer
from services.common.errors import ServiceError

KEYS = ("detector_ap50", "pck_body", "pck_hands", "pck_face", "transfer_pck", "transfer_palette", "alpha_iou")


def measure_figure_half(family: Path, *, seed: int, quick: bool) -> tuple[dict[str, float | None], dict[str, str]]:
    """Every key of the figure half, None where the family lacks the network; and the reasons for those."""
    tries: dict[tuple[str, ...], Callable[[], dict[str, float]]] = {
        KEYS[:4]: lambda: measure_figures(family, seed=seed + 8_000, count=24 if quick else 200),
        KEYS[4:6]: lambda: measure_transfer(family, seed=seed + 8_001, count=4 if quick else 40),
        KEYS[6:]: lambda: measure_alpha(family, seed=seed + 8_002, count=24 if quick else 200),
    }
    measures: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    for keys, measure in tries.items():
        try:
            found = measure()
            measures.update({key: found[key] for key in keys})
        except (ServiceError, FileNotFoundError) as error:
            measures.update(dict.fromkeys(keys))
            reasons.update(dict.fromkeys(keys, str(error)))
    return measures, reasons
