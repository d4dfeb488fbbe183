"""Between the messages of oma.style.v1 and our records: the one file that knows both sides."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from oma.style.v1 import style_pb2
from oma.style.v1 import style_train_service_pb2 as pb

from services.common.artifacts import ArtifactStore, check_owner
from services.common.errors import InvalidInput, NotReady
from services.common.leases import Job
from services.common.pictures import Pixels, encode_png
from services.common.wire import picture_pixels, to_artifact
from services.style_train.engine.checks import Finding, check_pictures
from services.style_train.presets import planned_steps
from services.style_train.records import (
    Checkpoint,
    Learned,
    Method,
    Order,
    OrderedPicture,
    PictureFinding,
    Preset,
    Progress,
)

MAX_PICTURES = 30
MAX_NAME = 80
MAX_CAPTION = 400
MAX_REQUEST_ID = 64
MAX_PAGE = 100
LEAST_STRENGTH, MOST_STRENGTH = 0.5, 2.0
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
    if request.HasField("style_strength") and not LEAST_STRENGTH <= request.style_strength <= MOST_STRENGTH:
        raise InvalidInput(f"style_strength must be from {LEAST_STRENGTH} to {MOST_STRENGTH}", reason="STYLE_STRENGTH")
    if request.dreamstyler_from_all and not all(picture.caption.strip() for picture in request.pictures):
        raise InvalidInput(
            "DreamStyler learns from several pictures by their captions: say of each what it shows", reason="CAPTIONS"
        )
    if len(set(request.methods)) != len(request.methods):
        raise InvalidInput("each method can be named once", reason="METHODS")


def read_pictures(request: pb.CreateTrainingRequest, store: ArtifactStore) -> list[Pixels]:
    """The request's pictures, decoded.

    Raises:
        InvalidInput: a picture is not one; the message says which.
        NotFound: a picture by reference is not among the owner's.
    """
    pictures = []
    for index, picture in enumerate(request.pictures):
        try:
            pictures.append(picture_pixels(picture.picture, store, owner=request.owner))
        except InvalidInput as error:
            raise InvalidInput(f"picture {index + 1}: {error}", reason=error.reason) from error
    return pictures


def to_order(request: pb.CreateTrainingRequest, pictures: Sequence[Pixels]) -> tuple[Order, list[bytes]]:
    """The order, and the clean pictures that it names, as files.

    Raises:
        InvalidInput: something about the pictures makes learning from them useless.
        NotReady: something was noticed, and the request does not go on despite it.
    """
    methods = _methods(request)
    findings = check_pictures(pictures, learns_lora=Method.LORA in methods)
    for finding in findings:
        if finding.is_error:
            raise InvalidInput(finding.message, reason=finding.code)
    if findings and request.refuse_warnings:
        noticed = "; ".join(finding.message for finding in findings)
        raise NotReady(f"{noticed}: change the pictures, or go on despite this", reason="WARNINGS")
    contents = [encode_png(image_HWC) for image_HWC in pictures]
    ordered = tuple(
        OrderedPicture(
            name=f"pictures/{index:02d}.png",
            sha256=hashlib.sha256(content).hexdigest(),
            caption=request.pictures[index].caption.strip(),
        )
        for index, content in enumerate(contents)
    )
    order = Order(
        name=request.name.strip(),
        pictures=ordered,
        methods=methods,
        preset=_preset(request.preset),
        seed=request.seed,
        strength=_strength(request),
        dreamstyler_from_all=request.dreamstyler_from_all,
        findings=tuple(PictureFinding(code=one.code, picture=one.picture, message=one.message) for one in findings),
    )
    return order, contents


def store_pictures(order: Order, contents: Sequence[bytes], store: ArtifactStore, *, prefix: str) -> None:
    for picture, content in zip(order.pictures, contents, strict=True):
        store.put(prefix + picture.name, content, "image/png")


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
        checkpoint_samples=[
            pb.CheckpointSample(method=_METHODS[one.method], step=one.step, image=to_artifact(one.file))
            for one in checkpoint.samples
        ],
        findings=[_to_finding(finding) for finding in order.findings],
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
        checkpoint.steps.get(method, planned_steps(method, order.preset, pictures=pictures, strength=order.strength))
        for method in order.methods
    )


def _to_file(learned: Learned) -> pb.StyleFile:
    return pb.StyleFile(
        method=_METHODS[learned.method],
        artifact=to_artifact(learned.file),
        trigger=learned.trigger,
        record=to_artifact(learned.record) if learned.record is not None else None,
    )


def _to_finding(finding: PictureFinding | Finding) -> pb.PictureFinding:
    is_error = isinstance(finding, Finding) and finding.is_error  # a recorded one is none
    return pb.PictureFinding(code=finding.code, picture=finding.picture, message=finding.message, is_error=is_error)


def to_unrecorded(request: pb.CreateTrainingRequest, pictures: Sequence[Pixels]) -> pb.Training:
    """What a training would be, with all that was noticed about its pictures; it has no id."""
    methods, preset, strength = _methods(request), _preset(request.preset), _strength(request)
    findings = check_pictures(pictures, learns_lora=Method.LORA in methods)
    steps = [planned_steps(method, preset, pictures=len(pictures), strength=strength) for method in methods]
    return pb.Training(
        owner=request.owner,
        name=request.name.strip(),
        methods=[_METHODS[method] for method in methods],
        preset=_PRESETS[preset],
        steps_total=sum(steps),
        findings=[_to_finding(finding) for finding in findings],
    )


def _methods(request: pb.CreateTrainingRequest) -> tuple[Method, ...]:
    return tuple(_method(method) for method in request.methods) or tuple(Method)


def _strength(request: pb.CreateTrainingRequest) -> float:
    return round(request.style_strength, 3) if request.HasField("style_strength") else 1.0


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
