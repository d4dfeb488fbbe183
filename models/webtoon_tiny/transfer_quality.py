"""Re-poses held-out characters with the services' own engines and measures the result.

`python -m models.webtoon_tiny.transfer_quality FAMILY_FOLDER SHEET.png [COUNT]` prints JSON and writes a sheet of
reference, skeleton,
result and true drawing.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from models.webtoon_tiny.figure_quality import session
from models.webtoon_tiny.pictures.characters import Drawn, draw_character
from models.webtoon_tiny.pictures.characters_looks import sample_look, sample_pose
from models.webtoon_tiny.pictures.styles import Style, sample_style
from models.webtoon_tiny.transfer_data import SIDE, scores, skeleton_picture
from services.common.families import load_family
from services.pose.estimation.engine import LookSpec, PoseEngine
from services.pose.estimation.model import DETECTOR_FILE, POINTS_FILE, OnnxDetector, OnnxPointNetwork
from services.pose.transfer.engine import TransferEngine, TransferSpec
from services.pose.transfer.model import load_networks

SEED = 555_000
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A held-out character: its reference, the pose wanted and the true drawing of it."""

    reference_HWC: Pixels
    wanted: Drawn
    true_HWC: Pixels


def held_out(number: int, seed: int = SEED) -> Case:
    """The case with this number, always the same."""
    rng = np.random.default_rng([seed, number])
    look, style = sample_look(rng), Style() if number % 2 == 0 else sample_style(rng)
    reference, _ = draw_character(look, sample_pose(rng, roll=2.0), style, width=SIDE, height=SIDE, seed=number)
    true, wanted = draw_character(look, sample_pose(rng, roll=2.0), style, width=SIDE, height=SIDE, seed=number)
    return Case(reference_HWC=reference, wanted=wanted, true_HWC=true)


def repose(engine: TransferEngine, case: Case, *, guidance: float, steps: int = 20) -> Pixels:
    """The character as the service would draw it, but for fewer steps."""
    spec = TransferSpec(
        character_HWC=case.reference_HWC,
        xy_K2=case.wanted.keypoints_K2.astype(np.float64),
        score_K=scores(case.wanted),
        size_wh=(SIDE, SIDE),
        steps=steps,
        guidance=guidance,
    )
    return engine.draw(spec, engine.prepare(spec), 42, lambda _step, _preview: None, previews=False)


def body_correct(estimator: PoseEngine, picture_HWC: Pixels, wanted: Drawn) -> NDArray[np.bool_]:
    """Which expected body joints our estimator finds within 0.15 of the head-to-hip length; none where it finds
    nobody.
    """
    expected = scores(wanted)[:17] > 0
    people = estimator.estimate(picture_HWC, LookSpec(whole_picture_if_nobody=True))
    true_K2 = wanted.keypoints_K2
    reach = 0.15 * float(np.linalg.norm(true_K2[0] - true_K2[11:13].mean(axis=0)))
    if len(people.xy_PK2) == 0:
        return np.zeros(int(expected.sum()), np.bool_)
    return np.asarray(np.linalg.norm(people.xy_PK2[0, :17] - true_K2[:17], axis=1)[expected] <= reach)


def palette_distance(first_HWC: Pixels, second_HWC: Pixels) -> float:
    """Half the L1 distance of colour histograms (4 levels a channel), white left out; 0 equal, 1 disjoint."""
    histograms = []
    for picture in (first_HWC, second_HWC):
        coloured = picture[picture.min(axis=-1) < 225] // 64
        counts = np.bincount(coloured.astype(int) @ [16, 4, 1], minlength=64).astype(float)
        histograms.append(counts / max(1.0, counts.sum()))
    return float(0.5 * np.abs(histograms[0] - histograms[1]).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reposed:
    """A family's engines at work on held-out characters."""

    cases: list[Case]
    results: list[Pixels]
    measured: dict[str, float]


def measure_transfer(family: Path, *, seed: int = SEED, count: int = 12) -> dict[str, float]:
    """`transfer_pck`, our estimator's body PCK@0.15 on the re-posed characters, and `transfer_palette`, how far their
    colours are from the true drawing's as a share of how far they are from another character's.
    """
    measured = repose_held_out(family, seed=seed, count=count).measured
    palette = measured["palette_own"] / measured["palette_other"]
    return {"transfer_pck": measured["transfer_pck"], "transfer_palette": round(palette, 4)}


def repose_held_out(family: Path, *, seed: int, count: int) -> Reposed:
    """Re-poses `count` characters, at least two, and measures all of them together."""
    engine = TransferEngine(load_networks(family, device_name="cpu"), cache_bytes=1 << 26)
    estimator = PoseEngine(
        OnnxDetector(session(family / DETECTOR_FILE)), OnnxPointNetwork(session(family / POINTS_FILE))
    )
    cases = [held_out(number, seed) for number in range(count)]
    guidance = load_family(family).transfer_guidance
    results = [repose(engine, case, guidance=guidance) for case in cases]
    pairs = list(zip(cases, results, strict=True))
    own = [palette_distance(result, case.true_HWC) for case, result in pairs]
    other = [palette_distance(result, cases[(index + 1) % count].true_HWC) for index, (_, result) in enumerate(pairs)]
    joints = np.concatenate([body_correct(estimator, result, case.wanted) for case, result in pairs])
    ceiling = np.concatenate([body_correct(estimator, case.true_HWC, case.wanted) for case in cases])
    measured = {
        "transfer_pck": joints.mean(),
        "transfer_pck_of_true_drawing": ceiling.mean(),
        "palette_own": np.mean(own),
        "palette_other": np.mean(other),
    }
    rounded = {name: round(float(value), 4) for name, value in measured.items()}
    return Reposed(cases=cases, results=results, measured=rounded)


def main(family: Path, sheet: Path, count: int) -> None:
    """Measures and draws the sheet."""
    torch.set_num_threads(1)
    reposed = repose_held_out(family, seed=SEED, count=count)
    print(json.dumps({**reposed.measured, "cases": count}))
    columns = [
        np.vstack([case.reference_HWC, skeleton_picture(case.wanted), result, case.true_HWC])
        for case, result in zip(reposed.cases, reposed.results, strict=True)
    ]
    Image.fromarray(np.hstack(columns[:12])).save(sheet, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 12)
