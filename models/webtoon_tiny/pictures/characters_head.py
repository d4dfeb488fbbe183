"""Head, face and hair."""

import numpy as np
from numpy.typing import NDArray

from models.webtoon_tiny.pictures.canvas import Points_N2
from models.webtoon_tiny.pictures.characters_canvas import FigureCanvas, Part, capsule, disc, hull, outline_of_ellipsoid
from models.webtoon_tiny.pictures.characters_limbs import Figure
from models.webtoon_tiny.pictures.characters_points import HeadSurface, ear, face_points, head_surface, jaw_curve
from models.webtoon_tiny.pictures.styles import Rgb

_AZIMUTHS = np.radians(np.linspace(-180, 180, 49))


def head_parts(figure: Figure) -> list[Part]:
    """Skull, jaw, nose in profile and ears, all skin."""
    head = head_surface(figure.look.body, figure.skeleton)
    skull = figure.put(head.skull_3) + figure.put.scale * outline_of_ellipsoid(head.radii, head.frame_33) * np.array(
        [1.0, -1.0]
    )
    jaw_u, jaw_v = jaw_curve(figure.look.face, np.linspace(-1, 1, 25))
    jaw = figure.put(head.on_face(jaw_u, jaw_v))
    unit = head.half_height * figure.put.scale
    polygons = [hull(np.concatenate([skull, jaw]))]
    if abs(head.frame_33[0, 2]) > 0.6 and head.frame_33[2, 2] > -0.5:
        polygons.append(_profile_nose(figure, head))
    polygons += [
        disc(figure.put(ear(head, sign)), 0.14 * unit) for sign in (1.0, -1.0) if sign * head.frame_33[2, 0] > -0.3
    ]
    return [Part(polygons, figure.look.skin, 0.22 * unit)]


def _profile_nose(figure: Figure, head: HeadSurface) -> Points_N2:
    points, _ = face_points(figure.look.face, head)
    return hull(
        figure.put(
            np.concatenate([points[27:31], points[33:34], head.on_face(np.zeros(2), np.array([-0.1, -0.6]), lift=-0.1)])
        )
    )


def draw_face(canvas: FigureCanvas, figure: Figure) -> None:
    """Eyes, brows, nose and mouth, each where its part of the head faces the viewer."""
    head, face = head_surface(figure.look.body, figure.skeleton), figure.look.face
    for sign in (1.0, -1.0):
        if head.facing(sign * face.eye_u, face.eye_v) > 0.12:
            _draw_eye(canvas, figure, head, sign)
    if head.facing(0.0, -0.6) > 0.05:
        _draw_mouth(canvas, figure, head)
    if head.frame_33[2, 2] > 0.45:
        side = 1.0 if head.frame_33[0, 2] >= 0 else -1.0
        u, v = np.array([0.0, 0.06 * side, 0.0]), np.array([-0.40, -0.47, -0.50])
        canvas.line(figure.put(head.on_face(u, v, lift=0.1)), weight=0.6, rgb=_line(figure))


def _line(figure: Figure) -> Rgb:
    """Ink for face lines: present in styles without outlines too."""
    r, g, b = figure.look.skin
    return (0.28 * r, 0.2 * g, 0.22 * b)


