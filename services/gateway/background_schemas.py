"""What is asked of background drawing, and what is told of a prompt."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.gateway.schemas import Body, JobAnswer, JobError, Prompt, Seed, Side, StyleChoice

SchedulerName = Literal["ddim", "dpm-solver", "unipc"]
Push = Annotated[float, Field(ge=0, le=30)]


class PromptBody(Body):
    prompt: Prompt


class TranslationAnswer(BaseModel):
    english: str
    unknown_words: list[str]


class StyleGuidanceBody(Body):
    """How a drawing in a DreamStyler style is guided; null takes the usual."""

    style: Annotated[Push | None, Field(description="How strongly the style is followed; 0.5.")] = None
    content: Annotated[Push | None, Field(description="How strongly the content is followed; 3.")] = None
    avoid: Annotated[Push | None, Field(description="How far it keeps from the negative prompt; 5.")] = None


class DrawingChoices(Body):
    """What may be chosen of every drawing."""

    prompt: Prompt = ""
    negative_prompt: Prompt = ""
    strength: Annotated[float, Field(ge=0, le=1, description="0 keeps the picture, 1 ignores it.")] | None = None
    guidance: Annotated[float, Field(ge=1, le=30)] | None = None
    steps: Annotated[int, Field(ge=1, le=150)] | None = None
    seed: Seed | None = None
    count: Annotated[int, Field(ge=1, le=8)] | None = None
    width: Side | None = None
    height: Side | None = None
    enlarge: Annotated[Literal[1, 2, 4] | None, Field(description="Times each side grows after drawing.")] = None
    styles: list[StyleChoice] = Field(default=[], max_length=8)
    scheduler: Annotated[
        SchedulerName | None,
        Field(description="Who computes a step: plain DDIM, DPM-Solver++ for few steps, UniPC for the fewest."),
    ] = None
    style_guidance: Annotated[
        StyleGuidanceBody | None,
        Field(description="With a DreamStyler style: guidance by style and content apart, in the place of guidance."),
    ] = None
    line_control: Annotated[
        float | None,
        Field(ge=0, le=2, description="How strictly the picture's lines are kept; 1 is as trained, 0 lets go of them."),
    ] = None
    palette: Annotated[
        float | None,
        Field(ge=0, le=1, description="How far the picture takes the styles' colours before it is drawn over."),
    ] = None


class BackgroundBody(DrawingChoices):
    picture_id: str | None = None
    mask_picture_id: Annotated[
        str | None,
        Field(
            description="Redraw only where this picture is bright: uploaded like the other, and of its size. Black "
            "keeps a pixel to the bit, grey mixes. The results have the picture's size and cannot be enlarged."
        ),
    ] = None


class PhotographsBody(DrawingChoices):
    """One set of choices for many pictures."""

    picture_ids: Annotated[list[str], Field(min_length=1, max_length=50)]


class RefusedPicture(BaseModel):
    picture_id: str
    error: JobError


class PhotographsAnswer(BaseModel):
    """One job for each picture that can be drawn over, in the order of the pictures."""

    jobs: list[JobAnswer]
    refused: list[RefusedPicture]
