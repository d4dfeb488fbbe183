"""Backgrounds from a sentence, a photograph, or both; and what a Korean prompt becomes."""

from fastapi import APIRouter

from services.common.errors import InvalidInput, ServiceError
from services.gateway.background_schemas import (
    BackgroundBody,
    PhotographsAnswer,
    PhotographsBody,
    PromptBody,
    RefusedPicture,
    TranslationAnswer,
)
from services.gateway.gateway import Parts, SignedIn
from services.gateway.once import IdempotencyKey
from services.gateway.routes.jobs import create_job
from services.gateway.schemas import JobAnswer, JobError

router = APIRouter(tags=["backgrounds"])


@router.post("/projects/{project_id}/backgrounds", status_code=202)
def create_background(
    project_id: str, body: BackgroundBody, caller: SignedIn, gateway: Parts, idempotency_key: IdempotencyKey = None
) -> JobAnswer:
    """Draw a background in the chosen styles, or in the family's own hand when none is chosen."""
    return create_job(gateway, caller, project_id, "background", body, idempotency_key)


@router.post("/projects/{project_id}/backgrounds/batch", status_code=202)
def create_backgrounds(
    project_id: str, body: PhotographsBody, caller: SignedIn, gateway: Parts, idempotency_key: IdempotencyKey = None
) -> PhotographsAnswer:
    """Draw over many pictures in one go, a job for each; one that is refused or fails takes no other with it."""
    if len(set(body.picture_ids)) != len(body.picture_ids):
        raise InvalidInput("name each picture once", reason="TWICE")
    choices = body.model_dump(exclude={"picture_ids"})
    answer = PhotographsAnswer(jobs=[], refused=[])
    for picture_id in body.picture_ids:
        one = BackgroundBody(**choices, picture_id=picture_id)
        key = f"{idempotency_key[:160]}/{picture_id}" if idempotency_key else None
        try:
            answer.jobs.append(create_job(gateway, caller, project_id, "background", one, key))
        except ServiceError as error:
            if not answer.jobs and picture_id == body.picture_ids[-1]:
                raise  # not one could be begun
            told = JobError(reason=error.reason, message=str(error))
            answer.refused.append(RefusedPicture(picture_id=picture_id, error=told))
    return answer


@router.post("/prompts/translate")
async def translate_prompt(body: PromptBody, caller: SignedIn, gateway: Parts) -> TranslationAnswer:
    """The English that a prompt would be drawn from, and the words that were not understood."""
    answer = await gateway.peers.translate(caller.id, body.prompt)
    return TranslationAnswer(english=answer.english, unknown_words=list(answer.unknown_words))
