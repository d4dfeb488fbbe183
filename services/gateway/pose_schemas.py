"""The shapes of poses under /api/v1."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.gateway.schemas import Body, Seed, Side, StyleChoice

Keypoint = Annotated[list[float], Field(min_length=3, max_length=3, description="x, y in pixels, and score in [0, 1].")]
SkeletonFormat = Literal["png", "svg", "openpose-18", "openpose-25"]


class BoxShape(Body):
    left: float
    top: float
    width: float
    height: float
    score: Annotated[float, Field(ge=0, le=1)]


class PersonShape(Body):
    keypoints: Annotated[
        list[Keypoint], Field(min_length=133, max_length=133, description="COCO-WholeBody's 133, in its order.")
    ]
    box: BoxShape | None = None


People = Annotated[list[PersonShape], Field(max_length=64)]


class EstimateBody(Body):
    picture_id: str
    whole_picture_if_nobody: bool = False
    max_people: Annotated[int | None, Field(ge=1, le=64, description="At most this many; absent: 16.")] = None
    min_score: Annotated[
        float | None, Field(ge=0, le=1, description="How sure it must be that somebody is there; absent: 0.3.")
    ] = None
    min_pose_score: Annotated[
        float | None,
        Field(ge=0, le=1, description="A person's body points need at least this score in the mean; absent: 0.3."),
    ] = None
    person: Annotated[
        int | None, Field(ge=0, le=63, description="Only this one of the people that would be found, from 0.")
    ] = None


class PoseBody(Body):
    width: Side
    height: Side
    people: People
    picture_id: str | None = None


class ImportBody(Body):
    content: Annotated[
        str,
        Field(
            min_length=2, max_length=900_000, description="An OpenPose file (JSON): 18 or 25 body points, hands, face."
        ),
    ]
    width: Annotated[Side, Field(description="Pixels of the picture that the file's points refer to.")]
    height: Annotated[Side, Field(description="Pixels.")]
    picture_id: str | None = None


class PeopleBody(Body):
    people: People


class PoseAnswer(BaseModel):
    id: str
    project_id: str
    picture_id: str | None
    width: int
    height: int
    people: list[PersonShape]
    used_whole_picture: bool
    skeleton_url: str | None = Field(description="The skeleton drawn on black; null when nobody is in the pose.")
    created_at: dt.datetime


class PoseTransferBody(Body):
    character_picture_id: str
    pose_id: str
    person_index: Annotated[int, Field(ge=0, le=63)] = 0
    steps: Annotated[int, Field(ge=1, le=60)] | None = None
    guidance: Annotated[float, Field(ge=1, le=20)] | None = None
    seed: Seed | None = None
    count: Annotated[int, Field(ge=1, le=4)] | None = None
    width: Side | None = None
    height: Side | None = None
    character_fit: Annotated[
        Literal["pad", "crop"],
        Field(description="Where picture and result differ in aspect: all of it is seen, or it covers the result."),
    ] = "pad"
    own_proportions: Annotated[
        bool, Field(description="The pose's limbs and head get the lengths that the character's own have.")
    ] = False
    character_pose_id: Annotated[
        str | None,
        Field(
            description="With own_proportions: the pose whose first person is the character; absent: looked for in the "
            "character's picture."
        ),
    ] = None
    transparent_background: Annotated[bool, Field(description="Nothing is seen but the character.")] = False
    styles: list[StyleChoice] = Field(
        default_factory=list, max_length=8, description="Learned styles to draw the character in; by LoRA only."
    )
