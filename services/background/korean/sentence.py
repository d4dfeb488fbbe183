"""Known words to one plain English sentence: a place, its time and weather, and with what in it.

Korean puts what describes before what it describes, and the noun that counts last; English wants the place first.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.background.korean.glossary import Kind, Word, bare

_SIDES = {"in": "the inside of", "in front of": "the front of", "behind": "the back of", "on": "the top of"}
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A known word where it stood."""

    word: Word
    particle: str = ""  # kiwipiepy's tag of the particle behind it, "" for none
    plural: bool = False
    ends_clause: bool = False


@dataclass(slots=True)
class _Noun:
    word: Word
    adjectives: list[str]
    count: str  # "", a number, "many" or "no"
    where: str
    particle: str
    clause: int
    side: str = ""  # "the inside of"

    def english(self) -> str:
        return " ".join(part for part in (self.side, self._name(), self.where) if part)

    def _name(self) -> str:
        described = " ".join(self.adjectives)
        if self.count not in ("", "one"):
            return " ".join(part for part in (self.count.removeprefix("plural"), described, self.word.many) if part)
        name = self.word.one if self.count else bare(self.word.english)
        article = "a" if self.count else self.word.english.removesuffix(name).strip()
        named = f"{described} {name}".strip()
        return f"{_article(article, named)} {named}".strip()


@dataclass(slots=True)
class Sentence:
    """What was said so far."""

    _nouns: list[_Noun] = field(default_factory=list)
    _said: dict[Kind, list[str]] = field(default_factory=lambda: defaultdict(list))  # what stands by itself
    _moods: list[str] = field(default_factory=list)
    _adjectives: list[str] = field(default_factory=list)
    _count: str = ""
    _where: str = ""
    _related: tuple[str, "_Noun"] | None = None
    _clause: int = 0
    _previous: Piece | None = None

    def add(self, piece: Piece) -> None:
        """Take in the next word."""
        word = piece.word
        match word.kind:
            case Kind.PLACE | Kind.THING:
                self._add_noun(piece)
            case Kind.ADJECTIVE:
                self._describe(word.english)
            case Kind.MANY | Kind.NONE:
                self._quantify(word.english)
            case Kind.NUMBER:
                figure = int(word.english)
                self._quantify(_NUMBERS[figure] if figure < len(_NUMBERS) else word.english)
            case Kind.UNIT:
                self._unit(piece)
            case Kind.RELATION:
                self._relate(word.english)
            case Kind.VIEW:
                self._view(word.english)
            case _:
                self._said[word.kind].append(word.english)
        self._previous = piece
        if piece.ends_clause:
            self._end_clause()

    def english(self) -> str:
        """All of it."""
        self._end_clause()
        head = self._head()
        rest = [noun.english() for noun in self._nouns if noun is not head]
        if head is None:
            subject, within = _listed(rest), ""
        else:
            subject, within = head.english(), f"with {_listed(rest)}" if rest else ""
        first = " ".join(part for part in (subject, *_once(self._said[Kind.TIME])) if part)
        weather, cameras = self._said[Kind.WEATHER], self._said[Kind.CAMERA]
        parts = [*self._said[Kind.STYLE], first, *weather, within, *self._moods, *cameras]
        return ", ".join(_once(part for part in parts if part))

    def _add_noun(self, piece: Piece) -> None:
        count = self._count or ("plural" if piece.plural else "")
        self._nouns.append(
            _Noun(piece.word, self._adjectives, count, self._where, piece.particle, self._clause),
        )
        self._adjectives, self._count, self._where, self._related = [], "", "", None

    def _subject(self) -> _Noun | None:
        """The noun right before, when the next word says something of it ("a window is big")."""
        previous = self._previous
        if previous is None or not self._nouns or previous.ends_clause or previous.particle not in ("JKS", "JX"):
            return None
        return self._nouns[-1] if previous.word.kind in (Kind.THING, Kind.PLACE, Kind.UNIT) else None

    def _describe(self, adjective: str) -> None:
        subject = self._subject()
        (self._adjectives if subject is None else subject.adjectives).append(adjective)

    def _quantify(self, count: str) -> None:
        previous = self._previous
        subject = self._subject()
        counted_after = previous is not None and previous.word.kind is Kind.THING and not previous.ends_clause
        if subject is None and counted_after and previous is not None and previous.particle in ("", "JKS", "JKO", "JX"):
            subject = self._nouns[-1]
        if subject is not None and not subject.count:
            subject.count = count
        else:
            self._count = count

    def _unit(self, piece: Piece) -> None:
        """Two trunks *of* tree: the noun is yet to come."""
        if piece.particle == "JKG" and self._nouns and self._nouns[-1].count and not self._count:
            last = self._nouns[-1]
            last.count, self._count = "", last.count

    def _relate(self, relation: str) -> None:
        if self._nouns and self._nouns[-1].clause == self._clause:
            noun = self._nouns.pop()
            self._where, self._related = f"{self._where} {relation} {noun.english()}".strip(), (relation, noun)

    def _view(self, view: str) -> None:
        if self._nouns and self._nouns[-1].clause == self._clause:
            self._where = f"with {view} {self._nouns.pop().english()}"

    def _end_clause(self) -> None:
        if self._related is not None:  # nothing is on, in or before it: that part of it is what is meant
            relation, noun = self._related
            noun.side = _SIDES.get(relation, "")
            self._nouns.append(noun)
            self._where = ""
        self._moods += [*self._adjectives, self._where]
        self._adjectives, self._count, self._where, self._related, self._previous = [], "", "", None, None
        self._clause += 1

    def _head(self) -> _Noun | None:
        """The place that the picture is of; places around it in its clause become where it is."""
        places = [noun for noun in self._nouns if noun.word.kind is Kind.PLACE]
        if not places:
            return None
        clause = [noun for noun in places if noun.clause == places[0].clause]
        head = next((noun for noun in clause if noun.particle == "JC"), clause[-1])
        for outer in clause[: clause.index(head)]:
            if not head.where and outer.particle in ("JKB", "JKG", ""):
                head.where = f"in {outer.english()}"
                self._nouns = [noun for noun in self._nouns if noun is not outer]
        return head


def _article(article: str, name: str) -> str:
    if article not in ("a", "an"):
        return article
    return "an" if name[0] in "aeiou" and not name.startswith(("uni", "euro", "Euro")) else "a"


def _listed(nouns: list[str]) -> str:
    return " and ".join([", ".join(nouns[:-1]), nouns[-1]]) if len(nouns) > 1 else "".join(nouns)


def _once(parts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(parts))
