"""The pictures that the demo works with: those that lie in samples/."""

from dataclasses import dataclass
from pathlib import Path

from services.common.errors import NotReady

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
PICTURES_OF_A_HAND = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """What the demo needs; a hand is a folder of pictures drawn in one style."""

    hand: Path
    other_hand: Path
    place_photo: Path
    person_photo: Path
    character: Path
    pose_character: Path

    def of_hand(self) -> list[Path]:
        return pictures_in(self.hand)[:PICTURES_OF_A_HAND]

    def of_other_hand(self) -> list[Path]:
        return pictures_in(self.other_hand)[:PICTURES_OF_A_HAND]


def find_samples(root: Path) -> Samples:
    """The demo's pictures, by the names that samples/ gives them.

    Raises:
        NotReady: one is missing.
    """
    hands = [folder for folder in sorted((root / "styles").glob("*")) if pictures_in(folder)]
    photos, characters = pictures_in(root / "photos"), pictures_in(root / "characters")
    people = [photo for photo in photos if "person" in photo.stem]
    places = [photo for photo in photos if photo not in people]
    if len(hands) < 2 or not people or not places or len(characters) < 2:  # noqa: PLR2004 (one to draw, one to pose)
        raise NotReady(f"{root} lacks pictures of two hands, a place, a person or two characters", reason="NO_SAMPLES")
    return Samples(
        hand=hands[0],
        other_hand=hands[1],
        place_photo=places[0],
        person_photo=people[0],
        character=characters[0],
        pose_character=characters[1],
    )


def pictures_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in PICTURES)
