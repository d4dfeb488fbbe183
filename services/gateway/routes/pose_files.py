"""Skeletons as files that other programs read and write."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from services.common.errors import InvalidInput
from services.gateway import convert
from services.gateway.gateway import Parts, SignedIn
from services.gateway.once import IdempotencyKey, once
from services.gateway.pose_schemas import ImportBody, PersonShape, PoseAnswer, SkeletonFormat
from services.gateway.routes.poses import check_places, made_before, own_pose, store_pose
from services.gateway.tables import Pose, new_id
from services.gateway.zips import attachment

router = APIRouter(tags=["poses"])

_KINDS: dict[SkeletonFormat, tuple[str, str]] = {  # media type, ending
    "png": ("image/png", "png"),
    "svg": ("image/svg+xml", "svg"),
    "openpose-18": ("application/json", "json"),
    "openpose-25": ("application/json", "json"),
}
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "image/png": {"schema": {"type": "string", "format": "binary"}},
            "image/svg+xml": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object"}},
        }
    }
}


@router.get("/poses/{pose_id}/skeleton", response_class=Response, responses=_FILES)
async def download_skeleton(
    pose_id: str,
    caller: SignedIn,
    gateway: Parts,
    file_format: Annotated[SkeletonFormat, Query(alias="format", description="How it is written.")] = "png",
) -> Response:
    """The skeleton as a picture, as SVG, or as an OpenPose file with 18 or 25 body points, hands and face."""
    pose = await asyncio.to_thread(own_pose, gateway, pose_id, caller.id)
    if not pose.people:
        raise InvalidInput("nobody is in this pose: there is no skeleton", reason="NOBODY")
    shapes = [PersonShape.model_validate(person) for person in pose.people]
    request = convert.skeleton_file_request(shapes, pose.width, pose.height, file_format)
    content = await gateway.peers.draw_skeleton(caller.id, request)
    media_type, ending = _KINDS[file_format]
    return Response(content, media_type=media_type, headers=attachment(f"pose_{pose.id}.{ending}"))


@router.post("/projects/{project_id}/poses/import", status_code=201)
async def import_pose(
    project_id: str, body: ImportBody, caller: SignedIn, gateway: Parts, idempotency_key: IdempotencyKey = None
) -> PoseAnswer:
    """Keep a pose that another program wrote as an OpenPose file. What the file leaves out is not seen."""
    request = once(caller.id, "poses/import", idempotency_key, project_id, body)
    if (made := await asyncio.to_thread(made_before, gateway, request)) is not None:
        return made
    await asyncio.to_thread(check_places, gateway, body.picture_id, project_id, caller.id)
    read = await gateway.peers.read_skeleton(caller.id, body.content.encode())
    pose = Pose(
        id=new_id(),
        account_id=caller.id,
        project_id=project_id,
        picture_id=body.picture_id,
        width=body.width,
        height=body.height,
        people=[],
    )
    return await store_pose(gateway, pose, convert.people(read.people), request)
