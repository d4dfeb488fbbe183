"""The glossary: hand-written words and patterns, found in a sentence by their morphemes, whatever their endings."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import NamedTuple, Protocol


class Kind(StrEnum):
    """What a word does in the English sentence."""

    PLACE = "place"
    THING = "thing"
    TIME = "time"
    WEATHER = "weather"
    ADJECTIVE = "adjective"
    MANY = "many"
    NONE = "none"
    NUMBER = "number"
    UNIT = "unit"
    RELATION = "relation"
    VIEW = "view"
    CAMERA = "camera"
    STYLE = "style"
    IGNORED = "ignored"


# How a word of one syllable may be tagged in a sentence; by itself the tagger takes "hae", the sun, for a verb.
_ALONE = {
    Kind.UNIT: "B",
    Kind.NUMBER: "M",
    Kind.RELATION: "NM",
    Kind.PLACE: "NMB",
    Kind.THING: "NMB",
    Kind.TIME: "N",
    Kind.WEATHER: "N",
}
_NEVER_ALONE = (Kind.UNIT, Kind.NUMBER)
_SORTS = {"NNB": "B", "NR": "M", "XR": "V"}  # by tag; else its first letter


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One line of the glossary."""

    korean: str
    kind: Kind
    english: str  # of a noun: how it stands when nobody counted it, article included
    many: str
    one: str


class Morpheme(Protocol):
    """What we use of kiwipiepy's tokens."""

    form: str
    tag: str
    start: int
    len: int


class Lemma(NamedTuple):
    """A form and what class of word it is: the noun "nat" is the day, the adjective is low."""

    form: str
    sort: str


def lemmas_of(morphemes: Iterable[Morpheme]) -> tuple[Lemma, ...]:
    return tuple(Lemma(_stem(one), _SORTS.get(one.tag[:3], one.tag[0])) for one in morphemes)


def _stem(morpheme: Morpheme) -> str:
    """The same whether the tagger cuts "quiet" into "quiet" and "to be", or not."""
    return morpheme.form.removesuffix("하") or morpheme.form if morpheme.tag.startswith("V") else morpheme.form


def load_words() -> list[Word]:
    """Every line of glossary.tsv.

    Raises:
        ValueError: a line of an unknown kind, or a word that is there twice.
    """
    text = files(__package__).joinpath("glossary.tsv").read_text(encoding="utf-8")
    words = [_parse(line) for line in text.splitlines() if line and not line.startswith("#")]
    if len({(word.korean, word.kind is Kind.UNIT) for word in words}) < len(words):
        raise ValueError("a word is in the glossary twice")
    return words


def bare(english: str) -> str:
    """Without its article."""
    return re.sub(r"^(a|an|the) ", "", english)


def is_content(morpheme: Morpheme) -> bool:
    """Whether a morpheme carries meaning: not a particle, an ending, a sign, or the "to do" and "to be" of a stem."""
    return not morpheme.tag.startswith(("J", "E", "S", "X", "VX", "VCP", "W")) or morpheme.tag in ("XR", "SN", "SL")


class Glossary:
    """Finds the longest known run of morphemes."""

    def __init__(self, words: Iterable[tuple[Word, Sequence[Morpheme]]]) -> None:
        self._by_lemmas: dict[tuple[Lemma, ...], Word] = {}
        for word, morphemes in sorted(words, key=lambda pair: pair[0].kind not in _NEVER_ALONE):
            sorts = _ALONE.get(word.kind, "") if len(word.korean) == 1 or word.kind in _NEVER_ALONE else ""
            for sort in sorts:
                self._by_lemmas.setdefault((Lemma(word.korean, sort),), word)
            if not sorts:
                self._by_lemmas.setdefault(lemmas_of([one for one in morphemes if is_content(one)]), word)
        self._longest = max(len(lemmas) for lemmas in self._by_lemmas)

    def find(self, morphemes: Sequence[Morpheme]) -> tuple[Word, int] | None:
        """The word that these content morphemes begin with, and how many of them it takes."""
        lemmas = lemmas_of(morphemes[: self._longest])
        for length in range(len(lemmas), 0, -1):
            word = self._by_lemmas.get(lemmas[:length])
            if word is not None:
                return word, length
        if morphemes[0].tag == "SN":
            figure = morphemes[0].form
            return Word(korean=figure, kind=Kind.NUMBER, english=figure, many=figure, one=figure), 1
        return None


def _parse(line: str) -> Word:
    korean, kind, english, many, one = (line.split("\t") + [""] * 3)[:5]
    single = one or bare(english)
    plural = many or (f"{single}s" if single != english else english)  # what takes no article is plural already
    return Word(korean=korean, kind=Kind(kind), english=english, many=plural, one=single)
