"""A pose with somebody else's proportions: limbs keep their directions and foreshortening, and change their lengths.

Axes: K the 133 keypoints. A limb's length is measured against the trunk's, and as the longer of left and right, which
is the less foreshortened one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.pose.skeleton import MIN_SCORE

Floats = NDArray[np.float64]

SHORTEST, LONGEST = 0.4, 2.5
"""By how much a limb may change; what asks for more was measured on somebody who bends towards the viewer."""

_NOSE, _SHOULDERS, _HIPS = 0, (5, 6), (11, 12)
_FACE_AND_EARS = (*range(5), *range(23, 91))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limb:
    """Two mirror-image bones; all points of a side that move along with the bone's far end, the nearest first."""

    starts: tuple[int, int]
    ends: tuple[int, int]
    carried: tuple[tuple[int, ...], tuple[int, ...]]
    scaled: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())  # of these, parts that grow with the bone


_LEFT_HAND, _RIGHT_HAND = tuple(range(91, 112)), tuple(range(112, 133))
_LEFT_FOOT, _RIGHT_FOOT = (17, 18, 19), (20, 21, 22)
_LIMBS = (  # from the trunk outwards
    _Limb(starts=_SHOULDERS, ends=(7, 8), carried=((7, 9, *_LEFT_HAND), (8, 10, *_RIGHT_HAND))),
    _Limb(
        starts=(7, 8),
        ends=(9, 10),
        carried=((9, *_LEFT_HAND), (10, *_RIGHT_HAND)),
        scaled=(_LEFT_HAND, _RIGHT_HAND),
    ),
    _Limb(starts=_HIPS, ends=(13, 14), carried=((13, 15, *_LEFT_FOOT), (14, 16, *_RIGHT_FOOT))),
    _Limb(
        starts=(13, 14),
        ends=(15, 16),
        carried=((15, *_LEFT_FOOT), (16, *_RIGHT_FOOT)),
        scaled=(_LEFT_FOOT, _RIGHT_FOOT),
    ),
)


def with_proportions_of(own_K2: Floats, own_score_K: Floats, pose_K2: Floats, pose_score_K: Floats) -> Floats:
    """The pose's points, with the limbs and the head of `own`; where a trunk is not seen whole, the pose as it is.

    A limb that is not seen on either side of one of the two keeps its length.
    """
    own_seen_K, pose_seen_K = own_score_K > MIN_SCORE, pose_score_K > MIN_SCORE
    own_trunk, pose_trunk = _trunk(own_K2, own_seen_K), _trunk(pose_K2, pose_seen_K)
    if not (own_trunk and pose_trunk):
        return pose_K2
    moved_K2 = pose_K2.copy()
    for limb in _LIMBS:
        own, posed = _length(own_K2, own_seen_K, limb), _length(pose_K2, pose_seen_K, limb)
        if own and posed:
            _stretch(moved_K2, pose_K2, limb, _share(own / own_trunk, posed / pose_trunk))
    own_head, pose_head = _head(own_K2, own_seen_K), _head(pose_K2, pose_seen_K)
    if own_head and pose_head:
        _grow_head(moved_K2, _share(own_head / own_trunk, pose_head / pose_trunk))
    return moved_K2


def _share(wanted: float, present: float) -> float:
    return float(np.clip(wanted / present, SHORTEST, LONGEST))


def _distance(xy_K2: Floats, first: int, second: int) -> float:
    return float(np.linalg.norm(xy_K2[first] - xy_K2[second]))


def _trunk(xy_K2: Floats, seen_K: NDArray[np.bool_]) -> float:
    """From between the shoulders to between the hips; 0 if one of the four is not seen."""
    if not seen_K[[*_SHOULDERS, *_HIPS]].all():
        return 0.0
    return float(np.linalg.norm(xy_K2[[*_SHOULDERS]].mean(axis=0) - xy_K2[[*_HIPS]].mean(axis=0)))


def _length(xy_K2: Floats, seen_K: NDArray[np.bool_], limb: _Limb) -> float:
    pairs = zip(limb.starts, limb.ends, strict=True)
    return max(_distance(xy_K2, start, end) if seen_K[[start, end]].all() else 0.0 for start, end in pairs)


def _head(xy_K2: Floats, seen_K: NDArray[np.bool_]) -> float:
    """From the nose to the middle of the shoulders."""
    if not seen_K[[_NOSE, *_SHOULDERS]].all():
        return 0.0
    return float(np.linalg.norm(xy_K2[_NOSE] - xy_K2[[*_SHOULDERS]].mean(axis=0)))


def _stretch(moved_K2: Floats, pose_K2: Floats, limb: _Limb, share: float) -> None:
    for start, end, carried, scaled in zip(limb.starts, limb.ends, limb.carried, limb.scaled, strict=True):
        bone_2 = pose_K2[end] - pose_K2[start]
        moved_K2[list(carried)] += (share - 1) * bone_2
        if scaled:
            moved_K2[list(scaled)] = moved_K2[end] + share * (moved_K2[list(scaled)] - moved_K2[end])


def _grow_head(moved_K2: Floats, share: float) -> None:
    throat_2 = moved_K2[[*_SHOULDERS]].mean(axis=0)
    moved_K2[list(_FACE_AND_EARS)] = throat_2 + share * (moved_K2[list(_FACE_AND_EARS)] - throat_2)
