"""Turns what was posted into a durable job: ids are resolved here, once, so that a worker needs nothing but the row."""

from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel
from sqlmodel import Session

from services.common.errors import InvalidInput, NotReady, Overloaded
from services.gateway.background_schemas import BackgroundBody
from services.gateway.convert import to_ref
from services.gateway.gateway import Gateway
from services.gateway.limits import allowance, count_use, refuse_full_storage
from services.gateway.pose_schemas import PoseTransferBody
from services.gateway.queries import owned_in_project
from services.gateway.schemas import StyleChoice
from services.gateway.style_schemas import CheckBody, TrainingBody
from services.gateway.tables import JobRequest, Picture, Pose, Project, Style, jobs

BODIES: dict[str, type[BaseModel]] = {
    "training": TrainingBody,
    "background": BackgroundBody,
    "pose_transfer": PoseTransferBody,
}


def submit(db: Session, gateway: Gateway, project: Project, kind: str, body: BaseModel, key: str | None) -> str:
    """Record the job, and what was asked, in one transaction; returns its id. The caller commits.

    Raises:
        Conflict: the key was used for another request.
        InvalidInput, NotFound, NotReady: what is asked names something that is not there, or cannot be.
        Overloaded: too many of the account's jobs are unfinished, or what it may store or make is used up.
    """
    payload = {"request": body.model_dump(mode="json"), "project_id": project.id, **_resolve(db, project, body)}
    job = gateway.queue.enqueue(
        kind=kind, owner=project.account_id, payload=payload, key=key, connection=db.connection()
    )
    if db.get(JobRequest, job.id) is None:
        _refuse_too_many(db, project.account_id, gateway.max_open_jobs)
        _count_use(db, gateway, project.account_id, kind)
        db.add(
            JobRequest(
                id=job.id,
                account_id=project.account_id,
                project_id=project.id,
                kind=kind,
                request=payload["request"],
                created_at=job.created_at,
            )
        )
    return job.id


def _refuse_too_many(db: Session, account_id: str, limit: int) -> None:
    unfinished = sa.and_(jobs.c.owner == account_id, jobs.c.state.in_(("queued", "running")))
    count = db.connection().execute(sa.select(sa.func.count()).where(unfinished)).scalar_one()
    if count > limit:
        raise Overloaded(
            f"{limit} jobs are unfinished: wait for some, or cancel them",
            reason="TOO_MANY_JOBS",
            retry_after_seconds=10,
        )


def _count_use(db: Session, gateway: Gateway, account_id: str, kind: str) -> None:
    refuse_full_storage(db, gateway.allowance, account_id)
    allowed = allowance(db, gateway.allowance, account_id)
    if kind == "training":
        count_use(db, account_id, "training", allowed.trainings_a_day)
    else:
        count_use(db, account_id, "drawing", allowed.drawings_a_day)


def _resolve(db: Session, project: Project, body: BaseModel) -> dict[str, Any]:
    match body:
        case TrainingBody():
            return _training(db, project, body)
        case BackgroundBody():
            return _background(db, project, body)
        case PoseTransferBody():
            return _pose_transfer(db, project, body)
        case _:
            raise TypeError(f"not a job: {type(body).__name__}")


def _training(db: Session, project: Project, body: TrainingBody) -> dict[str, Any]:
    if body.dreamstyler_from_all and set(body.picture_ids) - {
        one for one, text in body.captions.items() if text.strip()
    }:
        raise InvalidInput(
            "DreamStyler learns from several pictures by their captions: say of each what it shows", reason="CAPTIONS"
        )
    if strangers := set(body.captions) - set(body.picture_ids):
        raise InvalidInput(f"captions for pictures that are not in picture_ids: {sorted(strangers)}", reason="CAPTIONS")
    pictures = pages(db, project, body)
    shown = [{"picture": to_ref(row), "caption": body.captions.get(row.id, "")} for row in pictures]
    if body.style_id is None:
        return {"pictures": shown}
    style = owned_in_project(db, Style, [body.style_id], project.id, project.account_id)[0]
    return {"pictures": shown, "lineage_id": style.lineage_id}


