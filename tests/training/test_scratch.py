"""The nano base is a base: Llama 3's special tokens are in its vocabulary and in none of its documents."""

import json

import pytest

from cadmonkey.data.chat import NO_LOSS
from cadmonkey.data.rows import make_rows
from cadmonkey.parts import PLAIN
from cadmonkey.training.scratch import (
    END_OF_TEXT,
    END_OF_TURN,
    FORMS,
    QWEN2_REGEX,
    SPECIAL_TOKENS,
    encode_document,
    train_tokenizer,
)

ROWS = list(make_rows(80, seed=1, mix=PLAIN))
TEXTS = [f"// {row['prompt']}\n{row['completion']}" for row in ROWS]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, vocab_size=400)


def test_the_vocabulary_ends_with_the_special_tokens(tokenizer) -> None:
    assert len(tokenizer) == 400
    assert tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS)) == list(range(400 - len(SPECIAL_TOKENS), 400))


def test_digits_stand_alone(tokenizer) -> None:
    pieces = tokenizer.tokenize("length = 12.75;", add_special_tokens=False)
    assert [piece for piece in pieces if any(letter.isdigit() for letter in piece)] == ["1", "2", "7", "5"]


def test_any_text_survives_the_round_trip(tokenizer) -> None:
    text = "a Ø 12 mm rod – 5″\n\ttab  two spaces"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text


def test_a_document_ends_the_text_and_holds_no_turn(tokenizer) -> None:
    forms = set()
    for row in ROWS:
        example = encode_document(tokenizer, row)
        first, *middle, last = tokenizer.convert_ids_to_tokens(example.input_ids)
        assert (first, last) == (tokenizer.bos_token, END_OF_TEXT)
        assert not set(middle) & set(SPECIAL_TOKENS)
        text = tokenizer.decode(example.input_ids[1:-1])
        forms |= {form for form in FORMS if text == form.format(row["prompt"]) + row["completion"]}
        learnt = [label for label in example.labels if label != NO_LOSS]
        assert tokenizer.decode(learnt) == row["completion"] + END_OF_TEXT
    assert forms == set(FORMS)


def test_the_template_writes_llama_3_turns(tokenizer) -> None:
    messages = [{"role": "user", "content": " a ball "}, {"role": "assistant", "content": "sphere(5);"}]
    assert tokenizer.apply_chat_template(messages, tokenize=False) == (
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\na ball<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nsphere(5);<|eot_id|>"
    )
    assert END_OF_TURN in SPECIAL_TOKENS


def test_the_regex_is_qwens_character_for_character(shared_data) -> None:
    qwen = json.loads((shared_data / "tokenizers" / "qwen2.5" / "tokenizer.json").read_text())
    assert qwen["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] == QWEN2_REGEX
