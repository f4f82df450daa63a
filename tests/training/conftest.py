"""Run folders for the tests of the training room."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.files import write_jsonl
from cadmonkey.training.recipe import Recipe

HEAD = """
import sys
from pathlib import Path
from cadmonkey.training.engines import prepare_process
from cadmonkey.training.recipe import Recipe
recipe, out = eval(sys.argv[1]), Path(sys.argv[2])
prepare_process(recipe)
"""

FINETUNE = """
from cadmonkey.training.finetune import finetune
finetune(recipe, out)
"""


@pytest.fixture
def small_recipe() -> Recipe:
    """A few steps of a few rows; the base model is to be replaced."""
    return Recipe(
        base_model="none/none",
        own_parts=24,
        engine="transformers",
        lora_rank=4,
        lora_alpha=8,
        learning_rate=1e-3,
        per_device_train_batch_size=4,
        max_seq_length=256,
        logging_steps=1,
        validation_rows=4,
        seed=1,
    )


@pytest.fixture
def run_folder(tmp_path: Path, cad_rows: list[dict[str, str]]) -> Path:
    """A folder whose data/ holds train.jsonl and validation.jsonl."""
    for split in ("train", "validation"):
        write_jsonl(tmp_path / "data" / f"{split}.jsonl", (row for row in cad_rows if row["split"] == split))
    return tmp_path


@pytest.fixture
def python_apart(repository: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Python with `recipe` and `out` in a process of its own: Unsloth patches what it imports, for good."""

    def run(script: str, recipe: Recipe, out: Path, **changes: Any) -> subprocess.CompletedProcess[str]:
        """Return the finished process; `changes` are fields of the recipe."""
        command = [sys.executable, "-c", HEAD + script, repr(replace(recipe, **changes)), str(out)]
        return subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=300, check=False)

    return run


@pytest.fixture
def finetune_apart(
    python_apart: Callable[..., subprocess.CompletedProcess[str]],
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `finetune` in a process of its own."""
    return partial(python_apart, FINETUNE)
