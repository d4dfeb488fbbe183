"""A translation network of the real layout, with random weights: what it says means nothing, how it is asked does."""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import M2M100Config, M2M100ForConditionalGeneration, MarianConfig, MarianMTModel

from services.background.korean.network import NetworkTranslator
from services.background.korean.translator import Translator, has_hangul
from services.common.errors import NotReady

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "kor_Hang", "eng_Latn"]
WORDS = ["바다", "노을", "sea", "sunset", "quiet", "street", "at", "night"]


@pytest.fixture(scope="module")
def glossary() -> Translator:
    return Translator()


def write_tokens(folder: Path, words: list[str]) -> None:
    tokens = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    tokens.pre_tokenizer = pre_tokenizers.Whitespace()
    tokens.add_special_tokens([word for word in words if word in SPECIAL])
    tokens.save(str(folder / "tokenizer.json"))


def build_nllb(folder: Path, *, only: list[str] | None = None) -> Path:
    """NLLB's kind; `only` keeps it to words of these."""
    words = SPECIAL + WORDS
    config = M2M100Config(
        vocab_size=len(words), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=160,
        bos_token_id=0, pad_token_id=1, eos_token_id=2, decoder_start_token_id=2,
    )  # fmt: skip
    torch.manual_seed(0)
    network = M2M100ForConditionalGeneration(config)
    allowed = [words.index(word) for word in only or ["sea", "sunset", "quiet"]]
    network.generation_config.suppress_tokens = [
        index for index in range(len(words)) if index not in (*allowed, words.index("eng_Latn"))
    ]
    network.generation_config.max_length = None
    network.save_pretrained(folder)
    write_tokens(folder, words)
    return folder


def test_korean_goes_through_the_network_and_english_stays(tmp_path: Path, glossary: Translator) -> None:
    translator = NetworkTranslator(build_nllb(tmp_path), glossary=glossary)
    read = translator.translate("a castle, 노을 바다 at night")
    assert read.english.startswith("a castle, ")
    assert read.english.endswith(" at night")
    middle = read.english.removeprefix("a castle, ").removesuffix(" at night").split()
    assert middle
    assert set(middle) <= {"sea", "sunset", "quiet"}
    assert read.unknown_words == ()
    assert translator.translate("a castle, 노을 바다 at night") == read


def test_what_the_network_leaves_in_korean_is_left_to_the_glossary(tmp_path: Path, glossary: Translator) -> None:
    translator = NetworkTranslator(build_nllb(tmp_path, only=["바다"]), glossary=glossary)
    read = translator.translate("노을 지는 바닷가")
    assert read == glossary.translate("노을 지는 바닷가")
    assert not has_hangul(read.english)


def test_a_network_of_one_pair_of_languages_needs_no_names_of_them(tmp_path: Path, glossary: Translator) -> None:
    words = ["</s>", "<unk>", *WORDS, "<pad>"]
    pad = len(words) - 1
    config = MarianConfig(
        vocab_size=len(words), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=160,
        eos_token_id=0, pad_token_id=pad, decoder_start_token_id=pad, forced_eos_token_id=0,
    )  # fmt: skip
    torch.manual_seed(0)
    MarianMTModel(config).save_pretrained(tmp_path)
    write_tokens(tmp_path, words)
    read = NetworkTranslator(tmp_path, glossary=glossary).translate("바다")
    assert not has_hangul(read.english)


def test_a_folder_without_a_network_is_refused(tmp_path: Path, glossary: Translator) -> None:
    with pytest.raises(NotReady, match="leave the setting out"):
        NetworkTranslator(tmp_path, glossary=glossary)
