"""The parts of `benchmarks/mesh.py` that draw: they load torch, which the others need not wait for."""

import asyncio
import hashlib
import random
import statistics
import time
from collections import Counter
from typing import Any

import grpc
import torch
from oma.background.v1 import background_service_pb2 as background_pb
from oma.background.v1 import background_service_pb2_grpc as background_grpc
from oma.style.v1 import style_pb2

from benchmarks.mesh_processes import CALL_SECONDS, OWNER, Mesh, Process, percentile, say, timed, until_serving
from services.background.model import load_painter
from services.common.affinity import Replicas
from services.common.artifacts import FolderStore
from services.common.clients import FreshChannels, open_channel
from services.common.families import load_family
from tests.fakes.families import build_random_family
from tests.fakes.styles import lora_file

BACKGROUND = "oma.background.v1.BackgroundService"


async def rate(mesh: Mesh) -> None:
    """TranslatePrompt of an English sentence: interceptors, the owner's proof and the compute lane, but no model."""
    (service,) = await painters(mesh, 1)
    async with open_channel(service.address) as channel:
        stub = background_grpc.BackgroundServiceStub(channel)
        request = background_pb.TranslatePromptRequest(prompt="a quiet street at night")
        metadata = mesh.metadata(BACKGROUND)

        async def one_after_another(count: int) -> None:
            for _ in range(count):
                await stub.TranslatePrompt(request, timeout=CALL_SECONDS, metadata=metadata)

        await one_after_another(50)
        used, began = service.cpu_seconds(), time.perf_counter()
        await asyncio.gather(*(one_after_another(250) for _ in range(8)))
        cores = service.cpu_seconds() - used
        detail = f"2000 calls of TranslatePrompt, {2000 / (time.perf_counter() - began):.0f} a second on the clock"
        say("rate", 2000 / cores, None, "calls per second of the server's processor time", detail)


async def painters(mesh: Mesh, count: int, **settings: str) -> list[Process]:
    family = mesh.folder / "family"
    if not family.exists():
        build_random_family(family)
    told = {"FAMILY": str(family), "TORCH_THREADS": "1", **settings}
    started = [await mesh.service("services.background", "OMA_BACKGROUND_", **told) for _ in range(count)]
    await until_serving(*started)
    return started


def drawing(number: int, steps: int, style: style_pb2.StyleUse | None = None) -> Any:
    return background_pb.GenerateBackgroundRequest(
        request_id=f"r{number}",
        owner=OWNER,
        prompt="a street",
        steps=steps,
        width=32,
        height=32,
        guidance=1,
        styles=[style] if style else [],
    )


async def draw(mesh: Mesh, channel: grpc.aio.Channel, request: Any) -> None:
    stub = background_grpc.BackgroundServiceStub(channel)
    call = stub.GenerateBackground(request, timeout=CALL_SECONDS, metadata=mesh.metadata(BACKGROUND))
    last = [event async for event in call][-1]
    assert last.WhichOneof("event") == "done"


async def overload(mesh: Mesh) -> None:
    places, steps = 4, 10
    (service,) = await painters(mesh, 1, MAX_PENDING=str(places))
    admitted, refused = [], []
    async with open_channel(service.address) as channel:

        async def call(number: int) -> None:
            began = time.perf_counter()
            try:
                await draw(mesh, channel, drawing(number, steps))
                admitted.append(1000 * (time.perf_counter() - began))
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise
                refused.append(1000 * (time.perf_counter() - began))

        alone = statistics.median(await timed(lambda: draw(mesh, channel, drawing(0, steps)), 5))
        for wave in range(5):
            await asyncio.gather(*(call(100 * (wave + 1) + number) for number in range(10 * places)))
    detail = f"{places} places, 5 waves of {10 * places} callers, {len(admitted)} admitted, alone {alone:.0f} ms"
    say("overload.admitted_p95", percentile(admitted, 0.95), (places + 1) * alone, "ms", detail)
    say("overload.refused_p95_at_caller", percentile(refused, 0.95), 250.0, "ms", f"{len(refused)} refused")
    refusals = 'code="RESOURCE_EXHAUSTED"'
    within = 1000 * await service.percentile_bound("oma_rpc_duration_seconds", refusals, 0.99)
    counted = int(await service.counter("oma_rpc_duration_seconds_count{", refusals))
    detail = f"{counted} refusals by the server's own histogram: the bound that 99 of 100 stay within"
    say("overload.refused_p99_in_server", within, 50.0, "ms", detail)


def put_styles(mesh: Mesh, count: int) -> list[style_pb2.StyleUse]:
    store = FolderStore(mesh.folder / "artifacts")
    _, targets = load_painter(load_family(mesh.folder / "family"), device=torch.device("cpu"))
    styles = []
    for number in range(count):
        content, key = lora_file(targets.unet, seed=number), f"{OWNER}/style/{number}.safetensors"
        store.put(key, content, "application/octet-stream")
        digest = hashlib.sha256(content).hexdigest()
        styles.append(style_pb2.StyleUse(key=key, sha256=digest, method=style_pb2.METHOD_LORA, weight=1))
    return styles


async def affinity(mesh: Mesh, drawings: int = 480, at_once: int = 16) -> None:
    services = await painters(mesh, 4, MAX_PENDING="16")
    styles = put_styles(mesh, 64)
    target = "ipv4:" + ",".join(one.address for one in services)
    replicas = Replicas(target, FreshChannels(lambda address, _: open_channel(address), None))
    room, drawn = asyncio.Semaphore(at_once), Counter[str]()

    async def one(number: int, style: style_pb2.StyleUse) -> None:
        async with room, replicas.near(style.sha256) as channel:
            await draw(mesh, channel, drawing(number, 2, style))

    async def looked_up(outcome: str) -> list[float]:
        series, label = "oma_style_cache_lookups_total{", f'outcome="{outcome}"'
        return [await service.counter(series, label) for service in services]

    await asyncio.gather(*(one(number, style) for number, style in enumerate(styles)))
    hits, misses = await looked_up("hit"), await looked_up("miss")
    rng = random.Random(3)
    await asyncio.gather(*(one(100 + number, rng.choice(styles)) for number in range(drawings)))
    more_hits = [after - before for after, before in zip(await looked_up("hit"), hits, strict=True)]
    more_misses = [after - before for after, before in zip(await looked_up("miss"), misses, strict=True)]
    for index, service in enumerate(services):
        drawn[service.address] = int(more_hits[index] + more_misses[index])
    await replicas.close()
    share = sum(more_hits) / sum(drawn.values())
    detail = f"{drawings} drawings in 64 styles, {at_once} at once, after one of each; by replica {[*drawn.values()]}"
    say("affinity.hits", share, 0.9, "share of styles found in memory", detail)
    say("affinity.hottest", max(drawn.values()) / (sum(drawn.values()) / 4), 1.25, "times the mean", detail)
