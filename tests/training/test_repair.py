"""Untrained special tokens: seen in base checkpoints, repaired, and left alone where they are trained."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.data.chat import control_tokens, encode
from cadmonkey.training.engines import add_adapter, load_base, load_tokenizer
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.repair import check_rows, rows_to_train, start_rows

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

USED = {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}


@pytest.fixture
def recipe(small_recipe: Recipe, tiny_llama: Path) -> Recipe:
    return replace(small_recipe, base_model=str(tiny_llama))


def untie(model: Any) -> Any:
    """Give a tied model a head of its own, as in the larger Llamas."""
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    model.config.tie_word_embeddings = False
    return model


def test_near_duplicate_rows_of_normal_norm_are_found(recipe: Recipe) -> None:
    tokenizer = load_tokenizer(recipe.base_model)
    checks = check_rows(load_base(recipe), tokenizer)
    assert {check.token for check in checks if check.untrained} == USED
    assert all(0.5 < check.norm_ratio < 2 for check in checks)
    assert {check.token for check in checks} == USED | {"<|begin_of_text|>"}


def test_trained_rows_are_left_alone(recipe: Recipe) -> None:
    tokenizer, model = load_tokenizer(recipe.base_model), load_base(recipe)
    torch.manual_seed(3)
    with torch.no_grad():
        model.get_input_embeddings().weight.normal_()
    assert rows_to_train(check_rows(model, tokenizer)) == {}


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_empty_and_broken_rows_are_found_too(recipe: Recipe, value: float) -> None:
    tokenizer, model = load_tokenizer(recipe.base_model), load_base(recipe)
    torch.manual_seed(3)
    with torch.no_grad():
        model.get_input_embeddings().weight.normal_()
        model.get_input_embeddings().weight[tokenizer.eos_token_id] = value
    assert rows_to_train(check_rows(model, tokenizer)) == {"embed_tokens": [tokenizer.eos_token_id]}


def test_an_untied_head_needs_only_its_end_token(recipe: Recipe) -> None:
    tokenizer, model = load_tokenizer(recipe.base_model), untie(load_base(recipe))
    rows = rows_to_train(check_rows(model, tokenizer))
    assert rows["lm_head"] == [tokenizer.eos_token_id]
    assert sorted(tokenizer.convert_ids_to_tokens(rows["embed_tokens"])) == sorted(USED)


@pytest.mark.parametrize("tied", [True, False])
def test_repaired_rows_start_apart_and_the_base_keeps_its_own(recipe: Recipe, tied: bool) -> None:
    tokenizer, model = load_tokenizer(recipe.base_model), load_base(recipe)
    model = model if tied else untie(model)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    rows = rows_to_train(check_rows(model, tokenizer))
    adapted = add_adapter(model, recipe, rows)
    start_rows(adapted, tokenizer, rows, recipe.seed)
    frozen = {name: weight for name, weight in adapted.named_parameters() if not weight.requires_grad}
    assert all(any(torch.equal(weight, old) for weight in frozen.values()) for old in before.values())
    matrices = ["embed_tokens"] if tied else ["embed_tokens", "lm_head"]
    assert sorted(name.split(".")[-4] for name, weight in adapted.named_parameters() if "trainable_tokens" in name) == (
        matrices
    )
    live = adapted.get_output_embeddings().weight
    reserved = live[tokenizer.convert_tokens_to_ids("<|reserved_special_token_1|>")]
    assert torch.cosine_similarity(live[tokenizer.eos_token_id], reserved, dim=0) < 0.7


def test_rows_start_at_the_mean_of_words_that_were_seen(recipe: Recipe) -> None:
    nano = replace(recipe, base_model="cadmonkey/assets/nano")
    tokenizer, model = load_tokenizer(nano.base_model), load_base(nano)
    rows = rows_to_train(check_rows(model, tokenizer))
    unseen = model.get_input_embeddings().weight[tokenizer.eos_token_id].detach().clone()
    text = model.get_input_embeddings().weight[: min(control_tokens(tokenizer))].detach()
    alike = torch.cosine_similarity(text, unseen, dim=1)
    assert (alike > 0.9).sum() > len(text) / 3, "the nano has seen few of its words"
    started = add_adapter(model, nano, rows)
    start_rows(started, tokenizer, rows, nano.seed)
    live = started.get_input_embeddings().token_adapter.trainable_tokens_delta["default"][0].detach()
    seen = text[alike < 0.9].mean(dim=0)
    assert torch.cosine_similarity(live, seen, dim=0) > 0.9 > torch.cosine_similarity(live, text.mean(dim=0), dim=0)


@pytest.mark.parametrize("tied", [True, False])
def test_a_reloaded_adapter_merges_into_the_pristine_base(recipe: Recipe, tmp_path: Path, tied: bool) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    tokenizer, model = load_tokenizer(recipe.base_model), load_base(recipe)
    model = model if tied else untie(model)
    model.save_pretrained(tmp_path / "base")
    rows = rows_to_train(check_rows(model, tokenizer))
    trained = add_adapter(model, recipe, rows)
    start_rows(trained, tokenizer, rows, recipe.seed)
    ids = torch.tensor([encode(tokenizer, "a cube", "cube(1);").input_ids])
    optimizer = torch.optim.AdamW([weight for weight in trained.parameters() if weight.requires_grad], lr=0.01)
    for _ in range(3):
        trained(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
    trained.save_pretrained(tmp_path / "adapter", save_embedding_layers=False)
    with torch.no_grad():
        expected = trained.eval()(ids).logits
        fresh = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
        without = fresh(ids).logits
        merged = PeftModel.from_pretrained(fresh, tmp_path / "adapter").merge_and_unload()
        assert not torch.allclose(without, expected, atol=1e-2)
        torch.testing.assert_close(merged(ids).logits, expected, atol=1e-4, rtol=1e-4)


def test_the_repair_teaches_the_end_token_where_lora_alone_does_not(recipe: Recipe) -> None:
    from cadmonkey.training.end_token import measure_end_token

    tokenizer = load_tokenizer(recipe.base_model)
    examples = [encode(tokenizer, f"a {number} mm cube", f"cube({number});") for number in range(10, 18)]

    def probability(repair: bool) -> float:
        model = load_base(recipe)
        rows = rows_to_train(check_rows(model, tokenizer)) if repair else {}
        adapted = add_adapter(model, recipe, rows)
        start_rows(adapted, tokenizer, rows, recipe.seed)
        optimizer = torch.optim.AdamW([weight for weight in adapted.parameters() if weight.requires_grad], lr=0.02)
        adapted.train()
        for _ in range(40):
            for example in examples[:4]:
                ids, labels = torch.tensor([example.input_ids]), torch.tensor([example.labels])
                (adapted(input_ids=ids, labels=labels).loss / 4).backward()
            optimizer.step()
            optimizer.zero_grad()
        return float(measure_end_token(adapted, tokenizer, examples[4:])["mean"])

    assert probability(repair=True) > 0.9 > probability(repair=False) + 0.2
