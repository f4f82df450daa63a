"""The memory estimate, byte for byte where it can be counted, and against what autograd keeps."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.training.engines import add_adapter, load_base
from cadmonkey.training.memory import Work, estimate_memory, optimizer_bytes, weight_bytes
from cadmonkey.training.models import read_shape
from cadmonkey.training.recipe import Recipe

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

BATCH, LENGTH = 2, 48


def trainable_model(recipe: Recipe) -> Any:
    model = load_base(recipe)
    if recipe.full_finetuning:
        return model
    return add_adapter(model, recipe, {})


def loss_of(model: Any, batch: int, *, padded: bool = False) -> Any:
    ids = torch.randint(0, 300, (batch, LENGTH))
    mask = torch.ones_like(ids)
    mask[0, -5:] = 0 if padded else 1
    return model(input_ids=ids, attention_mask=mask, labels=ids).loss


def kept_bytes(model: Any, batch: int) -> int:
    """Bytes that autograd keeps for the backward pass beside the model's own tensors; each storage counts once."""
    own = {tensor.untyped_storage().data_ptr() for tensor in [*model.parameters(), *model.buffers()]}
    kept: dict[int, Any] = {}

    def keep(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage
        return tensor

    model.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss_of(model, batch, padded=batch > 1)
    return sum(storage.nbytes() for storage in kept.values())


@pytest.mark.parametrize("full", [False, True])
def test_weights_gradients_and_optimizer_are_counted_to_the_byte(
    small_recipe: Recipe, tiny_llama: Path, full: bool
) -> None:
    recipe = replace(small_recipe, base_model=str(tiny_llama), full_finetuning=full)
    estimate = estimate_memory(recipe, read_shape(recipe.base_model), Work(BATCH, LENGTH, on_gpu=False))
    model = trainable_model(recipe)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained)
    loss_of(model, BATCH).backward()
    optimizer.step()
    states = [tensor for state in optimizer.state.values() for tensor in state.values() if tensor.ndim]
    assert estimate.weights + estimate.adapters == sum(weight.nbytes for weight in model.parameters())
    assert estimate.gradients == sum(weight.grad.nbytes for weight in trained)
    assert estimate.optimizer == sum(tensor.nbytes for tensor in states)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("rank", [4, 16])
def test_activations_are_within_five_percent_of_what_autograd_keeps(
    small_recipe: Recipe, tiny_llama: Path, full: bool, batch: int, rank: int
) -> None:
    recipe = replace(small_recipe, base_model=str(tiny_llama), full_finetuning=full, lora_rank=rank)
    shape = read_shape(recipe.base_model)
    estimate = estimate_memory(recipe, shape, Work(batch, LENGTH, on_gpu=False))
    log_probabilities = 4 * batch * LENGTH * shape.vocab_size
    kept = kept_bytes(trainable_model(recipe), batch)
    assert estimate.activations + log_probabilities == pytest.approx(kept, rel=0.05)


def test_dropout_and_checkpointing_are_in_the_activations(small_recipe: Recipe, tiny_llama: Path) -> None:
    recipe = replace(small_recipe, base_model=str(tiny_llama), lora_dropout=0.1)
    shape, work = read_shape(recipe.base_model), Work(3, LENGTH, on_gpu=False)
    estimate = estimate_memory(recipe, shape, work)
    kept = kept_bytes(trainable_model(recipe), 3)
    assert estimate.activations + 4 * 3 * LENGTH * shape.vocab_size == pytest.approx(kept, rel=0.05)
    fewer = estimate_memory(replace(recipe, gradient_checkpointing=True), shape, work)
    assert fewer.activations < 0.7 * estimate.activations


def test_a_4_bit_base_is_counted_as_bitsandbytes_stores_it(small_recipe: Recipe, llama32: Path) -> None:
    pytest.importorskip("bitsandbytes")
    recipe = replace(small_recipe, base_model=str(llama32), load_in_4bit=True)
    shape = read_shape(recipe.base_model)
    estimate = weight_bytes(recipe, shape, on_gpu=False)
    stored = 0
    for weight in load_base(recipe).parameters():
        stored += weight.nbytes
        if (state := getattr(weight, "quant_state", None)) is not None:
            stored += state.absmax.nbytes + state.state2.absmax.nbytes
    assert estimate == pytest.approx(stored, rel=0.01)


def test_optimizers_differ_by_their_states() -> None:
    assert optimizer_bytes("adamw_torch", 1000, on_gpu=True) == 8000
    assert 2000 < optimizer_bytes("adamw_8bit", 1000, on_gpu=True) < 2100
    assert optimizer_bytes("adamw_8bit", 1000, on_gpu=False) == 8000
    assert optimizer_bytes("sgd", 1000, on_gpu=True) == 0
    assert optimizer_bytes("adafactor", 1000, on_gpu=True) < 200
    assert optimizer_bytes("lion_32bit", 1000, on_gpu=True) == 4000


def test_the_logits_of_a_large_vocabulary_are_the_largest_part(small_recipe: Recipe) -> None:
    recipe = replace(
        small_recipe, base_model="unsloth/Llama-3.2-1B", load_in_4bit=True, gradient_checkpointing=True, lora_rank=64
    )
    memory = estimate_memory(recipe, read_shape(recipe.base_model), Work(16, 2048, on_gpu=True))
    assert memory.logits == 16 * 16 * 2048 * 128256
    assert memory.logits > 0.8 * memory.total
