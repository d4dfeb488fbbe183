"""A pose with the character's own proportions; a character that fills the result; results without a background."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from oma.pose.v1 import pose_transfer_service_pb2 as pb

from services.common.errors import InvalidInput, NotReady
from services.common.families import Family
from services.pose.transfer.convert import to_order, to_spec
from services.pose.transfer.engine import TransferEngine
from services.pose.transfer.geometry import cover_picture
from services.pose.transfer.proportions import LONGEST, with_proportions_of
from tests.fakes.pose_messages import transfer_request
from tests.fakes.pose_networks import ScriptedNetworks
from tests.unit.pose.test_pose_transfer_engine import draw, spec

SEEN = np.ones(133)
FAMILY = Family(name="scripted", licence="Apache-2.0", resolution=64, size_step=16, files={})


def standing(*, arm: float = 30.0, leg: float = 60.0) -> NDArray[np.float64]:
    """Somebody of trunk 100 with straight limbs, whose hands lie on the wrists."""
    xy_K2 = np.zeros((133, 2))
    xy_K2[[5, 6]] = [[20, 0], [-20, 0]]
    xy_K2[[11, 12]] = [[10, 100], [-10, 100]]
    xy_K2[0] = [0, -40]
    for shoulder, elbow, wrist, hand in ((5, 7, 9, slice(91, 112)), (6, 8, 10, slice(112, 133))):
        xy_K2[elbow], xy_K2[wrist] = xy_K2[shoulder] + [0, arm], xy_K2[shoulder] + [0, 2 * arm]
        xy_K2[hand] = xy_K2[wrist]
    for hip, knee, ankle, foot in ((11, 13, 15, slice(17, 20)), (12, 14, 16, slice(20, 23))):
        xy_K2[knee], xy_K2[ankle] = xy_K2[hip] + [0, leg], xy_K2[hip] + [0, 2 * leg]
        xy_K2[foot] = xy_K2[ankle]
    return xy_K2


def test_limbs_get_the_characters_lengths_and_keep_their_directions() -> None:
    found = with_proportions_of(standing(arm=15, leg=90), SEEN, standing(), SEEN)
    assert np.allclose(found[:17], standing(arm=15, leg=90)[:17])
    assert np.allclose(found[91], found[9])


def test_the_characters_size_does_not_matter() -> None:
    found = with_proportions_of(7 * standing(arm=15), SEEN, standing(), SEEN)
    assert np.allclose(found, standing(arm=15))


def test_one_foreshortened_arm_stays_foreshortened() -> None:
    pose = standing()
    pose[9] = pose[7] + [0, 3]
    pose[91:112] = pose[9]
    found = with_proportions_of(standing(arm=15), SEEN, pose, SEEN)
    assert np.allclose(found[9] - found[7], [0, 1.5])


def test_what_is_not_seen_is_not_invented() -> None:
    score = SEEN.copy()
    score[[13, 14]] = 0
    assert np.allclose(with_proportions_of(standing(leg=90), score, standing(), SEEN)[15], standing()[15])
    score[11] = 0  # no trunk to measure by
    assert np.array_equal(with_proportions_of(standing(arm=5), score, standing(), SEEN), standing())


def test_a_limb_changes_by_no_more_than_a_body_can() -> None:
    found = with_proportions_of(standing(leg=900), SEEN, standing(leg=60), SEEN)
    assert found[13][1] - found[11][1] == pytest.approx(60 * LONGEST)


def test_a_covering_picture_loses_its_sides_and_is_not_squashed() -> None:
    image_HWC = np.zeros((40, 80, 3), np.uint8)
    image_HWC[:, 20:60] = 255
    assert (cover_picture(image_HWC, (20, 20))[:, 3:-3] == 255).all()  # the resampling looks past the edge
    assert cover_picture(image_HWC, (48, 16)).shape == (16, 48, 3)


def test_a_transparent_result_is_refused_by_name_where_nothing_finds_the_character() -> None:
    engine = TransferEngine(ScriptedNetworks(), cache_bytes=0)
    with pytest.raises(NotReady) as told:
        engine.check(replace(spec(), transparent=True))
    assert told.value.reason == "NO_ALPHA_NETWORK"


def test_a_transparent_result_has_the_coverage_that_the_network_finds() -> None:
    networks = ScriptedNetworks()
    networks.has_alpha = True
    wanted = replace(spec(), transparent=True)
    plain_HWC = draw(TransferEngine(networks, cache_bytes=0), spec(), 1)
    found_HWC = draw(TransferEngine(networks, cache_bytes=0), wanted, 1)
    assert found_HWC.shape == (64, 48, 4)
    assert np.array_equal(found_HWC[..., :3], plain_HWC)
    assert set(np.unique(found_HWC[..., 3])) <= {0, 255}
    assert np.array_equal(found_HWC[..., 3] == 255, plain_HWC.mean(axis=2) < 128)


def test_a_request_says_how_the_character_fits_and_whose_proportions_are_kept() -> None:
    request = transfer_request(character_fit=pb.CHARACTER_FIT_CROP, transparent_background=True)
    request.character_skeleton.CopyFrom(request.pose.person)
    order = to_order(request, FAMILY)
    wanted = to_spec(order, np.zeros((64, 64, 3), np.uint8), FAMILY)
    assert (wanted.crop, wanted.transparent) == (True, True)
    assert order.own_skeleton is not None
    request.character_fit = 9  # type: ignore[assignment]
    with pytest.raises(InvalidInput) as told:
        to_order(request, FAMILY)
    assert told.value.reason == "CHARACTER_FIT"
