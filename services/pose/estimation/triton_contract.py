"""What a Triton must offer to serve DWPose's two networks, told from the configuration that it reports.

A model's tensors are told by their position, as in onnxruntime. Dimensions of -1 are open.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tritonclient.grpc.model_config_pb2 import TYPE_FP32, ModelConfig

from services.common.errors import NotReady
from services.pose.estimation.detection import anchor_grid

DETECTOR, POSE = "detector", "pose"
"""What the models are called in the repository."""

REMEDY = "write the repository again: python -m services.pose.estimation.triton_repository FAMILY OUT"

_CHANNELS, _DETECTOR_COLUMNS, _KEYPOINTS = 3, 85, 133


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelContract:
    """A model as this server has it."""

    name: str
    input_name: str
    size_hw: tuple[int, int]  # of the pictures that it takes
    output_names: tuple[str, ...]
    most_rows: int  # of the first axis, in one request


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    detector: ModelContract
    pose: ModelContract


def check_detector(config: ModelConfig) -> ModelContract:
    """The detector as it is served: (1, 3, S, S) → (1, A, 85), not batched by Triton.

    Raises:
        NotReady: it is another.
    """
    side = _last(config)
    outputs = [(1, len(anchor_grid(side)), _DETECTOR_COLUMNS)]
    return _check(config, (1, _CHANNELS, side, side), outputs, batched=False)


def check_pose(config: ModelConfig) -> ModelContract:
    """The pose network as it is served: (N, 3, H, W) → (N, 133, X), (N, 133, Y), batched by Triton or not.

    Raises:
        NotReady: it is another.
    """
    batched = config.max_batch_size > 0
    rows = () if batched else (-1,)
    return _check(config, (*rows, _CHANNELS, -1, _last(config)), [(*rows, _KEYPOINTS, -1)] * 2, batched=batched)


def _last(config: ModelConfig) -> int:
    """The width of the pictures that a model takes; 0 if it says none."""
    return max(0, *config.input[0].dims[-1:], 0) if config.input else 0


def _check(
    config: ModelConfig, asked: tuple[int, ...], answered: Sequence[tuple[int, ...]], *, batched: bool
) -> ModelContract:
    inputs, outputs = config.input[:1], config.output[: len(answered)]
    tensors = [*inputs, *outputs]
    agree = (
        [one.data_type for one in tensors] == [TYPE_FP32] * (1 + len(answered))
        and all(_agree(one.dims, dims) for one, dims in zip(tensors, [asked, *answered], strict=True))
        and min(inputs[0].dims[-2:]) > 0
        and (config.max_batch_size > 0) == batched
    )
    if not agree:
        raise NotReady(
            f"Triton's model {config.name!r} takes {_shapes(config.input)} and gives {_shapes(config.output)} "
            f"with max_batch_size {config.max_batch_size}; it must take {asked} and give {answered}, "
            f"{'batched' if batched else 'max_batch_size 0'}: {REMEDY}",
            reason="TRITON_MODEL",
        )
    height, width = inputs[0].dims[-2:]
    return ModelContract(
        name=config.name,
        input_name=inputs[0].name,
        size_hw=(height, width),
        output_names=tuple(output.name for output in outputs),
        most_rows=max(1, config.max_batch_size or inputs[0].dims[0]),
    )


def _agree(dims: Sequence[int], expected: tuple[int, ...]) -> bool:
    """Whether the dimensions that both name are the same."""
    return len(dims) == len(expected) and all(
        -1 in pair or len(set(pair)) == 1 for pair in zip(dims, expected, strict=True)
    )


def _shapes(tensors: Sequence[object]) -> list[list[int]]:
    return [list(getattr(one, "dims", ())) for one in tensors]
