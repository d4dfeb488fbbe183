"""Lets Prometheus read the registry, on a port that serves nothing else."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import prometheus_client
from prometheus_client import start_http_server
from prometheus_client.process_collector import ProcessCollector

from services.common.telemetry.metrics import REGISTRY, note

log = logging.getLogger(__name__)

PROCESS = ProcessCollector(registry=REGISTRY)
"""Processor time, memory and files of the process, by Prometheus's own names."""

for _name, _kind, _meaning in (
    ("process_cpu_seconds_total", "counter", "Processor time spent."),
    ("process_resident_memory_bytes", "gauge", "Memory that is resident."),
    ("process_virtual_memory_bytes", "gauge", "Memory that is mapped."),
    ("process_start_time_seconds", "gauge", "When the process began, in seconds since 1970."),
    ("process_open_fds", "gauge", "Files and sockets that are open."),
    ("process_max_fds", "gauge", "Files and sockets that may be open."),
):
    note(_name, _kind, _meaning, {}, told_by="all, on Linux")


@contextmanager
def serving_metrics(address: str) -> Iterator[int | None]:
    """Serve /metrics at host:port until the context ends; gives the port, or None where no address is given."""
    if not address:
        yield None
        return
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # nobody reads them
    host, _, port = address.rpartition(":")
    server, thread = start_http_server(int(port), host.strip("[]"), REGISTRY)
    log.info("metrics", extra={"host": host, "port": server.server_port})
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
