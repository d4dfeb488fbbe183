"""Korean and mixed prompts to English, by morphemes and a glossary; English stays as it is."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kiwipiepy import Kiwi

from services.background.korean.glossary import Glossary, Kind, Morpheme, is_content, load_words
from services.background.korean.sentence import Piece, Sentence

_HANGUL = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]")
_NOUNS = (Kind.PLACE, Kind.THING, Kind.TIME, Kind.WEATHER)
_CLAUSE_ENDS = ("SP", "SF", "SE", "EF")


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """What would be drawn, and the Korean words that were not understood, as written."""

    english: str
    unknown_words: tuple[str, ...] = ()


class Translates(Protocol):
    """What turns a prompt into English."""

    def translate(self, prompt: str) -> Translation: ...


class Translator:
    """Loads its dictionary once, which takes seconds. Only one thread may call it."""

    def __init__(self) -> None:
        self._kiwi: Any = Kiwi(num_workers=1)
        words = load_words()
        for word in words:
            if word.kind in _NOUNS and " " not in word.korean and len(word.korean) > 1:
                self._kiwi.add_user_word(word.korean, "NNG")
        self._alone = {word.korean: word for word in words if word.kind in _NOUNS}
        self._glossary = Glossary((word, reading) for word in words for reading in self._readings(word.korean))

    def translate(self, prompt: str) -> Translation:
        """The prompt in English; words that are not known are left out of it and named."""
        parts: list[str] = []
        unknown: list[str] = []
        for run, korean in runs_of(prompt):
            english = self._sentence(run, unknown) if korean else run
            if english:
                parts.append(english)
        joined = re.sub(r"\s+([,.])", r"\1", " ".join(parts)).strip(" ,")
        return Translation(english=joined, unknown_words=tuple(dict.fromkeys(unknown)))

    def _readings(self, korean: str) -> Iterable[Sequence[Morpheme]]:
        """A word's morphemes, alone and before a noun: the same word is not always cut the same way."""
        yield self._kiwi.tokenize(korean)
        yield [one for one in self._kiwi.tokenize(f"{korean} 집") if one.start < len(korean)]

    def _sentence(self, text: str, unknown: list[str]) -> str:
        """One run of Korean; what is not known is added to `unknown`."""
        if text in self._alone:  # a single word has no sentence to tell a noun from a verb
            return self._alone[text].english
        morphemes: Sequence[Morpheme] = self._kiwi.tokenize(text)
        content = [index for index, one in enumerate(morphemes) if is_content(one)]
        sentence = Sentence()
        place = 0
        while place < len(content):
            found = self._glossary.find([morphemes[index] for index in content[place:]])
            if found is None:
                unknown.append(_as_written(text, morphemes[content[place]]))
                place += 1
                continue
            word, length = found
            behind = morphemes[content[place + length - 1] + 1 : _next(content, place + length, len(morphemes))]
            place += length
            sentence.add(
                Piece(
                    word=word,
                    particle=next((one.tag for one in behind if one.tag.startswith("J")), ""),
                    plural=any(one.form == "들" for one in behind),
                    ends_clause=any(one.tag in _CLAUSE_ENDS for one in behind),
                )
            )
        return sentence.english()


def has_hangul(text: str) -> bool:
    return bool(_HANGUL.search(text))


def runs_of(prompt: str) -> list[tuple[str, bool]]:
    """The prompt cut into runs of words with and without Korean, in their order."""
    runs: list[tuple[str, bool]] = []
    for word in prompt.split():
        korean = has_hangul(word)
        if runs and runs[-1][1] == korean:
            runs[-1] = (f"{runs[-1][0]} {word}", korean)
        else:
            runs.append((word, korean))
    return runs


def _next(content: list[int], place: int, end: int) -> int:
    return content[place] if place < len(content) else end


def _as_written(text: str, morpheme: Morpheme) -> str:
    """A noun by itself; anything else with the ending that it was written with."""
    if morpheme.tag.startswith(("N", "XR")):
        return text[morpheme.start : morpheme.start + morpheme.len]
    after = re.search(r"[\s,.!?]", text[morpheme.start :])
    return text[morpheme.start : morpheme.start + after.start()] if after else text[morpheme.start :]
