"""What every benchmark prints last: one line of JSON."""

import json
import os
import statistics
from collections.abc import Sequence


def report(name: str, *, ours: float, peer: float, ratio: float, unit: str, detail: dict[str, object]) -> None:
    """`ratio` is how many times better ours is than the peer; the machine's load is added to the detail."""
    told = {**detail, "load": round(os.getloadavg()[0], 1), "cores": os.cpu_count()}
    line = {"name": name, "ours": round(ours, 4), "peer": round(peer, 4), "ratio": round(ratio, 3), "unit": unit}
    print(json.dumps({**line, "detail": told}), flush=True)


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    ordered = sorted(seconds)
    return {
        "p50": round(statistics.median(ordered), 3),
        "p95": round(ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))], 3),
    }
