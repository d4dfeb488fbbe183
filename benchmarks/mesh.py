"""What the mesh costs, what it carries, and whom it chooses: real processes on loopback, callers in this one.

    python -m benchmarks.mesh overhead    # the gateway and gRPC over the engine alone, small and 4 MB pictures
    python -m benchmarks.mesh rate        # requests of a cheap RPC per second of one core of the server
    python -m benchmarks.mesh overload    # ten times as many callers as places: those admitted and refused
    python -m benchmarks.mesh affinity    # 4 replicas, 64 styles: styles found in memory, the busiest replica
    python -m benchmarks.mesh restart     # a rolling restart under load: requests that failed

Each prints lines of JSON: `ours`, the bar `peer`, their ratio, and the load that it was measured under. Times are those
of the clock, so they are only worth something on a machine that does nothing else.
"""

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
from oma.image.v1 import image_pb2
from oma.pose.v1 import pose_estimation_service_pb2 as pose_pb
from oma.pose.v1 import pose_estimation_service_pb2_grpc as pose_grpc

from benchmarks.mesh_processes import (
    CALL_SECONDS,
    OWNER,
    SMALL_FAMILY,
    Mesh,
    mesh_on,
    percentile,
    say,
    timed,
    until_answering,
    until_serving,
)
from services.common.clients import open_channel
from services.common.families import load_family
from services.common.pictures import decode, encode_png
from services.pose.estimation.convert import to_look_spec
from services.pose.estimation.model import load_networks
from tests.fakes.artists import sign_up

POSE = "oma.pose.v1.PoseEstimationService"
DRAWING = ("rate", "overload", "affinity")


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


async def main(names: Sequence[str]) -> None:
    parts = {"overhead": overhead, "restart": restart}
    if set(names) & set(DRAWING):
        from benchmarks import mesh_drawing  # noqa: PLC0415 - loads torch, which takes long

        parts |= {name: getattr(mesh_drawing, name) for name in DRAWING}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            async with mesh_on(Path(folder)) as mesh:
                await parts[name](mesh)


if __name__ == "__main__":
    everything = ("overhead", "restart", *DRAWING)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(everything)}; all of them when none is named")
    asked = parser.parse_args().parts or list(everything)
    if unknown := set(asked) - set(everything):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    asyncio.run(main(asked))
