"""Every format of outside data, from a real file to the tokens of real tokenizers."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.data.chat import NO_LOSS, Example, asked, encode
from cadmonkey.data.sources import load_rows
from cadmonkey.data.tables import open_table
from cadmonkey.data.tokens import nano_tokenizer
from cadmonkey.errors import InputError
from tests.data.test_chat import load

ASK, TELL = "What is 2 + 2?", "4, of course."
AGAIN, TOLD = "And times 3?", "12."
SYSTEM = "You are brief."

MESSAGES = [
    {"role": "system", "content": SYSTEM},
    {"role": "user", "content": ASK},
    {"role": "assistant", "content": TELL},
    {"role": "user", "content": AGAIN},
    {"role": "assistant", "content": TOLD},
]
SHAREGPT = [{"from": "human", "value": ASK}, {"from": "gpt", "value": TELL}]
SHAREGPT += [{"from": "human", "value": AGAIN}, {"from": "gpt", "value": f" {TOLD}\n"}]
CHATML = "".join(f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>\n" for turn in MESSAGES)

CONVERSATIONS: dict[str, dict[str, Any]] = {
    "messages": {"messages": MESSAGES},
    "sharegpt": {"system": SYSTEM, "conversations": SHAREGPT},
    "sharegpt with a system turn": {"conversations": [{"from": "system", "value": SYSTEM}, *SHAREGPT]},
    "chatml": {"text": CHATML},
    "messages in a cell of JSON": {"messages": json.dumps(MESSAGES)},
}
SINGLE: dict[str, dict[str, Any]] = {
    "prompt and completion": {"prompt": ASK, "completion": TELL},
    "messages": {"messages": MESSAGES[1:3], "prompt": "passed over"},
    "sharegpt": {"conversations": SHAREGPT[:2], "system": None},
    "alpaca": {"instruction": ASK, "input": "", "output": TELL},
    "alpaca without input": {"instruction": ASK, "output": TELL},
    "chatml": {"text": f"<|im_start|>user\n{ASK}<|im_end|>\n<|im_start|>assistant\n{TELL}"},
}


def write(path: Path, *table: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(cells) + "\n" for cells in table))
    return path


def example_of(tokenizer: Any, path: Path) -> Example:
    row = load_rows(str(path)).rows[0]
    return encode(tokenizer, asked(row), row["completion"])


def spans(tokenizer: Any, example: Example) -> list[tuple[bool, str]]:
    """The example's text, cut where the loss begins and ends: (learnt, text)."""
    cut: list[tuple[bool, list[int]]] = []
    for token, label in zip(example.input_ids, example.labels, strict=True):
        assert label in (NO_LOSS, token)
        if not cut or cut[-1][0] != (label == token):
            cut.append((label == token, []))
        cut[-1][1].append(token)
    return [(learnt, tokenizer.decode(ids)) for learnt, ids in cut]


@pytest.mark.parametrize("name", ["llama-3.2", "qwen2.5"])
def test_one_conversation_gives_equal_examples_in_every_format(shared_data: Path, tmp_path: Path, name: str) -> None:
    tokenizer = load(shared_data, name)
    examples = [example_of(tokenizer, write(tmp_path / "x.jsonl", cells)) for cells in CONVERSATIONS.values()]
    assert all(example == examples[0] for example in examples)
    single = [example_of(tokenizer, write(tmp_path / "x.jsonl", cells)) for cells in SINGLE.values()]
    assert all(example == encode(tokenizer, ASK, TELL) for example in single)


