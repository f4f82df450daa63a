"""Run folders for the tests of the training room."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from cadmonkey.files import write_jsonl
from cadmonkey.training.recipe import Recipe

UNSLOTH = """
import os, sys, traceback
from pathlib import Path
from cadmonkey.training.engines import import_engine, prepare_process
from cadmonkey.training.recipe import Recipe
replies = os.fdopen(os.dup(1), "w")
import_engine("unsloth")
import cadmonkey.training.finetune
for line in sys.stdin:
    script, recipe, out, log = eval(line)
    child = os.fork()
    if child == 0:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
        os.dup2(1, 2)
        status = 1
        try:
            prepare_process(recipe)
            exec(script, {"recipe": recipe, "out": Path(out)})
            status = 0
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=replies, flush=True)
"""
"""Imports Unsloth, which takes most of the time of a short run, and does each job in a fork that changes no other."""

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


@pytest.fixture(scope="session")
def unsloth_process(repository: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has imported Unsloth, which patches what it imports, for good."""
    command = [sys.executable, "-c", UNSLOTH]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=repository, **pipes) as process:  # type: ignore[call-overload]
        yield process
        process.stdin.close()


@pytest.fixture
def run_script(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str, Recipe, Path], None]:
    """Runs Python with `recipe` and `out`: here, or where the engine is Unsloth, in a process of its own."""

    def run(script: str, recipe: Recipe, out: Path) -> None:
        if recipe.engine == "transformers":
            exec(script, {"recipe": recipe, "out": out})
            return
        process, log = request.getfixturevalue("unsloth_process"), tmp_path / "unsloth.log"
        process.stdin.write(repr((script, recipe, str(out), str(log))) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "0\n", log.read_text()[-2000:] if log.exists() else "no answer"

    return run


@pytest.fixture
def train(run_script: Callable[[str, Recipe, Path], None]) -> Callable[[Recipe, Path], None]:
    """Runs `finetune`, apart where the engine is Unsloth."""
    return partial(run_script, FINETUNE)
