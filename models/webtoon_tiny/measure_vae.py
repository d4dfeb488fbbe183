"""Measures the autoencoder on pictures it has not seen: `python -m models.webtoon_tiny.measure_vae`.

PSNR is the mean over pictures of 10 log10(255^2 / mean squared error), after rounding to bytes.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from PIL import Image

from models.webtoon_tiny.pictures.supply import draw_captioned
from models.webtoon_tiny.training import WEIGHTS

ROOT = Path(__file__).parents[2]
HELD_OUT_SEED = 770_001


def held_out_renders(pictures: int, size: int) -> list[NDArray[np.uint8]]:
    """Scenes in base styles from a seed that no recipe uses."""
    rng = np.random.default_rng(HELD_OUT_SEED)
    return [draw_captioned(rng, size, size)[0] for _ in range(pictures)]


def photographs(size: int) -> list[NDArray[np.uint8]]:
    """The centre squares of the sample photographs, at `size` pixels."""
    squares = []
    for path in sorted((ROOT / "samples" / "photos").glob("*.jpg")):
        image = Image.open(path).convert("RGB")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.LANCZOS)
        squares.append(np.array(square))
    return squares


def reconstruct(vae: AutoencoderKL, picture_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture through encoder (mean) and decoder."""
    with torch.no_grad():
        batch = torch.from_numpy(picture_HWC.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1.0
        drawn = vae.decode(vae.encode(batch).latent_dist.mean).sample[0]
    bytes_HWC: NDArray[np.uint8] = ((drawn.clamp(-1, 1) + 1.0) * 127.5 + 0.5).byte().permute(1, 2, 0).numpy()
    return bytes_HWC


def psnr(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Peak signal to noise ratio in decibels."""
    error = np.square(first.astype(np.float64) - second.astype(np.float64)).mean()
    return float(10 * np.log10(255.0**2 / max(error, 1e-9)))


def measure(folder: Path, renders: int = 100) -> dict[str, float]:
    """PSNR on held-out renders (128 px) and on photographs (256 px)."""
    vae = AutoencoderKL.from_pretrained(folder, torch_dtype=torch.float32).eval()
    return {
        "psnr_renders_db": float(np.mean([psnr(p, reconstruct(vae, p)) for p in held_out_renders(renders, 128)])),
        "psnr_photographs_db": float(np.mean([psnr(p, reconstruct(vae, p)) for p in photographs(256)])),
    }


def reconstruction_sheet(folder: Path) -> Image.Image:
    """Originals above their reconstructions: six renders and the photographs."""
    vae = AutoencoderKL.from_pretrained(folder, torch_dtype=torch.float32).eval()
    originals = held_out_renders(6, 128) + photographs(128)
    rows = [np.hstack(originals), np.hstack([reconstruct(vae, p) for p in originals])]
    return Image.fromarray(np.vstack(rows))


def main() -> None:
    """Command line: `--vae FOLDER`, `--sheet FILE`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vae", type=Path, default=WEIGHTS / "vae")
    parser.add_argument("--sheet", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(measure(given.vae))
    if given.sheet is not None:
        reconstruction_sheet(given.vae).save(given.sheet, optimize=True)


if __name__ == "__main__":
    main()
