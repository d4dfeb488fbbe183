"""Style files survive the way to disk and back, and strangers are refused by name."""

import json

import pytest
import safetensors.torch
import torch

from services.common.errors import InvalidInput
from services.common.style_files import (
    TRIGGER_KEY,
    read_dreamstyler,
    read_lora,
    text_modules,
    wide_modules,
    write_dreamstyler,
    write_lora,
)
from tests.fakes.families import build_text_encoder, build_tokenizer, build_unet
from tests.fakes.styles import random_lora

UNET = wide_modules(build_unet())
TEXT = text_modules(build_text_encoder(build_tokenizer()))


def test_every_module_keeps_its_own_rank_and_alpha() -> None:
    unet, text = random_lora(UNET, seed=1), random_lora(TEXT, seed=2)
    file = read_lora(write_lora(unet, text, metadata={TRIGGER_KEY: "ink"}, dtype=torch.float32), unet=UNET, text=TEXT)
    assert file.trigger == "ink"
    for written, read in ((unet, file.unet), (text, file.text)):
        assert written.keys() == read.keys()
        for path, module in written.items():
            assert read[path].alpha == module.alpha
            assert torch.equal(read[path].down, module.down)
            assert torch.equal(read[path].up, module.up)


def test_names_are_kohyas() -> None:
    tensors = safetensors.torch.load(write_lora(random_lora(UNET, seed=1), random_lora(TEXT, seed=2), metadata={}))
    assert "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0.lora_down.weight" in tensors
    assert "lora_te_text_model_encoder_layers_0_self_attn_q_proj.alpha" in tensors
    assert len(tensors) == 3 * (len(UNET) + len(TEXT))


def test_the_same_style_is_the_same_bytes_and_hashes_ignore_its_words() -> None:
    unet = random_lora(UNET, seed=1)
    words = {f"ss_{index}": str(index) for index in range(20)}
    first, again, other = (write_lora(unet, metadata=given) for given in (words, words, {"ss_comment": "else"}))
    assert first == again
    hashes = [read_lora(content, unet=UNET, text=TEXT).metadata["sshs_model_hash"] for content in (first, other)]
    assert hashes[0] == hashes[1]
    assert read_lora(first, unet=UNET, text=TEXT).metadata["sshs_legacy_hash"] == "e3b0c442"  # under 1 MiB: of nothing


def test_a_file_without_alpha_means_alpha_is_the_rank() -> None:
    tensors = safetensors.torch.load(write_lora(random_lora(UNET, seed=1), metadata={}))
    without = {name: tensor for name, tensor in tensors.items() if not name.endswith(".alpha")}
    file = read_lora(safetensors.torch.save(without), unet=UNET, text=TEXT)
    assert all(module.alpha == module.down.shape[0] for module in file.unet.values())


def test_a_module_that_this_family_lacks_is_named() -> None:
    fewer = {path: module for path, module in UNET.items() if "mid_block" not in path}
    with pytest.raises(InvalidInput, match="lora_unet_mid_block") as caught:
        read_lora(write_lora(random_lora(UNET, seed=1), metadata={}), unet=fewer, text=TEXT)
    assert caught.value.reason == "STYLE_FAMILY"


def test_a_shape_that_does_not_fit_is_named() -> None:
    path = next(path for path in UNET if path.endswith("attn2.to_k"))
    lora = random_lora({path: torch.nn.Linear(7, 16)}, seed=1)
    with pytest.raises(InvalidInput, match="attn2_to_k") as caught:
        read_lora(write_lora(lora, metadata={}), unet=UNET, text=TEXT)
    assert caught.value.reason == "STYLE_FAMILY"


@pytest.mark.parametrize("content", [b"", b"\x80\x04K\x01.", b"\xff" * 64, (2**40).to_bytes(8, "little") + b"{}"])
def test_what_is_no_safetensors_file_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_lora(content, unet=UNET, text=TEXT)
    assert caught.value.reason == "STYLE_DAMAGED"


def test_a_truncated_file_is_refused() -> None:
    content = write_lora(random_lora(UNET, seed=1), metadata={})
    with pytest.raises(InvalidInput) as caught:
        read_lora(content[:-100], unet=UNET, text=TEXT)
    assert caught.value.reason == "STYLE_DAMAGED"


def test_stage_tokens_survive() -> None:
    rows_TC = torch.randn(6, 32)
    file = read_dreamstyler(write_dreamstyler(rows_TC, trigger="sks", metadata={"note": "x"}), width=32)
    assert torch.equal(file.embeddings_TC, rows_TC)
    assert (file.trigger, file.metadata["num_stages"], file.metadata["note"]) == ("sks", "6", "x")


@pytest.mark.parametrize("change", [{"format": "other"}, {"num_stages": "5"}, {"token": ""}])
def test_stage_tokens_without_their_facts_are_refused(change: dict[str, str]) -> None:
    content = write_dreamstyler(torch.randn(6, 32), trigger="sks", metadata={})
    metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    changed = safetensors.torch.save(safetensors.torch.load(content), {**metadata, **change})
    with pytest.raises(InvalidInput) as caught:
        read_dreamstyler(changed, width=32)
    assert caught.value.reason == "NOT_A_DREAMSTYLER"
