"""Writes the trained detector and pose network as ONNX: `python -m models.webtoon_tiny.export_figures {detector,pose}
STATE OUT.onnx`.
"""

import sys
import warnings
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from models.webtoon_tiny.detector_network import SIDE, DetectorNetwork, DetectorNetworkConfig, YoloxDetector
from models.webtoon_tiny.pose_network import HEIGHT, WIDTH, PoseNetwork, PoseNetworkConfig, SimccPose

OPSET = 17
"""Taken by every Triton ONNX Runtime backend of the last years."""


def pose_module(network: PoseNetwork) -> SimccPose:
    """The network with DWPose's outputs, ready to export."""
    return SimccPose(network).eval()


def detector_module(network: DetectorNetwork) -> YoloxDetector:
    """The network with YOLOX's output, ready to export."""
    return YoloxDetector(network).eval()


def export_pose(network: PoseNetwork, path: Path) -> None:
    """Input (N, 3, 384, 288), N free; outputs simcc_x and simcc_y."""
    free = {name: {0: "N"} for name in ("input", "simcc_x", "simcc_y")}
    _export(pose_module(network), torch.zeros(1, 3, HEIGHT, WIDTH), path, "input", ["simcc_x", "simcc_y"], free)


def export_detector(network: DetectorNetwork, path: Path) -> None:
    """Input (1, 3, 640, 640); output (1, 8400, 85)."""
    _export(detector_module(network), torch.zeros(1, 3, SIDE, SIDE), path, "images", ["output"], {})


def _export(
    module: nn.Module,
    example: torch.Tensor,
    path: Path,
    input_name: str,
    output_names: list[str],
    free: dict[str, dict[int, str]],
) -> None:
    with warnings.catch_warnings():
        # The TorchScript exporter needs no tracing library of its own and is announced as legacy.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings(
            "ignore", "Constant folding", UserWarning
        )  # the padding's sizes stay computed; so be it
        torch.onnx.export(
            module,
            (example,),
            str(path),
            input_names=[input_name],
            output_names=output_names,
            dynamic_axes=free,
            opset_version=OPSET,
            dynamo=False,
        )


def main(kind: str, state: Path, path: Path) -> None:
    """Loads the averaged weights and exports them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "pose":
        pose = PoseNetwork(PoseNetworkConfig())
        pose.load_state_dict(load_file(state))
        export_pose(pose, path)
    elif kind == "detector":
        detector = DetectorNetwork(DetectorNetworkConfig())
        detector.load_state_dict(load_file(state))
        export_detector(detector, path)
    else:
        raise SystemExit(f"detector or pose, not {kind}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
