"""What reference results of DWPose are made of."""

import re
from pathlib import Path

from tests.parity.pose_sets import Family, NpzCase, npz_cases, npz_files, npz_keys

LETTERBOX = Family(given=("image_bgr",), results=("tensor_u8_chw", "ratio"))
DETECTION = Family(
    given=("raw", "image_hw"), results=("boxes_xyxy", "returned_empty_list", "decoded_rows", "decoded_xywh")
)
CROP = Family(
    given=("image_bgr", "boxes"),
    results=("center", "scale", "warp_matrix", "warped_u8_nhwc", "first_tensor_chw_f32"),
)
SIMCC = Family(given=("simcc_x", "simcc_y", "center", "scale"), results=("keypoints", "scores", "keypoints_in_crop"))
ORDER = Family(given=("keypoints133", "scores133"), results=("keypoints134", "scores134"))
DRAWING = Family(
    given=("keypoints133", "scores133", "network_hw"),
    results=("canvas_all_people", "canvas_product", "best_body_scores"),
)
SIZE = Family(given=("input_hw",), results=("network_hw",))
RESIZE = Family(given=("image_rgb",), results=("resized_bgr",))
WHOLE = Family(
    given=("image_rgb", "det_raw", "simcc_x", "simcc_y"),
    results=(
        *("resized_bgr", "det_input_u8", "boxes", "pose_input_f32_first"),
        *("pose_input_mean_abs", "keypoints134", "scores134", "best_body_scores", "canvas"),
    ),
)
FAMILIES = {
    "letterbox": LETTERBOX,
    "detection": DETECTION,
    "crop": CROP,
    "simcc": SIMCC,
    "order": ORDER,
    "drawing": DRAWING,
    "size": SIZE,
    "resize": RESIZE,
    "whole": WHOLE,
}

_KEPT = re.compile(r"(?P<boxes>(?:.*\.)?[^.]*)\.keep_(?P<overlap>\d+(?:\.\d+)?)")
_ALL_CLASSES = re.compile(r"(?P<before>(?:.*\.)?)m(?P<boxes>nms[^.]*)\.dets")


def suppressions() -> list[NpzCase]:
    """Boxes and scores with the rows that one threshold leaves; each threshold is a case."""
    return [
        NpzCase(path, f"{match['boxes']}.", Family(given=("boxes", "scores"), results=(f"keep_{match['overlap']}",)))
        for path in npz_files()
        for match in map(_KEPT.fullmatch, sorted(npz_keys(path)))
        if match and {f"{match['boxes']}.boxes", f"{match['boxes']}.scores"} <= npz_keys(path)
    ]


def suppressions_by_class() -> list[NpzCase]:
    """The same boxes with a column of scores for each class."""
    found = []
    for path in npz_files():
        for match in filter(None, map(_ALL_CLASSES.fullmatch, sorted(npz_keys(path)))):
            boxes, own = f"{match['boxes']}.boxes", f"m{match['boxes']}"
            family = Family(given=(boxes, f"{own}.scores"), results=(f"{own}.dets",))
            found.append(NpzCase(path, match["before"], family))
    return [case for case in found if len(case.keys) == 3]  # boxes, scores and results


def all_cases() -> dict[str, list[NpzCase]]:
    """By family."""
    return {
        **{name: npz_cases(family) for name, family in FAMILIES.items()},
        "suppression": suppressions(),
        "suppression by class": suppressions_by_class(),
    }


def passed_over(path: Path) -> list[str]:
    """The arrays of a file that belong to no case, so that nothing compares them."""
    compared = {key for cases in all_cases().values() for case in cases if case.path == path for key in case.keys}
    return sorted(npz_keys(path) - compared)
