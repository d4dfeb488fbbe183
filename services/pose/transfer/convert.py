"""Between the messages of PoseTransferService and the engine's records."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from oma.image.v1 import drawing_pb2, image_pb2
from oma.pose.v1 import pose_transfer_service_pb2 as pb
from oma.style.v1 import style_pb2

from services.common.artifacts import ArtifactRef, check_key, check_owner
from services.common.errors import InvalidInput
from services.common.families import Family
from services.common.pictures import MAX_INLINE_BYTES, Pixels, encode_jpeg
from services.common.wire import to_artifact
from services.pose.skeleton import MIN_SCORE
from services.pose.transfer.adapters import Style
from services.pose.transfer.engine import TransferSpec
from services.pose.transfer.geometry import default_size, fit_points
from services.pose.transfer.proportions import with_proportions_of
from services.pose.wire import in_range, read_people, write_person

MAX_STEPS, DEFAULT_STEPS = 60, 30
MAX_GUIDANCE = 20.0
MAX_COUNT = 4
MAX_STYLES, LARGEST_WEIGHT = 8, 2.0
MIN_CHARACTER_SIDE = 16
MAX_POSE_SIDE = 16_384
_SEEDS = 2**64


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleOrder:
    """A LoRA style as it was asked for."""

    key: str
    sha256: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request that was read: everything but the character's pixels, which decide the default size."""

    owner: str
    request_id: str
    xy_K2: NDArray[np.float64]
    score_K: NDArray[np.float64]
    pose_wh: tuple[int, int]
    steps: int
    guidance: float
    seeds: tuple[int, ...]
    size_wh: tuple[int, int] | None
    previews: bool
    inline_results: bool
    transparent: bool
    crop: bool
    own_skeleton: tuple[NDArray[np.float64], NDArray[np.float64]] | None
    styles: tuple[StyleOrder, ...]

    def result_key(self, index: int) -> str:
        return f"{self.owner}/out/{self.request_id}/{index:02}.png"


def to_order(request: pb.TransferPoseRequest, family: Family) -> Order:
    """The request, defaults filled in.

    Raises:
        InvalidInput: something is missing or out of its range.
    """
    if "/" in request.request_id:
        raise InvalidInput("request_id may hold letters, digits, '.', '-' and '_'", reason="REQUEST_ID")
    if not request.HasField("pose"):
        raise InvalidInput("a pose is required", reason="POSE_REQUIRED")
    xy_PK2, score_PK = read_people([request.pose.person])
    steps = request.steps if request.HasField("steps") else DEFAULT_STEPS
    guidance = request.guidance if request.HasField("guidance") else family.transfer_guidance
    order = Order(
        owner=check_owner(request.owner),
        request_id=request.request_id,
        xy_K2=xy_PK2[0],
        score_K=score_PK[0],
        pose_wh=_pose_size(request.pose),
        steps=int(in_range(steps, 1, MAX_STEPS, "steps")),
        guidance=in_range(guidance, 1, MAX_GUIDANCE, "guidance"),
        seeds=_seeds(request),
        size_wh=_asked_size(request, family),
        previews=request.previews,
        inline_results=request.inline_results,
        transparent=request.transparent_background,
        crop=_crops(request.character_fit),
        own_skeleton=_own_skeleton(request),
        styles=_styles(request.styles),
    )
    check_key(order.result_key(0))
    return order


def to_spec(order: Order, character_HWC: Pixels, family: Family, style: Style | None = None) -> TransferSpec:
    """What to draw, once the character is known.

    Raises:
        InvalidInput: the character is too small, or the results too large to be sent inline.
    """
    height, width = character_HWC.shape[:2]
    if min(height, width) < MIN_CHARACTER_SIDE:
        raise InvalidInput(
            f"the character is {width} x {height}: both sides need {MIN_CHARACTER_SIDE} pixels",
            reason="PICTURE_TOO_SMALL",
        )
    size_wh = order.size_wh or default_size((width, height), family.resolution, family.size_step)
    if order.inline_results and (3 + order.transparent) * size_wh[0] * size_wh[1] > MAX_INLINE_BYTES:
        raise InvalidInput("results of this size do not fit inline: ask for references only", reason="INLINE_TOO_LARGE")
    xy_K2 = order.xy_K2
    if order.own_skeleton is not None:
        xy_K2 = with_proportions_of(*order.own_skeleton, xy_K2, order.score_K)
    return TransferSpec(
        character_HWC=character_HWC,
        xy_K2=fit_points(xy_K2, order.score_K > MIN_SCORE, order.pose_wh, size_wh),
        score_K=order.score_K,
        size_wh=size_wh,
        steps=order.steps,
        guidance=order.guidance,
        crop=order.crop,
        transparent=order.transparent,
        style=style,
    )


