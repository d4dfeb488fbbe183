"""Backgrounds from a sentence, a photograph, or both; and what a Korean prompt becomes."""

from fastapi import APIRouter

from services.gateway.background_schemas import BackgroundBody, PromptBody, TranslationAnswer
from services.gateway.gateway import Parts, SignedIn
from services.gateway.once import IdempotencyKey
from services.gateway.routes.jobs import create_job
from services.gateway.schemas import JobAnswer

router = APIRouter(tags=["backgrounds"])


@router.post("/projects/{project_id}/backgrounds", status_code=202)
def create_background(
    project_id: str, body: BackgroundBody, caller: SignedIn, gateway: Parts, idempotency_key: IdempotencyKey = None
) -> JobAnswer:
    """Draw a background in the chosen styles, or in the family's own hand when none is chosen."""
    return create_job(gateway, caller, project_id, "background", body, idempotency_key)


@router.post("/prompts/translate")
async def translate_prompt(body: PromptBody, caller: SignedIn, gateway: Parts) -> TranslationAnswer:
    """The English that a prompt would be drawn from, and the words that were not understood."""
    answer = await gateway.peers.translate(caller.id, body.prompt)
    return TranslationAnswer(english=answer.english, unknown_words=list(answer.unknown_words))
