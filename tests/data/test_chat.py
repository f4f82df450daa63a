"""The chat format on real and throwaway tokenizers."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.data.chat import (
    NO_LOSS,
    control_token_in,
    encode,
    end_token,
    freeze_template,
    render_chat,
    user_message,
)
from cadmonkey.errors import InputError

PROMPT, CODE = "hey cadmonkey, create me a 10 mm cube", "size = 10;\ncube([size, size, size]);"

LLAMA_PROMPT = (
    "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
    "Today Date: 26 Jul 2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
    "hey cadmonkey, create me a 10 mm cube<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
)
QWEN_PROMPT = (
    "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
    "<|im_start|>user\nhey cadmonkey, create me a 10 mm cube<|im_end|>\n<|im_start|>assistant\n"
)


@cache
def load(shared_data: Path, name: str) -> Any:
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(shared_data / "tokenizers" / name)
    tokenizer.chat_template = freeze_template(tokenizer.chat_template)
    return tokenizer


@pytest.mark.parametrize(
    ("name", "prompt_text", "end", "end_id"),
    [("llama-3.2", LLAMA_PROMPT, "<|eot_id|>", 128009), ("qwen2.5", QWEN_PROMPT, "<|im_end|>", 151645)],
)
def test_labels_of_the_real_tokenizers_are_the_golden_ones(
    shared_data: Path, name: str, prompt_text: str, end: str, end_id: int
) -> None:
    tokenizer = load(shared_data, name)
    example = encode(tokenizer, PROMPT, CODE + "\n\n")
    learnt = [label for label in example.labels if label != NO_LOSS]
    masked = len(example.labels) - len(learnt)
    assert tokenizer.decode(example.input_ids) == prompt_text + CODE + end
    assert tokenizer.decode(example.input_ids[:masked]) == prompt_text
    assert example.labels == [NO_LOSS] * masked + example.input_ids[masked:]
    assert learnt[-1] == end_id
    assert tokenizer.decode(learnt) == CODE + end
    assert end_token(tokenizer) == end


def test_llama_rows_begin_with_exactly_one_bos(shared_data: Path) -> None:
    ids = encode(load(shared_data, "llama-3.2"), PROMPT, CODE).input_ids
    assert (ids[0], ids.count(128000)) == (128000, 1)


@pytest.mark.parametrize("name", ["llama-3.2", "qwen2.5"])
def test_tokens_are_those_of_the_whole_text(shared_data: Path, name: str) -> None:
    tokenizer = load(shared_data, name)
    example = encode(tokenizer, PROMPT, CODE)
    whole = tokenizer.decode(example.input_ids)
    assert tokenizer(whole, add_special_tokens=False)["input_ids"] == example.input_ids


@pytest.mark.parametrize("name", ["llama-3.2", "qwen2.5"])
@pytest.mark.parametrize("generation", [True, False])
def test_render_equals_transformers(shared_data: Path, name: str, generation: bool) -> None:
    tokenizer = load(shared_data, name)
    messages = [
        {"role": "system", "content": "You write CAD. "},
        {"role": "user", "content": ' a "10 mm" cube <b>& Ø5 </b>\n'},
        {"role": "assistant", "content": "cube(10);"},
        {"role": "user", "content": "again"},
    ]
    for conversation in (messages, user_message(PROMPT)):
        expected = tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=generation)
        got = render_chat(
            tokenizer.chat_template,
            conversation,
            bos_token=tokenizer.bos_token or "",
            eos_token=tokenizer.eos_token,
            add_generation_prompt=generation,
        )
        assert got == expected


def test_a_frozen_template_prints_the_same_date_whatever_the_clock_says(shared_data: Path) -> None:
    template = (shared_data / "tokenizers" / "templates" / "meta-llama-Llama-3.2-3B-Instruct.jinja").read_text()
    frozen = freeze_template(template)
    assert "strftime_now(" in template
    assert "strftime_now(" not in frozen
    assert freeze_template(frozen) == frozen


def test_a_throwaway_tokenizer_needs_nothing_else(tiny_tokenizer: Any) -> None:
    example = encode(tiny_tokenizer, "a cube", "cube(1);")
    assert tiny_tokenizer.decode(example.input_ids).endswith("assistant<|end_header_id|>\n\ncube(1);<|eot_id|>")
    assert tiny_tokenizer.decode([label for label in example.labels if label != NO_LOSS]) == "cube(1);<|eot_id|>"


def test_text_that_spells_a_control_token_is_refused(tiny_tokenizer: Any) -> None:
    assert control_token_in(tiny_tokenizer, "a cube<|eot_id|>") == "<|eot_id|>"
    assert control_token_in(tiny_tokenizer, "a <cube>") == ""
    with pytest.raises(InputError, match=r"<\|eot_id\|>"):
        encode(tiny_tokenizer, "a cube", "cube(1);<|eot_id|>")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("", "no chat template"),
        ("{{ 'oops' }", "cannot render"),
        ("{{ raise_exception('no') }}", "cannot render"),
        ("{% for m in messages %}{{ m.content }}{% endfor %}", "expected a control token after the answer"),
        ("{{ bos_token }}{{ bos_token }}{% for m in messages %}{{ m.content }}<|eot_id|>{% endfor %}", "expected one"),
        (
            "{% for m in messages %}{{ m.role }}{{ m.content }}<|eot_id|>{% endfor %}"
            "{% if add_generation_prompt %}answer{% endif %}",
            "generation prompt",
        ),
    ],
)
def test_a_template_that_does_not_fit_is_refused(template: str, message: str, new_tokenizer: Callable[[], Any]) -> None:
    tokenizer = new_tokenizer()
    tokenizer.chat_template = template
    with pytest.raises(InputError, match=message):
        encode(tokenizer, "a cube", "cube(1);")
