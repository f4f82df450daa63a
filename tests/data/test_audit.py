"""The audit finds what was planted, row by row, and reads data of anyone's."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.data.audit import audit
from cadmonkey.data.audit_labels import strange_numbers
from cadmonkey.data.audit_report import tables
from cadmonkey.data.audit_rows import Item
from cadmonkey.data.columns import parquet_bytes
from cadmonkey.data.near import near_pairs
from cadmonkey.data.rows import make_row
from cadmonkey.errors import InputError
from cadmonkey.files import read_json, write_jsonl
from cadmonkey.parts import HELD_OUT_BAND_MM, PLAIN

pytest.importorskip("tokenizers")

Row = dict[str, Any]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Forty rows without a fault, of distinct parts, none of them held out."""
    return [make_row(index, seed=11, split="train", mix=PLAIN) for index in range(40)]


def audited(tmp_path: Path, rows: list[Row], **options: Any) -> dict[str, Any]:
    write_jsonl(tmp_path / "rows.jsonl", rows)
    return audit(tmp_path / "rows.jsonl", tmp_path / "audit", **options)


def problems(result: dict[str, Any]) -> dict[str, list[int]]:
    """The rows with each problem that was found."""
    found = result["labels"]["problems"]
    return {name: [example["row"] for example in found[name]["examples"]] for name in found if found[name]["rows"]}


def places(finding: dict[str, Any]) -> list[int]:
    assert finding["rows"] == len(finding["examples"])
    return [example["row"] for example in finding["examples"]]


def test_data_without_a_fault_is_found_to_have_none(rows: list[Row], tmp_path: Path) -> None:
    result = audited(tmp_path, rows, verify=True)
    assert problems(result) == {}
    assert result["labels"]["verified_rows"] == 40
    assert [result["twins"][f"repeated_{what}"]["rows"] for what in ("rows", "prompts", "parts")] == [0, 0, 0]
    assert all(finding["rows"] == 0 for finding in result["twins"]["leaks"].values())
    assert result["held_out"]["band"]["rows"] == result["held_out"]["families"]["rows"] == 0
    assert (result["rows"], result["language"]) == (40, "openscad")


def test_planted_labels_are_found_where_they_are(rows: list[Row], tmp_path: Path) -> None:
    planted: dict[int, tuple[str, Row]] = {
        3: ("empty_prompt", {"prompt": " ", "ledger": {}}),
        7: ("empty_completion", {"completion": ""}),
        11: ("control_token", {"prompt": rows[10]["prompt"] + "<|im_start|>"}),
        12: ("control_token", {"completion": rows[11]["completion"] + "<|eot_id|>"}),
        17: ("too_long", {"prompt": rows[16]["prompt"] + " please" * 400}),
        23: ("number_not_in_program", {"prompt": rows[22]["prompt"] + " and a groove of 777.5 mm"}),
        29: ("ledger", {"ledger": {"height": {"text": "four score", "mm": 80}}}),
    }
    cut = rows[30]["completion"][: len(rows[30]["completion"]) - 6]
    changed = [{**row, **planted.get(number, ("", {}))[1]} for number, row in enumerate(rows, start=1)]
    changed[30]["completion"] = cut
    found = problems(audited(tmp_path, changed, max_seq_length=400))
    assert found.pop("does_not_parse") == [12, 31]
    assert found.pop("no_end") == [12, 31]
    expected: dict[str, list[int]] = {}
    for number, (problem, _) in planted.items():
        expected.setdefault(problem, []).append(number)
    assert found == expected


def test_a_row_that_says_something_else_than_its_part_is_not_verified(rows: list[Row], tmp_path: Path) -> None:
    changed = [*rows[:5], {**rows[5], "completion_ir": "C 1 2 3"}, *rows[6:]]
    assert problems(audited(tmp_path, changed, verify=True)) == {"not_verified": [6]}