def pages(db: Session, project: Project, body: TrainingBody | CheckBody) -> list[Picture]:
    """The pictures to learn from, in their order.

    Raises:
        InvalidInput: one of them, or a method, is named twice.
        NotFound: one of them is not in the project.
    """
    if len(set(body.picture_ids)) != len(body.picture_ids) or len(set(body.methods)) != len(body.methods):
        raise InvalidInput("name each picture and each method once", reason="TWICE")
    return owned_in_project(db, Picture, body.picture_ids, project.id, project.account_id)


def _background(db: Session, project: Project, body: BackgroundBody) -> dict[str, Any]:
    if not body.prompt.strip() and body.picture_id is None:
        raise InvalidInput("write a prompt, or choose a picture to start from", reason="NOTHING_TO_DRAW")
    if body.strength is not None and body.picture_id is None:
        raise InvalidInput("strength needs a picture to start from", reason="STRENGTH_WITHOUT_PICTURE")
    _refuse_strange_mask(body)
    ids = [one for one in (body.picture_id, body.mask_picture_id) if one is not None]
    rows = {row.id: row for row in owned_in_project(db, Picture, ids, project.id, project.account_id)}
    picture, mask = rows.get(body.picture_id or ""), rows.get(body.mask_picture_id or "")
    if picture is not None and mask is not None and (picture.width, picture.height) != (mask.width, mask.height):
        sizes = [f"{one.width} x {one.height}" for one in (mask, picture)]
        raise InvalidInput(f"the mask is {sizes[0]}, the picture {sizes[1]}: make them equal", reason="MASK_SIZE")
    refs = {"picture": to_ref(picture) if picture else None, "mask": to_ref(mask) if mask else None}
    return {**refs, "styles": [_style_use(db, project, choice) for choice in body.styles]}


def _refuse_strange_mask(body: BackgroundBody) -> None:
    if body.mask_picture_id is None:
        return
    if body.picture_id is None:
        raise InvalidInput("a mask is for a picture: give one, or leave the mask out", reason="MASK_WITHOUT_PICTURE")
    if body.mask_picture_id == body.picture_id:
        raise InvalidInput("the mask is the picture itself: paint one, white where to redraw", reason="MASK_IS_PICTURE")
    if (body.enlarge or 1) > 1:
        raise InvalidInput(
            "enlarging would change the pixels that the mask keeps: leave enlarge out", reason="MASK_ENLARGE"
        )


def _style_use(db: Session, project: Project, choice: StyleChoice) -> dict[str, Any]:
    style = owned_in_project(db, Style, [choice.style_id], project.id, project.account_id)[0]
    for file in style.files:
        if file["method"] == choice.method:
            return {"key": file["key"], "sha256": file["sha256"], "method": choice.method, "weight": choice.weight}
    raise NotReady(f"{style.name} was not learned by {choice.method}: choose another method", reason="NO_SUCH_METHOD")


def _pose_transfer(db: Session, project: Project, body: PoseTransferBody) -> dict[str, Any]:
    character = owned_in_project(db, Picture, [body.character_picture_id], project.id, project.account_id)[0]
    pose = owned_in_project(db, Pose, [body.pose_id], project.id, project.account_id)[0]
    if body.person_index >= len(pose.people):
        raise InvalidInput(f"the pose has {len(pose.people)} people: person_index counts from 0", reason="PERSON_INDEX")
    target = {"person": pose.people[body.person_index], "width": pose.width, "height": pose.height}
    own = _own_person(db, project, body)
    if any(choice.method != "lora" for choice in body.styles):
        raise InvalidInput("characters are drawn in LoRA styles only: choose that method", reason="STYLE_METHOD")
    styles = [_style_use(db, project, choice) for choice in body.styles]
    return {"character": to_ref(character), "pose": target, "character_person": own, "styles": styles}


def _own_person(db: Session, project: Project, body: PoseTransferBody) -> dict[str, Any] | None:
    """The character's keypoints in its picture, where the artist says which they are."""
    if body.character_pose_id is None:
        return None
    if not body.own_proportions:
        raise InvalidInput("character_pose_id is for own_proportions: ask for them too", reason="OWN_PROPORTIONS")
    pose = owned_in_project(db, Pose, [body.character_pose_id], project.id, project.account_id)[0]
    if not pose.people:
        raise InvalidInput("nobody is in the character's pose: choose another", reason="NOBODY")
    return pose.people[0]
