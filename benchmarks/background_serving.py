"""How many drawings a second several clients get, and how long each waits: our turns against two plain servers.

Clients draw one picture after another from the shipped family, each in one of some styles. Against ours stand
- a lock: diffusers' pipeline with every style resident, switched by `set_adapters`, one request at a time;
- a static batcher: the same pipeline, which takes waiting requests of one style together and ends them together.
All have the same weights, steps, sizes and seeds, and the pictures of all three are compared first. Every side is
measured several times in turn within one run. Prints a line of JSON for each case, and last the one that was promised
of: throughput at 16 clients with 4 styles, ours over the lock's.

    python benchmarks/background_serving.py [--quick] [--threads 2] [--steps 25]
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from benchmarks import drawing_family
from benchmarks.drawing_family import Loaded, style_file
from benchmarks.reporting import report, spread
from services.background.engine.records import Adapter, AdapterUse, Done, DrawingSpec, Drawn, Event, Failed, Stepped
from services.background.engine.turns import Turns
from services.background.styles import StyleShelf
from services.common.artifacts import FolderStore
from services.common.pictures import Pixels

PROMPT = "a beach at sunset, with two palm trees"
MOST_ROWS = 8  # of one call, for ours and for the static batcher
CASES = [(1, 4), (4, 4), (16, 4), (16, 16), (16, 1)]  # clients and styles; the last is the static batcher's best


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    style: int
    seed: int


@dataclass(slots=True, kw_only=True)
class Answer:
    """Seconds from asking; `preview` is the first look at what is being drawn."""

    picture: Pixels | None = None
    preview: float = 0.0
    done: float = 0.0


class Server(Protocol):
    def draw(self, request: Request, answer: Answer, started: float) -> None: ...


class Ours:
    """The turns on a thread of their own, as in the service."""

    def __init__(self, loaded: Loaded, styles: Sequence[Adapter], steps: int) -> None:
        self._styles = styles
        self._spec = {"prompt": PROMPT, "steps": steps, "guidance": loaded.family.default_guidance, "previews": True}
        self._side = loaded.family.resolution
        self._turns = Turns(loaded.painter, max_rows=MOST_ROWS, max_pending=64)
        threading.Thread(target=self._turns.run, daemon=True).start()

    def draw(self, request: Request, answer: Answer, started: float) -> None:
        done = threading.Event()

        def listen(event: Event) -> None:
            match event:
                case Stepped(preview_HWC=preview) if preview is not None and not answer.preview:
                    answer.preview = time.perf_counter() - started
                case Drawn(image_HWC=picture):
                    answer.picture = picture
                case Done() | Failed():
                    done.set()

        use = AdapterUse(adapter=self._styles[request.style], weight=1.0)
        spec: Any = DrawingSpec(**self._spec, seed=request.seed, width=self._side, height=self._side, adapters=(use,))
        self._turns.submit(spec, owner=f"owner{request.seed % 16}", listener=listen)
        done.wait()


class Pipeline:
    """What both plain servers share: the pipeline with all styles resident."""

    def __init__(self, loaded: Loaded, folder: Path, count: int, steps: int) -> None:
        self._pipeline, self._family, self._steps = loaded.pipeline, loaded.family, steps
        for index in range(count):
            self._pipeline.load_lora_weights(folder, weight_name=f"{index}.safetensors", adapter_name=f"s{index}")
        self._active = -1

    def run(self, requests: Sequence[Request], on_preview: Callable[[], None]) -> list[Pixels]:
        if requests[0].style != self._active:
            self._active = requests[0].style
            self._pipeline.set_adapters([f"s{self._active}"], [1.0])

        def after_step(_pipeline: Any, step: int, _time: Any, values: dict[str, Any]) -> dict[str, Any]:
            if step == 0:
                on_preview()
            return values

        pictures = self._pipeline(
            [PROMPT] * len(requests),
            num_inference_steps=self._steps,
            guidance_scale=self._family.default_guidance,
            width=self._family.resolution,
            height=self._family.resolution,
            generator=[torch.Generator().manual_seed(request.seed) for request in requests],
            output_type="np",
            callback_on_step_end=after_step,
        ).images
        return [(picture * 255).round().astype(np.uint8) for picture in pictures]


class Locked:
    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline, self._lock = pipeline, threading.Lock()

    def draw(self, request: Request, answer: Answer, started: float) -> None:
        def look() -> None:
            answer.preview = time.perf_counter() - started

        with self._lock:
            answer.picture = self._pipeline.run([request], look)[0]


class StaticBatcher:
    """The oldest request is served with all others of its style that wait, up to as many rows as ours takes."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline, self._changed = pipeline, threading.Condition()
        self._waiting: list[tuple[Request, Answer, float, threading.Event]] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def draw(self, request: Request, answer: Answer, started: float) -> None:
        done = threading.Event()
        with self._changed:
            self._waiting.append((request, answer, started, done))
            self._changed.notify()
        done.wait()

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                style = self._waiting[0][0].style
                batch = [one for one in self._waiting if one[0].style == style][: MOST_ROWS // 2]
                self._waiting = [one for one in self._waiting if one not in batch]
            self._run(batch)

    def _run(self, batch: list[tuple[Request, Answer, float, threading.Event]]) -> None:
        def look() -> None:
            for _, answer, started, _ in batch:
                answer.preview = time.perf_counter() - started

        pictures = self._pipeline.run([one[0] for one in batch], look)
        for (_, answer, _, done), picture in zip(batch, pictures, strict=True):
            answer.picture = picture
            done.set()


@dataclass(slots=True)
class Measured:
    """All answers of one server in one case."""

    answers: list[Answer]
    seconds: float
    by_client: list[float]  # mean seconds of each client's drawings

    def add(self, other: "Measured") -> None:
        self.answers += other.answers
        self.seconds += other.seconds
        self.by_client += other.by_client

    @property
    def throughput(self) -> float:
        return len(self.answers) / self.seconds

    def told(self) -> dict[str, object]:
        return {
            "pictures_per_second": round(self.throughput, 3),
            "latency": spread([answer.done for answer in self.answers]),
            "first_preview": spread([answer.preview for answer in self.answers]),
            # 1 when every client waited equally long for its drawings
            "slowest_client_over_mean": round(max(self.by_client) / statistics.mean(self.by_client), 3),
        }


def measure(server: Server, *, clients: int, styles: int, each: int) -> Measured:
    """Clients that come at once and draw one picture after another."""
    answers: list[list[Answer]] = [[] for _ in range(clients)]

    def client(index: int) -> None:
        for turn in range(each):
            answer, started = Answer(), time.perf_counter()
            server.draw(Request(style=index % styles, seed=100 * turn + index), answer, started)
            answer.done = time.perf_counter() - started
            answers[index].append(answer)

    threads = [threading.Thread(target=client, args=(index,)) for index in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    by_client = [statistics.mean(answer.done for answer in own) for own in answers]
    return Measured([answer for own in answers for answer in own], seconds, by_client)


def what_batching_gives(loaded: Loaded, styles: Sequence[Adapter]) -> dict[str, object]:
    """CPU milliseconds of one drawing's step when so many share it, all in one style and each in its own."""
    found: dict[str, object] = {}
    side = loaded.family.resolution
    for name, kind in (("base", None), ("one_style", 1), ("own_styles", len(styles))):
        for drawings in (1, 2, 4, 8):
            canvases = []
            for index in range(drawings):
                uses = () if kind is None else (AdapterUse(adapter=styles[index % kind], weight=1.0),)
                spec = DrawingSpec(prompt=PROMPT, steps=50, seed=index, width=side, height=side, adapters=uses)
                canvases += loaded.painter.begin(spec)
            loaded.painter.step(canvases)
            began = time.process_time()
            for _ in range(3):
                loaded.painter.step(canvases)
            found[f"{name}_{drawings}"] = round(1000 * (time.process_time() - began) / 3 / drawings, 1)
    return found


def check_equal(servers: dict[str, Server]) -> None:
    """All draw the same picture from the same request."""
    pictures = {}
    for name, server in servers.items():
        answer = Answer()
        server.draw(Request(style=0, seed=5), answer, time.perf_counter())
        assert answer.picture is not None, name
        pictures[name] = answer.picture.astype(int)
    worst = max(int(np.abs(picture - pictures["lock"]).max()) for picture in pictures.values())
    assert worst <= 2, f"the servers do not draw the same: {worst}/255 apart"  # noqa: PLR2004 (the promised tolerance)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few steps, one round, and only the promised case")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=25)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    steps, rounds = (4, 1) if options.quick else (options.steps, 2)
    cases = [(16, 4)] if options.quick else CASES
    loaded = drawing_family.load()
    with tempfile.TemporaryDirectory() as name:
        store, folder = FolderStore(Path(name)), Path(name) / "me"
        shelf = StyleShelf(store, loaded.targets, max_bytes=2**30)
        refs = [store.put(f"me/{i}.safetensors", style_file(loaded.targets, i), "x") for i in range(16)]
        styles = [shelf.adapter(ref.key, ref.sha256, owner="me") for ref in refs]
        batching = what_batching_gives(loaded, styles)
        plain = Pipeline(loaded, folder, len(styles), steps)
        servers: dict[str, Server] = {"ours": Ours(loaded, styles, steps), "lock": Locked(plain)}
        servers["static_batcher"] = StaticBatcher(plain)
        check_equal(servers)
        promised = {}
        for clients, kinds in cases:
            totals: dict[str, Measured] = {}
            for _ in range(rounds):
                for title, server in servers.items():
                    one = measure(server, clients=clients, styles=kinds, each=1 if clients > 1 else 3)
                    totals.setdefault(title, Measured([], 0, [])).add(one)
            told: dict[str, object] = {title: measured.told() for title, measured in totals.items()}
            line = {
                "ours": totals["ours"].throughput,
                "peer": totals["lock"].throughput,
                "ratio": totals["ours"].throughput / totals["lock"].throughput,
            }
            told["over_static_batcher"] = round(totals["ours"].throughput / totals["static_batcher"].throughput, 3)
            told |= {"steps": steps, "threads": options.threads, "rounds": rounds}
            if (clients, kinds) == (16, 4):
                promised = {**line, "detail": {**told, "cpu_ms_per_drawing_and_step": batching}}
            report(f"background_serving.{clients}_clients_{kinds}_styles", **line, unit="pictures/s", detail=told)
    report("background_serving", **promised, unit="pictures/s")


if __name__ == "__main__":
    main()
