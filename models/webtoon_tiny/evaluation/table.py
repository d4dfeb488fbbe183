"""What is measured, what it should be at least, and the page that says so."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measure and its target; `most` turns the target round."""

    key: str
    says: str
    target: float
    most: bool = False
    unit: str = ""

    def met(self, value: float) -> bool:
        """Whether the value reaches the target."""
        return value <= self.target if self.most else value >= self.target


ROWS = (
    Row(key="place", says="text-to-image: place read as asked", target=0.92),
    Row(key="time_of_day", says="text-to-image: time of day read as asked", target=0.95),
    Row(key="objects", says="text-to-image: named objects read", target=0.80),
    Row(key="classifier", says="the classifier's own place accuracy on base-style renders", target=0.98),
    Row(key="fid_ratio", says="feature distance to renders, over that of other renders", target=6, most=True),
    Row(key="vae_psnr_renders", says="autoencoder on fresh renders", target=28, unit="dB"),
    Row(key="vae_psnr_photos", says="autoencoder on photographs", target=23, unit="dB"),
    Row(key="photo_edge_f1", says="photograph in a learned hand: edge F1, worst hand", target=0.6),
    Row(key="photo_style_drop", says="photograph in a learned hand: style distance falls by, worst hand", target=0.3),
    Row(key="img2img_monotone", says="inputs whose distance rises with strength", target=0.95),
    Row(key="lora_style_drop", says="LoRA on an unseen hand: style distance falls by, worst hand", target=0.5),
    Row(key="lora_place", says="LoRA on an unseen hand: place read as asked, worst hand", target=0.85),
    Row(key="dreamstyler_style_drop", says="DreamStyler on an unseen hand: style distance falls by, worst hand",
        target=0.25),
    Row(key="seconds_picture", says="one native picture, default steps with guidance", target=3, most=True, unit="s"),
    Row(key="seconds_picture_fast", says="one native picture in the fast setting", target=1, most=True, unit="s"),
    Row(key="seconds_lora", says="LoRA training, slowest hand", target=90, most=True, unit="s"),
    Row(key="seconds_dreamstyler", says="DreamStyler training, slowest hand", target=90, most=True, unit="s"),
    Row(key="detector_ap50", says="person detector: average precision at IoU 0.5", target=0.95),
    Row(key="pck_body", says="pose: body joints within a tenth of head to hip", target=0.92),
    Row(key="pck_hands", says="pose: hand points", target=0.75),
    Row(key="pck_face", says="pose: face points", target=0.85),
    Row(key="transfer_pck", says="re-posed figure: body joints found where wanted", target=0.85),
    Row(key="transfer_palette", says="re-posed figure: colour distance to the true one over that to another",
        target=0.4, most=True),
    Row(key="alpha_iou", says="character alpha: IoU", target=0.95),
)  # fmt: skip


def table(measures: Mapping[str, float | None], reasons: Mapping[str, str]) -> str:
    """Markdown: measure, target, found."""
    lines = ["| measure | target | found | |", "|---|--:|--:|---|"]
    for row in ROWS:
        value, sign = measures[row.key], "≤" if row.most else "≥"
        found = (
            f"{value:.3f}{row.unit and ' ' + row.unit}" if value is not None else f"none ({reasons.get(row.key, '')})"
        )
        verdict = "" if value is None else "met" if row.met(value) else "**missed**"
        lines.append(
            f"| {row.says} (`{row.key}`) | {sign} {row.target:g}{row.unit and ' ' + row.unit} | {found} | {verdict} |"
        )
    return "\n".join(lines)
