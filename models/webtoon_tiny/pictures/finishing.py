"""What happens to a picture after the last line is inked: pigment, paper, screens and glow."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from models.webtoon_tiny.pictures.styles import Style


def finish_picture(rgb_HWC: NDArray[np.uint8], style: Style, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The picture (H, W, 3) with the style's finishing; returned as it is where the style has none."""
    if not (style.wash or style.edge_darkening or style.paper or style.screentone or style.glow):
        return np.ascontiguousarray(rgb_HWC)
    picture_HWC = rgb_HWC.astype(np.float32) / 255.0
    if style.edge_darkening:
        picture_HWC = _pool_pigment(picture_HWC, style.edge_darkening)
    if style.wash:
        picture_HWC = _wash(picture_HWC, style.wash, rng)
    if style.screentone:
        picture_HWC = _screen(picture_HWC, style.screentone)
    if style.glow:
        picture_HWC = _glow(picture_HWC, style.glow)
    if style.paper:
        picture_HWC = picture_HWC + 0.16 * style.paper * (_field(picture_HWC.shape[:2], 0.016, rng)[:, :, None] - 0.5)
    finished: NDArray[np.uint8] = (np.clip(picture_HWC, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    return finished


def screen_alpha(rgba_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Premultiplied (H, W, 4) to straight colours (H, W, 3); white where nothing was drawn."""
    alpha_HW1 = rgba_HWC[:, :, 3:].astype(np.float32)
    straight_HWC = np.where(alpha_HW1 > 0, rgba_HWC[:, :, :3] * (255.0 / np.maximum(alpha_HW1, 1.0)), 255.0)
    return np.clip(straight_HWC + 0.5, 0, 255).astype(np.uint8)


def _field(size_HW: tuple[int, ...], grain: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth noise in 0..1 (H, W) whose spots are about `grain` of the height wide."""
    height, width = size_HW
    cells = max(2, round(1.0 / grain))
    coarse = rng.random((cells, max(2, round(cells * width / height))), np.float32)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def _blurred(picture_HWC: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    image = Image.fromarray((np.clip(picture_HWC, 0.0, 1.0) * 255.0).astype(np.uint8))
    blurred: NDArray[np.float32] = np.asarray(image.filter(ImageFilter.GaussianBlur(radius))).astype(np.float32) / 255.0
    return blurred


def _pool_pigment(picture_HWC: NDArray[np.float32], amount: float) -> NDArray[np.float32]:
    radius = 0.012 * picture_HWC.shape[0]
    edge_HW1 = np.abs(picture_HWC - _blurred(picture_HWC, radius)).max(axis=2, keepdims=True)
    pooled: NDArray[np.float32] = picture_HWC * (1.0 - amount * np.clip(2.6 * edge_HW1, 0.0, 0.5))
    return pooled


def _wash(picture_HWC: NDArray[np.float32], amount: float, rng: np.random.Generator) -> NDArray[np.float32]:
    size_HW = picture_HWC.shape[:2]
    density_HW = 0.65 * _field(size_HW, 0.16, rng) + 0.35 * _field(size_HW, 0.05, rng)
    thin_HW1 = amount * np.clip(density_HW - 0.35, 0.0, 1.0)[:, :, None]
    washed: NDArray[np.float32] = (picture_HWC + (1.0 - picture_HWC) * thin_HW1).astype(np.float32)
    return washed


def _screen(picture_HWC: NDArray[np.float32], amount: float) -> NDArray[np.float32]:
    height, width = picture_HWC.shape[:2]
    # Dots of a fixed number per height, never finer than four pixels: finer ones alias into stripes.
    period = max(4.0, height / 48.0)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) * np.float32(np.pi / period)
    threshold_HW = 0.5 + 0.25 * (np.cos(x + y) + np.cos(x - y))
    grey_HW = picture_HWC @ np.array([0.30, 0.59, 0.11], np.float32)
    dots_HW = np.clip((grey_HW * 1.15 - 0.08 - threshold_HW) * 4.0 + 0.5, 0.0, 1.0)
    dots_HW = np.where(grey_HW > 0.86, 1.0, np.where(grey_HW < 0.16, 0.0, dots_HW))
    mixed: NDArray[np.float32] = picture_HWC * (1.0 - amount) + (amount * dots_HW)[:, :, None].astype(np.float32)
    return mixed


def _glow(picture_HWC: NDArray[np.float32], amount: float) -> NDArray[np.float32]:
    bright_HWC = np.clip(picture_HWC - 0.35, 0.0, 1.0) * 1.5
    halo_HWC = _blurred(bright_HWC, 0.022 * picture_HWC.shape[0])
    lit = 1.0 - (1.0 - np.clip(picture_HWC, 0, 1)) * (1.0 - 0.9 * amount * halo_HWC)
    return lit.astype(np.float32)
