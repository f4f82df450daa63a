"""GGUF files whose answer is known: a Llama whose next token depends on the last one alone, by a table."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

gguf = pytest.importorskip("gguf", reason="writing a GGUF needs the train extra")

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
    "{{ message['content'] }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>{% endif %}"
)
SPECIAL = (
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|reserved_special_token_0|>",
)
HIDDEN = 384


def _write(
    path: Path,
    pieces: list[str],
    *,
    after: dict[str, float] | None = None,
    template: str | None = TEMPLATE,
    context: int = 256,
    language: str | None = None,
    noise: int | None = None,
) -> Path:
    """Write a model that answers every prompt with `pieces`, one token each, then the likeliest token of `after`.

    Args:
        path: where to write.
        pieces: distinct texts of two bytes or more, without spaces (byte-level BPE spells a space as another letter).
        after: token -> logit after the last piece; default <|eot_id|>.
        template: the chat template; None leaves it out.
        context: trained context length.
        language: what the file says of its language; None leaves it out.
        noise: seed of a random table instead, in which nothing is trained.
    """
    letters = _byte_letters()
    words = [*letters, *pieces]
    vocabulary = [*words, *SPECIAL]
    number = {text: i for i, text in enumerate(vocabulary)}
    head = np.zeros((len(vocabulary), HIDDEN), np.float32)
    chain = ["<|end_header_id|>", *pieces]
    for current, following in pairwise(chain):
        head[number[following], number[current]] = 1
    for token, logit in (after or {"<|eot_id|>": 1.0}).items():
        head[number[token], number[chain[-1]]] = logit
    if noise is not None:
        head = np.random.default_rng(noise).normal(size=head.shape).astype(np.float32)
    writer = gguf.GGUFWriter(path, "llama")
    if language is not None:
        writer.add_string("cadmonkey.language", language)
    _write_settings(writer, context)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(vocabulary)
    writer.add_token_types([gguf.TokenType.NORMAL] * len(words) + [gguf.TokenType.CONTROL] * len(SPECIAL))
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(number["<|begin_of_text|>"])
    writer.add_eos_token_id(number["<|eot_id|>"])
    if template is not None:
        writer.add_chat_template(template)
    _write_tensors(writer, len(vocabulary), head)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _write_settings(writer: Any, context: int) -> None:
    writer.add_context_length(context)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(6)
    writer.add_head_count_kv(6)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(HIDDEN // 6)


def _write_tensors(writer: Any, vocabulary: int, head: np.ndarray) -> None:
    """Write one block of zeros, so that the hidden state is the last token's one-hot row, and the table as the head."""
    writer.add_tensor("token_embd.weight", np.eye(vocabulary, HIDDEN, dtype=np.float32))
    writer.add_tensor("output_norm.weight", np.ones(HIDDEN, np.float32))
    writer.add_tensor("output.weight", head)
    for norm in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{norm}.weight", np.ones(HIDDEN, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros((HIDDEN, HIDDEN), np.float32))
    for name, shape in (("ffn_gate", (32, HIDDEN)), ("ffn_up", (32, HIDDEN)), ("ffn_down", (HIDDEN, 32))):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros(shape, np.float32))


def _byte_letters() -> list[str]:
    """Return byte-level BPE's letter for each byte: itself where it prints, else one above U+0100."""
    prints = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in prints]
    letters = {byte: chr(byte) for byte in prints} | {byte: chr(256 + i) for i, byte in enumerate(others)}
    return [letters[byte] for byte in range(256)]


@pytest.fixture
def write_gguf() -> Callable[..., Path]:
    """Writes such a file: path, pieces, and optionally after, template and context."""
    return _write


@pytest.fixture
def cube_model(tmp_path: Path) -> Path:
    """A model that answers every sentence with a cube of 10 x 20 x 30 mm."""
    return _write(tmp_path / "cube.gguf", ["cube(", "[10,", "20,", "30]);"])
