"""Weight decay reaches the matrices and nothing else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.data.chat import encode
from cadmonkey.training.decay import decayed_parameters
from cadmonkey.training.engines import add_adapter, load_base, load_tokenizer
from cadmonkey.training.examples import Examples
from cadmonkey.training.plan import make_plan
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.trainer import build_trainer

pytest.importorskip("trl")


@pytest.mark.parametrize("base", ["tiny_llama", "qwen25"])
def test_of_a_whole_model_the_linear_weights_decay_and_no_embedding_norm_or_bias(
    base: str, small_recipe: Recipe, request: pytest.FixtureRequest
) -> None:
    recipe = replace(small_recipe, base_model=str(request.getfixturevalue(base)), full_finetuning=True)
    model = load_base(recipe)
    decayed = set(decayed_parameters(model))
    expected = {name for name, _ in model.named_parameters() if "_proj.weight" in name or name == "lm_head.weight"}
    assert decayed == expected
    assert len(decayed) == {"tiny_llama": 14, "qwen25": 15}[base]
    assert {"model.embed_tokens.weight", "model.norm.weight"} <= {name for name, _ in model.named_parameters()}


def one_step(recipe: Recipe, rows: list[dict[str, str]], out: Path) -> tuple[Any, dict[str, Any]]:
    """Return the trainer after one step, and the weights before."""
    tokenizer = load_tokenizer(recipe.base_model)
    examples = [encode(tokenizer, row["prompt"], row["completion"]) for row in rows]
    plan = make_plan(recipe, [], Examples(examples, {}), Examples(examples, {}))
    ends = tokenizer.convert_tokens_to_ids(["<|eot_id|>", "<|start_header_id|>"])
    model = add_adapter(load_base(recipe), recipe, {"embed_tokens": ends})
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    trainer = build_trainer(model, tokenizer, recipe, plan, examples, examples[:2], out)
    trainer.train()
    return trainer, before


def test_in_an_adapter_the_lora_matrices_decay_and_the_token_rows_do_not(
    tiny_llama: Path, small_recipe: Recipe, tmp_path: Path, cad_rows: list[dict[str, str]]
) -> None:
    recipe = replace(small_recipe, base_model=str(tiny_llama), max_steps=1, weight_decay=0.3)
    trainer, before = one_step(recipe, cad_rows[:4], tmp_path)
    groups = {group["weight_decay"]: {id(p) for p in group["params"]} for group in trainer.optimizer.param_groups}
    named = dict(trainer.model.named_parameters())
    matrices = {id(parameter) for name, parameter in named.items() if ".lora_" in name}
    rows = {id(parameter) for name, parameter in named.items() if "trainable_tokens_delta" in name}
    assert groups == {0.3: matrices, 0.0: rows}
    assert (len(matrices), len(rows)) == (28, 1)

    # LoRA's B starts at 0, so that A has no gradient in the first step: what moves it is decay alone.
    first = next(name for name in named if "lora_A" in name)
    assert named[first].detach().allclose(before[first] * (1 - recipe.learning_rate * 0.3), rtol=1e-6)
    assert not named[first].equal(before[first])


def test_gradients_are_clipped_at_the_recipes_norm(
    tiny_llama: Path, small_recipe: Recipe, tmp_path: Path, cad_rows: list[dict[str, str]]
) -> None:
    recipe = replace(small_recipe, base_model=str(tiny_llama), max_steps=1, max_grad_norm=1e-3, optim="sgd")
    trainer, before = one_step(recipe, cad_rows[:4], tmp_path)
    moved = [
        (parameter.detach() - before[name]).norm()
        for name, parameter in trainer.model.named_parameters()
        if "lora_B" in name or "tokens_delta" in name
    ]
    assert sum(norm**2 for norm in moved) ** 0.5 == pytest.approx(1e-3 * recipe.learning_rate, rel=1e-3)