def _draw_eye(canvas: FigureCanvas, figure: Figure, head: HeadSurface, sign: float) -> None:
    face = figure.look.face
    around = np.linspace(0, 2 * np.pi, 18, endpoint=False)
    opening = face.eye_height * face.eye_open
    brow_u = sign * (face.eye_u + 0.02) + 1.05 * face.eye_width * np.linspace(-1, 1, 5)
    brow_v = face.eye_v + face.eye_height + face.brow_gap + 0.05 * (1 - np.linspace(-1, 1, 5) ** 2)
    canvas.line(figure.put(head.on_face(brow_u, brow_v)), weight=0.8, rgb=_dark(figure.look.hair_rgb))
    upper = np.linspace(-1, 1, 7)
    lid = figure.put(
        head.on_face(sign * face.eye_u + face.eye_width * upper, face.eye_v + opening * (1 - upper**2) ** 0.5)
    )
    if face.eye_open < 0.4:
        low = figure.put(
            head.on_face(sign * face.eye_u + face.eye_width * upper, face.eye_v - 0.5 * opening * (1 - upper**2) ** 0.5)
        )
        canvas.line(low, weight=1.0, rgb=(0.12, 0.09, 0.12))
        return
    white = figure.put(
        head.on_face(sign * face.eye_u + face.eye_width * np.cos(around), face.eye_v + opening * np.sin(around))
    )
    canvas.shape(white, (0.99, 0.98, 0.97), ink=0.0)
    canvas.clip(white)
    iris = min(0.72 * face.eye_width, 1.05 * face.eye_height)
    for radius, rgb in ((iris, figure.look.eye_rgb), (0.5 * iris, (0.06, 0.05, 0.08))):
        ring = head.on_face(sign * face.eye_u + radius * np.cos(around), face.eye_v + 1.15 * radius * np.sin(around))
        canvas.shape(figure.put(ring), rgb, ink=0.0)
    glint = head.on_face(
        sign * face.eye_u - 0.35 * iris + 0.28 * iris * np.cos(around),
        face.eye_v + 0.45 * iris + 0.28 * iris * np.sin(around),
    )
    canvas.shape(figure.put(glint), (1.0, 1.0, 1.0), ink=0.0)
    canvas.unclip()
    canvas.line(lid, weight=1.2, rgb=(0.12, 0.09, 0.12))


def _draw_mouth(canvas: FigureCanvas, figure: Figure, head: HeadSurface) -> None:
    face = figure.look.face
    u = np.linspace(-1, 1, 7)
    curve = -0.66 + face.smile * u**2
    if face.mouth_open > 0.1:
        gape = 0.03 + 0.12 * face.mouth_open
        around = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        v = -0.66 + gape * np.sin(around) + face.smile * np.cos(around) ** 2
        canvas.shape(figure.put(head.on_face(face.mouth_width * np.cos(around), v)), (0.62, 0.22, 0.24), ink=0.6)
    else:
        canvas.line(figure.put(head.on_face(face.mouth_width * u, curve)), weight=0.8, rgb=_line(figure))


def _dark(rgb: Rgb) -> Rgb:
    return (0.6 * rgb[0], 0.55 * rgb[1], 0.6 * rgb[2])


# --- hair


def _hairline(figure: Figure) -> NDArray[np.float64]:
    """Elevation (radians) of the hair's edge at each azimuth: the fringe in front, over the ears, down to the nape."""
    front = np.clip(np.cos(_AZIMUTHS), 0, 1)
    back = np.clip(-np.cos(_AZIMUTHS), 0, 1)
    teeth = np.abs(((np.arange(49) * 0.5) % 2.0) - 1.0) if figure.look.hair != "curly" else np.zeros(49)
    edge = np.radians(
        -8 + 36 * front**1.5 - 42 * back - 22 * figure.look.fringe * teeth * np.clip(front + 0.2, 0, 1) ** 0.5
    )
    return np.asarray(edge)


def hair_cap(figure: Figure) -> Part:
    """Hair on the skull: all patches above the hairline that face the viewer."""
    head = head_surface(figure.look.body, figure.skeleton)
    swell = {"curly": 1.22, "spiky": 1.08}.get(figure.look.hair, 1.10)
    rows = np.linspace(0, 1, 6)[:, None]
    elevation = _hairline(figure)[None] * (1 - rows) + (np.pi / 2) * rows
    radii = np.array(head.radii) * swell
    local = (
        np.stack(
            [np.sin(_AZIMUTHS) * np.cos(elevation), np.sin(elevation), np.cos(_AZIMUTHS) * np.cos(elevation)], axis=-1
        )
        * radii
    )
    patches = _facing_patches(figure.put(head.skull_3 + local @ head.frame_33.T))
    if figure.look.hair == "spiky":
        patches += _spikes(figure, head)
    return Part(patches, figure.look.hair_rgb, 0.25 * head.half_height * figure.put.scale)


