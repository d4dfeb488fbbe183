"""Korean to English by a translation network on this machine: NLLB's or Marian's kind, in the layout of transformers.

The folder holds `config.json`, `model.safetensors` and `tokenizer.json`. What the network gives no English for is left
to the glossary, which names what it does not know.
"""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForSeq2SeqLM

from services.background.korean.translator import Translation, Translator, has_hangul, runs_of
from services.common.errors import NotReady

KOREAN, ENGLISH = "kor_Hang", "eng_Latn"  # as NLLB names them; Marian's networks know one pair only
MOST_TOKENS = 128
BEAMS = 4


class NetworkTranslator:
    """Only one thread may call it."""

    def __init__(self, folder: Path, *, glossary: Translator) -> None:
        """Raises NotReady when the folder holds no such network."""
        self._glossary = glossary
        try:
            self._tokens: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
            network: Any = AutoModelForSeq2SeqLM.from_pretrained(folder, use_safetensors=True, local_files_only=True)
        except Exception as error:  # tokenizers raises nothing narrower
            raise NotReady(
                f"no translation network can be read from {folder}: pull it again, or leave the setting out",
                reason="TRANSLATOR_DAMAGED",
            ) from error
        self._network = network.requires_grad_(requires_grad=False).eval()
        self._source, self._target = self._tokens.token_to_id(KOREAN), self._tokens.token_to_id(ENGLISH)

    def translate(self, prompt: str) -> Translation:
        """The prompt in English; runs of English stay as they are."""
        parts: list[str] = []
        unknown: list[str] = []
        for run, korean in runs_of(prompt):
            english = self._sentence(run) if korean else run
            if not english or has_hangul(english):
                read = self._glossary.translate(run)
                english = read.english
                unknown += read.unknown_words
            if english:
                parts.append(english)
        return Translation(english=" ".join(parts).strip(" ,"), unknown_words=tuple(dict.fromkeys(unknown)))

    @torch.no_grad()
    def _sentence(self, text: str) -> str:
        ids = self._tokens.encode(text, add_special_tokens=False).ids[: MOST_TOKENS - 2]
        ids = [*([self._source] if self._source is not None else []), *ids, self._network.config.eos_token_id]
        told = {} if self._target is None else {"forced_bos_token_id": self._target}
        given_BL = torch.tensor([ids])
        found_BL = self._network.generate(
            given_BL,
            attention_mask=torch.ones_like(given_BL),
            max_new_tokens=MOST_TOKENS,
            num_beams=BEAMS,
            do_sample=False,
            **told,
        )
        english: str = self._tokens.decode(found_BL[0].tolist(), skip_special_tokens=True)
        return english.strip().rstrip(".")
