"""A collector of OpenTelemetry's traces, as processes find one on the network: by gRPC, and by HTTP as Triton sends."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as pb_grpc


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One span that arrived."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    text: str  # all of it


class Collector(pb_grpc.TraceServiceServicer):
    """Keeps every span."""

    def __init__(self) -> None:
        self.spans: list[Seen] = []
        self.port = 0
        self._lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def Export(self, request: Any, context: Any) -> pb.ExportTraceServiceResponse:
        for group in request.resource_spans:
            named = {one.key: one.value.string_value for one in group.resource.attributes}
            found = [self._seen(named["service.name"], one) for scope in group.scope_spans for one in scope.spans]
            with self._lock:
                self.spans += found
        return pb.ExportTraceServiceResponse()

    def take_json(self, request: dict[str, Any]) -> None:
        """The same request in OTLP's JSON, whose ids are hexadecimal."""
        for group in request["resourceSpans"]:
            named = {one["key"]: one["value"].get("stringValue") for one in group["resource"]["attributes"]}
            found = [
                Seen(
                    service=named["service.name"],
                    name=one["name"],
                    trace_id=one["traceId"],
                    span_id=one["spanId"],
                    parent_id=one.get("parentSpanId", ""),
                    text=json.dumps(one),
                )
                for scope in group["scopeSpans"]
                for one in scope["spans"]
            ]
            with self._lock:
                self.spans += found

    def services_of(self, name: str) -> set[str]:
        """Which processes took part in the traces that have a span of this name."""
        traces = {one.trace_id for one in self.spans if one.name == name}
        return {one.service for one in self.spans if one.trace_id in traces}

    def children(self, name: str) -> set[tuple[str, str]]:
        """Service and name of each span right below one of this name."""
        above = {(one.trace_id, one.span_id) for one in self.spans if one.name == name}
        return {(one.service, one.name) for one in self.spans if (one.trace_id, one.parent_id) in above}

    def orphans(self) -> list[Seen]:
        """Spans whose parent never arrived."""
        known = {one.span_id for one in self.spans}
        return [one for one in self.spans if one.parent_id and one.parent_id not in known]

    def _seen(self, service: str, one: Any) -> Seen:
        return Seen(
            service=service,
            name=one.name,
            trace_id=one.trace_id.hex(),
            span_id=one.span_id.hex(),
            parent_id=one.parent_span_id.hex(),
            text=str(one),
        )


@contextmanager
def running_collector() -> Iterator[Collector]:
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(2))
    pb_grpc.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    collector.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield collector
    server.stop(None).wait()


@contextmanager
def listening_by_http(collector: Collector) -> Iterator[str]:
    """The address that takes OTLP as JSON over HTTP for the same collector."""

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take_json(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
            """What the base class would print."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
    server.shutdown()
    serving.join()
    server.server_close()
