"""A run folder keeps to the choices it began with."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.errors import InputError
from cadmonkey.files import read_json
from cadmonkey.training.folder import open_run, record_run
from cadmonkey.training.recipe import Recipe


def test_the_recipe_is_on_disk_with_every_choice_and_version(tmp_path: Path, small_recipe: Recipe) -> None:
    record_run(tmp_path / "run", "nano", small_recipe, [])
    written = read_json(tmp_path / "run" / "recipe.json")
    assert (written["preset"], written["base_model"], written["seed"]) == ("nano", "none/none", 1)
    assert set(Recipe.__dataclass_fields__) <= set(written)
    assert "python" in written["versions"]


def test_the_same_choices_go_on_and_others_are_refused(tmp_path: Path, small_recipe: Recipe) -> None:
    record_run(tmp_path, "nano", small_recipe, [])
    open_run(tmp_path, "nano", small_recipe)
    with pytest.raises(InputError, match=r"learning_rate 0\.001 -> 0\.1.*--fresh"):
        open_run(tmp_path, "nano", replace(small_recipe, learning_rate=0.1))
    with pytest.raises(InputError, match="'nano' -> 'other'"):
        open_run(tmp_path, "other", small_recipe)


def test_starting_over_removes_the_runs_files_and_no_others(tmp_path: Path, small_recipe: Recipe) -> None:
    record_run(tmp_path, "nano", small_recipe, [])
    (tmp_path / "checkpoint-3").mkdir()
    (tmp_path / "adapter.gguf").write_bytes(b"")
    (tmp_path / "adapter").mkdir()
    (tmp_path / "my notes.txt").write_text("mine")
    open_run(tmp_path, "nano", small_recipe, fresh=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my notes.txt"]


def test_a_folder_that_is_no_run_loses_nothing(tmp_path: Path, small_recipe: Recipe) -> None:
    (tmp_path / "README.md").write_text("mine")
    open_run(tmp_path, "nano", small_recipe, fresh=True)
    assert (tmp_path / "README.md").read_text() == "mine"


def test_data_that_changed_under_a_run_are_refused(tmp_path: Path, small_recipe: Recipe) -> None:
    data = tmp_path / "train.jsonl"
    data.write_text("{}\n")
    record_run(tmp_path, "nano", small_recipe, [data])
    record_run(tmp_path, "nano", small_recipe, [data])
    data.write_text('{"other": 1}\n')
    with pytest.raises(InputError, match=r"train\.jsonl changed"):
        record_run(tmp_path, "nano", small_recipe, [data])


@pytest.mark.parametrize(("field", "value"), [("quants", ("f16",)), ("report_to", ("wandb",)), ("on_alarm", "stop")])
def test_choices_that_no_step_depends_on_may_change_on_resume_and_are_recorded(
    field: str, value: Any, tmp_path: Path, small_recipe: Recipe
) -> None:
    record_run(tmp_path, "nano", small_recipe, [])
    other = replace(small_recipe, **{field: value})
    assert other != small_recipe
    open_run(tmp_path, "nano", other)
    record_run(tmp_path, "nano", other, [])
    assert read_json(tmp_path / "recipe.json")[field] == (list(value) if isinstance(value, tuple) else value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("max_steps", 0), ("max_steps", -2), ("own_parts", -1), ("lora_rank", 0), ("max_seq_length", -5)),
        *((field, math.nan) for field in ("learning_rate", "lora_dropout", "min_lr_ratio", "max_grad_norm")),
        *((field, math.inf) for field in ("learning_rate", "max_grad_norm", "weight_decay", "warmup_ratio")),
        *((field, 1.0) for field in ("lora_dropout", "warmup_ratio", "end_token_probability")),
        *(("learning_rate", 0.0), ("weight_decay", math.nan), ("weight_decay", -0.1), ("validation_rows", 0)),
        *((field, -1) for field in ("warmup_steps", "eval_steps", "early_stopping_patience")),
    ],
)
def test_numbers_that_no_run_can_have_are_refused(small_recipe: Recipe, field: str, value: float) -> None:
    with pytest.raises(InputError, match=f"--{field.replace('_', '-')}: expected .* got {value}"):
        replace(small_recipe, **{field: value})  # type: ignore[arg-type]
