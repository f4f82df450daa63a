"""Two steps from rows to adapter, under both engines, on two-layer models."""

import json
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.files import read_jsonl
from cadmonkey.training.recipe import Recipe

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

needs_unsloth = pytest.mark.skipif(find_spec("unsloth") is None, reason="needs Unsloth")
"""Looked up, never imported: in this process it would patch transformers for every other test."""

Apart = Callable[..., subprocess.CompletedProcess[str]]


def adapter_tensors(out: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(out / "adapter" / "adapter_model.safetensors"))


def weights(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}


@pytest.mark.parametrize("engine", ["transformers", pytest.param("unsloth", marks=needs_unsloth)])
@pytest.mark.parametrize("base", ["tiny_llama", "llama32", "qwen25"])
def test_two_steps_change_the_adapter_and_leave_the_base_alone(
    base: str,
    engine: str,
    small_recipe: Recipe,
    run_folder: Path,
    finetune_apart: Apart,
    request: pytest.FixtureRequest,
) -> None:
    folder = request.getfixturevalue(base)
    before = weights(folder)
    done = finetune_apart(small_recipe, run_folder, base_model=str(folder), engine=engine, max_steps=2)
    assert done.returncode == 0, done.stderr[-2000:]
    learnt = {name: tensor for name, tensor in adapter_tensors(run_folder).items() if "lora_B" in name}
    assert len(learnt) == 14
    assert all(tensor.abs().max() > 0 for tensor in learnt.values())
    assert weights(folder) == before
    assert [line["step"] for line in read_jsonl(run_folder / "metrics.jsonl") if "loss" in line] == [1, 2]
    trained_rows = [name for name in adapter_tensors(run_folder) if "trainable_tokens" in name]
    assert bool(trained_rows) == (base == "tiny_llama")


@pytest.mark.parametrize("base", ["tiny_llama", "llama32", "qwen25"])
def test_the_adapter_carries_the_end_token_and_the_frozen_template(
    base: str, small_recipe: Recipe, run_folder: Path, finetune_apart: Apart, request: pytest.FixtureRequest
) -> None:
    from transformers import AutoTokenizer

    done = finetune_apart(small_recipe, run_folder, base_model=str(request.getfixturevalue(base)), max_steps=1)
    assert done.returncode == 0, done.stderr[-2000:]
    tokenizer = AutoTokenizer.from_pretrained(run_folder / "adapter")
    end, pad = {"qwen25": ("<|im_end|>", "<|endoftext|>")}.get(base, ("<|eot_id|>", "<|finetune_right_pad_id|>"))
    assert (tokenizer.eos_token, tokenizer.pad_token) == (end, pad)
    assert "strftime_now(" not in tokenizer.chat_template
    gate = json.loads((run_folder / "end_token.json").read_text())
    assert (gate["end_token"], gate["rows"]) == (end, 4)


def test_a_finished_run_is_left_alone(
    tiny_llama: Path, small_recipe: Recipe, run_folder: Path, finetune_apart: Apart
) -> None:
    finetune_apart(small_recipe, run_folder, base_model=str(tiny_llama), max_steps=1)
    before = {path: path.stat().st_mtime_ns for path in run_folder.rglob("*") if path.is_file()}
    again = finetune_apart(small_recipe, run_folder, base_model=str(tiny_llama), max_steps=1)
    assert again.returncode == 0
    assert "done already" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in run_folder.rglob("*") if path.is_file()} == before
