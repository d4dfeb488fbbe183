"""The 133 COCO-WholeBody keypoints of a placed skeleton: body 0-16, feet 17-22, face 23-90, left hand 91-111, right
hand 112-132.

Left and right are the person's own. Face coordinates (u, v): u from -1 (the person's right cheek) to 1, v from -1
(chin) to 1 (crown).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.webtoon_tiny.pictures.characters_skeleton import SIDES, Arm, Body, Matrix_33, Pose, Skeleton

Points_N3 = NDArray[np.float64]

COUNT = 133
HIDDEN, OCCLUDED, SEEN = 0, 1, 2
"""Visibility as in COCO: not in the picture or turned away, in the picture but covered, seen."""

BODY_NAMES = (
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
"""Joints behind keypoints 5-16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Shape of a face: eye centre height and half sizes, jaw point, brows and mouth, in face coordinates."""

    eye_v: float = -0.14
    eye_u: float = 0.43
    eye_width: float = 0.22
    eye_height: float = 0.13
    eye_open: float = 1.0
    brow_gap: float = 0.16
    jaw: float = 1.0
    smile: float = 0.03
    mouth_open: float = 0.0
    mouth_width: float = 0.2


@dataclass(frozen=True, slots=True)
class HeadSurface:
    """Maps face coordinates to camera space on the front of one head."""

    centre_3: NDArray[np.float64]
    frame_33: Matrix_33
    half_height: float

    @property
    def radii(self) -> tuple[float, float, float]:
        """Half width, height and depth of the skull."""
        return 0.74 * self.half_height, 0.84 * self.half_height, 0.80 * self.half_height

    @property
    def skull_3(self) -> NDArray[np.float64]:
        """Centre of the skull."""
        return np.asarray(self.centre_3 + self.frame_33 @ np.array([0, 0.16, -0.06]) * self.half_height)

    def local(self, u: NDArray[np.float64], v: NDArray[np.float64]) -> Points_N3:
        """Face coordinates to the head's own axes."""
        bulge = np.sqrt(np.clip(1.0 - (0.92 * u) ** 2 - (0.62 * np.minimum(v, 0.9)) ** 2, 0.0, 1.0))
        return np.stack([0.74 * u, v, 0.72 * bulge], axis=-1) * self.half_height

    def on_face(self, u: NDArray[np.float64], v: NDArray[np.float64], *, lift: float = 0.0) -> Points_N3:
        """Camera positions (N, 3) of face coordinates; `lift` raises them off the surface, in half heads."""
        points = self.local(np.asarray(u, float), np.asarray(v, float))
        points[..., 2] += lift * self.half_height
        return np.asarray(self.centre_3 + points @ self.frame_33.T)

    def facing(self, u: NDArray[np.float64] | float, v: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Cosine between the surface's normal there and the viewer."""
        points = self.local(np.asarray(u, float), np.asarray(v, float)) / np.square([0.74, 1.1, 0.72])
        normals = points / np.linalg.norm(points, axis=-1, keepdims=True)
        return np.asarray((normals @ self.frame_33.T)[..., 2])


def head_surface(body: Body, skeleton: Skeleton) -> HeadSurface:
    """The head of this skeleton."""
    return HeadSurface(skeleton.joints["head"], skeleton.frames["head"], 0.5 * body.head)


def jaw_curve(face: Face, t: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Face coordinates along the jaw, t from -1 (right ear) over 0 (chin) to 1 (left ear)."""
    angle = t * (math.pi / 2)
    u = np.sin(angle) * (1 - 0.22 * face.jaw * np.cos(angle) ** 2)
    return u, -0.1 - 0.88 * np.cos(angle) ** (1.0 + 0.25 * face.jaw)


def face_uv(face: Face) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 68 landmarks in face coordinates."""
    jaw_u, jaw_v = jaw_curve(face, np.linspace(-1, 1, 17))
    eye_v, eu, ew, eh = face.eye_v, face.eye_u, face.eye_width, face.eye_height * max(0.15, face.eye_open)
    brow = np.linspace(-1, 1, 5)
    brow_v = eye_v + face.eye_height + face.brow_gap + 0.05 * (1 - brow**2)
    brow_u = eu + 0.02 + 1.05 * ew * brow
    nose_v = np.linspace(eye_v - 0.02, -0.44, 4)
    eye_dx = np.array([-1, -0.4, 0.4, 1, 0.4, -0.4]) * ew
    eye_dy = np.array([0, 0.9, 0.9, 0, -0.9, -0.9]) * eh
    mouth = np.array([math.radians(180 - 30 * i) for i in range(12)])
    gape = 0.03 + face.mouth_open * 0.12
    mouth_u, mouth_v = face.mouth_width * np.cos(mouth), -0.66 + gape * np.sin(mouth) + face.smile * np.cos(mouth) ** 2
    inner = np.array([math.radians(180 - 45 * i) for i in range(8)])
    inner_u = 0.8 * face.mouth_width * np.cos(inner)
    inner_v = -0.66 + 0.6 * gape * np.sin(inner) + face.smile * np.cos(inner) ** 2
    u = [
        jaw_u,
        -brow_u[::-1],
        brow_u,
        np.zeros(4),
        np.linspace(-0.12, 0.12, 5),
        -eu + eye_dx,
        eu + eye_dx,
        mouth_u,
        inner_u,
    ]
    v = [jaw_v, brow_v[::-1], brow_v, nose_v, np.full(5, -0.5), eye_v + eye_dy, eye_v + eye_dy, mouth_v, inner_v]
    return np.concatenate(u), np.concatenate(v)


def face_points(face: Face, head: HeadSurface) -> tuple[Points_N3, NDArray[np.uint8]]:
    """The 68 face points (68, 3) and their visibility by the direction the surface faces."""
    u, v = face_uv(face)
    points_N3 = head.on_face(u, v)
    nose = slice(27, 36)
    protrude = np.array([0.02, 0.05, 0.09, 0.13, 0.05, 0.07, 0.08, 0.07, 0.05]) * head.half_height
    points_N3[nose] += protrude[:, None] * head.frame_33[:, 2]
    facing = head.facing(u, v)
    forward = head.frame_33[2, 2]
    seen = facing > 0.02
    seen[:17] = (facing[:17] > -0.35) & (forward > -0.25)
    return points_N3, np.where(seen, SEEN, HIDDEN).astype(np.uint8)


def hand_points(arm: Arm, wrist_3: NDArray[np.float64], frame_33: Matrix_33, sign: float, length: float) -> Points_N3:
    """The 21 points of a hand (21, 3): wrist, then thumb to little finger from the root to the tip."""
    palm = np.array([-sign, 0.0, 0.0])
    local = np.zeros((21, 3))
    out = 0.10 + 0.12 * arm.spread
    thumb = np.array([[0, -0.12, 0.13], [0, -0.27, 0.24], [0, -0.40, 0.24 + out], [0, -0.50, 0.25 + 1.4 * out]])
    thumb[:, 2] *= 1 - 0.35 * arm.fist
    thumb[2:] += np.outer([0.06, 0.14], palm) * (0.3 + arm.fist)
    local[1:5] = thumb
    roots = ((-0.50, 0.19, 0.42), (-0.53, 0.065, 0.47), (-0.50, -0.06, 0.43), (-0.45, -0.175, 0.34))
    for finger, (root_y, root_z, span) in enumerate(roots):
        tip_way = np.array([0, -1.0, (1.5 - finger) * 0.22 * arm.spread * (1 - arm.fist)])
        tip_way /= np.linalg.norm(tip_way)
        point, curl = np.array([0, root_y, root_z]), 0.0
        local[5 + 4 * finger] = point
        for bone, share in enumerate((0.45, 0.31, 0.24)):
            curl += math.radians(8 + 76 * arm.fist)
            point = point + span * share * (math.cos(curl) * tip_way + math.sin(curl) * palm)
            local[6 + 4 * finger + bone] = point
    return np.asarray(wrist_3 + length * local @ frame_33.T)


def foot_points(ankle_3: NDArray[np.float64], frame_33: Matrix_33, sign: float, length: float) -> Points_N3:
    """Big toe, small toe and heel (3, 3)."""
    local = np.array([[-sign * 0.16, -0.30, 0.78], [sign * 0.22, -0.30, 0.62], [0, -0.30, -0.24]])
    return np.asarray(ankle_3 + length * local @ frame_33.T)


def hand_length(body: Body) -> float:
    """Wrist to middle finger tip."""
    return 0.125 * body.rest


def foot_length(body: Body) -> float:
    """Heel to toe."""
    return 0.15 * body.rest


def keypoints(body: Body, pose: Pose, face: Face, skeleton: Skeleton) -> tuple[Points_N3, NDArray[np.uint8]]:
    """All 133 points in camera axes (133, 3) and their visibility before anything covers or cuts them."""
    head = head_surface(body, skeleton)
    points = np.zeros((COUNT, 3))
    visibility = np.full(COUNT, SEEN, np.uint8)
    points[23:91], visibility[23:91] = face_points(face, head)
    points[0], visibility[0] = points[23 + 30], SEEN if head.facing(0, -0.3) > -0.1 else HIDDEN
    for index, (landmarks, u) in enumerate(((slice(42, 48), face.eye_u), (slice(36, 42), -face.eye_u)), start=1):
        points[index] = points[23:91][landmarks].mean(axis=0)
        visibility[index] = SEEN if head.facing(u, face.eye_v) > -0.05 else HIDDEN
    for index, (_, sign) in enumerate(SIDES, start=3):
        points[index] = ear(head, sign)
        visibility[index] = SEEN if sign * head.frame_33[2, 0] > -0.55 else HIDDEN
    for index, name in enumerate(BODY_NAMES, start=5):
        points[index] = skeleton.joints[name]
    for index, (side, sign) in enumerate(SIDES):
        frame, ankle, wrist = (
            skeleton.frames[f"{side}_foot"],
            skeleton.joints[f"{side}_ankle"],
            skeleton.joints[f"{side}_wrist"],
        )
        points[17 + 3 * index : 20 + 3 * index] = foot_points(ankle, frame, sign, foot_length(body))
        hand = hand_points(
            getattr(pose, f"{side}_arm"), wrist, skeleton.frames[f"{side}_hand"], sign, hand_length(body)
        )
        points[91 + 21 * index : 112 + 21 * index] = hand
    return points, visibility


def ear(head: HeadSurface, sign: float) -> NDArray[np.float64]:
    """Middle of the ear in camera axes."""
    return np.asarray(head.centre_3 + head.frame_33 @ np.array([sign * 0.74, -0.14, -0.06]) * head.half_height)