def _facing_patches(grid: NDArray[np.float64]) -> list[Points_N2]:
    """Quads of a (rows, columns, 2) grid that turn towards the viewer, as one sense of rotation."""
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]
    ac, bd = c - a, d - b
    area = ac[..., 0] * bd[..., 1] - ac[..., 1] * bd[..., 0]
    quads = np.stack([a, b, c, d], axis=-2)
    # y runs down on the canvas, so a patch seen from outside turns the negative way; reversed it turns as hulls do.
    return list(quads[area < -1e-9][:, ::-1])


def _spikes(figure: Figure, head: HeadSurface) -> list[Points_N2]:
    spikes = []
    for azimuth, elevation in (
        (0, 80),
        (60, 55),
        (-60, 55),
        (120, 50),
        (-120, 50),
        (180, 30),
        (150, 5),
        (-150, 5),
        (90, 20),
        (-90, 20),
        (30, 70),
        (-30, 70),
    ):
        a, e = np.radians(azimuth), np.radians(elevation)
        way = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
        root, tip = (figure.put(head.skull_3 + head.frame_33 @ (way * head.radii * reach)) for reach in (0.85, 1.45))
        if (head.frame_33 @ way)[2] > -0.3:
            unit = head.half_height * figure.put.scale
            spikes.append(capsule(root, tip, 0.26 * unit, 0.01 * unit))
    return spikes


def back_hair(figure: Figure) -> Part | None:
    """Hair that falls behind the body: whole curtain, tails and bun that lie behind the head."""
    return _fall(figure, behind=True)


def front_hair(figure: Figure) -> Part | None:
    """The parts of the same hair that lie nearer to the viewer than the head."""
    return _fall(figure, behind=False)


def _fall(figure: Figure, *, behind: bool) -> Part | None:
    head = head_surface(figure.look.body, figure.skeleton)
    kind = figure.look.hair
    if kind in ("bob", "long"):
        polygons = _curtain(figure, head, 0.9 if kind == "bob" else 2.3, behind=behind)
    else:
        polygons = [tail for tail, near in _tails(figure, head) if near != behind]
    return Part(polygons, figure.look.hair_rgb, 0.2 * head.half_height * figure.put.scale) if polygons else None


def _curtain(figure: Figure, head: HeadSurface, length: float, *, behind: bool) -> list[Points_N2]:
    azimuth = np.radians(np.linspace(68, 292, 25))
    drop = np.linspace(0.35, -length, 5)[:, None]
    widen = 1.1 + 0.06 * np.abs(drop)
    radii = np.array(head.radii)
    x, z = np.sin(azimuth) * radii[0] * widen, np.cos(azimuth) * radii[2] * widen
    tips = 1 + 0.04 * np.where(np.arange(25) % 2, 1, -1) * (np.arange(5)[:, None] == 4)
    local = np.stack([x, drop * head.half_height * tips + 0 * azimuth, z], axis=-1)
    grid = figure.put(head.skull_3 + local @ head.frame_33.T)
    if behind:
        # Both faces of the curtain: patches seen from inside, turned round.
        return _facing_patches(grid[::-1]) + _facing_patches(grid)
    return _facing_patches(grid[::-1])


def _tails(figure: Figure, head: HeadSurface) -> list[tuple[Points_N2, bool]]:
    unit = head.half_height * figure.put.scale
    kind = figure.look.hair
    if kind == "bun":
        roots, length, thick = [(0.0, 0.75, -0.75)], 0.0, 0.38
    elif kind == "ponytail":
        roots, length, thick = [(0.0, 0.45, -0.95)], 1.7, 0.26
    elif kind == "twintails":
        roots, length, thick = [(0.85, 0.35, -0.3), (-0.85, 0.35, -0.3)], 1.8, 0.22
    else:
        return []
    tails = []
    for root in roots:
        start_3 = head.centre_3 + head.frame_33 @ (np.array(root) * head.half_height)
        end_3 = start_3 + head.frame_33 @ (np.array([0.45 * np.sign(root[0]), -1.0, -0.35]) * length * head.half_height)
        near = bool(start_3[2] > head.centre_3[2])
        if length == 0.0:
            tails.append((disc(figure.put(start_3), thick * unit), near))
        else:
            tails.append((capsule(figure.put(start_3), figure.put(end_3), thick * unit, 0.08 * unit), near))
    return tails
