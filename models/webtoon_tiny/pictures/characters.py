"""Characters: a look and a pose drawn in a style, with all 133 keypoints, visibility, box and exact alpha."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.webtoon_tiny.pictures.characters_canvas import FigureCanvas, Part
from models.webtoon_tiny.pictures.characters_head import back_hair, draw_face, front_hair, hair_cap, head_parts
from models.webtoon_tiny.pictures.characters_limbs import (
    Figure,
    Placement,
    arm_parts,
    chest_curve,
    hip_part,
    leg_parts,
    skirt_part,
    trunk_parts,
)
from models.webtoon_tiny.pictures.characters_looks import Look
from models.webtoon_tiny.pictures.characters_points import HIDDEN, OCCLUDED, SEEN, head_surface, keypoints
from models.webtoon_tiny.pictures.characters_skeleton import SIDES, Pose, place
from models.webtoon_tiny.pictures.styles import Style


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One drawn character: keypoints (133, 2) in pixels, visibility (133,) as in COCO, alpha (H, W) 0..255, box x0,
    y0, x1, y1 in pixels.
    """

    keypoints_K2: NDArray[np.float32]
    visibility_K: NDArray[np.uint8]
    alpha_HW: NDArray[np.uint8]
    box_4: NDArray[np.float32]


def prepare(look: Look, pose: Pose, *, origin_2: NDArray[np.float64], scale: float) -> Figure:
    """Places a character: `origin_2` is the pelvis on the canvas and `scale` the standing height, both in picture
    heights.
    """
    return Figure(
        look=look, pose=pose, skeleton=place(look.body, pose), put=Placement(np.asarray(origin_2, np.float64), scale)
    )


def prepare_fitted(look: Look, pose: Pose, *, aspect: float, margin: float = 0.06) -> Figure:
    """Places a character so that all of it fills a picture of this width to height ratio."""
    figure = prepare(look, pose, origin_2=np.zeros(2), scale=1.0)
    low, high = _reach(figure)
    extent = high - low
    scale = (1.0 - 2 * margin) * min(1.0 / extent[1], aspect / extent[0])
    return prepare(look, pose, origin_2=np.array([aspect / 2, 0.5]) - scale * (low + high) / 2, scale=scale)


