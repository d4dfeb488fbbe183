"""Write docs/metrics.md from the metrics that the code makes; a test compares the page with what this would write."""

import importlib
from pathlib import Path

from services.common.telemetry.metrics import CATALOGUE, Entry

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/metrics.md"
HEAD = """# Metrics

Every process, the workers included, serves Prometheus's text format at `/metrics` on a port of its own, over plain
HTTP. The setting is `TELEMETRY__METRICS_ADDRESS` behind the process's prefix, such as
`OMA_BACKGROUND_TELEMETRY__METRICS_ADDRESS=0.0.0.0:9464`; without it a free port on loopback is taken, which the log
names (`"event": "metrics"`). On a cluster the port is 9464 in every pod, its name `metrics`. Two processes that share
a prefix, as a service and its worker do, need an address each where they share a machine.

No label says whose work it was or what was asked for: their values are names of ours, and their number is bounded.
Written by `python -m scripts.metrics_page`; a test keeps it true.

"""
ROW = "| {} | {} | {} | {} | {} |\n"


def entries() -> list[Entry]:
    for path in sorted((ROOT / "services").rglob("*.py")):
        if path.stem == "metrics" or path.parent.name == "telemetry":
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return sorted(CATALOGUE, key=lambda entry: (not entry.name.startswith("oma_"), entry.name))


def page() -> str:
    rows = [ROW.format("name", "type", "labels", "what it says", "told by"), "|---|---|---|---|---|\n"]
    for one in entries():
        labels = "; ".join(f"`{name}`: {meaning}" for name, meaning in one.labels.items())
        rows.append(ROW.format(f"`{one.name}`", one.kind, labels, one.meaning, one.told_by))
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
