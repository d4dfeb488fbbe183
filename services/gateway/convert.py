"""Between the services' messages and what the gateway keeps; the only file that knows both."""

from collections.abc import Sequence
from typing import Any, Protocol

from google.protobuf.json_format import MessageToDict
from oma.background.v1 import background_service_pb2 as background_pb
from oma.image.v1 import drawing_pb2, image_pb2
from oma.pose.v1 import pose_estimation_service_pb2 as estimation_pb
from oma.pose.v1 import pose_pb2
from oma.pose.v1 import pose_transfer_service_pb2 as transfer_pb
from oma.style.v1 import style_pb2
from oma.style.v1 import style_train_service_pb2 as training_pb

from services.common.artifacts import ArtifactRef
from services.common.wire import from_artifact
from services.gateway.pose_schemas import BoxShape, PersonShape, SkeletonFormat
from services.gateway.reading_schemas import Aspect, Verdict
from services.gateway.style_schemas import CheckBody, Dialect, Precision
from services.gateway.tables import new_id

MAX_SKELETON_SIDE = 2048

METHODS = {"lora": style_pb2.METHOD_LORA, "dreamstyler": style_pb2.METHOD_DREAMSTYLER}
METHOD_NAMES = {value: name for name, value in METHODS.items()}
LAYER_NAMES = {
    background_pb.LAYER_KIND_LINE: "line",
    background_pb.LAYER_KIND_COLOUR: "colour",
    background_pb.LAYER_KIND_SKY: "sky",
    background_pb.LAYER_KIND_ORIGINAL: "original",
}
VERDICTS: dict[int, Verdict] = {
    background_pb.STYLE_VERDICT_CLOSE: "close",
    background_pb.STYLE_VERDICT_NEAR: "near",
    background_pb.STYLE_VERDICT_OFF: "off",
}
ASPECTS: dict[int, Aspect] = {
    background_pb.StyleAspect.KIND_LINE: "line",
    background_pb.StyleAspect.KIND_PALETTE: "palette",
    background_pb.StyleAspect.KIND_TEXTURE: "texture",
    background_pb.StyleAspect.KIND_SHARPNESS: "sharpness",
}
FITS = {"pad": transfer_pb.CHARACTER_FIT_PAD, "crop": transfer_pb.CHARACTER_FIT_CROP}
FIT_NAMES = {value: name for name, value in FITS.items()}
SKELETON_FORMATS: dict[SkeletonFormat, estimation_pb.SkeletonFormat.ValueType] = {
    "png": estimation_pb.SKELETON_FORMAT_PNG,
    "svg": estimation_pb.SKELETON_FORMAT_SVG,
    "openpose-18": estimation_pb.SKELETON_FORMAT_OPENPOSE_18,
    "openpose-25": estimation_pb.SKELETON_FORMAT_OPENPOSE_25,
}
SCHEDULERS = {
    "ddim": background_pb.SCHEDULER_DDIM,
    "dpm-solver": background_pb.SCHEDULER_DPM_SOLVER,
    "unipc": background_pb.SCHEDULER_UNIPC,
}
SCHEDULER_NAMES = {value: name for name, value in SCHEDULERS.items()}
DIALECTS: dict[Dialect, background_pb.StyleDialect.ValueType] = {
    "kohya": background_pb.STYLE_DIALECT_KOHYA,
    "diffusers": background_pb.STYLE_DIALECT_DIFFUSERS,
    "peft": background_pb.STYLE_DIALECT_PEFT,
}
PRECISIONS: dict[Precision, background_pb.StylePrecision.ValueType] = {
    "fp16": background_pb.STYLE_PRECISION_FP16,
    "bf16": background_pb.STYLE_PRECISION_BF16,
    "fp32": background_pb.STYLE_PRECISION_FP32,
}
PRESETS = {"quick": training_pb.PRESET_QUICK, "standard": training_pb.PRESET_STANDARD}