def _reach(figure: Figure) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners of what the figure covers at scale 1: keypoints plus room for hair, hands and shoes."""
    points, _ = keypoints(figure.look.body, figure.pose, figure.look.face, figure.skeleton)
    head = head_surface(figure.look.body, figure.skeleton)
    crown = figure.put(head.skull_3) + 1.3 * head.half_height * np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]]) * [
        0.9,
        0.85,
    ]
    flat = np.concatenate([figure.put(points), crown])
    pad = 0.02
    return flat.min(axis=0) - pad, flat.max(axis=0) + pad


def draw_figure(canvas: FigureCanvas, figure: Figure) -> None:
    """Draws the character back to front."""
    for _, layer in sorted(_layers(canvas, figure), key=lambda pair: pair[0]):
        layer()


def _layers(canvas: FigureCanvas, figure: Figure) -> list[tuple[float, Callable[[], None]]]:
    """Every group with its nearness to the viewer."""
    trunk = figure.depth("pelvis", "collar")
    head_depth = figure.depth("head") + 0.05
    layers: list[tuple[float, Callable[[], None]]] = [
        (trunk, lambda: _draw_trunk(canvas, figure)),
        (head_depth, lambda: _draw_head(canvas, figure)),
        # The seat is inked before the legs and filled again over them, so that no line parts the thighs from it.
        (trunk - 0.9, lambda: canvas.cluster([hip_part(figure)])),
        (trunk - 0.001, lambda: canvas.cluster([hip_part(figure)], ink=0.0)),
    ]
    hanging = back_hair(figure)
    if hanging is not None:
        facing_away = figure.skeleton.frames["head"][2, 2] < -0.1
        layers.append((head_depth + 0.01 if facing_away else -9.0, lambda: canvas.cluster([hanging])))
    for side, sign in SIDES:
        reach = figure.depth(f"{side}_elbow", f"{side}_wrist") - figure.depth(f"{side}_shoulder")
        nearness = figure.depth(f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist") + reach
        arm = trunk + 0.04 + max(0.0, nearness - trunk) if nearness > trunk - 0.06 else nearness
        layers.append((arm, _clustered(canvas, arm_parts(figure, side, sign))))
        thigh = figure.depth(f"{side}_knee") - figure.depth(f"{side}_hip")
        # A thigh that points at the viewer covers the hips; any other is covered by them.
        leg = (
            trunk + 0.03 + 0.1 * thigh
            if thigh > 0.10
            else trunk - 0.3 + 0.1 * figure.depth(f"{side}_knee", f"{side}_ankle")
        )
        layers.append((leg, _clustered(canvas, leg_parts(figure, side, sign))))
    skirt = skirt_part(figure)
    if skirt is not None:
        layers.append((trunk + 0.035, _clustered(canvas, [skirt])))
    return layers


def _clustered(canvas: FigureCanvas, parts: list[Part]) -> Callable[[], None]:
    return lambda: canvas.cluster(parts)


def _draw_trunk(canvas: FigureCanvas, figure: Figure) -> None:
    canvas.cluster(trunk_parts(figure))
    look = figure.look
    line = np.linspace(0, 1, 5)
    collar, front = chest_curve(
        figure, np.array([-0.42, -0.2, 0.0, 0.2, 0.42]), np.array([0.0, -0.035, -0.05, -0.035, 0.0])
    )
    if front:
        canvas.line(collar, weight=0.8)
        if look.pattern == "buttons" or look.top in ("jacket", "shirt"):
            canvas.line(chest_curve(figure, 0 * line, -0.05 - 0.24 * line)[0], weight=0.7)
        if look.pattern == "mark":
            mark, _ = chest_curve(figure, np.array([-0.35, 0.35, 0.35, -0.35]), np.array([-0.1, -0.1, -0.17, -0.17]))
            canvas.shape(mark, look.trim_rgb, ink=0.0)
        if look.pattern == "stripe":
            across = np.linspace(-0.9, 0.9, 7)
            band = np.concatenate([across, across[::-1]])
            canvas.shape(chest_curve(figure, band, np.repeat([-0.12, -0.16], 7))[0], look.trim_rgb, ink=0.0)


def _draw_head(canvas: FigureCanvas, figure: Figure) -> None:
    canvas.cluster(head_parts(figure))
    draw_face(canvas, figure)
    canvas.cluster([hair_cap(figure)])
    falling = front_hair(figure)
    if falling is not None:
        canvas.cluster([falling])


def draw_and_label(canvas: FigureCanvas, figure: Figure) -> Drawn:
    """Draws on a picture and returns the labels of this character; its alpha comes from a drawing of its own."""
    solo = FigureCanvas(
        canvas.width, canvas.height, replace(canvas.style, line_wobble=0.0), np.random.default_rng(0), transparent=True
    )
    draw_figure(solo, figure)
    draw_figure(canvas, figure)
    return label(figure, solo.coverage())


def label(figure: Figure, alpha_HW: NDArray[np.uint8]) -> Drawn:
    """Labels of a placed character whose coverage is known."""
    height, width = alpha_HW.shape
    points, visibility = keypoints(figure.look.body, figure.pose, figure.look.face, figure.skeleton)
    pixels = figure.put(points) * height
    inside = (pixels[:, 0] >= 0) & (pixels[:, 0] < width) & (pixels[:, 1] >= 0) & (pixels[:, 1] < height)
    visibility = np.where(inside, _covered(figure, points, visibility), HIDDEN).astype(np.uint8)
    rows, columns = np.flatnonzero(alpha_HW.max(axis=1) > 127), np.flatnonzero(alpha_HW.max(axis=0) > 127)
    if len(rows) == 0:
        box = np.zeros(4, np.float32)
    else:
        box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
    return Drawn(keypoints_K2=pixels.astype(np.float32), visibility_K=visibility, alpha_HW=alpha_HW, box_4=box)


def _covered(figure: Figure, points: NDArray[np.float64], visibility: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Marks limb points that lie behind the trunk or the head as occluded."""
    marked = visibility.copy()
    trunk = figure.depth("pelvis", "collar")
    chest = figure.put(0.5 * (figure.skeleton.joints["collar"] + figure.skeleton.joints["waist"]))
    head = head_surface(figure.look.body, figure.skeleton)
    flat = figure.put(points)
    behind_chest = (np.abs(flat - chest) < figure.put.scale * figure.look.body.rest * np.array([0.08, 0.12])).all(
        axis=1
    ) & (points[:, 2] < trunk - 0.06)
    near_head = np.linalg.norm(flat - figure.put(head.skull_3), axis=1) < 0.75 * head.half_height * figure.put.scale
    behind = behind_chest | (near_head & (points[:, 2] < head.centre_3[2] - 0.05))
    limbs = np.r_[7:11, 13:23, 91:133]
    marked[limbs[behind[limbs] & (visibility[limbs] == SEEN)]] = OCCLUDED
    return marked


def draw_character(
    look: Look, pose: Pose, style: Style, *, width: int, height: int, seed: int
) -> tuple[NDArray[np.uint8], Drawn]:
    """A character alone and whole on white: picture (H, W, 3) and labels."""
    canvas = FigureCanvas(width, height, style, np.random.default_rng(seed), transparent=True)
    figure = prepare_fitted(look, pose, aspect=width / height)
    draw_figure(canvas, figure)
    drawn = label(figure, canvas.coverage())
    rgba_HWC = canvas.finish_rgba().astype(np.float32)
    alpha_HW1 = rgba_HWC[:, :, 3:] / 255.0
    picture_HWC = (rgba_HWC[:, :, :3] * alpha_HW1 + 255.0 * (1.0 - alpha_HW1) + 0.5).astype(np.uint8)
    return picture_HWC, drawn
