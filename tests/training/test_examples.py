"""Rows on disk: mixed, split, reproducible, and kept once a run has begun."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.data.chat import encode
from cadmonkey.errors import InputError
from cadmonkey.files import read_json, read_jsonl, write_jsonl
from cadmonkey.training.examples import encode_rows, read_training_rows, write_rows
from cadmonkey.training.folder import record_run
from cadmonkey.training.recipe import Recipe

pytest.importorskip("manifold3d")


@pytest.fixture
def recipe(small_recipe: Recipe, tmp_path: Path) -> Recipe:
    own = tmp_path / "own.jsonl"
    write_jsonl(own, ({"name": f"cube {size}", "code": f"cube({size});"} for size in range(200)))
    return replace(small_recipe, own_parts=20, validation_rows=5, eval_parts=7, datasets=(str(own),))


def test_datasets_and_own_parts_are_mixed_and_no_part_is_on_two_sides(recipe: Recipe, tmp_path: Path) -> None:
    write_rows(tmp_path / "run", replace(recipe, own_mix="plain"))
    train, validation = read_training_rows(tmp_path / "run" / "data")
    references = read_jsonl(tmp_path / "run" / "references.jsonl")
    assert {row["family"] for row in train} > {"own", "plate"}
    assert {row["split"] for row in train} == {"train"}
    assert {row["split"] for row in validation} == {"validation"}
    assert len(references) == 7
    parts = [{row["part"] for row in rows} for rows in (train, validation, references)]
    assert len(set.union(*parts)) == sum(map(len, parts))


def test_the_same_seed_makes_the_same_files(recipe: Recipe, tmp_path: Path) -> None:
    once, again = (write_rows(tmp_path / name, recipe) for name in ("one", "two"))
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in again]
    other = write_rows(tmp_path / "three", replace(recipe, seed=2))
    assert other[0].read_bytes() != once[0].read_bytes()


def test_files_are_kept_once_the_run_has_begun_and_made_anew_before(recipe: Recipe, tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = write_rows(run, recipe)
    left_over = first[0].read_bytes()
    write_rows(run, replace(recipe, seed=2))
    assert first[0].read_bytes() != left_over
    record_run(run, "nano", recipe, first)
    kept = first[0].read_bytes()
    write_rows(run, recipe)
    assert first[0].read_bytes() == kept


def test_a_smoke_test_makes_only_the_rows_it_can_use(recipe: Recipe) -> None:
    short = replace(recipe, own_parts=9999, eval_parts=300, max_steps=2)
    assert (short.rows_to_make, short.parts_to_judge) == (8, 20)
    assert (replace(short, max_steps=-1).rows_to_make, replace(short, max_steps=-1).parts_to_judge) == (9999, 300)


def test_without_held_out_rows_there_is_no_run(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "train.jsonl", [{"prompt": "a", "completion": "b"}])
    write_jsonl(tmp_path / "validation.jsonl", [])
    with pytest.raises(InputError, match="got 1 and 0"):
        read_training_rows(tmp_path)


def test_what_became_of_each_source_is_said_and_recorded(
    recipe: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = replace(recipe, datasets=recipe.datasets * 2, dataset_weights=(1.0, 3.0))
    write_rows(tmp_path / "run", twice)
    first, second = read_json(tmp_path / "run" / "data" / "sources.json")
    assert (first["format"], first["rows"], first["duplicates"], first["held_out"]) == ("name and code", 200, 0, 10)
    assert (second["duplicates"], second["weight"], second["train"]) == (200, 3.0, 0)
    assert "200 rows (name and code), 200 duplicates left out, weight 3, 0 to train on" in capsys.readouterr().out


def test_references_are_held_out_rows_or_the_test_split_of_the_data(recipe: Recipe, tmp_path: Path) -> None:
    own = replace(recipe, own_parts=0, eval_parts=4)
    *_, path = write_rows(tmp_path / "run", own, references="held-out")
    _, validation = read_training_rows(tmp_path / "run" / "data")
    assert read_jsonl(path) == validation[:4]
    splits = ["train", "train", "validation", "test"]
    rows = [
        {"prompt": f"p{n}", "completion": f"c{n}", "part": str(n), "split": split} for n, split in enumerate(splits)
    ]
    write_jsonl(tmp_path / "split.jsonl", rows)
    given = replace(own, datasets=(str(tmp_path / "split.jsonl"),))
    *_, path = write_rows(tmp_path / "other", given, references="held-out")
    assert [row["prompt"] for row in read_jsonl(path)] == ["p3"]


def test_without_any_data_there_is_no_run(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--datasets: expected a file or a Hub id"):
        write_rows(tmp_path / "run", replace(recipe, datasets=(), own_parts=0))
    assert not (tmp_path / "run").exists()


def test_conversations_are_encoded_whole_and_left_out_for_any_turn(tiny_tokenizer: Any) -> None:
    context = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]
    row = {"prompt": "c", "completion": "d", "context": context}
    spelled = {**row, "context": [{"role": "system", "content": "x<|eot_id|>"}, *context]}
    examples = encode_rows(tiny_tokenizer, [row, spelled], 256)
    assert examples.left_out == {"holds a control token": 1}
    assert examples.kept == [encode(tiny_tokenizer, context, "d")]
