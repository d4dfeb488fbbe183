"""What is asked of style training, and what is told of a style."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.gateway.schemas import Body, CheckpointSampleAnswer, FindingAnswer, Method, Name, Plain, Seed

PictureIds = Annotated[list[str], Field(min_length=1, max_length=30)]
Dialect = Literal["kohya", "diffusers", "peft"]
Precision = Literal["fp16", "bf16", "fp32"]
Preset = Literal["quick", "standard"]
StyleStrength = Annotated[
    float, Field(ge=0.5, le=2, description="How strongly the style is learned: 2 learns twice as long.")
]


class CheckBody(Body):
    picture_ids: PictureIds
    methods: list[Method] = Field(default=["lora", "dreamstyler"], min_length=1, max_length=2)
    preset: Preset = "standard"
    style_strength: StyleStrength | None = None


class CheckAnswer(BaseModel):
    findings: list[FindingAnswer]
    can_begin: bool = Field(description="Nothing among the findings is an error.")
    steps_total: int = Field(description="Steps that a training with these settings takes, over all methods.")


class TrainingBody(Body):
    name: Name
    picture_ids: PictureIds
    captions: dict[str, Annotated[str, Field(max_length=300)]] = Field(
        default={}, description="What a picture shows, in English, by picture id."
    )
    methods: list[Method] = Field(default=["lora", "dreamstyler"], min_length=1, max_length=2)
    preset: Preset = "standard"
    style_strength: StyleStrength | None = None
    dreamstyler_from_all: Annotated[
        bool,
        Field(
            description="DreamStyler learns from all of the pictures, each with a caption; otherwise from the first."
        ),
    ] = False
    despite_warnings: Annotated[
        bool,
        Field(
            description="Go on although something was noticed about the pictures. Without it such a training fails, "
            "WARNINGS, before it begins; with an error, it is refused either way."
        ),
    ] = True
    seed: Seed | None = None
    style_id: Annotated[str | None, Field(description="Learn this style again: as its next version.")] = None


class StyleFileAnswer(BaseModel):
    method: Method
    trigger: str = Field(description="The word that calls the style in a prompt; may be empty.")
    size_bytes: int
    media_type: str


class StyleAnswer(BaseModel):
    id: str
    project_id: str
    name: str
    job_id: str
    files: list[StyleFileAnswer]
    sample_urls: list[str] = Field(description="Drawn when it was learned.")
    checkpoint_samples: list[CheckpointSampleAnswer] = Field(
        description="The first of the pictures that it was learned from, drawn over while it was being learned."
    )
    lineage_id: str = Field(description="What all versions of one style share.")
    version: int
    in_use: bool = Field(description="Whether it is the version that the artist chose.")
    note: str
    imported: bool = Field(description="It came as a file, and was not learned here.")
    created_at: dt.datetime


class StyleChange(Body):
    name: Name | None = None
    note: Annotated[str, Field(max_length=2000), Plain] | None = None
