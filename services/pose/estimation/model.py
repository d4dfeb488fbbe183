"""DWPose's two networks in this process, through onnxruntime; nothing else here knows that library."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from services.common.errors import NotReady
from services.pose.estimation.calls import Call
from services.pose.estimation.engine import PoseEngine
from services.pose.estimation.metrics import ONNXRUNTIME, running

DETECTOR_FILE = Path("dwpose/detector.onnx")
POINTS_FILE = Path("dwpose/pose.onnx")

_CHANNELS = 3

Floats = NDArray[np.float32]


Tensors = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Names and dimensions of a network's tensors, in its own order; an open dimension is -1."""

    inputs: Tensors
    outputs: Tensors


class OnnxDetector:
    """(1, 3, S, S) → (1, A, 85); inputs and outputs are told by their position."""

    def __init__(self, session: Any) -> None:
        batch, channels, height, width = session.get_inputs()[0].shape
        if (batch, channels, height) != (1, _CHANNELS, width) or not isinstance(width, int):
            raise NotReady(
                f"the detector takes {session.get_inputs()[0].shape}, not (1, 3, S, S): export it so",
                reason="BAD_DETECTOR",
            )
        self.side = width
        self._session = session
        self._input = session.get_inputs()[0].name

    def __call__(self, square_1CHW: Floats, /) -> Floats:
        with running("detector", ONNXRUNTIME, rows=1):
            (raw_1AR,) = self._session.run(None, {self._input: square_1CHW})[:1]
        return np.asarray(raw_1AR, np.float32)


class OnnxPointNetwork:
    """(N, 3, H, W) → (N, 133, 2 W) and (N, 133, 2 H); one by one if the file's first axis is fixed."""

    def __init__(self, session: Any) -> None:
        batch, channels, height, width = session.get_inputs()[0].shape
        if channels != _CHANNELS or not (isinstance(height, int) and isinstance(width, int)):
            raise NotReady(
                f"the pose network takes {session.get_inputs()[0].shape}, not (N, 3, H, W) with H and W fixed",
                reason="BAD_POSE_NETWORK",
            )
        self.crop_wh = (width, height)
        self._batch = batch if isinstance(batch, int) else None
        self._session = session
        self._input = session.get_inputs()[0].name

    def __call__(self, crops_NCHW: Floats, /) -> tuple[Floats, Floats]:
        size = self._batch or len(crops_NCHW)
        runs = [self._run(crops_NCHW[start : start + size]) for start in range(0, len(crops_NCHW), size)]
        simcc_NKX, simcc_NKY = (np.concatenate(parts) for parts in zip(*runs, strict=True))
        return simcc_NKX, simcc_NKY

    def _run(self, crops_NCHW: Floats) -> list[Floats]:
        with running("pose", ONNXRUNTIME, rows=len(crops_NCHW)):
            found: list[Floats] = self._session.run(None, {self._input: crops_NCHW})[:2]
        return found


class LocalNetworks:
    """Both networks in this process, for every call the same; one run takes all cores that it may."""

    at_once = 1

    def __init__(self, engine: PoseEngine) -> None:
        self._engine = engine

    async def start(self) -> None:
        """Nothing to open."""

    async def until_ready(self) -> None:
        """They are, once they are loaded."""

    def engine_for(self, _: Call) -> PoseEngine:
        return self._engine

    async def close(self) -> None:
        """Nothing was opened."""


def load_networks(family_folder: Path, *, threads: int) -> LocalNetworks:
    """The networks of a family.

    Raises:
        NotReady: they are missing, no networks, or of other shapes.
    """
    detector = load_detector(family_folder, threads=threads)
    return LocalNetworks(PoseEngine(detector, load_point_network(family_folder, threads=threads)))


def load_detector(family_folder: Path, *, threads: int) -> OnnxDetector:
    return OnnxDetector(_open(family_folder / DETECTOR_FILE, threads))


def load_point_network(family_folder: Path, *, threads: int) -> OnnxPointNetwork:
    return OnnxPointNetwork(_open(family_folder / POINTS_FILE, threads))


def read_signature(path: Path) -> Signature:
    """What a network takes and gives.

    Raises:
        NotReady: the file is missing or no network.
    """
    session = _open(path, threads=1)
    return Signature(inputs=_tensors(session.get_inputs()), outputs=_tensors(session.get_outputs()))


def _tensors(described: list[Any]) -> Tensors:
    return tuple((one.name, tuple(size if isinstance(size, int) else -1 for size in one.shape)) for one in described)


def _open(path: Path, threads: int) -> Any:
    if not path.is_file():
        raise NotReady(f"{path} is missing: choose a family with DWPose's networks", reason="NO_DWPOSE")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    # Without this, idle threads spin and take the cores from everything else on the machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no public base
        raise NotReady(f"{path} is not a network that onnxruntime can load: {error}", reason="BAD_ONNX") from error
