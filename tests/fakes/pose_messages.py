"""Messages that tests of the pose services send."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from oma.image.v1 import image_pb2
from oma.pose.v1 import pose_pb2
from oma.pose.v1 import pose_transfer_service_pb2 as transfer_pb

from services.common.pictures import encode_png

KEYPOINTS = 133


def flat_picture(brightness: int, *, width: int = 80, height: int = 100) -> image_pb2.Picture:
    return to_picture(np.full((height, width, 3), brightness, np.uint8))


def to_picture(image_HWC: NDArray[np.uint8]) -> image_pb2.Picture:
    return image_pb2.Picture(inline=image_pb2.Image(content=encode_png(image_HWC), media_type="image/png"))


def person(*, seed: int = 0, size: float = 100.0, score: float = 1.0) -> pose_pb2.Person:
    xy_K2 = np.random.default_rng(seed).uniform(0.1, 0.9, (KEYPOINTS, 2)) * size
    return pose_pb2.Person(keypoints=[pose_pb2.Keypoint(x=x, y=y, score=score) for x, y in xy_K2.tolist()])


def transfer_request(**changes: object) -> transfer_pb.TransferPoseRequest:
    """A whole and valid request of 3 steps; `changes` are its fields."""
    fields: dict[str, Any] = {
        "request_id": "r1",
        "owner": "mina",
        "character": flat_picture(90),
        "pose": transfer_pb.TargetPose(person=person(), width=100, height=100),
        "steps": 3,
        "seed": 7,
        **changes,
    }
    return transfer_pb.TransferPoseRequest(**fields)
