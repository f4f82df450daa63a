"""A run that SIGKILL ends at any moment goes on with the curve of a run that nothing ended."""

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.files import read_jsonl
from cadmonkey.training.finetune import finetune
from cadmonkey.training.recipe import Recipe

pytest.importorskip("trl")

Plant = Callable[[pytest.MonkeyPatch], None]


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def at_call(number: int, method: Callable[..., Any], *, before: bool = True) -> Callable[..., Any]:
    """Wrap `method` so that the process dies when it is called for the `number`-th time."""
    calls = []

    @wraps(method)  # the trainer reads off a forward's signature that there are labels
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if before and len(calls) == number:
            kill()
        result = method(*args, **kwargs)
        if len(calls) == number:
            kill()
        return result

    return wrapped


def in_a_step(patch: pytest.MonkeyPatch) -> None:
    from transformers import LlamaForCausalLM

    patch.setattr(LlamaForCausalLM, "forward", at_call(13, LlamaForCausalLM.forward, before=False))


def after_the_update(patch: pytest.MonkeyPatch) -> None:
    import torch

    patch.setattr(torch.optim.AdamW, "step", at_call(11, torch.optim.AdamW.step, before=False))


def in_a_checkpoint(patch: pytest.MonkeyPatch) -> None:
    from transformers import Trainer

    patch.setattr(Trainer, "_save_rng_state", at_call(2, Trainer._save_rng_state))


def before_the_seal(patch: pytest.MonkeyPatch) -> None:
    from cadmonkey.training import checkpoints

    patch.setattr(checkpoints, "write_json", at_call(3, checkpoints.write_json))


def before_the_epochs_evaluation(patch: pytest.MonkeyPatch) -> None:
    from transformers import Trainer

    patch.setattr(Trainer, "evaluate", at_call(2, Trainer.evaluate))


def while_an_old_checkpoint_is_removed(patch: pytest.MonkeyPatch) -> None:
    remove = shutil.rmtree

    def remove_half(folder: Any, *args: Any, **kwargs: Any) -> None:
        if Path(folder).name.startswith("checkpoint-"):
            (Path(folder) / "optimizer.pt").unlink()
            kill()
        remove(folder, *args, **kwargs)

    patch.setattr(shutil, "rmtree", remove_half)


def run_and_die(recipe: Recipe, out: Path, plant: Plant) -> None:
    """Train in a process of its own until the planted SIGKILL."""
    child = os.fork()
    if child == 0:
        try:
            plant(pytest.MonkeyPatch())
            finetune(recipe, out)
        finally:
            os._exit(9)  # pytest must not go on here
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.fixture(scope="module")
def recipe(tiny_llama: Path) -> Recipe:
    """Three epochs of six steps; a checkpoint in the middle of each, and dropout that needs the random state."""
    return Recipe(
        base_model=str(tiny_llama),
        own_parts=24,
        engine="transformers",
        lora_rank=4,
        lora_alpha=8,
        lora_dropout=0.2,
        learning_rate=1e-2,
        warmup_steps=2,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=2,
        num_train_epochs=3,
        save_steps=4,
        logging_steps=3,
        max_seq_length=256,
        validation_rows=4,
        end_token_probability=0.0,
        seed=1,
    )


def data_of(rows: list[dict[str, str]], out: Path) -> Path:
    from cadmonkey.files import write_jsonl

    for split in ("train", "validation"):
        write_jsonl(out / "data" / f"{split}.jsonl", (row for row in rows if row["split"] == split))
    return out


def curve(out: Path) -> list[tuple[int, str, float]]:
    lines = read_jsonl(out / "metrics.jsonl")
    return [(line["step"], name, line[name]) for line in lines for name in ("loss", "eval_loss") if name in line]


@pytest.fixture(scope="module")
def unbroken(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """The curve of a run that nothing ended, by the recipe's changes; each is run once."""
    known: dict[str, Any] = {}

    def run(rows: list[dict[str, str]], **changes: Any) -> Any:
        if str(changes) not in known:
            out = data_of(rows, tmp_path_factory.mktemp("unbroken"))
            finetune(replace(recipe, **changes), out)
            known[str(changes)] = curve(out)
        return known[str(changes)]

    return run


@pytest.mark.parametrize(
    ("plant", "checkpoint"),
    [
        (in_a_step, 4),
        (after_the_update, 8),
        (in_a_checkpoint, 4),
        (before_the_seal, 8),
        (before_the_epochs_evaluation, 8),
        (while_an_old_checkpoint_is_removed, 8),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
@pytest.mark.parametrize("changes", [{}, {"packing": True, "max_seq_length": 128, "save_steps": 2}], ids=["", "packed"])
def test_a_killed_run_has_the_curve_of_an_unbroken_one(
    plant: Plant,
    checkpoint: int,
    changes: dict[str, Any],
    recipe: Recipe,
    cad_rows: list[dict[str, str]],
    unbroken: Callable[..., Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = replace(recipe, **changes)
    whole = unbroken(cad_rows, **changes)
    run_and_die(recipe, data_of(cad_rows, tmp_path), plant)
    assert not (tmp_path / "adapter").exists()
    capsys.readouterr()
    finetune(recipe, tmp_path)
    said = capsys.readouterr().out
    assert "train: goes on from checkpoint-" in said
    if not changes:
        assert f"train: goes on from checkpoint-{checkpoint}\n" in said
    resumed = curve(tmp_path)
    assert [line[:2] for line in resumed] == [line[:2] for line in whole]
    assert [line[2] for line in resumed] == pytest.approx([line[2] for line in whole], abs=1e-4)
