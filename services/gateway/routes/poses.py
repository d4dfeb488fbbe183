"""Poses: found in a picture or made by hand, edited, and taken by a character."""

import asyncio
import uuid

from fastapi import APIRouter
from oma.pose.v1 import pose_estimation_service_pb2 as estimation_pb

from services.gateway import convert
from services.gateway.files import skeleton_key
from services.gateway.gateway import Gateway, Parts, SignedIn
from services.gateway.once import IdempotencyKey, Once, claim, made_already, once
from services.gateway.pose_schemas import (
    EstimateBody,
    PeopleBody,
    PersonShape,
    PoseAnswer,
    PoseBody,
    PoseTransferBody,
)
from services.gateway.present import PNG, pose_answer
from services.gateway.queries import Cursor, Limit, of_project, owned, owned_in_project, page
from services.gateway.routes.jobs import create_job
from services.gateway.schemas import JobAnswer, Page
from services.gateway.tables import Picture, Pose, Project, new_id

router = APIRouter(tags=["poses"])


@router.post("/projects/{project_id}/poses/estimate", status_code=201)
async def estimate_pose(
    project_id: str, body: EstimateBody, caller: SignedIn, gateway: Parts, idempotency_key: IdempotencyKey = None
) -> PoseAnswer:
    """Find the people in a picture. Nobody found is an answer, not an error."""
    request = once(caller.id, "poses/estimate", idempotency_key, project_id, body)
    if (made := await asyncio.to_thread(made_before, gateway, request)) is not None:
        return made
    picture = await asyncio.to_thread(_own_picture, gateway, body.picture_id, project_id, caller.id)
    found = await gateway.peers.estimate(
        estimation_pb.EstimatePoseRequest(
            owner=caller.id,
            picture=convert.picture(convert.to_ref(picture)),
            whole_picture_if_nobody=body.whole_picture_if_nobody,
            max_people=body.max_people,
            min_score=body.min_score,
            min_pose_score=body.min_pose_score,
            person=body.person,
        )
    )
    pose = Pose(
        account_id=caller.id,
        project_id=project_id,
        picture_id=picture.id,
        width=found.width,
        height=found.height,
        people=[],
        used_whole_picture=found.used_whole_picture,
    )
    return await store_pose(gateway, pose, convert.people(found.people), request)


@router.post("/projects/{project_id}/poses", status_code=201)
async def create_pose(
    project_id: str, body: PoseBody, caller: SignedIn, gateway: Parts, idempotency_key: IdempotencyKey = None
) -> PoseAnswer:
    """Keep a pose that was made by hand."""
    request = once(caller.id, "poses", idempotency_key, project_id, body)
    if (made := await asyncio.to_thread(made_before, gateway, request)) is not None:
        return made
    await asyncio.to_thread(check_places, gateway, body.picture_id, project_id, caller.id)
    pose = Pose(
        id=new_id(),
        account_id=caller.id,
        project_id=project_id,
        picture_id=body.picture_id,
        width=body.width,
        height=body.height,
        people=[],
    )
    return await store_pose(gateway, pose, body.people, request)


@router.get("/projects/{project_id}/poses")
def list_poses(
    project_id: str, caller: SignedIn, gateway: Parts, cursor: Cursor = None, limit: Limit = 50
) -> Page[PoseAnswer]:
    with gateway.db() as db:
        owned(db, Project, project_id, caller.id)
        rows, more = page(db, Pose, of_project(Pose, project_id), cursor=cursor, limit=limit)
    return Page(items=[pose_answer(row, gateway.links) for row in rows], next_cursor=more)


@router.get("/poses/{pose_id}")
def get_pose(pose_id: str, caller: SignedIn, gateway: Parts) -> PoseAnswer:
    return pose_answer(own_pose(gateway, pose_id, caller.id), gateway.links)


@router.put("/poses/{pose_id}")
async def replace_people(pose_id: str, body: PeopleBody, caller: SignedIn, gateway: Parts) -> PoseAnswer:
    """Replace the keypoints, and draw the skeleton anew."""
    pose = await asyncio.to_thread(own_pose, gateway, pose_id, caller.id)
    return await store_pose(gateway, pose, body.people, once(caller.id, "poses", None))


@router.delete("/poses/{pose_id}", status_code=204)
def delete_pose(pose_id: str, caller: SignedIn, gateway: Parts) -> None:
    with gateway.db() as db:
        row = owned(db, Pose, pose_id, caller.id)
        db.delete(row)
        db.commit()
    if row.skeleton_key is not None:
        gateway.store.delete(row.skeleton_key)


@router.post("/projects/{project_id}/pose-transfers", status_code=202)
def create_pose_transfer(
    project_id: str, body: PoseTransferBody, caller: SignedIn, gateway: Parts, idempotency_key: IdempotencyKey = None
) -> JobAnswer:
    """Draw a character again in another pose."""
    return create_job(gateway, caller, project_id, "pose_transfer", body, idempotency_key)


async def store_pose(gateway: Gateway, pose: Pose, people: list[PersonShape], request: Once) -> PoseAnswer:
    """Draw the skeleton, store it under a new key, then write the row, then remove the old picture."""
    skeleton = None
    if people:
        drawing = convert.skeleton_request(people, pose.width, pose.height)
        skeleton = await gateway.peers.draw_skeleton(pose.account_id, drawing)
    return await asyncio.to_thread(_write, gateway, pose, people, skeleton, request)


def _write(
    gateway: Gateway, pose: Pose, people: list[PersonShape], skeleton: bytes | None, request: Once
) -> PoseAnswer:
    key = None
    if skeleton is not None:
        key = skeleton_key(pose.account_id, pose.id, uuid.uuid4().hex[:8])
        gateway.store.put(key, skeleton, PNG)
    with gateway.db() as db:
        owned(db, Project, pose.project_id, pose.account_id)
        first = claim(db, request, pose.id)
        if first == pose.id:
            row = db.get(Pose, pose.id) or pose
            unused_key, row.skeleton_key = row.skeleton_key, key
            row.people = [person.model_dump(mode="json") for person in people]
            db.add(row)
            db.commit()
        else:  # the same post got in before
            row, unused_key = owned(db, Pose, first, pose.account_id), key
    if unused_key is not None:
        gateway.store.delete(unused_key)
    return pose_answer(row, gateway.links)


def made_before(gateway: Gateway, request: Once) -> PoseAnswer | None:
    with gateway.db() as db:
        pose_id = made_already(db, request)
        return pose_answer(owned(db, Pose, pose_id, request.account_id), gateway.links) if pose_id else None


def _own_picture(gateway: Gateway, picture_id: str, project_id: str, account_id: str) -> Picture:
    with gateway.db() as db:
        owned(db, Project, project_id, account_id)
        return owned_in_project(db, Picture, [picture_id], project_id, account_id)[0]


def check_places(gateway: Gateway, picture_id: str | None, project_id: str, account_id: str) -> None:
    with gateway.db() as db:
        owned(db, Project, project_id, account_id)
        if picture_id is not None:
            owned_in_project(db, Picture, [picture_id], project_id, account_id)


def own_pose(gateway: Gateway, pose_id: str, account_id: str) -> Pose:
    with gateway.db() as db:
        return owned(db, Pose, pose_id, account_id)
