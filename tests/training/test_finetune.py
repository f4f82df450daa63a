"""Two steps from rows to adapter, under both engines, on two-layer models."""

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.errors import InputError, RunError
from cadmonkey.files import read_json, read_jsonl, write_jsonl
from cadmonkey.training.engines import add_adapter, load_base
from cadmonkey.training.finetune import finetune
from cadmonkey.training.recipe import Engine, Recipe

pytest.importorskip("trl")

needs_unsloth = pytest.mark.skipif(find_spec("unsloth") is None, reason="needs Unsloth")
"""Looked up, never imported: in this process it would patch transformers for every other test."""

Train = Callable[[Recipe, Path], None]


def adapter_tensors(out: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(out / "adapter" / "adapter_model.safetensors"))


def weights(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}


@pytest.mark.parametrize("base", ["tiny_llama", "llama32", "qwen25"])
@pytest.mark.parametrize("engine", ["transformers", pytest.param("unsloth", marks=needs_unsloth)])
def test_two_steps_change_the_adapter_and_leave_the_base_alone(
    base: str,
    engine: Engine,
    small_recipe: Recipe,
    run_folder: Path,
    train: Train,
    request: pytest.FixtureRequest,
) -> None:
    folder = request.getfixturevalue(base)
    before = weights(folder)
    recipe = replace(small_recipe, base_model=str(folder), engine=engine, max_steps=2)
    train(recipe, run_folder)
    learnt = {name: tensor for name, tensor in adapter_tensors(run_folder).items() if "lora_B" in name}
    assert len(learnt) == 14
    assert all(tensor.abs().max() > 0 for tensor in learnt.values())
    assert weights(folder) == before
    assert [line["step"] for line in read_jsonl(run_folder / "metrics.jsonl") if "loss" in line] == [1, 2]
    trained_rows = [name for name in adapter_tensors(run_folder) if "trainable_tokens" in name]
    assert bool(trained_rows) == (base == "tiny_llama")


@pytest.mark.parametrize(
    ("base", "end", "pad"),
    [
        ("tiny_llama", "<|eot_id|>", "<|finetune_right_pad_id|>"),
        ("llama32", "<|eot_id|>", "<|finetune_right_pad_id|>"),
        ("qwen25", "<|im_end|>", "<|endoftext|>"),
    ],
)
def test_the_adapter_carries_the_end_token_and_the_frozen_template(
    base: str, end: str, pad: str, small_recipe: Recipe, run_folder: Path, request: pytest.FixtureRequest
) -> None:
    from transformers import AutoTokenizer

    finetune(replace(small_recipe, base_model=str(request.getfixturevalue(base)), max_steps=1), run_folder)
    tokenizer = AutoTokenizer.from_pretrained(run_folder / "adapter")
    assert (tokenizer.eos_token, tokenizer.pad_token) == (end, pad)
    assert "strftime_now(" not in tokenizer.chat_template
    gate = read_json(run_folder / "end_token.json")
    assert (gate["end_token"], gate["rows"], gate["pass"]) == (end, 4, False)


def test_a_finished_run_is_left_alone(
    tiny_llama: Path, small_recipe: Recipe, run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = replace(small_recipe, base_model=str(tiny_llama), max_steps=1)
    finetune(recipe, run_folder)
    before = {path: path.stat().st_mtime_ns for path in run_folder.rglob("*") if path.is_file()}
    finetune(recipe, run_folder)
    assert "done already" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in run_folder.rglob("*") if path.is_file()} == before


