"""Rows from files and from the Hub, and what is said when they cannot be had."""

import csv
import json
from pathlib import Path

import pytest

from cadmonkey.data.columns import parquet_bytes
from cadmonkey.data.rows import make_row
from cadmonkey.data.sources import load_rows
from cadmonkey.errors import InputError

PARTS = [{"name": f"a {size} mm cube", "code": f" cube({size});\n"} for size in range(1, 201)]


def write(path: Path, table: list[dict[str, str]]) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(cells) + "\n" for cells in table))
    elif path.suffix == ".json":
        path.write_text(json.dumps(table))
    elif path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]))
            writer.writeheader()
            writer.writerows(table)
    else:
        pyarrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.Table.from_pylist(table), path)
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".parquet"])
def test_names_and_code_become_prompts_and_completions(tmp_path: Path, suffix: str) -> None:
    rows = load_rows(str(write(tmp_path / f"parts{suffix}", PARTS))).rows
    assert len(rows) == 200
    assert rows[0]["prompt"] == "hey cadmonkey, create me a a 1 mm cube"
    assert rows[0]["completion"] == "cube(1);"
    assert len({row["id"] for row in rows}) == 200


def test_prompts_and_completions_are_taken_as_they_are(tmp_path: Path) -> None:
    path = write(tmp_path / "own.jsonl", [{"prompt": "a cube", "completion": "cube(1);", "more": "x"}])
    row = load_rows(str(path)).rows[0]
    assert (row["prompt"], row["completion"], row["family"]) == ("a cube", "cube(1);", "own")


def test_a_folder_of_made_data_keeps_its_parts_and_splits(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    made = [make_row(index, seed=4) for index in range(30)]
    for number, rows in enumerate((made[:20], made[20:])):
        (tmp_path / f"rows-0000{number}.parquet").write_bytes(parquet_bytes(rows))
    names = ("id", "prompt", "completion", "family", "part", "split")
    assert load_rows(str(tmp_path)).rows == [{name: row[name] for name in names} for row in made]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("other.jsonl", '{"words": "a", "ir": "b"}\n', "expected the columns prompt and completion.*got words, ir"),
        ("half.jsonl", '\n{"name": "a cube", "code": " "}\n', r"half\.jsonl:2: .*expected a text in name and code"),
        ("torn.jsonl", '{"prompt": "a", "completion": "\\ud83d"}', r"torn\.jsonl:1: .*half a surrogate pair in turn 2"),
        ("torn_too.jsonl", '{"prompt": "a \\ude00 b", "completion": "c"}', "half a surrogate pair in turn 1"),
        ("empty.jsonl", "", "got no rows"),
        ("broken.jsonl", '{"name": "a"\n', r"broken\.jsonl:1"),
        ("list.json", '{"name": "a"}', "expected a JSON list"),
        ("broken.json", "[", "expected a JSON list"),
        ("head.csv", "name\na cube\n", "got name"),
        ("torn.parquet", "PAR1", "expected a Parquet file"),
        ("parts.txt", "cube", "expected a file that ends in"),
        ("bytes.csv", b"name,code\n\xff\xfe,1\n", "expected a CSV file"),
    ],
)
def test_a_file_that_does_not_fit_is_named_with_what_was_found(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError, match=message):
        load_rows(str(path))


def test_a_missing_file_is_not_looked_for_on_the_hub(tmp_path: Path) -> None:
    for name in ("gone.jsonl", "gone", "gone.txt"):
        with pytest.raises(InputError, match=f"{name}: no such file; check the path"):
            load_rows(str(tmp_path / name))


def test_a_hub_data_set_that_cannot_be_reached_is_one_clear_error() -> None:
    pytest.importorskip("datasets")
    with pytest.raises(InputError, match="nobody/nothing-of-this-name: expected a file or a Hugging Face data set"):
        load_rows("nobody/nothing-of-this-name")


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.csv"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(name: str, tmp_path: Path) -> None:
    texts = {
        "rows.jsonl": '{"prompt": "a", "completion": "b"}',
        "rows.json": '[{"prompt": "a", "completion": "b"}]',
        "rows.csv": "prompt,completion\na,b\n",
    }
    (tmp_path / name).write_text(texts[name], encoding="utf-8-sig")
    (row,) = load_rows(str(tmp_path / name)).rows
    assert (row["prompt"], row["completion"]) == ("a", "b")


def test_columns_that_are_named_must_be_there_though_others_would_do(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"prompt": "a", "completion": "b"}')
    with pytest.raises(InputError, match=r"expected the columns question and completion, got prompt, completion"):
        load_rows(str(tmp_path / "rows.jsonl"), prompt_column="question")


def test_half_a_surrogate_pair_is_refused_with_its_row(tmp_path: Path) -> None:
    good, bad = '{"prompt": "a", "completion": "b"}', '{"prompt": "a", "completion": "\\ud83d"}'
    (tmp_path / "rows.jsonl").write_text(f"{good}\n\n{bad}\n")
    with pytest.raises(InputError, match=r"rows\.jsonl:3: .* half a surrogate pair in turn 2"):
        load_rows(str(tmp_path / "rows.jsonl"))


def test_a_split_is_kept_without_a_part_and_an_empty_one_is_none(tmp_path: Path) -> None:
    table = [
        {"prompt": f"p{split}", "completion": "c", "split": split} for split in ("train", "validation", "test", "")
    ]
    rows = load_rows(str(write(tmp_path / "rows.csv", table))).rows
    assert [row.get("split", "") for row in rows] == ["train", "validation", "test", ""]
    assert [row["id"] for row in rows] == [f"rows.csv-{number}" for number in range(1, 5)]


def test_a_split_of_an_unknown_name_is_refused_with_its_row(tmp_path: Path) -> None:
    for part in ({}, {"part": "x"}):
        table = [{"prompt": "a", "completion": "b", "split": split, **part} for split in ("train", "foo")]
        path = write(tmp_path / "rows.jsonl", table)
        with pytest.raises(InputError, match=r"rows\.jsonl:2: .*split: expected train, validation or test, got 'foo'"):
            load_rows(str(path))
