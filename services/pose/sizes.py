"""Sizes in the pose services: plain integers, no pixels."""

DRAWING_SIDE = 512
"""Skeletons are drawn, and people looked for, with about this many pixels on the short side."""

_STEP = 64
_MAX_SIDE = 4096


def working_size(size_wh: tuple[int, int], *, short_side: int = DRAWING_SIDE) -> tuple[int, int]:
    """The size at which DWPose looks at, and draws, a picture of `size_wh`.

    The short side becomes about `short_side`; both are rounded to multiples of 64 (half to even), so the aspect
    changes a little. Never less than 64; and the long side stays at 4096 for slivers more than eight times as long
    as wide, which the original would blow up without end.
    """
    width, height = size_wh
    scale = min(short_side / min(width, height), _MAX_SIDE / max(width, height))
    return max(_STEP, round(width * scale / _STEP) * _STEP), max(_STEP, round(height * scale / _STEP) * _STEP)
