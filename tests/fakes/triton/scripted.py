"""Triton's protocol with answers by script, for what a real one does seldom or only when it is ill."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import numpy as np
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as pb_grpc
from tritonclient.grpc.model_config_pb2 import ModelConfig

Answer = Callable[[Any], Awaitable[None]]
"""Given the call's context; returns for an answer of zeros, or aborts."""


async def zeros(_: Any) -> None:
    """Answer with zeros."""


def refusal(code: grpc.StatusCode, said: str) -> Answer:
    async def refuse(context: Any) -> None:
        await context.abort(code, said)

    return refuse


class ScriptedTriton(pb_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]  # tritonclient has no types
    """`answers` are given in turn, the last one again and again."""

    def __init__(self, *configs: ModelConfig) -> None:
        self.configs = {config.name: config for config in configs}
        self.answers: list[Answer] = [zeros]
        self.ready = True
        self.requests: list[pb.ModelInferRequest] = []
        self.cancelled = 0

    async def ServerReady(self, request: Any, context: Any) -> pb.ServerReadyResponse:
        return pb.ServerReadyResponse(ready=self.ready)

    async def ModelConfig(self, request: Any, context: Any) -> pb.ModelConfigResponse:
        if request.name not in self.configs:
            said = f"Request for unknown model: '{request.name}' is not found"
            await context.abort(grpc.StatusCode.NOT_FOUND, said)
        return pb.ModelConfigResponse(config=self.configs[request.name])

    async def ModelInfer(self, request: Any, context: Any) -> pb.ModelInferResponse:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        try:
            await answer(context)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        config = self.configs[request.model_name]
        response = pb.ModelInferResponse(model_name=request.model_name, model_version="1", id=request.id)
        for output in config.output:
            rows = [request.inputs[0].shape[0]] if config.max_batch_size else []
            shape = [*rows, *output.dims]
            response.outputs.add(name=output.name, datatype="FP32", shape=shape)
            response.raw_output_contents.append(np.zeros(shape, np.float32).tobytes())
        return response
