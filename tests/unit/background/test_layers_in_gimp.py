"""GIMP, run without a screen, opens the layers and shows the drawing (Debian: apt install gimp)."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.background.engine.layers import separate
from services.background.psd import write_psd

DRAWING = Path(__file__).parents[3] / "samples/styles/hatched-ink/04-street.png"
NORMAL, MULTIPLY = 28, 30  # GIMP's LayerMode
SCRIPT = """
(let* ((image (car (gimp-file-load RUN-NONINTERACTIVE {psd} "layers.psd"))))
  (for-each
    (lambda (layer)
      (gimp-message (string-append
        "layer " (car (gimp-item-get-name layer)) " " (number->string (car (gimp-layer-get-mode layer))) " "
        (number->string (car (gimp-item-get-visible layer))))))
    (vector->list (cadr (gimp-image-get-layers image))))
  (let ((shown (car (gimp-image-merge-visible-layers image CLIP-TO-IMAGE))))
    (file-png-save RUN-NONINTERACTIVE image shown {png} "shown.png" 0 9 0 0 0 0 0)))
(gimp-quit 0)
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gimp") is None, reason="GIMP is not installed")
def test_gimp_finds_the_layers_and_shows_the_drawing(tmp_path: Path) -> None:
    with Image.open(DRAWING) as opened:
        drawing_HWC = np.asarray(opened.convert("RGB"))
    sky_HW = np.zeros(drawing_HWC.shape[:2], bool)
    sky_HW[:80] = True
    psd, png = tmp_path / "layers.psd", tmp_path / "shown.png"
    psd.write_bytes(write_psd(separate(drawing_HWC, sky_HW=sky_HW, original_HWC=drawing_HWC), language="ko"))
    run = subprocess.run(
        ["gimp", "-i", "-d", "-f", "-s", "-b", "-"],
        input=SCRIPT.format(psd=json.dumps(str(psd)), png=json.dumps(str(png))),
        env=dict(os.environ, HOME=str(tmp_path), LANG="C.UTF-8"),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    said = [line.partition("layer ")[2] for line in run.stderr.splitlines() if "layer " in line]
    wanted = [f"선 {MULTIPLY} 1", f"색 {NORMAL} 1", f"하늘 {NORMAL} 1", f"원본 사진 {NORMAL} 0"]
    assert said == wanted, run.stdout + run.stderr
    with Image.open(png) as shown:
        assert np.abs(np.asarray(shown.convert("RGB")).astype(int) - drawing_HWC).max() <= 1