def test_the_mask_of_a_conversation_is_the_golden_one_for_qwen(shared_data: Path, tmp_path: Path) -> None:
    tokenizer = load(shared_data, "qwen2.5")
    example = example_of(tokenizer, write(tmp_path / "x.jsonl", CONVERSATIONS["messages"]))
    assert spans(tokenizer, example) == [
        (False, f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{ASK}<|im_end|>\n<|im_start|>assistant\n"),
        (True, f"{TELL}<|im_end|>"),
        (False, f"\n<|im_start|>user\n{AGAIN}<|im_end|>\n<|im_start|>assistant\n"),
        (True, f"{TOLD}<|im_end|>"),
    ]


def test_the_mask_of_a_conversation_is_the_golden_one_for_llama(shared_data: Path, tmp_path: Path) -> None:
    tokenizer = load(shared_data, "llama-3.2")
    example = example_of(tokenizer, write(tmp_path / "x.jsonl", CONVERSATIONS["sharegpt"]))
    head = "<|start_header_id|>{}<|end_header_id|>\n\n"
    assert spans(tokenizer, example) == [
        (
            False,
            "<|begin_of_text|>" + head.format("system") + "Cutting Knowledge Date: December 2023\n"
            f"Today Date: 26 Jul 2024\n\n{SYSTEM}<|eot_id|>"
            + head.format("user")
            + f"{ASK}<|eot_id|>"
            + head.format("assistant"),
        ),
        (True, f"{TELL}<|eot_id|>"),
        (False, head.format("user") + f"{AGAIN}<|eot_id|>" + head.format("assistant")),
        (True, f"{TOLD}<|eot_id|>"),
    ]
    assert example.input_ids.count(tokenizer.bos_token_id) == 1


@pytest.mark.parametrize("name", ["llama-3.2", "qwen2.5"])
def test_a_conversation_is_the_text_that_transformers_renders_token_for_token(
    shared_data: Path, tmp_path: Path, name: str
) -> None:
    tokenizer = load(shared_data, name)
    example = example_of(tokenizer, write(tmp_path / "x.jsonl", CONVERSATIONS["messages"]))
    whole = tokenizer.apply_chat_template(MESSAGES, tokenize=False).rstrip("\n")
    assert tokenizer(whole, add_special_tokens=False)["input_ids"] == example.input_ids


def test_the_shipped_models_tokenizer_takes_conversations(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    tokenizer = nano_tokenizer()
    example = example_of(tokenizer, write(tmp_path / "x.jsonl", CONVERSATIONS["chatml"]))
    end = tokenizer("<|eot_id|>", add_special_tokens=False)["input_ids"]
    learnt = [label for label in example.labels if label != NO_LOSS]
    answers = [tokenizer(text, add_special_tokens=False)["input_ids"] + end for text in (TELL, TOLD)]
    assert learnt == answers[0] + answers[1]


def test_alpacas_input_stands_under_the_instruction(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.jsonl", {"instruction": "Correct this.", "input": "He go home.", "output": "He goes home."}
    )
    assert load_rows(str(path)).rows[0]["prompt"] == "Correct this.\n\nHe go home."


def test_every_row_that_the_documentation_shows_is_read_as_it_says(repository: Path, tmp_path: Path) -> None:
    text = (repository / "docs" / "own-data.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| (\w[\w ]*) \| .* \| `(\{.*\})` \|$", text, flags=re.MULTILINE)
    assert len(shown) == 6
    for name, cells in shown:
        source = load_rows(str(write(tmp_path / "x.jsonl", json.loads(cells.replace(r"\|", "|")))))
        assert source.format == name
        assert source.rows[0]["completion"] in ("4", "cube(10);")


def test_real_alpaca_and_question_answer_files_are_read(shared_data: Path) -> None:
    alpaca = load_rows(str(shared_data / "instructions" / "instruction-data.json"))
    assert (alpaca.format, len(alpaca.rows)) == ("Alpaca", 1100)
    assert alpaca.rows[0]["prompt"].endswith(".\n\nfreind --> friend")
    sums = load_rows(str(shared_data / "gsm8k" / "test.jsonl"), "question", "answer")
    assert (sums.format, len(sums.rows)) == ("question and answer", 1319)
    assert "#### 18" in sums.rows[0]["completion"]


def test_a_csv_file_holds_conversations_as_json(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["conversations"], [json.dumps(SHAREGPT)]])
    row = load_rows(str(path)).rows[0]
    assert (row["prompt"], row["completion"]) == (AGAIN, TOLD)
    assert [turn["role"] for turn in row["context"]] == ["user", "assistant", "user"]


def test_a_parquet_file_holds_conversations_as_lists(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.Table.from_pylist([{"messages": MESSAGES}]), tmp_path / "x.parquet")
    assert load_rows(str(tmp_path / "x.parquet")).rows[0]["context"] == MESSAGES[:-1]


def test_the_audit_reads_the_same_formats(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", CONVERSATIONS["sharegpt"], {"conversations": []})
    rows = list(open_table(path))
    assert [(row["prompt"], row["completion"]) for row in rows] == [(AGAIN, TOLD), ("", "")]


GOOD = {"messages": MESSAGES}


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"messages": MESSAGES[:-1]}, "with an answer at the end, got system, user, assistant, user"),
        ({"messages": MESSAGES[2:4]}, "expected turns of user and assistant one after the other.*got assistant, user"),
        ({"messages": []}, r"expected a list of turns in messages, got '\[\]'"),
        ({"messages": "hello"}, "expected a list of turns in messages, got 'hello'"),
        ({"messages": [{"role": "user"}]}, r'expected turns like .* got \{"role": "user"\}'),
        ({"messages": [{"role": "tool", "content": "x"}]}, "expected turns of system.*got one of 'tool'"),
        ({"messages": [MESSAGES[1], {"role": "assistant", "content": " "}]}, r"got none in turn 2 \(assistant\)"),
    ],
)
def test_a_row_that_is_no_conversation_is_named_with_its_line(
    tmp_path: Path, cells: dict[str, Any], message: str
) -> None:
    path = write(tmp_path / "x.jsonl", GOOD, cells, cells)
    with pytest.raises(InputError, match=rf"x\.jsonl:2: as messages: .*{message}.*and 1 more such rows"):
        load_rows(str(path))


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"text": "Once upon a time"}, "expected ChatML in text.*got 'Once upon a time'"),
        ({"text": "<|im_start|>user\na<|im_end|>\nstray"}, "got 'stray'"),
        ({"text": "<|im_start|>user\na<|im_start|>assistant\nb"}, "expected ChatML"),
        ({"instruction": "a", "output": ""}, "expected a text in instruction and output, got '' in output"),
        ({"instruction": "a", "input": 3, "output": "b"}, "expected a text or nothing in input, got '3'"),
        ({"prompt": "a", "completion": None}, r'expected a text in prompt and completion, got .*"completion": null'),
    ],
)
def test_a_row_that_breaks_its_format_is_named_with_what_was_got(
    tmp_path: Path, cells: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=rf"x\.jsonl:1: .*{message}"):
        load_rows(str(write(tmp_path / "x.jsonl", cells)))


REWRITING = (
    "{% for m in messages %}{% if m.role == 'assistant' and not loop.last %}<|end_header_id|>{% endif %}"
    "{{ m.content }}<|eot_id|>{% endfor %}"
)
REPEATING = (
    "{% for m in messages %}{% if m.role == 'user' %}{{ bos_token }}{% endif %}{{ m.content }}<|eot_id|>{% endfor %}"
)


@pytest.mark.parametrize(
    ("template", "message"),
    [(REWRITING, "rewrites what was said before turn 4"), (REPEATING, r"expected one .* in a conversation, got 2")],
)
def test_a_template_that_falsifies_conversations_is_refused(new_tokenizer: Any, template: str, message: str) -> None:
    tokenizer = new_tokenizer()
    tokenizer.chat_template = template
    assert encode(tokenizer, ASK, TELL).labels[-1] == tokenizer.convert_tokens_to_ids("<|eot_id|>")
    with pytest.raises(InputError, match=message):
        encode(tokenizer, MESSAGES[1:4], TOLD)
