"""Between the messages of oma.style.v1 and our records: the one file that knows both sides."""

import hashlib
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from oma.style.v1 import style_pb2
from oma.style.v1 import style_train_service_pb2 as pb

from services.common.artifacts import ArtifactStore, check_owner
from services.common.errors import InvalidInput
from services.common.leases import Job
from services.common.pictures import encode_png
from services.common.wire import picture_pixels, to_artifact
from services.style_train.presets import planned_steps
from services.style_train.records import (
    Checkpoint,
    Learned,
    Method,
    Order,
    OrderedPicture,
    Preset,
    Progress,
    folder,
)

MAX_PICTURES = 30
MAX_NAME = 80
MAX_CAPTION = 400
MAX_REQUEST_ID = 64
MAX_PAGE = 100
DEFAULT_PAGE = 50

_METHODS = {Method.LORA: style_pb2.METHOD_LORA, Method.DREAMSTYLER: style_pb2.METHOD_DREAMSTYLER}
_PRESETS = {Preset.QUICK: pb.PRESET_QUICK, Preset.STANDARD: pb.PRESET_STANDARD}
_STATES = {
    "queued": pb.Training.STATE_QUEUED,
    "running": pb.Training.STATE_RUNNING,
    "succeeded": pb.Training.STATE_SUCCEEDED,
    "failed": pb.Training.STATE_FAILED,
    "cancelled": pb.Training.STATE_CANCELLED,
}


def check_request(request: pb.CreateTrainingRequest) -> None:
    """Refuse what can be refused before a picture is decoded.

    Raises:
        InvalidInput: see each message.
    """
    check_owner(request.owner)
    if not 1 <= len(request.request_id) <= MAX_REQUEST_ID:
        raise InvalidInput(f"request_id must have 1 to {MAX_REQUEST_ID} characters", reason="REQUEST_ID")
    if not 1 <= len(request.name.strip()) <= MAX_NAME:
        raise InvalidInput(f"name must have 1 to {MAX_NAME} characters", reason="NAME")
    if not 1 <= len(request.pictures) <= MAX_PICTURES:
        raise InvalidInput(f"send 1 to {MAX_PICTURES} pictures, got {len(request.pictures)}", reason="PICTURE_COUNT")
    if any(len(picture.caption) > MAX_CAPTION for picture in request.pictures):
        raise InvalidInput(f"a caption has at most {MAX_CAPTION} characters: shorten it", reason="CAPTION_TOO_LONG")
    if len(set(request.methods)) != len(request.methods):
        raise InvalidInput("each method can be named once", reason="METHODS")


def store_order(request: pb.CreateTrainingRequest, store: ArtifactStore, *, job_id: str) -> Order:
    """The order, its pictures decoded once and stored clean under the job's prefix.

    Raises:
        InvalidInput: a picture is not one; the message says which.
        NotFound: a picture by reference is not among the owner's.
    """
    pictures = []
    for index, picture in enumerate(request.pictures):
        try:
            content = encode_png(picture_pixels(picture.picture, store, owner=request.owner))
        except InvalidInput as error:
            raise InvalidInput(f"picture {index + 1}: {error}", reason=error.reason) from error
        name = f"pictures/{index:02d}.png"
        store.put(folder(request.owner, job_id) + name, content, "image/png")
        digest = hashlib.sha256(content).hexdigest()
        pictures.append(OrderedPicture(name=name, sha256=digest, caption=picture.caption.strip()))
    return Order(
        name=request.name.strip(),
        pictures=tuple(pictures),
        methods=tuple(_method(method) for method in request.methods) or tuple(Method),
        preset=_preset(request.preset),
        seed=request.seed,
    )


def page_size(request: pb.ListTrainingsRequest) -> int:
    if not 0 <= request.page_size <= MAX_PAGE:
        raise InvalidInput(f"page_size must be 1 to {MAX_PAGE}, or 0 for {DEFAULT_PAGE}", reason="PAGE_SIZE")
    return request.page_size or DEFAULT_PAGE


def revision_of(resume_token: str) -> int:
    """The revision that the caller has seen; 0 for none."""
    if resume_token and not (resume_token.isascii() and resume_token.isdigit()):
        raise InvalidInput("not a resume token: send the one that was given", reason="RESUME_TOKEN")
    return int(resume_token or "0")


def to_training(job: Job) -> pb.Training:
    order = Order.model_validate(job.payload)
    checkpoint = Checkpoint.model_validate(job.checkpoint)
    training = pb.Training(
        id=job.id,
        owner=job.owner,
        name=order.name,
        state=_STATES[job.state],
        methods=[_METHODS[method] for method in order.methods],
        preset=_PRESETS[order.preset],
        steps_total=_steps_total(order, checkpoint),
        files=[_to_file(learned) for learned in checkpoint.learned],
        samples=[to_artifact(sample) for learned in checkpoint.learned for sample in learned.samples],
        create_time=_time(job.created_at),
        start_time=_time(job.started_at),
        end_time=_time(job.ended_at),
    )
    if job.progress:
        _add_progress(training, Progress.model_validate(job.progress), running=job.state == "running")
    if job.error is not None:
        training.failure.reason, training.failure.message = job.error["reason"], job.error["message"]
    return training


def _add_progress(training: pb.Training, progress: Progress, *, running: bool) -> None:
    training.steps_done, training.steps_total = progress.steps_done, progress.steps_total
    training.loss = progress.loss
    if running:
        training.current_method = _METHODS[progress.method]
        training.seconds_left = progress.seconds_left


def _steps_total(order: Order, checkpoint: Checkpoint) -> int:
    pictures = len(order.pictures)
    return sum(
        checkpoint.steps.get(method, planned_steps(method, order.preset, pictures=pictures)) for method in order.methods
    )


def _to_file(learned: Learned) -> pb.StyleFile:
    return pb.StyleFile(method=_METHODS[learned.method], artifact=to_artifact(learned.file), trigger=learned.trigger)


def _method(value: int) -> Method:
    for method, number in _METHODS.items():
        if number == value:
            return method
    raise InvalidInput("methods are METHOD_LORA and METHOD_DREAMSTYLER", reason="METHODS")


def _preset(value: int) -> Preset:
    if value == pb.PRESET_UNSPECIFIED:
        return Preset.STANDARD
    for preset, number in _PRESETS.items():
        if number == value:
            return preset
    raise InvalidInput("presets are PRESET_QUICK and PRESET_STANDARD", reason="PRESET")


def _time(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
