"""A killed run goes on where it was; a damaged or half-written checkpoint never counts."""

import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.errors import InputError, RunError
from cadmonkey.files import read_jsonl
from cadmonkey.training.checkpoints import (
    atomic_folder,
    is_whole,
    last_checkpoint,
    remove_damaged,
    whole_checkpoint,
)
from cadmonkey.training.finetune import finetune
from cadmonkey.training.metrics import Metrics, forget_after
from cadmonkey.training.recipe import Recipe


def write_checkpoint(out: Path, step: int) -> Path:
    folder = out / f"checkpoint-{step}"
    with whole_checkpoint(folder):
        folder.mkdir(parents=True)
        (folder / "weights").write_text(f"weights {step}")
    return folder


def test_the_newest_whole_checkpoint_counts_and_damaged_ones_are_removed(tmp_path: Path) -> None:
    for step in (9, 10, 100):
        write_checkpoint(tmp_path, step)
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-100"
    (tmp_path / "checkpoint-100" / "weights").write_text("half")
    (tmp_path / "checkpoint-200").mkdir()
    remove_damaged(tmp_path)
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-10"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-9"]


def test_a_folder_without_checkpoints_has_none(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_leaves_no_checkpoint_and_says_so(tmp_path: Path, error: Exception) -> None:
    def write() -> None:
        with whole_checkpoint(tmp_path / "checkpoint-5"):
            (tmp_path / "checkpoint-5").mkdir()
            (tmp_path / "checkpoint-5" / "weights").write_text("half")
            raise error

    with pytest.raises(RunError, match="no space left on the disk"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_written_in_part_does_not_appear(tmp_path: Path) -> None:
    def write() -> None:
        with atomic_folder(tmp_path / "adapter") as part:
            (part / "weights").write_text("half")
            raise ValueError("boom")

    with pytest.raises(RunError, match="boom"):
        write()
    assert list(tmp_path.iterdir()) == []


def adapter_bytes(out: Path) -> bytes:
    return (out / "adapter" / "adapter_model.safetensors").read_bytes()


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the trainer may catch it."""


@pytest.fixture
def recipe(small_recipe: Recipe, tiny_llama: Path) -> Recipe:
    pytest.importorskip("trl")
    return replace(
        small_recipe, base_model=str(tiny_llama), num_train_epochs=3, end_token_probability=0.0, warmup_steps=2
    )


def test_a_killed_run_resumes_and_ends_where_an_unbroken_one_does(
    recipe: Recipe, run_folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path_factory.mktemp("broken")
    (broken / "data").mkdir()
    for path in (run_folder / "data").iterdir():
        (broken / "data" / path.name).write_bytes(path.read_bytes())
    finetune(recipe, run_folder)

    log = Metrics.log

    def die_in_the_third_epoch(self: Metrics, step: int, logs: dict[str, Any]) -> dict[str, Any] | None:
        line = log(self, step, logs)
        if step == 12:
            raise Killed
        return line

    with monkeypatch.context() as patch:
        patch.setattr(Metrics, "log", die_in_the_third_epoch)
        with pytest.raises(Killed):
            finetune(recipe, broken)
    assert sorted(path.name for path in broken.glob("checkpoint-*")) == ["checkpoint-10", "checkpoint-5"]
    (broken / "checkpoint-10" / "adapter_model.safetensors").write_bytes(b"damaged")

    finetune(recipe, broken)
    assert adapter_bytes(broken) == adapter_bytes(run_folder)
    steps = [line["step"] for line in read_jsonl(broken / "metrics.jsonl") if "loss" in line]
    assert steps == list(range(1, 16))
    assert [path.name for path in sorted(broken.glob("checkpoint-*"))] == ["checkpoint-10", "checkpoint-15"]


def test_a_disk_that_fills_up_while_a_checkpoint_is_written_ends_the_run_in_one_line(
    recipe: Recipe, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import Trainer

    def fill_up(self: Trainer, folder: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Trainer, "_save_optimizer_and_scheduler", fill_up)
    with pytest.raises(RunError, match=r"checkpoint-5: no space left .* resumes"):
        finetune(recipe, run_folder)
    assert list(run_folder.glob("checkpoint-*")) == []
    assert not (run_folder / "adapter").exists()


def test_a_line_cut_off_by_the_kill_is_forgotten_with_the_steps_after_the_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps({"step": step, "loss": 1.0}) + "\n" for step in (1, 2, 3)) + '{"step": 4, "lo')
    forget_after(path, 2)
    assert [line["step"] for line in read_jsonl(path)] == [1, 2]


def test_metrics_that_cannot_be_written_are_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        Metrics(tmp_path, 10).log(1, {"loss": 1.0, "epoch": 0.1})


def test_a_checkpoint_is_whole_only_with_its_seal_and_every_file_but_may_hold_more(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, 1)
    (folder / "notes.txt").write_text("mine")
    assert is_whole(folder)
    (folder / "weights").unlink()
    assert not is_whole(folder)
    (folder / "weights").write_text("weights 2")
    assert not is_whole(folder)
    (folder / "weights").write_text("weights 1")
    assert is_whole(folder)
    for seal in ("[]", "{}", '{"weights": ', '"weights"'):
        (folder / "complete.json").write_text(seal)
        assert not is_whole(folder)


def test_folders_that_are_only_named_like_checkpoints_are_passed_over_and_kept(tmp_path: Path) -> None:
    others = [tmp_path / name for name in ("checkpoint-old", "checkpoint-9-old", "checkpoint-30.bak")]
    for folder in (*others, tmp_path / "checkpoint-7", tmp_path / "checkpoint-12"):
        folder.mkdir()
        (folder / "file").write_text("a")
    with whole_checkpoint(tmp_path / "checkpoint-7"):
        pass
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-7"
    remove_damaged(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*(path.name for path in others), "checkpoint-7"])