def test_repetitions_and_leaks_are_told_apart(rows: list[Row], tmp_path: Path) -> None:
    train = rows
    again = {**train[2], "id": "again"}
    reworded = {**train[4], "prompt": "Entirely other words for it"}
    leaked = {**train[6], "prompt": "The same part for the test", "split": "test"}
    other_part = {**train[8], "prompt": train[9]["prompt"].upper(), "split": "test"}
    result = audited(tmp_path, [*train, again, reworded, leaked, other_part])
    twins = result["twins"]
    assert places(twins["repeated_rows"]) == [41]
    assert places(twins["repeated_prompts"]) == [41, 44]
    assert places(twins["repeated_prompts_of_two_parts"]) == [44]
    assert places(twins["repeated_parts"]) == [41, 42, 43, 44]
    assert places(twins["leaks"]["parts"]) == [43, 44]
    assert places(twins["leaks"]["prompts"]) == [44]
    assert twins["distinct_parts"] == 40


def test_parts_are_compared_by_their_programs_where_there_is_no_hash(rows: list[Row], tmp_path: Path) -> None:
    bare = [{"prompt": row["prompt"], "completion": row["completion"]} for row in rows]
    same = {"prompt": "a box of the same shape", "completion": "cube([10, 20, 30]);"}
    named = {"prompt": "that box", "completion": "height = 30;\ncube([10, 20, height]);\n"}
    result = audited(tmp_path, [*bare, same, named])
    assert places(result["twins"]["repeated_parts"]) == [42]
    assert result["twins"]["leaks"] is None


def test_held_out_sizes_in_another_split_are_found(rows: list[Row], tmp_path: Path) -> None:
    size = HELD_OUT_BAND_MM[0]
    stated = [{"kind": "length", "name": "length", "mm": size}]
    planted = list(rows)
    planted[19] = {**rows[19], "stated": stated}
    planted[21] = {**rows[21], "stated": stated, "split": "held_out_band"}
    assert places(audited(tmp_path, planted)["held_out"]["band"]) == [20]


def test_prompts_that_are_nearly_alike_are_found() -> None:
    text = "Make a plate of 80 x 40 x 3 mm with four holes of 4 mm, each 6 mm from the nearest two edges of it"
    texts = [
        text,
        "a ball of 20 mm",
        text + ", please",
        text.replace("of it", "of that"),
        "a ball of 20 mm",
        text.upper(),
    ]
    assert [pair for pair in near_pairs(texts) if 1 not in pair] == [(0, 2), (0, 3), (0, 5)]
    assert not [pair for pair in near_pairs(texts) if 1 in pair]


@pytest.mark.parametrize(
    ("prompt", "strange"),
    [
        ("a 20 mm ball", []),
        ("a ball of 10 mm radius", []),
        ("a 2 cm ball", []),
        ("3d print 4 balls of 20 mm for an M5 screw", []),
        ("a 21 mm ball with 13 holes", ["21", "13"]),
        ("a 7 mm ball", ["7"]),
    ],
)
def test_numbers_are_sought_in_every_unit(prompt: str, strange: list[str]) -> None:
    row = {"prompt": prompt, "completion": "diameter = 20;\nsphere(d = diameter);"}
    assert strange_numbers(Item(1, row, None, "")) == strange


def test_a_folder_of_parquet_is_read_as_it_was_made(rows: list[Row], tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "rows-00000.parquet").write_bytes(parquet_bytes(rows[:25]))
    (folder / "rows-00001.parquet").write_bytes(parquet_bytes(rows[25:]))
    result = audit(folder, tmp_path / "audit")
    expected = audited(tmp_path, rows)
    for section in ("balance", "lengths", "numbers", "held_out", "gallery"):
        assert result[section] == expected[section], section
    assert result["numbers"]["stated_mm"]["count"] == sum("mm" in s for row in rows for s in row["stated"])


def test_the_page_needs_no_other_file_and_shows_twenty_parts(rows: list[Row], tmp_path: Path) -> None:
    result = audited(tmp_path, rows)
    page = (tmp_path / "audit" / "audit.html").read_text()
    assert page.count('src="data:image/png;base64,') == 20
    assert "http" not in page
    assert {part["family"] for part in result["gallery"]["parts"]} == set(PLAIN.families)
    assert read_json(tmp_path / "audit" / "audit.json") == result


