"""Prompts to the vectors that steer the drawing, a DreamStyler token's own vectors put in its place."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from services.background.engine.adapters import AdaptedModules, RowDeltas, plan_of
from services.background.engine.records import DrawingSpec, StageTokens
from services.common.errors import InvalidInput
from services.common.style_files import text_modules

_STYLED = "in the style of "


class TextSide:
    """A tokenizer and a text encoder; neither ever changes."""

    def __init__(self, tokenizer: Any, text_encoder: Any) -> None:
        self._tokenizer = tokenizer
        self._text_encoder = text_encoder
        # A tokenizer that is kept without its length knows no end; the encoder's places do.
        self._length = min(int(text_encoder.config.max_position_embeddings), int(tokenizer.model_max_length))
        self._adapted = AdaptedModules(text_modules(text_encoder))
        self._rows: tuple[list[int], Tensor] | None = None
        text_encoder.get_input_embeddings().register_forward_hook(self._put_stage_rows)

    @property
    def width(self) -> int:
        return int(self._text_encoder.config.hidden_size)

    @torch.inference_mode()
    def encode(self, spec: DrawingSpec) -> tuple[Tensor, Tensor]:
        """The negative prompt's vectors (1, L, C), and the prompt's for each stage (T, L, C); T is 1 without stages.

        Raises:
            InvalidInput: a prompt of more words than the encoder takes.
        """
        ids, places = self._tokenise(spec.prompt, spec.stage_tokens)
        negative_ids, _ = self._tokenise(spec.negative_prompt, None)
        stages = spec.stage_tokens.embeddings_TC.shape[0] if spec.stage_tokens else 1
        batch = torch.tensor([negative_ids, *[ids] * stages], device=self._text_encoder.device)
        self._rows = (places, spec.stage_tokens.embeddings_TC) if spec.stage_tokens else None
        uses = [(use.adapter.text, use.weight) for use in spec.adapters]
        try:
            with self._adapted.applied(plan_of([RowDeltas(slice(None), uses)])):
                hidden_BLC = self._text_encoder(batch).last_hidden_state
        finally:
            self._rows = None
        return hidden_BLC[:1], hidden_BLC[1:]

    def encode_apart(self, spec: DrawingSpec) -> tuple[Tensor, Tensor]:
        """The vectors of a DreamStyler prompt's content (1, L, C), and of its style for each stage (T, L, C)."""
        trigger = spec.stage_tokens.trigger if spec.stage_tokens else ""
        # A comma before the phrase stays, as in the original: without it these are other tokens.
        content = re.sub(rf"{_STYLED}{re.escape(trigger)}", "", spec.prompt, flags=re.IGNORECASE)
        _, content_1LC = self.encode(replace(spec, prompt=content, stage_tokens=None))
        _, style_TLC = self.encode(replace(spec, prompt=f"A painting {_STYLED}{trigger}"))
        return content_1LC, style_TLC

    def _put_stage_rows(self, _module: nn.Module, _args: Any, output_BLC: Tensor) -> None:
        if self._rows is not None:
            places, embeddings_TC = self._rows
            for place in places:
                output_BLC[1:, place] = embeddings_TC.to(output_BLC)

    def _tokenise(self, prompt: str, stage_tokens: StageTokens | None) -> tuple[list[int], list[int]]:
        """Token ids, padded to the encoder's length, and the places that the trigger takes."""
        tokenizer = self._tokenizer
        ids: list[int] = [tokenizer.bos_token_id]
        places: list[int] = []
        for piece in _around_trigger(prompt, stage_tokens.trigger if stage_tokens else ""):
            if piece is None:
                places.append(len(ids))
                ids.append(tokenizer.unk_token_id)  # any id: its vector is replaced
            else:
                ids += tokenizer(piece, add_special_tokens=False).input_ids
        length = self._length
        if len(ids) >= length:
            raise InvalidInput(
                f"the prompt takes {len(ids) - 1} tokens of {length - 2}: make it shorter", reason="PROMPT_TOO_LONG"
            )
        ids.append(tokenizer.eos_token_id)
        return ids + [tokenizer.pad_token_id] * (length - len(ids)), places


def with_triggers(prompt: str, triggers: Sequence[str]) -> str:
    """The prompt with every trigger in it; those it lacks are added as the style it is drawn in."""
    missing = [trigger for trigger in dict.fromkeys(triggers) if trigger and not _pattern(trigger).search(prompt)]
    if not missing:
        return prompt
    styled = f"{_STYLED}{' and '.join(missing)}"
    return f"{prompt}, {styled}" if prompt else styled


def _around_trigger(prompt: str, trigger: str) -> list[str | None]:
    """The prompt cut at its triggers, with None where one stood."""
    pieces = _pattern(trigger).split(prompt) if trigger else [prompt]
    cut: list[str | None] = [pieces[0]]
    for piece in pieces[1:]:
        cut += [None, piece]
    return cut


def _pattern(trigger: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9_]){re.escape(trigger)}(?![A-Za-z0-9_])", re.IGNORECASE)
