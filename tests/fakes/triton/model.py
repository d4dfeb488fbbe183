"""Runs one ONNX network inside the Python backend of Triton, which serves it as the stock image's ONNX backend would.

Loaded by Triton, never by us: its interpreter takes no PYTHONPATH, so what it may import is named in TRITON_SITE.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

# This backend's binary was made before NumPy 2 and gives wrong data with it; the site has NumPy 1.
sys.path.insert(0, os.environ["TRITON_SITE"])

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as backend  # type: ignore[import-not-found]


class TritonPythonModel:
    def initialize(self, arguments: dict[str, str]) -> None:
        config = json.loads(arguments["model_config"])
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        file = Path(arguments["model_repository"]) / arguments["model_version"] / "model.onnx"
        self._session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self._input = config["input"][0]["name"]
        self._outputs = [one["name"] for one in config["output"]]
        self._delay_seconds = float(os.environ.get("TRITON_TEST_DELAY_SECONDS", "0"))

    def execute(self, requests: list[Any]) -> list[Any]:
        """All requests of a batch in one run; their rows are given back to each."""
        time.sleep(self._delay_seconds)
        asked = [backend.get_input_tensor_by_name(one, self._input).as_numpy() for one in requests]
        ends = np.cumsum([len(rows) for rows in asked])
        answers = self._session.run(self._outputs, {self._input: np.concatenate(asked)})
        split = [np.split(answer, ends[:-1]) for answer in answers]
        return [
            backend.InferenceResponse(
                [
                    backend.Tensor(name, np.ascontiguousarray(part))
                    for name, part in zip(self._outputs, parts, strict=True)
                ]
            )
            for parts in zip(*split, strict=True)
        ]