def test_plan_and_preflight_say_what_will_happen(tiny_llama: Path, small_recipe: Recipe, run_folder: Path) -> None:
    finetune(replace(small_recipe, base_model=str(tiny_llama), max_steps=2, warmup_steps=50), run_folder)
    plan, preflight = read_json(run_folder / "plan.json"), read_json(run_folder / "preflight.json")
    assert (plan["rows"], plan["steps"], plan["warmup_steps"]) == ({"train": 20, "validation": 4}, 2, 0)
    trained = sum(tensor.numel() for name, tensor in adapter_tensors(run_folder).items() if "lora_" in name)
    assert plan["trainable_parameters"] == trained
    fixed = {check["name"] for check in preflight["checks"] if check["status"] == "fixed"}
    assert fixed == {"warm-up", "end token rows"}
    assert (run_folder / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_whole_run_that_would_not_stop_is_an_error(tiny_llama: Path, small_recipe: Recipe, run_folder: Path) -> None:
    recipe = replace(small_recipe, base_model=str(tiny_llama), learning_rate=1e-9)
    with pytest.raises(RunError, match="would not stop"):
        finetune(recipe, run_folder)
    assert read_json(run_folder / "end_token.json")["pass"] is False
    assert not (run_folder / "adapter").exists()


def test_rows_that_are_too_long_are_left_out_and_too_many_stop_the_run(
    tiny_llama: Path, small_recipe: Recipe, run_folder: Path
) -> None:
    rows = read_jsonl(run_folder / "data" / "train.jsonl")
    rows[0]["completion"] = "cube(1);\n" * 200
    write_jsonl(run_folder / "data" / "train.jsonl", rows)
    recipe = replace(small_recipe, base_model=str(tiny_llama), max_steps=1)
    finetune(recipe, run_folder)
    assert read_json(run_folder / "plan.json")["left_out"] == {"longer than 256 tokens": 1}
    (run_folder / "adapter").rename(run_folder / "old")
    with pytest.raises(InputError, match="--max-seq-length"):
        finetune(replace(recipe, max_seq_length=20), run_folder)


BITS: list[dict[str, Any]] = [{"load_in_4bit": True}, {"load_in_8bit": True}, {"use_rslora": True, "lora_dropout": 0.1}]


@pytest.mark.parametrize("changes", BITS, ids=lambda changes: next(iter(changes)))
@pytest.mark.parametrize("engine", ["transformers", pytest.param("unsloth", marks=needs_unsloth)])
def test_two_steps_of_lora_on_4_8_and_16_bits(
    engine: Engine,
    changes: dict[str, Any],
    tiny_llama: Path,
    small_recipe: Recipe,
    run_folder: Path,
    train: Train,
) -> None:
    recipe = replace(small_recipe, base_model=str(tiny_llama), engine=engine, max_steps=2, **changes)
    train(recipe, run_folder)
    learnt = [tensor for name, tensor in adapter_tensors(run_folder).items() if "lora_B" in name]
    assert len(learnt) == 14
    assert all(tensor.abs().max() > 0 for tensor in learnt)
    assert read_json(run_folder / "adapter" / "adapter_config.json")["use_rslora"] is recipe.use_rslora


@pytest.mark.parametrize(("bits", "dtype"), [(4, "uint8"), (8, "int8")])
def test_a_base_that_a_library_loads_in_more_bits_than_asked_for_is_refused(
    bits: int, dtype: str, tiny_llama: Path, small_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoModelForCausalLM

    recipe = replace(small_recipe, base_model=str(tiny_llama), **{f"load_in_{bits}bit": True})
    assert str(load_base(recipe).model.layers[0].mlp.up_proj.weight.dtype) == f"torch.{dtype}"

    load = AutoModelForCausalLM.from_pretrained

    def load_unquantized(*args: Any, quantization_config: Any, **kwargs: Any) -> Any:
        return load(*args, **kwargs)

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", load_unquantized)
    with pytest.raises(InputError, match=f"--load-in-{bits}bit: expected .* in {bits} bits, got more"):
        load_base(recipe)


def test_an_evaluation_leaves_the_gradients_of_a_4_bit_model_as_they_were(
    tiny_llama: Path, small_recipe: Recipe
) -> None:
    import torch

    recipe = replace(small_recipe, base_model=str(tiny_llama), load_in_4bit=True)
    model = add_adapter(load_base(recipe), recipe, {})
    ids = torch.arange(20, 60).reshape(2, 20)

    def gradient() -> Any:
        model.zero_grad()
        model.train()(input_ids=ids, labels=ids).loss.backward()
        return next(value.grad.clone() for name, value in model.named_parameters() if "lora_B" in name)

    before = gradient()
    with torch.no_grad():
        model.eval()(input_ids=ids)
    torch.testing.assert_close(gradient(), before)


@pytest.mark.parametrize("base", ["tiny_llama", "qwen25"])
@pytest.mark.parametrize("engine", ["transformers", pytest.param("unsloth", marks=needs_unsloth)])
def test_two_steps_of_full_finetuning_change_every_matrix_and_save_a_model(
    base: str,
    engine: Engine,
    small_recipe: Recipe,
    run_folder: Path,
    train: Train,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from safetensors.torch import load_file

    folder = request.getfixturevalue(base)
    before = weights(folder)
    recipe = replace(small_recipe, base_model=str(folder), engine=engine, max_steps=2, full_finetuning=True)
    train(recipe, run_folder)
    assert weights(folder) == before
    base_weights = load_file(folder / "model.safetensors")
    trained = load_file(run_folder / "model" / "model.safetensors")
    assert trained.keys() == base_weights.keys()
    assert [name for name, tensor in trained.items() if tensor.equal(base_weights[name])] == []
    assert not (run_folder / "adapter").exists()
    capsys.readouterr()
    finetune(recipe, run_folder)
    assert "done already" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"load_in_4bit": True, "load_in_8bit": True}, "--load-in-8bit: expected 4 or 8 bits, got both"),
        ({"full_finetuning": True, "load_in_4bit": True}, "--full-finetuning: .* 4-bit ones"),
        ({"full_finetuning": True, "load_in_8bit": True}, "--full-finetuning: .* 8-bit ones"),
        ({"full_finetuning": True, "use_rslora": True}, "--use-rslora: expected LoRA"),
        ({"min_lr_ratio": 1.5}, "--min-lr-ratio: expected 0 or more, below 1, got 1.5"),
        ({"min_lr_ratio": 0.1, "lr_scheduler_type": "linear"}, "--min-lr-ratio: expected --lr-scheduler-type cosine"),
        ({"warmup_ratio": -0.1}, "--warmup-ratio: expected 0 or more, below 1"),
        ({"save_steps": -1}, "--save-steps: expected 0 or more, got -1"),
        ({"max_grad_norm": 0.0}, "--max-grad-norm: expected more than 0"),
    ],
)
def test_choices_that_exclude_each_other_are_refused_in_one_line(
    changes: dict[str, Any], message: str, small_recipe: Recipe
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        replace(small_recipe, **changes)
    assert "\n" not in str(caught.value)
