"""Writes the model repository from which Triton serves DWPose's two networks.

python -m services.pose.estimation.triton_repository FAMILY OUT [--cpu] [--max-batch N]

FAMILY is the folder of a model family, OUT is new or empty. The result is for Triton's stock image.
"""

import argparse
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import (
    TYPE_FP32,
    ModelConfig,
    ModelDynamicBatching,
    ModelInstanceGroup,
    ModelQueuePolicy,
    ModelWarmup,
)

from services.common.errors import Conflict, ServiceError
from services.pose.estimation.model import DETECTOR_FILE, POINTS_FILE, Signature, read_signature
from services.pose.estimation.triton_contract import DETECTOR, POSE, check_detector, check_pose

MODEL_FILE = "model.onnx"
LARGEST_BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Who waits in front of a model, and for how long; what is more is refused."""

    most_waiting: int = 64
    longest_wait_seconds: float = 10.0
    batch_wait_seconds: float = 0.0  # how long a request waits for others to share its run


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model of the repository."""

    name: str
    file: Path  # in the family's folder
    max_batch: int  # 0: Triton does not batch it
    queue: Queue = Queue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """What runs the models, and where."""

    backend: str = "onnxruntime"
    gpu: bool = True
    instances: int = 1


MODELS = (
    Model(name=DETECTOR, file=DETECTOR_FILE, max_batch=0),
    Model(name=POSE, file=POINTS_FILE, max_batch=8, queue=Queue(batch_wait_seconds=0.002)),
)

_CHECKS = {DETECTOR: check_detector, POSE: check_pose}


def write_repository(
    family_folder: Path, out: Path, placement: Placement, models: tuple[Model, ...] = MODELS
) -> list[Path]:
    """Write `out`/<model>/config.pbtxt and its network; returns the models' folders.

    Raises:
        Conflict: `out` has something in it.
        NotReady: a network is missing, cannot be read, or has other shapes than DWPose's.
    """
    if out.exists() and any(out.iterdir()):
        raise Conflict(f"{out} has something in it: name a new or an empty folder", reason="NOT_EMPTY")
    configs = [to_config(model, read_signature(family_folder / model.file), placement) for model in models]
    for model, config in zip(models, configs, strict=True):
        folder = out / model.name
        (folder / "1").mkdir(parents=True)
        (folder / "config.pbtxt").write_text(text_format.MessageToString(config), encoding="utf-8")
        shutil.copyfile(family_folder / model.file, folder / "1" / MODEL_FILE)
    return [out / model.name for model in models]


def to_config(model: Model, signature: Signature, placement: Placement) -> ModelConfig:
    """What Triton is told about a network that has these tensors.

    A network whose first axis is fixed cannot be batched: Triton is told so.

    Raises:
        NotReady: it does not have the shapes that pose estimation needs.
    """
    first_dims = signature.inputs[0][1] if signature.inputs else (0,)
    max_batch = model.max_batch if first_dims[0] < 0 else 0
    model = replace(model, max_batch=max_batch)
    config = ModelConfig(name=model.name, backend=placement.backend, max_batch_size=max_batch)
    if placement.backend == "onnxruntime":
        config.default_model_filename = MODEL_FILE
    for tensors, declared in ((signature.inputs, config.input), (signature.outputs, config.output)):
        for name, dims in tensors:
            declared.add(name=name, data_type=TYPE_FP32, dims=dims[1:] if max_batch else dims)
    _CHECKS[model.name](config)
    kind = ModelInstanceGroup.KIND_GPU if placement.gpu else ModelInstanceGroup.KIND_CPU
    config.instance_group.add(kind=kind, count=placement.instances)
    config.dynamic_batching.CopyFrom(_batching(model.queue))
    # Every size of batch once: on a GPU the first run of a new shape looks for its fastest kernels.
    config.model_warmup.extend(_warm_up(config, rows) for rows in range(1, max(1, max_batch) + 1))
    return config


def _batching(queue: Queue) -> ModelDynamicBatching:
    return ModelDynamicBatching(
        max_queue_delay_microseconds=round(queue.batch_wait_seconds * 1e6),
        default_queue_policy=ModelQueuePolicy(
            timeout_action=ModelQueuePolicy.REJECT,
            default_timeout_microseconds=round(queue.longest_wait_seconds * 1e6),
            allow_timeout_override=True,  # by the caller's deadline, where that is sooner
            max_queue_size=queue.most_waiting,
        ),
    )


def _warm_up(config: ModelConfig, rows: int) -> ModelWarmup:
    asked = ModelWarmup.Input(data_type=TYPE_FP32, dims=config.input[0].dims, zero_data=True)
    return ModelWarmup(name=f"rows-{rows}", batch_size=rows, inputs={config.input[0].name: asked})


def main() -> None:
    parser = argparse.ArgumentParser(prog="triton_repository", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("family", type=Path, help="folder of the model family")
    parser.add_argument("out", type=Path, help="folder to write, new or empty")
    parser.add_argument("--cpu", action="store_true", help="run on the CPU instead of a GPU")
    parser.add_argument("--max-batch", type=int, default=8, help=f"people in one run, 1 to {LARGEST_BATCH}; default 8")
    arguments = parser.parse_args()
    if not 1 <= arguments.max_batch <= LARGEST_BATCH:
        parser.error(f"--max-batch {arguments.max_batch}: choose 1 to {LARGEST_BATCH}")
    detector, pose = MODELS
    models = (detector, replace(pose, max_batch=arguments.max_batch))
    try:
        write_repository(arguments.family, arguments.out, Placement(gpu=not arguments.cpu), models)
    except ServiceError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
