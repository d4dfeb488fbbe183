"""Prompts to the hidden states that the denoiser reads, with or without a learned vector in them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from services.style_train.engine.networks import Networks


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedPrompt:
    """Token ids of a prompt with one place whose vector is learned."""

    ids_L: Tensor
    place: int


def tokenise(networks: Networks, prompts: Sequence[str]) -> Tensor:
    """Token ids (B, L); a prompt that is too long is cut, as every drawing program does."""
    ids_BL: Tensor = networks.tokenizer(
        list(prompts), padding="max_length", truncation=True, max_length=prompt_length(networks), return_tensors="pt"
    ).input_ids
    return ids_BL


def encode_ids(networks: Networks, ids_BL: Tensor) -> Tensor:
    """Hidden states (B, L, C); gradients reach what the text encoder learns."""
    hidden_BLC: Tensor = networks.text_encoder(ids_BL.to(networks.device))[0]
    return hidden_BLC


@torch.no_grad()
def encode_prompts(networks: Networks, prompts: Sequence[str]) -> Tensor:
    """Hidden states (B, L, C) of prompts."""
    return encode_ids(networks, tokenise(networks, prompts))


def place_prompt(networks: Networks, prompt: str) -> PlacedPrompt:
    """Tokens of a prompt that holds "{}" once. Words before it are dropped from the end when all do not fit."""
    before, after = (part.strip() for part in prompt.split("{}"))
    tokenizer = networks.tokenizer
    length = prompt_length(networks)
    before_ids, after_ids = (tokenizer(part, add_special_tokens=False).input_ids for part in (before, after))
    # "... in the style of {}" must stay whole: what gives way is the end of the description before it.
    phrase = len(tokenizer(" ".join(before.split()[-4:]), add_special_tokens=False).input_ids)
    spare = len(before_ids) + len(after_ids) + 3 - length
    if spare > 0:
        before_ids = before_ids[: len(before_ids) - phrase - spare] + before_ids[len(before_ids) - phrase :]
    ids = [tokenizer.bos_token_id, *before_ids, tokenizer.eos_token_id, *after_ids, tokenizer.eos_token_id]
    padded = ids + [tokenizer.pad_token_id] * (length - len(ids))
    return PlacedPrompt(ids_L=torch.tensor(padded), place=len(before_ids) + 1)


def encode_with_rows(networks: Networks, prompt: PlacedPrompt, rows_TC: Tensor) -> Tensor:
    """Hidden states (T, L, C) of the prompt with each row in its place; gradients reach the rows.

    Equal to a vocabulary that has the rows as tokens, without touching tokenizer or table.
    """
    count = len(rows_TC)

    def put_rows(_module: object, _inputs: object, vectors_TLC: Tensor) -> Tensor:
        placed_TLC = vectors_TLC.clone()
        placed_TLC[:, prompt.place] = rows_TC.to(vectors_TLC)
        return placed_TLC

    handle = networks.text_encoder.get_input_embeddings().register_forward_hook(put_rows)
    try:
        hidden_TLC: Tensor = networks.text_encoder(prompt.ids_L.to(networks.device).expand(count, -1))[0]
    finally:
        handle.remove()
    return hidden_TLC


def word_vector(networks: Networks, words: str) -> Tensor:
    """The mean input vector of the words' tokens: one token's own vector when the tokenizer knows the word."""
    ids = networks.tokenizer(words, add_special_tokens=False).input_ids
    table = networks.text_encoder.get_input_embeddings().weight
    vector_C: Tensor = table[torch.tensor(ids, device=table.device)].detach().float().mean(dim=0)
    return vector_C


def prompt_length(networks: Networks) -> int:
    known: int = networks.text_encoder.config.max_position_embeddings
    return min(known, int(networks.tokenizer.model_max_length))