class StoredFile(Protocol):
    """A row or record that points at an object."""

    @property
    def key(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def media_type(self) -> str: ...


def to_ref(file: StoredFile) -> dict[str, Any]:
    """A file as a job's payload keeps it."""
    return {"key": file.key, "sha256": file.sha256, "size_bytes": file.size_bytes, "media_type": file.media_type}


def conversion(
    owner: str, ref: dict[str, Any], dialect: Dialect = "kohya", precision: Precision | None = None
) -> background_pb.ConvertStyleRequest:
    """What writes a style file anew, under an id of its own."""
    return background_pb.ConvertStyleRequest(
        request_id=new_id(),
        owner=owner,
        file=image_pb2.Artifact(**ref),
        dialect=DIALECTS[dialect],
        precision=PRECISIONS[precision] if precision else background_pb.STYLE_PRECISION_UNSPECIFIED,
    )


def picture(ref: dict[str, Any]) -> image_pb2.Picture:
    return image_pb2.Picture(artifact=image_pb2.Artifact(**ref))


def people(message: Sequence[pose_pb2.Person]) -> list[PersonShape]:
    return [person_shape(person) for person in message]


def person_shape(person: pose_pb2.Person) -> PersonShape:
    b = person.box
    return PersonShape(
        keypoints=[[point.x, point.y, point.score] for point in person.keypoints],
        box=BoxShape(left=b.left, top=b.top, width=b.width, height=b.height, score=b.score)
        if person.HasField("box")
        else None,
    )


def person(shape: PersonShape, scale: float = 1.0) -> pose_pb2.Person:
    points = [pose_pb2.Keypoint(x=x * scale, y=y * scale, score=score) for x, y, score in shape.keypoints]
    box = pose_pb2.Box(**shape.box.model_dump()) if shape.box is not None else None
    return pose_pb2.Person(keypoints=points, box=box)


def skeleton_request(shapes: Sequence[PersonShape], width: int, height: int) -> estimation_pb.DrawSkeletonRequest:
    """The pose drawn at its picture's size, or smaller: a photograph may be larger than a skeleton can be."""
    scale = min(1.0, MAX_SKELETON_SIDE / max(width, height))
    return estimation_pb.DrawSkeletonRequest(
        people=[person(shape, scale) for shape in shapes],
        width=max(16, round(width * scale)),
        height=max(16, round(height * scale)),
    )


def skeleton_file_request(
    shapes: Sequence[PersonShape], width: int, height: int, file_format: SkeletonFormat
) -> estimation_pb.DrawSkeletonRequest:
    """The pose as a file; but for a PNG, in the pixels of its picture."""
    if file_format == "png":
        return skeleton_request(shapes, width, height)
    people = [person(shape) for shape in shapes]
    return estimation_pb.DrawSkeletonRequest(
        people=people, width=width, height=height, format=SKELETON_FORMATS[file_format]
    )


def training_request(job_id: str, owner: str, payload: dict[str, Any], seed: int) -> training_pb.CreateTrainingRequest:
    asked = payload["request"]
    return training_pb.CreateTrainingRequest(
        request_id=job_id,
        owner=owner,
        name=asked["name"],
        pictures=[
            training_pb.StylePicture(picture=picture(item["picture"]), caption=item["caption"])
            for item in payload["pictures"]
        ],
        methods=[METHODS[name] for name in asked["methods"]],
        preset=PRESETS[asked["preset"]],
        seed=seed,
        style_strength=asked.get("style_strength"),  # this and the next: not in jobs of earlier versions
        dreamstyler_from_all=asked.get("dreamstyler_from_all", False),
        refuse_warnings=not asked.get("despite_warnings", True),
    )


def check_request(owner: str, refs: Sequence[dict[str, Any]], asked: CheckBody) -> training_pb.CreateTrainingRequest:
    """What only looks at the pictures of a training."""
    return training_pb.CreateTrainingRequest(
        request_id="check",
        owner=owner,
        name="check",
        pictures=[training_pb.StylePicture(picture=picture(ref)) for ref in refs],
        methods=[METHODS[name] for name in asked.methods],
        preset=PRESETS[asked.preset],
        style_strength=asked.style_strength,
        validate_only=True,
    )


def findings(training: training_pb.Training, picture_ids: Sequence[str]) -> list[dict[str, Any]]:
    """What was noticed about the pictures, which have these ids."""
    return [
        {
            "code": one.code,
            "picture_id": picture_ids[one.picture] if one.HasField("picture") else None,
            "message": one.message,
            "is_error": one.is_error,
        }
        for one in training.findings
    ]


def background_request(
    job_id: str, owner: str, payload: dict[str, Any], seed: int
) -> background_pb.GenerateBackgroundRequest:
    asked = payload["request"]
    return background_pb.GenerateBackgroundRequest(
        request_id=job_id,
        owner=owner,
        prompt=asked["prompt"],
        negative_prompt=asked["negative_prompt"],
        picture=picture(payload["picture"]) if payload["picture"] else None,
        styles=_style_uses(payload["styles"]),
        seed=seed,
        previews=True,
        enlarge=asked.get("enlarge"),  # this and what follows: not in jobs of earlier versions
        mask=picture(payload["mask"]) if payload.get("mask") else None,
        scheduler=SCHEDULERS.get(asked.get("scheduler") or "", background_pb.SCHEDULER_UNSPECIFIED),
        style_guidance=background_pb.StyleGuidance(**asked["style_guidance"]) if asked.get("style_guidance") else None,
        line_control=asked.get("line_control"),
        palette=asked.get("palette"),
        **{name: asked[name] for name in ("strength", "guidance", "steps", "count", "width", "height")},
    )


def transfer_request(job_id: str, owner: str, payload: dict[str, Any], seed: int) -> transfer_pb.TransferPoseRequest:
    asked, pose, own = payload["request"], payload["pose"], payload.get("character_person")
    return transfer_pb.TransferPoseRequest(
        request_id=job_id,
        owner=owner,
        character=picture(payload["character"]),
        pose=transfer_pb.TargetPose(
            person=person(PersonShape.model_validate(pose["person"])), width=pose["width"], height=pose["height"]
        ),
        seed=seed,
        previews=True,
        character_fit=FITS[asked.get("character_fit", "pad")],  # this and what follows: not in jobs of earlier versions
        character_skeleton=person(PersonShape.model_validate(own)) if own else None,
        transparent_background=asked.get("transparent_background", False),
        styles=_style_uses(payload.get("styles", [])),
        **{name: asked[name] for name in ("steps", "guidance", "count", "width", "height")},
    )


def _style_uses(styles: list[dict[str, Any]]) -> list[style_pb2.StyleUse]:
    return [
        style_pb2.StyleUse(
            key=style["key"], sha256=style["sha256"], method=METHODS[style["method"]], weight=style["weight"]
        )
        for style in styles
    ]


def character_request(owner: str, payload: dict[str, Any]) -> estimation_pb.EstimatePoseRequest | None:
    """What finds the character's own keypoints, where they are wanted and not said."""
    if not payload["request"].get("own_proportions") or payload["character_person"]:
        return None
    return estimation_pb.EstimatePoseRequest(owner=owner, picture=picture(payload["character"]), max_people=1)


def settings_used(done: background_pb.GenerateBackgroundDone | transfer_pb.TransferPoseDone) -> dict[str, Any]:
    """What a result is stored with: everything but the fitted keypoints, which its pose row has."""
    fields: dict[str, Any] = MessageToDict(
        done, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    fields["seed"] = done.seed  # MessageToDict writes 64-bit numbers as text
    if isinstance(done, transfer_pb.TransferPoseDone):
        fields.pop("pose", None)
        fields["character_fit"] = FIT_NAMES.get(done.character_fit, "pad")
    if isinstance(done, background_pb.GenerateBackgroundDone):
        fields["scheduler"] = SCHEDULER_NAMES.get(done.scheduler)  # None: the family's
    fields["styles"] = [
        {**shown, "method": METHOD_NAMES[style.method]}  # a 32-bit weight reads better as MessageToDict writes it
        for shown, style in zip(fields["styles"], done.styles, strict=True)
    ]
    return fields


def style_files(training: training_pb.Training) -> list[dict[str, Any]]:
    return [
        {"method": METHOD_NAMES[file.method], "trigger": file.trigger, **to_ref(from_artifact(file.artifact))}
        for file in training.files
    ]


def sample_refs(training: training_pb.Training) -> list[dict[str, Any]]:
    """Those of checkpoints, and then those drawn at the end."""
    return checkpoint_refs(training) + [to_ref(from_artifact(sample)) for sample in training.samples]


def checkpoint_refs(training: training_pb.Training) -> list[dict[str, Any]]:
    """Pictures drawn along the way, which say where on it."""
    return [
        {"method": METHOD_NAMES[one.method], "step": one.step, **to_ref(from_artifact(one.image))}
        for one in training.checkpoint_samples
    ]


def drawn_ref(image: drawing_pb2.DrawnImage) -> ArtifactRef:
    return from_artifact(image.artifact)