def test_lengths_are_those_of_training(rows: list[Row], tmp_path: Path, repository: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from cadmonkey.training.examples import encode_rows

    folder = repository / "cadmonkey" / "assets" / "nano"
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    lengths = [len(example.input_ids) for example in encode_rows(tokenizer, rows, 10_000).kept]
    found = audited(tmp_path, rows, tokenizer=folder)["lengths"]["row"]
    assert found["percentiles"]["0"] == min(lengths)
    assert found["percentiles"]["100"] == max(lengths)
    assert found["mean"] == pytest.approx(sum(lengths) / len(lengths), abs=0.01)


def command(*arguments: Any) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "cadmonkey.cli", "data", "audit", *map(str, arguments)]
    return subprocess.run(call, capture_output=True, text=True, timeout=300)


def test_data_of_other_people_is_read_and_what_does_not_apply_is_said(tmp_path: Path) -> None:
    table = [{"name": f"greeting {n}", "code": f"print('hello {n % 3}')"} for n in range(9)]
    with (tmp_path / "code.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["name", "code"])
        writer.writeheader()
        writer.writerows(table)
    (tmp_path / "code.json").write_text(json.dumps(table))
    for name in ("code.csv", "code.json"):
        done = command(tmp_path / name)
        assert done.returncode == 0, done.stderr
        words = " ".join(done.stdout.replace("│", " ").split())
        assert "neither OpenSCAD nor" in words
        assert "does not parse" not in words
        result = read_json(tmp_path / "audit" / "audit.json")
        assert (result["language"], result["twins"]["repeated_parts"]["rows"]) == ("other", 6)
        assert not {"numbers", "held_out", "gallery"} & result.keys()


def test_of_conversations_there_is_no_word_about_cad(tmp_path: Path) -> None:
    turns = [("What is 2 plus 2?", "4"), ("What is 1 plus 3?", "4"), ("And 7 plus 1?", "8")]
    rows = [
        {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}
        for question, answer in turns
    ]
    write_jsonl(tmp_path / "chat.jsonl", [{**row, "split": "train"} for row in rows])
    done = command(tmp_path / "chat.jsonl")
    words = " ".join(done.stdout.replace("│", " ").split())
    page = (tmp_path / "audit" / "audit.html").read_text()
    for shown in (words, page):
        assert not re.search(r"\b(parts?|programs?|CAD|OpenSCAD|Compact IR)\b", shown)
        assert "the same completion again" in shown
        assert "completions in two splits" in shown
    assert read_json(tmp_path / "audit" / "audit.json")["format"] == "messages"


def test_a_table_without_a_line_is_left_out(tmp_path: Path) -> None:
    result = audited(tmp_path, [{"prompt": "a cube", "completion": "cube(5);"}])
    assert result["numbers"]["decimals"] == {}
    titles = [title for title, _, lines in tables(result, None)]
    assert "decimals of numbers" not in titles
    assert "units in prompts" in titles


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("other.jsonl", '{"question": "a", "answer": "b"}\n', "expected the columns prompt and completion"),
        ("torn.parquet", "PAR1", "expected a Parquet file"),
        ("broken.jsonl", "{", "broken.jsonl:1: expected one JSON object"),
        ("empty.jsonl", "", "got no rows"),
        ("notes.txt", "x", "expected a file that ends in"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    done = command(tmp_path / name, "--out", tmp_path / "audit")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
    assert not (tmp_path / "audit").exists()


def test_a_folder_without_data_or_a_tokenizer_is_refused(rows: list[Row], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a folder with \.parquet files"):
        audit(tmp_path, tmp_path / "audit")
    with pytest.raises(InputError, match=r"expected a folder with tokenizer\.json"):
        audited(tmp_path, rows, tokenizer=tmp_path)
