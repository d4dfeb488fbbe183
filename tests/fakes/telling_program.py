"""A small process that tells of itself as ours do: one span, one line, and its numbers, read once."""

import logging
import sys
import urllib.request

from services.common.logs import configure_logging
from services.common.telemetry.exposition import serving_metrics
from services.common.telemetry.process import telling
from services.common.telemetry.settings import TelemetrySettings
from services.common.telemetry.tracing import span

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def main() -> None:
    endpoint = sys.argv[1]
    configure_logging("telling")
    with telling("telling", TelemetrySettings(traces_endpoint=endpoint)), span("work", parent=PARENT, rows=3):
        logging.getLogger("telling").info("working")
        with serving_metrics("127.0.0.1:0") as port, urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as read:
            sys.stdout.write(read.read().decode())


if __name__ == "__main__":
    main()
