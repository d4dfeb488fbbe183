"""The pictures that the demo works with: those that lie in samples/."""

import re
from dataclasses import dataclass
from pathlib import Path

from services.common.errors import NotReady

HAND, OTHER_HAND = "hatched-ink", "neon-night"
PLACE_PHOTO, PERSON_PHOTO = "palace.jpg", "astronaut.jpg"
CHARACTER, POSE_CHARACTER = "three-quarter.png", "front.png"
PICTURES_OF_A_HAND = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """What the demo needs: pictures of two hands, photographs of a place and of a person, and two characters."""

    hand: list[Path]
    other_hand: list[Path]
    place_photo: Path
    person_photo: Path
    character: Path
    pose_character: Path


def find_samples(folder: Path) -> Samples:
    """The demo's pictures.

    Raises:
        NotReady: some are missing.
    """
    hands = [sorted((folder / "styles" / hand).glob("*.png"))[:PICTURES_OF_A_HAND] for hand in (HAND, OTHER_HAND)]
    singles = [folder / "photos" / name for name in (PLACE_PHOTO, PERSON_PHOTO)]
    singles += [folder / "characters" / name for name in (CHARACTER, POSE_CHARACTER)]
    if not all(hands) or not all(path.is_file() for path in singles):
        raise NotReady(f"{folder} is not complete: restore it from the repository", reason="NO_SAMPLES")
    place_photo, person_photo, character, pose_character = singles
    return Samples(
        hand=hands[0],
        other_hand=hands[1],
        place_photo=place_photo,
        person_photo=person_photo,
        character=character,
        pose_character=pose_character,
    )


def shown_by(path: Path) -> str:
    """What a sample shows, as its name says it: "04-school.png" shows a school."""
    return re.sub(r"^\d+-", "", path.stem).replace("-", " ").replace("_", " ")
