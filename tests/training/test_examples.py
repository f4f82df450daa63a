"""Rows on disk: mixed, split, reproducible, and kept once a run has begun."""

from dataclasses import replace
from pathlib import Path

import pytest

from cadmonkey.errors import InputError
from cadmonkey.files import read_jsonl, write_jsonl
from cadmonkey.training.examples import read_training_rows, write_rows
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
