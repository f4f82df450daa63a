"""Both engines see the same labels, and bad bases are refused in words."""

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.data.chat import NO_LOSS, encode
from cadmonkey.errors import InputError
from cadmonkey.files import read_json
from cadmonkey.training.engines import find_base, load_base, load_tokenizer
from cadmonkey.training.recipe import Recipe

pytest.importorskip("trl")

BATCH = """
from cadmonkey.files import read_jsonl, write_json
from cadmonkey.training.engines import add_adapter, load_base, load_tokenizer
from cadmonkey.training.examples import encode_rows
from cadmonkey.training.plan import make_plan
from cadmonkey.training.trainer import build_trainer
tokenizer = load_tokenizer(recipe.base_model)
rows = read_jsonl(out / "data" / "train.jsonl")
examples = encode_rows(tokenizer, rows, recipe.max_seq_length)
plan = make_plan(recipe, rows, examples, examples)
model = add_adapter(load_base(recipe), recipe, {})
trainer = build_trainer(model, tokenizer, recipe, plan, examples.kept, examples.kept, out)
batches = [{name: tensor.tolist() for name, tensor in batch.items()} for batch in trainer.get_train_dataloader()]
trainer.train()
losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
write_json(out / "result.json", [batches, losses])
"""


@pytest.mark.skipif(find_spec("unsloth") is None, reason="needs Unsloth")
@pytest.mark.parametrize("packing", [False, True])
def test_the_label_tensors_of_both_engines_are_equal_and_untouched_and_so_are_the_losses(
    packing: bool,
    run_script: Callable[[str, Recipe, Path], None],
    small_recipe: Recipe,
    run_folder: Path,
    cad_rows: list[dict[str, str]],
    tiny_llama: Path,
) -> None:
    recipe = replace(small_recipe, base_model=str(tiny_llama), max_steps=3, packing=packing)
    run_script(BATCH, recipe, run_folder)
    plain, losses = read_json(run_folder / "result.json")
    run_script(BATCH, replace(recipe, engine="unsloth"), run_folder)
    by_unsloth, losses_by_unsloth = read_json(run_folder / "result.json")
    assert by_unsloth == plain
    assert losses_by_unsloth == pytest.approx(losses, abs=1e-3)
    assert len(losses) == 3
    if packing:
        return

    tokenizer = load_tokenizer(str(tiny_llama))
    ours = [encode(tokenizer, row["prompt"], row["completion"]) for row in cad_rows if row["split"] == "train"]
    seen = []
    for batch in plain:
        for ids, labels, mask in zip(batch["input_ids"], batch["labels"], batch["attention_mask"], strict=True):
            length = sum(mask)
            assert mask == [1] * length + [0] * (len(mask) - length)
            assert set(labels[length:]) <= {NO_LOSS}
            assert set(ids[length:]) <= {tokenizer.pad_token_id}
            seen.append((ids[:length], labels[:length]))
    assert sorted(seen) == sorted((example.input_ids, example.labels) for example in ours)


@pytest.mark.parametrize("base", ["no/such/folder/here", "../nothing", "nothing-here", "a b/c", "tests"])
def test_a_base_that_is_neither_model_folder_nor_hub_id_is_refused(base: str) -> None:
    with pytest.raises(InputError, match="expected a model folder"):
        find_base(base)


def test_a_hub_model_that_cannot_be_reached_is_named() -> None:
    with pytest.raises(InputError, match="nobody/nothing-of-this-name"):
        load_tokenizer("nobody/nothing-of-this-name")


def test_broken_weights_are_refused(small_recipe: Recipe, tiny_llama: Path, tmp_path: Path) -> None:
    for path in tiny_llama.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[: 200 if path.suffix == ".safetensors" else None])
    with pytest.raises(InputError, match="cannot be loaded"):
        load_base(replace(small_recipe, base_model=str(tmp_path)))


def test_a_tokenizer_whose_pad_is_its_end_gets_another_pad(
    tmp_path: Path, new_tokenizer: Callable[[], Any], tiny_llama: Path
) -> None:
    tokenizer = new_tokenizer()
    tokenizer.pad_token = tokenizer.eos_token = "<|eot_id|>"
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_bytes((tiny_llama / "config.json").read_bytes())
    settled = load_tokenizer(str(tmp_path))
    assert (settled.pad_token, settled.eos_token) == ("<|finetune_right_pad_id|>", "<|eot_id|>")
