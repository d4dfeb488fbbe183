"""Korean prompts in the words that the small family was taught."""

import pytest

from services.background.korean.glossary import Kind, load_words
from services.background.korean.translator import Translator


@pytest.fixture(scope="session")
def translator() -> Translator:
    return Translator()


@pytest.mark.parametrize(
    ("korean", "english"),
    [
        ("노을 지는 해변에 야자수 두 그루", "a beach at sunset, with two palm trees"),
        ("두 그루의 야자수가 있는 해변", "a beach, with two palm trees"),
        ("해변, 노을, 야자수 두 그루", "a beach at sunset, with two palm trees"),
        ("해질녘 바닷가", "a beach at dusk"),
        ("해가 지는 바다", "the sea at sunset"),
        ("눈이 내리는 작은 마을", "a small village, in the snow"),
        ("비가 내리는 도시의 밤거리", "a street at night in a city with tall buildings, in the rain"),
        ("안개 낀 숲속의 오두막", "a cottage in a forest, in the fog"),
        ("낡은 책상 위에 빨간 컵이 놓여 있는 교실", "a classroom, with a red cup on old desks"),
        ("책상이 네 개 있는 교실", "a classroom, with four desks"),
        ("가로등 3개와 자동차 2대가 있는 거리", "a street, with three street lamps and two cars"),
        ("창문이 큰 카페", "a cafe, with a big window"),
        ("카페 안", "the inside of a cafe"),
        ("호수 옆 오두막", "a cottage next to a lake"),
        ("바다가 보이는 카페", "a cafe with a view of the sea"),
        ("나무가 많은 공원", "a park, with many trees"),
        ("사람이 없는 거리", "a street, with no people"),
        ("하얀 모래사장과 파란 바다", "a white sandy beach, with the blue sea"),
        ("푸른 하늘 아래 넓은 초원", "a wide green meadow under the blue sky"),
        ("벚나무들이 늘어선 거리를 그려줘", "a street, with cherry trees"),
        ("해", "the sun"),
        ("바람 부는 언덕 위의 나무 한 그루", "a tree on a hill, in the wind"),
        ("조용한 도서관, 책장이 가득한", "a quiet library, with many bookshelves"),
        ("네온 불빛의 도시 야경", "a city with tall buildings at night, with neon lights"),
        ("골목길에 고양이 한 마리가 앉아 있다", "an alley, with a cat"),
        ("해 질 녘 바닷가에 서 있는 등대", "a beach at dusk, with a lighthouse"),
        ("석양이 비치는 바다 위의 배", "a boat on the sea at sunset"),
        ("계단이 많은 골목", "an alley, with many stairs"),
        ("비에 젖은 아스팔트 도로", "a wet asphalt street"),
        ("버려진 놀이공원의 회전목마", "an abandoned amusement park, with a merry-go-round"),
        ("자판기 두 대가 있는 편의점", "a convenience store, with two vending machines"),
        ("벚꽃길과 가로등", "a street with cherry trees, with street lamps"),
        ("늦은 밤 학교 복도", "a school corridor late at night"),
        ("거대한 마탑이 있는 중세 도시", "a medieval city, with a big wizard's tower"),
    ],
)
def test_korean_becomes_plain_english(translator: Translator, korean: str, english: str) -> None:
    translation = translator.translate(korean)
    assert translation.english == english
    assert translation.unknown_words == ()


@pytest.mark.parametrize("prompt", ["a beach at sunset, with two palm trees", "", "Café 24, rue de l'Été"])
def test_what_is_not_korean_stays_as_it_is(translator: Translator, prompt: str) -> None:
    assert translator.translate(prompt).english == prompt


def test_korean_inside_english_is_translated_in_its_place(translator: Translator) -> None:
    assert translator.translate("a webtoon background of 비 오는 골목").english == (
        "a webtoon background of an alley, in the rain"
    )


def test_unknown_words_are_named_and_left_out(translator: Translator) -> None:
    translation = translator.translate("용이 지키는 성")
    assert translation.english == "a castle"
    assert translation.unknown_words == ("용", "지키는")


def test_every_noun_of_the_glossary_is_found_again(translator: Translator) -> None:
    nouns = [word for word in load_words() if word.kind in (Kind.PLACE, Kind.THING, Kind.TIME, Kind.WEATHER)]
    assert len(nouns) > 1000
    wrong = {
        word.korean: found
        for word in nouns
        if word.korean != "개" and (found := translator.translate(word.korean).english) != word.english
    }
    assert wrong == {}


def test_the_glossary_is_as_large_as_was_promised() -> None:
    words = [word for word in load_words() if word.kind is not Kind.IGNORED]
    assert len(words) >= 1500


def test_every_noun_can_stand_in_a_sentence(translator: Translator) -> None:
    """Followed by a particle and a verb, as people write."""
    things = [word for word in load_words() if word.kind is Kind.THING]
    unknown = {
        word.korean: found
        for word in things
        if (found := translator.translate(f"{word.korean}이 있는 큰 공원").unknown_words)
    }
    assert len(unknown) <= len(things) // 20, unknown
