"""What it costs to change the style between drawings, and to have a thousand styles in a store.

64 drawings alternate over 8 styles. The peer is diffusers' pipeline that loads the style of each request and unloads it
again; what is measured of both is only the change: for ours to find the style on the shelf and lay it out for a step
(the first time it is read from the store too), for the peer `load_lora_weights` and `unload_lora_weights`. Then 1,000
stored styles are asked for at random with room for 16: memory must stay level and a miss must cost no more at the end.

    python benchmarks/style_switch.py [--quick] [--clock wall|cpu]

`--clock cpu` counts the process's CPU seconds, for a machine on which others work too.
"""

import argparse
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks import drawing_family
from benchmarks.drawing_family import Loaded, style_file
from benchmarks.reporting import report, spread
from services.background.engine.adapters import RowDeltas, plan_of
from services.background.styles import StyleShelf
from services.common.artifacts import ArtifactRef, FolderStore

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
REQUESTS, STYLES = 64, 8
STORED, ROOM = 1000, 16


def ours(
    loaded: Loaded, store: FolderStore, refs: list[ArtifactRef], requests: int, clock: Callable[[], float]
) -> list[float]:
    shelf, seconds = StyleShelf(store, loaded.targets, max_bytes=2**30), []
    for index in range(requests):
        began = clock()
        style = shelf.adapter(refs[index % STYLES].key, refs[index % STYLES].sha256, owner="me")
        plan_of([RowDeltas(slice(0, 2), [(style.unet, 0.9)])])
        seconds.append(clock() - began)
    return seconds


def peer(loaded: Loaded, folder: Path, requests: int, clock: Callable[[], float]) -> list[float]:
    seconds = []
    for index in range(requests):
        began = clock()
        loaded.pipeline.load_lora_weights(folder, weight_name=f"{index % STYLES}.safetensors", adapter_name="style")
        loaded.pipeline.set_adapters(["style"], [0.9])
        loaded.pipeline.unload_lora_weights()
        seconds.append(clock() - began)
    return seconds


def many(
    loaded: Loaded, store: FolderStore, *, stored: int, asked: int, clock: Callable[[], float]
) -> dict[str, object]:
    """Ask for stored styles at random; memory and the cost of a miss, early and late."""
    contents = [style_file(loaded.targets, seed) for seed in range(4)]
    refs = [store.put(f"me/many/{i}.safetensors", contents[i % len(contents)], "x") for i in range(stored)]
    shelf = StyleShelf(store, loaded.targets, max_bytes=2**40)
    shelf.adapter(refs[0].key, refs[0].sha256, owner="me")
    shelf = StyleShelf(store, loaded.targets, max_bytes=ROOM * shelf.size_bytes)
    choose, misses, resident_MiB = random.Random(0), [], []
    for _ in range(asked):
        ref = choose.choice(refs)
        began = clock()
        shelf.adapter(ref.key, ref.sha256, owner="me")
        misses.append(1000 * (clock() - began))
        resident_MiB.append(resident())
    quarter = asked // 4
    return {
        "stored": stored,
        "asked": asked,
        "room_for": ROOM,
        "style_MiB": round(len(contents[0]) / 2**20, 2),
        "shelf_MiB": round(shelf.size_bytes / 2**20, 1),
        "miss_ms_first_quarter": spread(misses[:quarter]),
        "miss_ms_last_quarter": spread(misses[-quarter:]),
        "resident_MiB_after_first_quarter": round(max(resident_MiB[:quarter])),
        "resident_MiB_at_most": round(max(resident_MiB)),
        "resident_MiB_at_end": round(resident_MiB[-1]),
    }


def resident() -> float:
    """MiB of this process in memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="16 drawings and 60 stored styles")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    options = parser.parse_args()
    clock = CLOCKS[options.clock]
    torch.set_num_threads(1)
    loaded = drawing_family.load()
    requests = 2 * STYLES if options.quick else REQUESTS
    with tempfile.TemporaryDirectory() as name:
        store = FolderStore(Path(name))
        refs = [store.put(f"me/{i}.safetensors", style_file(loaded.targets, i), "x") for i in range(STYLES)]
        own, other = ours(loaded, store, refs, requests, clock), peer(loaded, Path(name) / "me", requests, clock)
        stored = 60 if options.quick else STORED
        lru = many(loaded, store, stored=stored, asked=stored, clock=clock)
    mean_ours, mean_peer = statistics.mean(own), statistics.mean(other)
    report(
        "style_switch",
        ours=1000 * mean_ours,
        peer=1000 * mean_peer,
        ratio=mean_peer / mean_ours,
        unit="ms per request",
        detail={
            "clock": options.clock,
            "requests": requests,
            "styles": STYLES,
            "ours_first_time_ms": round(1000 * statistics.mean(own[:STYLES]), 2),
            "ours_resident_ms": round(1000 * statistics.mean(own[STYLES:]), 3),
            "ratio_resident": round(mean_peer / statistics.mean(own[STYLES:]), 1),
            "many_styles": lru,
        },
    )


if __name__ == "__main__":
    main()
