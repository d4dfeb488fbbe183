"""Between arrays and the messages of PoseEstimationService."""

import numpy as np
from oma.image.v1 import image_pb2
from oma.pose.v1 import pose_estimation_service_pb2 as pb
from oma.pose.v1 import pose_pb2

from services.common.errors import InvalidInput
from services.common.pictures import MAX_INLINE_BYTES, encode_png
from services.pose import openpose
from services.pose.estimation.engine import LookSpec, People
from services.pose.skeleton import people_picture
from services.pose.svg import people_svg
from services.pose.wire import in_range, read_people, write_person

MAX_PEOPLE = 64
SMALLEST_DRAWING, LARGEST_DRAWING = 16, 4096
LARGEST_SIZE = 16_384  # of a skeleton that is not drawn in pixels
_IN_PIXELS = (pb.SKELETON_FORMAT_UNSPECIFIED, pb.SKELETON_FORMAT_PNG)

_DEFAULTS = LookSpec(min_pose_score=0.3)


def to_look_spec(request: pb.EstimatePoseRequest) -> LookSpec:
    """What to look for, defaults filled in.

    Raises:
        InvalidInput: a number is out of its range.
    """
    max_people = request.max_people if request.HasField("max_people") else _DEFAULTS.max_people
    min_score = request.min_score if request.HasField("min_score") else _DEFAULTS.min_score
    min_pose_score = request.min_pose_score if request.HasField("min_pose_score") else _DEFAULTS.min_pose_score
    return LookSpec(
        max_people=int(in_range(max_people, 1, MAX_PEOPLE, "max_people")),
        min_score=in_range(min_score, 0, 1, "min_score"),
        whole_picture_if_nobody=request.whole_picture_if_nobody,
        min_pose_score=in_range(min_pose_score, 0, 1, "min_pose_score"),
        person=int(in_range(request.person, 0, MAX_PEOPLE - 1, "person")) if request.HasField("person") else None,
    )


def to_response(found: People, size_wh: tuple[int, int]) -> pb.EstimatePoseResponse:
    people = [write_person(xy_K2, score_K) for xy_K2, score_K in zip(found.xy_PK2, found.score_PK, strict=True)]
    for person, box_4, score in zip(people, found.box_P4.tolist(), found.box_score_P.tolist(), strict=True):
        left, top, right, bottom = box_4
        box = pose_pb2.Box(left=left, top=top, width=right - left, height=bottom - top, score=min(max(score, 0.0), 1.0))
        person.box.CopyFrom(box)
    return pb.EstimatePoseResponse(
        people=people,
        width=size_wh[0],
        height=size_wh[1],
        used_whole_picture=found.used_whole_picture,
        people_seen=found.seen,
    )


def to_drawing_size(request: pb.DrawSkeletonRequest) -> tuple[int, int]:
    """Width and height of the drawing.

    Raises:
        InvalidInput: nobody to draw, too many people, or a side out of its range.
    """
    if not 1 <= len(request.people) <= MAX_PEOPLE:
        raise InvalidInput(f"{len(request.people)} people: send 1 to {MAX_PEOPLE}", reason="PEOPLE_COUNT")
    largest = LARGEST_DRAWING if request.format in _IN_PIXELS else LARGEST_SIZE
    width = in_range(request.width, SMALLEST_DRAWING, largest, "width")
    height = in_range(request.height, SMALLEST_DRAWING, largest, "height")
    return int(width), int(height)


def draw_skeleton(request: pb.DrawSkeletonRequest) -> pb.DrawSkeletonResponse:
    """The request's people in the format that it asks for.

    Raises:
        InvalidInput: what `to_drawing_size` and `read_people` refuse, an unknown format, or too large a drawing.
    """
    size_wh = to_drawing_size(request)
    xy_PK2, score_PK = read_people(request.people)
    match request.format:
        case pb.SKELETON_FORMAT_UNSPECIFIED | pb.SKELETON_FORMAT_PNG:
            drawing_HWC = people_picture(xy_PK2, score_PK, size_wh)
            return _skeleton(encode_png(np.ascontiguousarray(drawing_HWC)), "image/png")
        case pb.SKELETON_FORMAT_SVG:
            return _skeleton(people_svg(xy_PK2, score_PK, size_wh).encode(), "image/svg+xml")
        case pb.SKELETON_FORMAT_OPENPOSE_18:
            return _skeleton(openpose.to_json(xy_PK2, score_PK, body=18).encode(), "application/json")
        case pb.SKELETON_FORMAT_OPENPOSE_25:
            return _skeleton(openpose.to_json(xy_PK2, score_PK, body=25).encode(), "application/json")
        case unknown:
            raise InvalidInput(f"format {unknown}: choose PNG, SVG, OPENPOSE_18 or _25", reason="SKELETON_FORMAT")


def read_skeleton(request: pb.ReadSkeletonRequest) -> pb.ReadSkeletonResponse:
    """The people of an OpenPose file.

    Raises:
        InvalidInput: not such a file, larger than 4 MiB, or with points far outside any picture.
    """
    if len(request.content) > MAX_INLINE_BYTES:
        raise InvalidInput("the file is larger than 4 MiB: send fewer people", reason="OPENPOSE_JSON")
    xy_PK2, score_PK = openpose.from_json(request.content)
    people = [write_person(xy_K2, score_K) for xy_K2, score_K in zip(xy_PK2, score_PK, strict=True)]
    read_people(people)  # what is given out can be sent back
    return pb.ReadSkeletonResponse(people=people)


def _skeleton(content: bytes, media_type: str) -> pb.DrawSkeletonResponse:
    if len(content) > MAX_INLINE_BYTES:
        raise InvalidInput("the drawing is larger than 4 MiB: ask for a smaller one", reason="DRAWING_TOO_LARGE")
    return pb.DrawSkeletonResponse(skeleton=image_pb2.Image(content=content, media_type=media_type))
