"""A run is a folder: its recipe.json, what counts as the same run, and starting over."""

import hashlib
import json
import platform
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cadmonkey.errors import InputError
from cadmonkey.files import read_json, write_json
from cadmonkey.training.recipe import Recipe

_PACKAGES = ("cadmonkey", "torch", "transformers", "trl", "peft", "datasets", "accelerate", "unsloth", "unsloth_zoo")
_MADE_BY_RUNS = (
    "recipe.json",
    "data",
    "plan.json",
    "preflight.json",
    "metrics.jsonl",
    "alarms.jsonl",
    "samples.jsonl",
    "runs",
    "curves.png",
    "resources.json",
    "end_token.json",
    "adapter",
    "model",
    "checkpoint-*",
    "model-*.gguf",
    "adapter.gguf",
    "proof.json",
    "Modelfile",
    "README.md",
    "grammar*.gbnf",
    "SHA256SUMS",
    "references.jsonl",
    "predictions.json*",
    "answers.json",
    ".predictions-*",
    "scores.json",
    "verdicts.jsonl",
    "report.html",
    "sheet.png",
)


_FREE = ("quants", "report_to", "on_alarm")
"""Choices that no step depends on: a run may go on with others."""


def open_run(out: Path, preset: str, recipe: Recipe, *, fresh: bool = False) -> None:
    """Make sure that `out` is new or holds a run with the same choices; `fresh` makes it new.

    Raises:
        InputError: `out` holds a run with other choices.
    """
    if fresh:
        clear_run(out)
    path = out / "recipe.json"
    if not path.exists():
        return
    earlier, choices = read_json(path), _choices(preset, recipe)
    earlier = earlier if isinstance(earlier, dict) else {}
    differing = [name for name, value in choices.items() if earlier.get(name) != value and name not in _FREE]
    changed = [f"{name} {earlier.get(name)!r} -> {choices[name]!r}" for name in differing]
    if changed:
        raise InputError(
            f"{path}: this folder holds a run with other choices ({', '.join(changed[:4])}); "
            "add --fresh to start over, or choose another folder with --out"
        )


def _choices(preset: str, recipe: Recipe) -> dict[str, Any]:
    """Return the choices as recipe.json will give them back, lists instead of tuples."""
    choices: dict[str, Any] = json.loads(json.dumps({"preset": preset, **asdict(recipe)}))
    return choices


def clear_run(out: Path) -> None:
    """Remove what a run wrote into `out`; files of other names stay. Without a recipe.json nothing is touched."""
    if not (out / "recipe.json").is_file():
        return
    for pattern in _MADE_BY_RUNS:
        for path in out.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def record_run(out: Path, preset: str, recipe: Recipe, files: list[Path]) -> None:
    """Write `out`/recipe.json: every choice, the versions, the SHA-256 of the data `files`.

    Raises:
        InputError: a data file is not the one this run began with, or `out` cannot be written to.
    """
    path = out / "recipe.json"
    if not path.exists():
        hashes = {file.name: _hash(file) for file in files}
        write_json(path, {**_choices(preset, recipe), "data_sha256": hashes, "versions": versions()})
        return
    if changed := changed_files(out, files):
        raise InputError(f"{out}: {changed[0]} changed since the run began; add --fresh to start over")
    write_json(path, read_json(path) | {name: getattr(recipe, name) for name in _FREE})


def changed_files(out: Path, files: Iterable[Path]) -> list[str]:
    """Return the names of the data `files` that are not what the run in `out` began with."""
    earlier = read_json(out / "recipe.json").get("data_sha256", {})
    return [file.name for file in files if earlier.get(file.name) != _hash(file)]


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
