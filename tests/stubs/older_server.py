"""A service of the version before: it answers with what its own generated modules know. Says its port first."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from oma.background.v1 import background_service_pb2 as pb
from oma.background.v1 import background_service_pb2_grpc as pb_grpc
from oma.image.v1 import drawing_pb2
from oma.style.v1 import style_train_service_pb2 as training_pb
from oma.style.v1 import style_train_service_pb2_grpc as training_grpc


class OlderBackground(pb_grpc.BackgroundServiceServicer):
    def GenerateBackground(self, request: Any, context: Any) -> Iterator[Any]:
        yield pb.GenerateBackgroundResponse(queued=drawing_pb2.Queued(position=0))
        yield pb.GenerateBackgroundResponse(done=pb.GenerateBackgroundDone(prompt=request.prompt, seed=request.seed))


class OlderTraining(training_grpc.StyleTrainServiceServicer):
    def GetTraining(self, request: Any, context: Any) -> Any:
        training = training_pb.Training(id=request.id, owner=request.owner, state=training_pb.Training.STATE_RUNNING)
        return training_pb.GetTrainingResponse(training=training)


if __name__ == "__main__":
    server = grpc.server(ThreadPoolExecutor(2))
    pb_grpc.add_BackgroundServiceServicer_to_server(OlderBackground(), server)  # type: ignore[abstract]  # what is called is there
    training_grpc.add_StyleTrainServiceServicer_to_server(OlderTraining(), server)  # type: ignore[abstract]  # as above
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, pb.__file__, flush=True)  # noqa: T201 (whoever started it reads this)
    server.wait_for_termination()
