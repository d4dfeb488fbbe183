"""How near a drawing is to the artist's pages, as clients see it."""

from typing import Literal

from pydantic import BaseModel, Field

Verdict = Literal["close", "near", "off"]
Aspect = Literal["line", "palette", "texture", "sharpness"]


class AspectAnswer(BaseModel):
    kind: Aspect
    times: float = Field(description="How many times as far as the pages are from one another.")
    verdict: Verdict


class ReadingAnswer(BaseModel):
    verdict: Verdict
    times: float = Field(description="1 is one of the pages.")
    aspects: list[AspectAnswer] = Field(description="The one with the most times is the reason.")
    pages: int = Field(description="How many of the artist's pages it was compared with.")
