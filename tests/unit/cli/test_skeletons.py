import pytest

from services.cli.client.records import Person
from services.cli.skeletons import KEYPOINTS, LIMBS, turn_limb
from services.common.errors import InvalidInput

LEFT_SHOULDER, LEFT_WRIST, LEFT_HAND_TIP, NOSE = 5, 9, 111, 0


def standing() -> Person:
    """Everything in one point, but the left arm hangs straight down from a shoulder at (100, 50)."""
    keypoints = [[10.0, 10.0, 0.9] for _ in range(KEYPOINTS)]
    keypoints[LEFT_SHOULDER] = [100.0, 50.0, 0.8]
    keypoints[LEFT_WRIST] = [100.0, 90.0, 0.7]
    keypoints[LEFT_HAND_TIP] = [100.0, 100.0, 0.6]
    return Person(keypoints=keypoints)


@pytest.mark.parametrize(("degrees", "wrist"), [(90, (60, 50)), (-90, (140, 50)), (180, (100, 10)), (0, (100, 90))])
def test_an_arm_turns_clockwise_about_its_shoulder(degrees: float, wrist: tuple[float, float]) -> None:
    turned = turn_limb(standing(), "left-arm", degrees)
    assert turned.keypoints[LEFT_WRIST] == pytest.approx([*wrist, 0.7])


def test_the_hand_goes_with_the_arm_and_nothing_else_does() -> None:
    before, after = standing(), turn_limb(standing(), "left-arm", 90)
    assert after.keypoints[LEFT_HAND_TIP] == pytest.approx([50, 50, 0.6])
    moving = set(LIMBS["left-arm"].moving)
    still = [index for index in range(KEYPOINTS) if index not in moving]
    assert [after.keypoints[index] for index in still] == [before.keypoints[index] for index in still]


def test_a_limb_that_nobody_has_is_refused() -> None:
    with pytest.raises(InvalidInput, match="left-arm"):
        turn_limb(standing(), "tail", 10)


def test_too_few_keypoints_are_refused() -> None:
    with pytest.raises(InvalidInput, match="133"):
        turn_limb(Person(keypoints=[[0.0, 0.0, 1.0]] * 17), "left-arm", 10)
