"""Memory that runs out costs rows at once, not the run; the optimizer steps stay what they were."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.errors import RunError
from cadmonkey.files import read_jsonl
from cadmonkey.training.finetune import finetune
from cadmonkey.training.recipe import Recipe

torch = pytest.importorskip("torch")
pytest.importorskip("trl")


def room_for(rows: int, *, from_call: int = 0, in_backward: bool = False) -> Callable[..., Any]:
    """Return a forward pass that runs out of memory above `rows` rows, or whose backward pass does."""
    from transformers import LlamaForCausalLM

    forward, calls = LlamaForCausalLM.forward, []

    def run_out(gradient: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    @wraps(forward)  # the trainer reads off its signature that there are labels
    def limited(self: Any, input_ids: Any = None, **kwargs: Any) -> Any:
        calls.append(1)
        too_large = len(input_ids) > rows and len(calls) > from_call and kwargs.get("labels") is not None
        if too_large and not in_backward:
            raise torch.OutOfMemoryError("CUDA out of memory")
        handle = None
        if too_large and torch.is_grad_enabled():
            # The first layer is the last of the backward pass: the others have their gradients by then.
            handle = self.model.layers[0].register_forward_hook(lambda *args: args[-1].register_hook(run_out) and None)
        try:
            return forward(self, input_ids=input_ids, **kwargs)
        finally:
            if handle:
                handle.remove()

    return limited


def losses(out: Path) -> list[float]:
    return [line["loss"] for line in read_jsonl(out / "metrics.jsonl") if "loss" in line]


@pytest.fixture
def recipe(small_recipe: Recipe, tiny_llama: Path) -> Recipe:
    return replace(
        small_recipe,
        base_model=str(tiny_llama),
        learning_rate=1e-2,
        per_device_train_batch_size=5,
        gradient_accumulation_steps=2,
        lora_dropout=0.1,
        num_train_epochs=2,
        end_token_probability=0.0,
    )


@pytest.mark.parametrize("packing", [False, True])
@pytest.mark.parametrize("plant", [{}, {"from_call": 3}, {"in_backward": True, "from_call": 3}], ids=str)
def test_a_run_goes_on_with_fewer_rows_at_once_and_the_curve_of_a_run_that_began_so(
    plant: dict[str, Any],
    packing: bool,
    recipe: Recipe,
    run_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from transformers import LlamaForCausalLM

    recipe = replace(recipe, packing=packing, max_seq_length=128, lora_dropout=0.0 if plant else 0.1)
    small = replace(recipe, per_device_train_batch_size=1, gradient_accumulation_steps=10)
    finetune(small, run_folder)
    expected = losses(run_folder)
    (run_folder / "adapter").rename(run_folder / "first")
    for folder in run_folder.glob("checkpoint-*"):
        folder.rename(run_folder / f"old-{folder.name}")

    with monkeypatch.context() as patch:
        patch.setattr(LlamaForCausalLM, "forward", room_for(1, **plant))
        finetune(recipe, run_folder)
    assert losses(run_folder) == pytest.approx(expected, abs=1e-5)
    said = capsys.readouterr().out
    assert "out of GPU memory with 5 rows at once; goes on with 2" in said
    assert "out of GPU memory with 2 rows at once; goes on with 1" in said
    assert said.count("out of GPU memory") == 2


def test_one_row_that_does_not_fit_ends_the_run_and_names_what_to_change(
    recipe: Recipe, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import LlamaForCausalLM

    monkeypatch.setattr(LlamaForCausalLM, "forward", room_for(0))
    with pytest.raises(RunError, match=r"one row at once; .*--max-seq-length.*--gradient-ch.*--load-in-4bit"):
        finetune(recipe, run_folder)


def test_an_optimizer_that_does_not_fit_ends_the_run_and_names_what_to_change(
    recipe: Recipe, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(self: Any, closure: Any = None) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch.optim.AdamW, "step", run_out)
    with pytest.raises(RunError, match=r"step 1: out of GPU memory; .*--optim adamw_8bit"):
        finetune(recipe, run_folder)


def test_of_several_processes_none_can_go_on_alone(
    recipe: Recipe, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cadmonkey.training.too_large import RowsAtOnce

    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RunError, match="lower --per-device-train-batch-size to 4, double --gradient-acc"):
        RowsAtOnce(8, pad_token_id=0).start_over(None, step=3)
