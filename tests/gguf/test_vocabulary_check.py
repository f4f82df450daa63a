"""A file whose vocabulary differs where no prompt looks is unproven, and the reason names the first difference."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.proof import FileProof
from tests.gguf.conftest import prove_file, write_as
from tests.gguf.test_sentencepiece import make_spec

Prove = Callable[[Path], FileProof]


@pytest.fixture(scope="module")
def pieces() -> tuple[Any, Any]:
    """A random model with a SentencePiece tokenizer, and three rows more than tokens."""
    import torch
    from tokenizers import Tokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    spec = make_spec(True)
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(spec)), **names)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer) + 3, hidden_size=32, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=512,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval(), tokenizer


def prove_edited(model: Any, tokenizer: Any, path: Path, edit: Callable[[Any], None]) -> FileProof:
    """Write a true file, change some of its bytes, and prove it."""
    from gguf import GGUFReader

    from cadmonkey.gguf.questions import read_questions

    write_as(model, tokenizer, path, Origin(name="tiny"))
    edit(GGUFReader(path, "r+"))
    return prove_file(path, "f16", model, tokenizer, read_questions(None, 2))


def put(name: str, number: int, value: float) -> Callable[[Any], None]:
    """Make an edit of one entry of an array of numbers."""

    def edit(reader: Any) -> None:
        field = reader.get_field(f"tokenizer.ggml.{name}")
        field.parts[field.data[number]][0] = value

    return edit


def test_a_true_file_has_the_trained_vocabulary(pieces: tuple[Any, Any], tmp_path: Path) -> None:
    assert prove_edited(*pieces, tmp_path / "m.gguf", lambda reader: None).reasons == ()


def test_a_changed_score_is_another_vocabulary(pieces: tuple[Any, Any], tmp_path: Path) -> None:
    number = pieces[1].get_vocab()["efg"]
    (reason,) = prove_edited(*pieces, tmp_path / "m.gguf", put("scores", number, -900.0)).reasons
    assert reason == (
        f"another vocabulary: token {number}, 'efg', scores -900, expected more than the -14 of 'ef', "
        "which is merged after it"
    )


def test_a_normal_token_made_control_is_another_vocabulary(pieces: tuple[Any, Any], tmp_path: Path) -> None:
    number = pieces[1].get_vocab()["▁cde"]
    (reason,) = prove_edited(*pieces, tmp_path / "m.gguf", put("token_type", number, 3)).reasons
    assert reason == f"another vocabulary: token {number}, '▁cde', is control, expected normal"


def test_a_control_token_made_normal_is_another_vocabulary(model: Any, tokenizer: Any, tmp_path: Path) -> None:
    number = tokenizer.convert_tokens_to_ids("<|eom_id|>")
    reasons = prove_edited(model, tokenizer, tmp_path / "m.gguf", put("token_type", number, 1)).reasons
    assert f"another vocabulary: token {number}, '<|eom_id|>', is normal, expected control" in reasons


def test_a_token_spelt_otherwise_is_another_vocabulary(model: Any, tokenizer: Any, tmp_path: Path) -> None:
    vocab = tokenizer.get_vocab()
    text = next(text for text in sorted(vocab) if text.isascii() and len(text) > 3 and text[::-1] not in vocab)

    def edit(reader: Any) -> None:
        field = reader.get_field("tokenizer.ggml.tokens")
        field.parts[field.data[vocab[text]]][:] = list(text[::-1].encode())

    reasons = prove_edited(model, tokenizer, tmp_path / "m.gguf", edit).reasons
    assert f"another vocabulary: token {vocab[text]} is {text[::-1]!r}, expected {text!r}" in reasons
