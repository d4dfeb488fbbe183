"""What the mesh costs, what it carries, and whom it chooses: real processes on loopback, callers in this one.

    python -m benchmarks.mesh overhead    # the gateway and gRPC over the engine alone, small and 4 MB pictures
    python -m benchmarks.mesh rate        # requests of a cheap RPC per second of one core of the server
    python -m benchmarks.mesh overload    # ten times as many callers as places: admitted and refused, at the caller
    python -m benchmarks.mesh affinity    # 4 replicas, 64 styles: styles found in memory, the busiest replica
    python -m benchmarks.mesh restart     # a rolling restart under load: requests that failed

Each prints lines of JSON: `ours`, the bar `peer`, their ratio, and the load that it was measured under. Times are those
of the clock, so they are only worth something on a machine that does nothing else.
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import torch
from oma.background.v1 import background_service_pb2 as background_pb
from oma.background.v1 import background_service_pb2_grpc as background_grpc
from oma.image.v1 import image_pb2
from oma.pose.v1 import pose_estimation_service_pb2 as pose_pb
from oma.pose.v1 import pose_estimation_service_pb2_grpc as pose_grpc
from oma.style.v1 import style_pb2

from benchmarks.mesh_processes import OWNER, SMALL_FAMILY, Mesh, Process, mesh_on, until_answering, until_serving
from services.background.model import load_painter
from services.common.affinity import Replicas
from services.common.artifacts import FolderStore
from services.common.clients import FreshChannels, open_channel
from services.common.families import load_family
from services.common.pictures import decode, encode_png
from services.pose.estimation.convert import to_look_spec
from services.pose.estimation.model import load_networks
from tests.fakes.artists import sign_up
from tests.fakes.families import build_random_family
from tests.fakes.styles import lora_file

BACKGROUND, POSE = "oma.background.v1.BackgroundService", "oma.pose.v1.PoseEstimationService"
CALL_SECONDS = 300


def say(name: str, ours: float, peer: float | None, unit: str, detail: str) -> None:
    ratio = round(ours / peer, 3) if peer else None
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    told = {"name": f"mesh.{name}", "ours": round(ours, 3), "peer": peer, "ratio": ratio, "unit": unit}
    print(json.dumps({**told, "detail": f"{detail}, {load}"}), flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


async def timed(call: Callable[[], Awaitable[Any]], times: int) -> list[float]:
    """Milliseconds of each of `times` calls, one after the other, after two that do not count."""
    spent = []
    for number in range(times + 2):
        began = time.perf_counter()
        await call()
        if number >= 2:  # noqa: PLR2004
            spent.append(1000 * (time.perf_counter() - began))
    return spent


def noise_png(side: int) -> bytes:
    rng = np.random.Generator(np.random.PCG64(1))
    return encode_png(rng.integers(0, 256, (side, side, 3), dtype=np.uint8))


async def overhead(mesh: Mesh) -> None:
    service = await mesh.service("services.pose.estimation", "OMA_POSE_ESTIMATION_", FAMILY=str(SMALL_FAMILY))
    gateway = await mesh.gateway(POSE_ESTIMATION_ADDRESS=service.address, STYLE_TRAIN_ADDRESS=service.address)
    networks = load_networks(load_family(SMALL_FAMILY).folder, threads=0)
    await until_serving(service)
    await until_answering(gateway)
    async with (
        httpx.AsyncClient(base_url=f"http://{gateway.address}", timeout=CALL_SECONDS) as http,
        open_channel(service.address) as channel,
    ):
        artist = await sign_up(http, "artist@example.com")
        project = await artist.project()
        stub = pose_grpc.PoseEstimationServiceStub(channel)
        for size, side, times in (("small", 256, 60), ("4MB", 1160, 25)):
            content = noise_png(side)
            picture = image_pb2.Picture(inline=image_pb2.Image(content=content, media_type="image/png"))
            request = pose_pb.EstimatePoseRequest(owner=OWNER, picture=picture)

            async def directly(content: bytes = content, request: Any = request) -> None:
                image_HWC = await asyncio.to_thread(decode, content)
                engine = networks.engine_for(None)  # type: ignore[arg-type]  # nobody's call
                await asyncio.to_thread(engine.estimate, image_HWC, to_look_spec(request))

            async def over_grpc(request: Any = request) -> None:
                await stub.EstimatePose(request, timeout=CALL_SECONDS, metadata=mesh.metadata(POSE))

            files = {"file": ("noise.png", content, "image/png")}
            kept = await artist.call("POST", f"/projects/{project}/pictures", 201, files=files)

            async def through_gateway(body: Any = {"picture_id": kept["id"]}) -> None:  # noqa: B006
                await artist.call("POST", f"/projects/{project}/poses/estimate", 201, json=body)

            engine, rpc, whole = [await timed(call, times) for call in (directly, over_grpc, through_gateway)]
            for share, name in ((0.5, "p50"), (0.95, "p95")):
                alone = percentile(engine, share)
                detail = f"engine {alone:.1f} ms, over gRPC {percentile(rpc, share):.1f} ms, {len(content)} bytes"
                say(f"overhead.{size}.{name}", percentile(whole, share) - alone, None, "ms", detail)


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


async def restart(mesh: Mesh) -> None:
    told = {"FAMILY": str(SMALL_FAMILY), "ONNX_THREADS": "1"}
    services = [await mesh.service("services.pose.estimation", "OMA_POSE_ESTIMATION_", **told) for _ in range(2)]
    await until_serving(*services)
    target = "ipv4:" + ",".join(one.address for one in services)
    picture = image_pb2.Picture(inline=image_pb2.Image(content=noise_png(256), media_type="image/png"))
    request = pose_pb.EstimatePoseRequest(owner=OWNER, picture=picture)
    outcomes, going = Counter[str](), True
    async with open_channel(target, retried=(f"{POSE}/EstimatePose",)) as channel:
        stub = pose_grpc.PoseEstimationServiceStub(channel)

        async def call_on() -> None:
            while going:
                try:
                    await stub.EstimatePose(request, timeout=CALL_SECONDS, metadata=mesh.metadata(POSE))
                    outcomes["answered"] += 1
                except grpc.aio.AioRpcError as error:
                    outcomes[error.code().name] += 1

        callers = [asyncio.create_task(call_on()) for _ in range(4)]
        codes = []
        for service in services:
            await asyncio.sleep(3)
            codes.append(await service.stop())
            await service.start()
            await until_serving(service)
        await asyncio.sleep(3)
        going = False
        await asyncio.gather(*callers)
    failed = sum(outcomes.values()) - outcomes["answered"]
    say("restart.failed", failed, 0, "calls", f"2 replicas one after the other, {dict(outcomes)}, exit codes {codes}")


PARTS = {"overhead": overhead, "rate": rate, "overload": overload, "affinity": affinity, "restart": restart}


async def main(names: Sequence[str]) -> None:
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            async with mesh_on(Path(folder)) as mesh:
                await PARTS[name](mesh)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all of them when none is named")
    asyncio.run(main(parser.parse_args().parts or list(PARTS)))
