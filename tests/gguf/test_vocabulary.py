"""llama.cpp must cut text exactly as the trained model's tokenizer does, or the export must refuse."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cadmonkey.errors import InputError
from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.player import Player
from cadmonkey.gguf.vocabulary import read_vocabulary
from tests.gguf.conftest import write_as

CONTROL, UNUSED, NORMAL = 3, 5, 1


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory, model: Any, tokenizer: Any) -> Iterator[Player]:
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    write_as(model, tokenizer, path, Origin(name="tiny"))
    with Player(path, n_ctx=256) as opened:
        yield opened


def _changed(tokenizer: Any, **changes: Any) -> Any:
    """Return a copy of the tokenizer whose tokenizer.json differs at its top level."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    spec = json.loads(tokenizer.backend_tokenizer.to_str()) | changes
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(spec)), eos_token="<|eot_id|>")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(min_codepoint=32, max_codepoint=0x24F), max_size=60))
def test_latin_text_gets_the_same_ids_in_llama_cpp(text: str, player: Player, tokenizer: Any) -> None:
    assert player.tokenize(text) == tokenizer(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize(
    "text",
    [
        "cylinder(d = 5.5, h = 1234567);\n\n\n  // it's\ttabbed\r\n",
        "<|start_header_id|>user<|end_header_id|>\n\nØ 4 mm<|eot_id|><|reserved_special_token_3|>",
        "重力 🚀 кириллица १२३   ",
    ],
)
def test_code_control_tokens_and_other_scripts_get_the_same_ids(text: str, player: Player, tokenizer: Any) -> None:
    assert player.tokenize(text) == tokenizer(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize(("folder", "name"), [("llama-3.2", "llama-bpe"), ("qwen2.5", "qwen2")])
def test_real_tokenizers_are_recognised_by_their_regex(shared_data: Path, folder: str, name: str) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(shared_data / "tokenizers" / folder)
    assert read_vocabulary(tokenizer, len(tokenizer)).pre == name


def test_a_digit_split_by_twos_is_refused_by_name(tokenizer: Any) -> None:
    steps = json.loads(tokenizer.backend_tokenizer.to_str())["pre_tokenizer"]
    steps["pretokenizers"][0]["pattern"]["Regex"] = steps["pretokenizers"][0]["pattern"]["Regex"].replace(
        r"|\p{N}|", r"|\p{N}{1,2}|"
    )
    with pytest.raises(InputError, match=r"llama-bpe.*qwen2.*1,2"):
        read_vocabulary(_changed(tokenizer, pre_tokenizer=steps), len(tokenizer))


def test_a_tokenizer_that_lowercases_is_refused(tokenizer: Any) -> None:
    with pytest.raises(InputError, match="Lowercase"):
        read_vocabulary(_changed(tokenizer, normalizer={"type": "Lowercase"}), len(tokenizer))


def test_llama_3s_split_without_whole_words_is_refused(tokenizer: Any) -> None:
    steps = json.loads(tokenizer.backend_tokenizer.to_str())["pre_tokenizer"]
    steps["pretokenizers"][0]["pattern"]["Regex"] = steps["pretokenizers"][0]["pattern"]["Regex"].replace(
        r"|\p{N}|", r"|\p{N}{1,3}|"
    )
    with pytest.raises(InputError, match="ignore_merges=False"):
        read_vocabulary(_changed(tokenizer, pre_tokenizer=steps), len(tokenizer))


def test_reserved_tokens_are_control_and_rows_without_a_token_unused(tokenizer: Any) -> None:
    vocabulary = read_vocabulary(tokenizer, len(tokenizer) + 3)
    kinds = dict(zip(vocabulary.tokens, vocabulary.types, strict=True))
    assert kinds["<|reserved_special_token_5|>"] == kinds["<|eot_id|>"] == CONTROL
    assert vocabulary.tokens[-3:] == [f"[PAD{len(tokenizer) + n}]" for n in range(3)]
    assert vocabulary.types[-3:] == [UNUSED] * 3
    assert kinds["a"] == NORMAL


def test_a_marker_without_a_row_is_left_out_and_any_other_token_without_one_is_refused(tokenizer: Any) -> None:
    marked = copy.deepcopy(tokenizer)
    marked.add_special_tokens({"additional_special_tokens": ["<image_soft_token>"]})
    rows = len(tokenizer)
    in_use = copy.deepcopy(marked)
    in_use.chat_template += "<image_soft_token>"
    with pytest.raises(InputError, match=f"expected at most {rows} tokens, .* got {rows + 1}"):
        read_vocabulary(in_use, rows)
    assert read_vocabulary(marked, rows).tokens == read_vocabulary(tokenizer, rows).tokens
    marked.add_tokens(["millimetres"])
    with pytest.raises(InputError, match=f"expected at most {rows} tokens, .* got {rows + 2}"):
        read_vocabulary(marked, rows)


def test_the_end_of_turn_is_written_as_eos_and_as_eot(tokenizer: Any) -> None:
    vocabulary = read_vocabulary(tokenizer, len(tokenizer))
    eot = tokenizer.convert_tokens_to_ids("<|eot_id|>")
    assert (vocabulary.special_ids["eos"], vocabulary.special_ids["eot"]) == (eot, eot)
    assert vocabulary.special_ids["pad"] == tokenizer.convert_tokens_to_ids("<|finetune_right_pad_id|>")
    assert vocabulary.add_bos


def test_an_instruct_models_end_of_turn_comes_from_its_template(tokenizer: Any) -> None:
    instruct = copy.deepcopy(tokenizer)
    instruct.eos_token = "<|end_of_text|>"
    ids = read_vocabulary(instruct, len(tokenizer)).special_ids
    assert ids["eos"] == tokenizer.convert_tokens_to_ids("<|end_of_text|>")
    assert ids["eot"] == tokenizer.convert_tokens_to_ids("<|eot_id|>")


def test_more_tokens_than_rows_are_refused(tokenizer: Any) -> None:
    end = tokenizer.eos_token_id
    with pytest.raises(InputError, match=rf"at most {end} tokens.*got {end + 1}"):
        read_vocabulary(tokenizer, end)
