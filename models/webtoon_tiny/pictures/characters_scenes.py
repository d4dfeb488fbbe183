"""Pictures with people in them: backdrops and clutter behind, several people, cut-off figures."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.webtoon_tiny.pictures.canvas import Canvas, box, ellipse, smooth
from models.webtoon_tiny.pictures.characters import Drawn, draw_figure, label, prepare, prepare_fitted
from models.webtoon_tiny.pictures.characters_canvas import FigureCanvas
from models.webtoon_tiny.pictures.characters_limbs import Figure
from models.webtoon_tiny.pictures.characters_looks import sample_look, sample_pose
from models.webtoon_tiny.pictures.characters_points import OCCLUDED, SEEN
from models.webtoon_tiny.pictures.styles import Rgb, Style


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePicture:
    """A picture (H, W, 3) RGB and its people, farthest first."""

    pixels_HWC: NDArray[np.uint8]
    people: list[Drawn]


def _rgb(rng: np.random.Generator, low: float = 0.15, high: float = 1.0) -> Rgb:
    return (float(rng.uniform(low, high)), float(rng.uniform(low, high)), float(rng.uniform(low, high)))


def backdrop(rng: np.random.Generator, style: Style, *, width: int, height: int) -> NDArray[np.uint8]:
    """White, plain, a gradient, or a clutter of shapes, limb-like bars, panels and speed lines (H, W, 3)."""
    kind = rng.random()
    canvas = Canvas(width, height, style, rng)
    if kind < 0.30:
        return np.full((height, width, 3), 255, np.uint8)
    if kind < 0.70:
        canvas.backdrop(_rgb(rng, 0.4), _rgb(rng, 0.4))
    if kind > 0.42:
        for _ in range(int(rng.integers(2, 14))):
            _clutter(canvas, rng)
    return canvas.finish()


def _clutter(canvas: Canvas, rng: np.random.Generator) -> None:
    x, y = float(rng.uniform(-0.1, canvas.aspect + 0.1)), float(rng.uniform(-0.1, 1.1))
    size = float(rng.choice([0.06, 0.15, 0.35])) * float(rng.uniform(0.5, 1.5))
    kind = rng.integers(5)
    ink = float(rng.choice([0.0, 1.0]))
    if kind == 0:
        canvas.shape(
            box(x, y, size * float(rng.uniform(0.4, 2)), size * float(rng.uniform(0.4, 2))),
            _rgb(rng),
            ink=ink,
            shade=0.02,
        )
    elif kind == 1:
        canvas.shape(
            ellipse(x, y, size * 0.5, size * float(rng.uniform(0.2, 0.8)), turn=float(rng.uniform(0, 3))),
            _rgb(rng),
            ink=ink,
            shade=0.02,
        )
    elif kind == 2:
        blob = np.stack([x + size * rng.normal(0, 0.5, 7), y + size * rng.normal(0, 0.5, 7)], axis=1)
        canvas.shape(smooth(blob), _rgb(rng), ink=ink)
    elif kind == 3:
        # A bar is as thick as a limb, so that thickness alone does not make one.
        way = rng.normal(0, 1, 2)
        way /= np.hypot(*way)
        across = np.array([-way[1], way[0]]) * rng.uniform(0.01, 0.04)
        start = np.array([x, y])
        end = start + 2 * size * way
        canvas.shape(np.array([start - across, end - across, end + across, start + across]), _rgb(rng), ink=ink)
    else:
        for offset in np.linspace(0, size, 6):
            canvas.line(np.array([[x, y + offset], [x + 2 * size, y + 1.2 * offset]]), weight=0.6)


def lay_over(picture_HWC: NDArray[np.uint8], rgba_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Straight-alpha layer (H, W, 4) over a picture (H, W, 3)."""
    alpha_HW1 = rgba_HWC[:, :, 3:].astype(np.float32) / 255.0
    mixed = rgba_HWC[:, :, :3] * alpha_HW1 + picture_HWC * (1.0 - alpha_HW1)
    return (mixed + 0.5).astype(np.uint8)


def draw_people(
    figures: list[Figure], style: Style, behind_HWC: NDArray[np.uint8], rng: np.random.Generator
) -> PeoplePicture:
    """Draws placed figures over a backdrop, farthest first; points that a nearer figure covers become occluded."""
    height, width = behind_HWC.shape[:2]
    picture, people = behind_HWC, list[Drawn]()
    for figure in figures:
        canvas = FigureCanvas(width, height, style, rng, transparent=True)
        draw_figure(canvas, figure)
        alpha_HW = canvas.coverage()
        picture = lay_over(picture, canvas.finish_rgba())
        people = [*(_cover(person, alpha_HW) for person in people), label(figure, alpha_HW)]
    return PeoplePicture(pixels_HWC=picture, people=people)


def _cover(person: Drawn, alpha_HW: NDArray[np.uint8]) -> Drawn:
    height, width = alpha_HW.shape
    columns = np.clip(person.keypoints_K2[:, 0].astype(int), 0, width - 1)
    rows = np.clip(person.keypoints_K2[:, 1].astype(int), 0, height - 1)
    covered = (alpha_HW[rows, columns] > 127) & (person.visibility_K == SEEN)
    return replace(person, visibility_K=np.where(covered, OCCLUDED, person.visibility_K).astype(np.uint8))


def sample_figure(
    rng: np.random.Generator,
    *,
    aspect: float,
    margin: float,
    centre: tuple[float, float] = (0.5, 0.5),
    zoom: float = 1.0,
    roll: float = 4.0,
) -> Figure:
    """A new character fitted to the picture with this margin, then moved and zoomed about its middle (zoom > 1 cuts
    it off).
    """
    figure = prepare_fitted(sample_look(rng), sample_pose(rng, roll=roll), aspect=aspect, margin=margin)
    middle = np.array([aspect / 2, 0.5])
    target = np.array([centre[0] * aspect, centre[1]])
    origin = target + zoom * (figure.put.origin_2 - middle)
    return prepare(figure.look, figure.pose, origin_2=origin, scale=zoom * figure.put.scale)
