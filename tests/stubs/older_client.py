"""A program of the version before: only what its own generated modules know. Says what it was answered, as JSON.

older_client.py <address>, with the assertion of each service as JSON on standard input
"""

import json
import sys
from typing import Any

import grpc
from oma.background.v1 import background_service_pb2 as background_pb
from oma.background.v1 import background_service_pb2_grpc as background_grpc
from oma.pose.v1 import pose_estimation_service_pb2 as estimation_pb
from oma.pose.v1 import pose_estimation_service_pb2_grpc as estimation_grpc
from oma.pose.v1 import pose_transfer_service_pb2 as transfer_pb
from oma.pose.v1 import pose_transfer_service_pb2_grpc as transfer_grpc
from oma.style.v1 import style_train_service_pb2 as training_pb
from oma.style.v1 import style_train_service_pb2_grpc as training_grpc

OWNER = "mina"


def main() -> None:
    assertions: dict[str, str] = json.load(sys.stdin)

    def told(service: str) -> dict[str, Any]:
        return {"timeout": 60, "metadata": (("oma-owner-assertion", assertions[service]),)}

    with grpc.insecure_channel(sys.argv[1]) as channel:
        training = training_grpc.StyleTrainServiceStub(channel)
        calls = told("oma.style.v1.StyleTrainService")
        created = training.CreateTraining(
            training_pb.CreateTrainingRequest(request_id="old-1", owner=OWNER, name="ink"), **calls
        ).training
        watch = training_pb.WatchTrainingRequest(owner=OWNER, id=created.id)
        *_, last = training.WatchTraining(watch, **calls)
        drawing = background_pb.GenerateBackgroundRequest(request_id="old-2", owner=OWNER, prompt="a beach", seed=7)
        background = background_grpc.BackgroundServiceStub(channel)
        *_, drawn = background.GenerateBackground(drawing, **told("oma.background.v1.BackgroundService"))
        skeleton = estimation_grpc.PoseEstimationServiceStub(channel).DrawSkeleton(
            estimation_pb.DrawSkeletonRequest(width=64, height=64), **told("oma.pose.v1.PoseEstimationService")
        )
        transfer = transfer_grpc.PoseTransferServiceStub(channel)
        moving = transfer_pb.TransferPoseRequest(request_id="old-3", owner=OWNER)
        *_, moved = transfer.TransferPose(moving, **told("oma.pose.v1.PoseTransferService"))
    answers = {
        "module": background_pb.__file__,
        "training": training_pb.Training.State.Name(last.training.state),
        "seed": drawn.done.seed,
        "skeleton": skeleton.skeleton.media_type,
        "family": moved.done.family,
    }
    print(json.dumps(answers))  # noqa: T201 (its answer)


if __name__ == "__main__":
    main()
