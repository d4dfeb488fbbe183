"""Random model families in the diffusers layout: real modules, small sizes, weights that mean nothing."""

import hashlib
import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

SIZE_STEP = 16
WORDS = "a an the of in at on and with beach sunset palm tree trees room street city style painting night two"


def build_random_family(folder: Path, *, seed: int = 0, prediction_type: str = "epsilon", resolution: int = 32) -> Path:
    """Write a family whose every part is random: VAE factor 8, a UNet 16 and 32 wide, a text encoder 32 wide."""
    torch.manual_seed(seed)
    tokenizer = build_tokenizer()
    tokenizer.save_pretrained(folder / "tokenizer")
    build_text_encoder(tokenizer).save_pretrained(folder / "text_encoder")
    build_unet().save_pretrained(folder / "unet")
    build_vae().save_pretrained(folder / "vae")
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type=prediction_type,
    )
    scheduler.save_pretrained(folder / "scheduler")
    write_index(folder)
    write_manifest(folder, resolution=resolution)
    return folder


def build_tokenizer() -> CLIPTokenizer:
    """A byte-level CLIP tokenizer that knows `WORDS` whole and spells everything else letter by letter."""
    letters = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 256))]
    letters += [chr(256 + index) for index in range(256 - len(letters))]
    vocabulary = [*letters, *(f"{letter}</w>" for letter in letters)]
    merges: list[tuple[str, str]] = []
    for word in WORDS.split():
        joined = word[0] if len(word) > 1 else f"{word}</w>"
        for index, letter in enumerate(word[1:], start=1):
            part = letter if index < len(word) - 1 else f"{letter}</w>"
            if (joined, part) not in merges:
                merges.append((joined, part))
                vocabulary.append(joined + part)
            joined += part
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={token: index for index, token in enumerate(dict.fromkeys(vocabulary))},
        merges=merges,
        model_max_length=77,
    )


def build_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        projection_dim=32,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def build_unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=4,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=4,
        norm_num_groups=4,
    )


def build_vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=4,
        sample_size=32,
    )


def write_index(folder: Path, *, scheduler: str = "DDIMScheduler") -> None:
    """The file by which a diffusers pipeline finds its parts."""
    parts = {
        "scheduler": ["diffusers", scheduler],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    absent = {"safety_checker": [None, None], "feature_extractor": [None, None]}
    index = {"_class_name": "StableDiffusionPipeline", **parts, **absent}
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf-8")


def write_manifest(folder: Path, *, resolution: int, size_step: int = SIZE_STEP) -> None:
    """The manifest beside the files, with the hash of each."""
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }
    manifest = {
        "name": "random-tiny",
        "licence": "Apache-2.0",
        "resolution": resolution,
        "size_step": size_step,
        "default_steps": 4,
        "files": files,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
