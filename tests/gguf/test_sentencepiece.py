"""SentencePiece tokenizers must cut text in llama.cpp as in transformers, or be refused."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cadmonkey.errors import InputError
from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.player import Player
from cadmonkey.gguf.sentencepiece import piece_scores, puts_space_first
from cadmonkey.gguf.tokenizer import StoredTokenizer
from cadmonkey.gguf.trained import open_trained
from cadmonkey.gguf.write import write_gguf

pytest.importorskip("torch", reason="export needs the train extra")

LETTERS = "abcdefghij ▁(),=;012é"


def make_spec(prefix: bool) -> dict[str, Any]:
    """Return tokenizer.json as transformers makes it of SentencePiece: every way to make a piece is a merge."""
    special = ["<unk>", "<s>", "</s>", "<turn>"]
    words = [
        "ab",
        "abc",
        "▁a",
        "▁ab",
        "cd",
        "de",
        "cde",
        "▁▁",
        "▁(",
        "12",
        "▁12",
        "bc",
        "▁cde",
        "efg",
        "ef",
        "fg",
        "01",
    ]
    tokens = [*special, *(f"<0x{byte:02X}>" for byte in range(256)), *words, *sorted(set(LETTERS) - {" "})]
    pieces = {*words, *tokens[len(special) + 256 :]}
    merges = [
        [word[:place], word[place:]]
        for word in words
        for place in range(1, len(word))
        if {word[:place], word[place:]} <= pieces
    ]
    steps: list[dict[str, Any]] = [{"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]
    normalizer = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, *steps]}
    model = {"type": "BPE", "vocab": {text: n for n, text in enumerate(tokens)}, "merges": merges}
    return {
        "version": "1.0",
        "added_tokens": [
            {"id": n, "content": text, "special": True, "normalized": False}
            | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
            for n, text in enumerate(special)
        ],
        "normalizer": normalizer if prefix else steps[0],
        "pre_tokenizer": None,
        "decoder": None,
        "model": model | {"byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>"},
    }


@pytest.fixture(scope="module", params=[True, False], ids=["space first", "as it is"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Player]]:
    """A tokenizer, and the same in llama.cpp."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("pieces")
    spec = make_spec(request.param)
    (folder / "tokenizer.json").write_text(json.dumps(spec))
    names = {"bos_token": "<s>", "eos_token": {"content": "</s>"}, "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names))
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(spec["model"]["vocab"]) + 3, hidden_size=32, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=256,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    write_gguf(*open_trained(folder), {"f16": folder / "m.gguf"}, Origin(name="pieces"))
    with Player(folder / "m.gguf", n_ctx=128) as player:
        yield StoredTokenizer(folder), player


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.sampled_from(LETTERS + "zØ重"), min_size=1, max_size=40))
def test_text_gets_the_same_ids_in_llama_cpp(text: str, pair: tuple[Any, Player]) -> None:
    tokenizer, player = pair
    assert player.tokenize(text) == tokenizer(text, add_special_tokens=False)["input_ids"]


def test_control_tokens_within_a_text_get_the_same_ids(pair: tuple[Any, Player]) -> None:
    tokenizer, player = pair
    text = "<s><turn>abc 12</s><turn> cde"
    assert player.tokenize(text) == tokenizer(text, add_special_tokens=False)["input_ids"]
    assert (player.bos_id, player.eos_id) == (1, 2)
    assert player.is_end(2)


def test_a_merge_that_is_not_listed_is_refused() -> None:
    spec = make_spec(True)
    spec["model"]["merges"].remove(["a", "bc"])
    with pytest.raises(InputError, match="'a' and 'bc' make a third but are no merge"):
        piece_scores(spec, 400)


def test_merges_out_of_order_are_refused() -> None:
    spec = make_spec(True)
    merges = spec["model"]["merges"]
    merges.append(merges.pop(merges.index(["ab", "c"])))
    with pytest.raises(InputError, match="both before and after"):
        piece_scores(spec, 400)


@pytest.mark.parametrize(
    "changes",
    [{"normalizer": {"type": "NFKC"}}, {"pre_tokenizer": {"type": "Whitespace"}}],
    ids=["normalizer", "split"],
)
def test_text_that_is_changed_in_another_way_is_refused(changes: Any) -> None:
    with pytest.raises(InputError, match=r"SentencePiece BPE as of Llama 2, Mistral or Gemma, got the normalizer"):
        puts_space_first(copy.deepcopy(make_spec(False)) | changes)


@pytest.mark.parametrize(("scheme", "expected"), [("always", True), ("first", False), ("never", False)])
def test_the_space_first_follows_the_metaspace_scheme(scheme: str, expected: bool) -> None:
    split = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": False}
    assert puts_space_first(make_spec(True) | {"normalizer": None, "pre_tokenizer": split}) is expected
