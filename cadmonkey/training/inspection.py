"""The preflight of a run that is not about to start: from whatever of it is at hand."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from cadmonkey.training.folder import changed_files
from cadmonkey.training.forecast import find_tokenizer, look_at_data, sample_rows
from cadmonkey.training.plan import plan_run
from cadmonkey.training.preflight import Check, Subject, check_run, check_special_rows
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.repair import RowCheck, check_matrices, read_matrices
from cadmonkey.training.twins import part_twins


def inspect(
    recipe: Recipe, run: Path | None, out: Path, gpu_memory_gb: float | None
) -> tuple[list[Check], list[RowCheck]]:
    """Return every check, and the special tokens' rows; what needs files that are not here is skipped and says so."""
    tokenizer, sample = find_tokenizer(recipe.base_model), sample_rows(recipe, run)
    held_out, twinned = part_twins(sample.train, sample.held_out)
    data, train = look_at_data(recipe, replace(sample, held_out=held_out), tokenizer)
    plan = plan_run(recipe, data, out, gpu_memory_gb)
    checks = check_run(Subject(recipe, plan, tokenizer, sample.train, train, twinned, sample.overlap))
    row_checks = _rows(recipe, tokenizer, checks)
    if run is not None:
        checks.insert(0, _check_data(run))
    return checks, row_checks


def _check_data(run: Path) -> Check:
    files = [file for file in (run / "data" / "train.jsonl", run / "data" / "validation.jsonl") if file.is_file()]
    if changed := changed_files(run, files):
        return Check("data", "stop", f"{', '.join(changed)} changed since the run began; start over with --fresh")
    return Check("data", "pass", f"{len(files)} files are those that the run began with")


def _rows(recipe: Recipe, tokenizer: Any, checks: list[Check]) -> list[RowCheck]:
    """Look at the special tokens' rows and add that check, unless the weights are missing or do not fit."""
    matrices = read_matrices(recipe.base_model)
    fits = all(check.status != "stop" for check in checks if check.name == "vocabulary")
    if tokenizer is None or matrices is None or not fits:
        why = "the weights are not at hand; fetch the model first" if fits else "the tokenizer is not this model's"
        checks.append(Check("end token rows", "skipped", why))
        return []
    row_checks = check_matrices(*matrices, tokenizer)
    checks.append(check_special_rows(tokenizer, row_checks))
    return row_checks