def queued(position: int) -> pb.TransferPoseResponse:
    return pb.TransferPoseResponse(queued=drawing_pb2.Queued(position=position))


def progress(step: int, steps: int, preview_HWC: Pixels | None) -> pb.TransferPoseResponse:
    preview = None
    if preview_HWC is not None:
        preview = image_pb2.Image(content=encode_jpeg(preview_HWC), media_type="image/jpeg")
    return pb.TransferPoseResponse(progress=drawing_pb2.Progress(step=step, steps=steps, preview=preview))


def drawn(index: int, stored: ArtifactRef, content: bytes, order: Order, spec: TransferSpec) -> pb.TransferPoseResponse:
    return pb.TransferPoseResponse(
        image=drawing_pb2.DrawnImage(
            index=index,
            artifact=to_artifact(stored),
            inline=image_pb2.Image(content=content, media_type="image/png") if order.inline_results else None,
            width=spec.size_wh[0],
            height=spec.size_wh[1],
            seed=order.seeds[index],
        )
    )


def done(order: Order, spec: TransferSpec, family: Family) -> pb.TransferPoseResponse:
    return pb.TransferPoseResponse(
        done=pb.TransferPoseDone(
            family=family.name,
            steps=spec.steps,
            guidance=spec.guidance,
            seed=order.seeds[0],
            width=spec.size_wh[0],
            height=spec.size_wh[1],
            pose=write_person(spec.xy_K2, spec.score_K),
            transparent_background=spec.transparent,
            character_fit=pb.CHARACTER_FIT_CROP if spec.crop else pb.CHARACTER_FIT_PAD,
            own_proportions=order.own_skeleton is not None,
            styles=[
                style_pb2.StyleUse(
                    key=style.key, sha256=style.sha256, method=style_pb2.METHOD_LORA, weight=style.weight
                )
                for style in order.styles
            ],
        )
    )


def _crops(asked: "pb.CharacterFit.ValueType") -> bool:
    if asked not in pb.CharacterFit.values():
        raise InvalidInput(f"character_fit is {asked}: choose PAD or CROP", reason="CHARACTER_FIT")
    return asked == pb.CHARACTER_FIT_CROP


def _own_skeleton(request: pb.TransferPoseRequest) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    if not request.HasField("character_skeleton"):
        return None
    xy_PK2, score_PK = read_people([request.character_skeleton])
    return xy_PK2[0], score_PK[0]


def _styles(uses: Sequence[style_pb2.StyleUse]) -> tuple[StyleOrder, ...]:
    if len(uses) > MAX_STYLES:
        raise InvalidInput(f"{len(uses)} styles, at most {MAX_STYLES} can be mixed", reason="TOO_MANY_STYLES")
    if any(use.method != style_pb2.METHOD_LORA for use in uses):
        raise InvalidInput("characters are drawn in LoRA styles only: choose that method", reason="STYLE_METHOD")
    if len({use.key for use in uses}) < len(uses):
        raise InvalidInput("a style is given twice: give it once, with its weight", reason="STYLE_TWICE")
    return tuple(StyleOrder(key=use.key, sha256=use.sha256, weight=_weight(use)) for use in uses)


def _weight(use: style_pb2.StyleUse) -> float:
    weight = use.weight if use.HasField("weight") else 1.0
    return round(in_range(weight, -LARGEST_WEIGHT, LARGEST_WEIGHT, "weight"), 6)


def _pose_size(pose: pb.TargetPose) -> tuple[int, int]:
    return (
        int(in_range(pose.width, 1, MAX_POSE_SIDE, "pose_width")),
        int(in_range(pose.height, 1, MAX_POSE_SIDE, "pose_height")),
    )


def _seeds(request: pb.TransferPoseRequest) -> tuple[int, ...]:
    count = int(in_range(request.count if request.HasField("count") else 1, 1, MAX_COUNT, "count"))
    if request.seed + count > _SEEDS:
        raise InvalidInput("the last result's seed does not fit 64 bits: choose a smaller seed", reason="SEED")
    return tuple(range(request.seed, request.seed + count))


def _asked_size(request: pb.TransferPoseRequest, family: Family) -> tuple[int, int] | None:
    asked = (request.HasField("width"), request.HasField("height"))
    if not any(asked):
        return None
    if not all(asked):
        raise InvalidInput("give width and height together, or neither", reason="SIZE_PAIR")
    return _check_side(request.width, "width", family), _check_side(request.height, "height", family)


def _check_side(value: int, name: str, family: Family) -> int:
    in_range(value, family.resolution // 2, 2 * family.resolution, name)
    if value % family.size_step:
        raise InvalidInput(f"{name} is {value}: choose a multiple of {family.size_step}", reason="SIZE_STEP")
    return value
