"""Packed rows: every example once, nothing seen across a border, and the loss and gradients of rows by themselves."""

import pickle
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.data.chat import NO_LOSS, Example
from cadmonkey.training.packing import PackedCollator, fill_rows, pack_examples
from cadmonkey.training.recipe import Recipe

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

LENGTHS = [7, 12, 5, 9, 30, 3, 17, 8, 21, 4, 11, 6] * 400


def random_examples(lengths: list[int], seed: int = 0) -> list[Example]:
    generator = torch.Generator().manual_seed(seed)
    examples = []
    for length in lengths:
        ids = torch.randint(20, 290, (length,), generator=generator).tolist()
        examples.append(Example(ids, [NO_LOSS] * (length // 3 + 1) + ids[length // 3 + 1 :]))
    return examples


def test_every_example_that_fits_is_in_one_row_and_rows_are_nearly_full() -> None:
    rows = fill_rows([*LENGTHS, 101, 140], 100, seed=1)
    assert sorted(number for row in rows for number in row) == list(range(len(LENGTHS)))
    assert all(sum(LENGTHS[number] for number in row) <= 100 for row in rows)
    assert sum(LENGTHS) / (100 * len(rows)) > 0.99


def test_the_seed_alone_says_which_examples_go_together() -> None:
    assert fill_rows(LENGTHS, 64, seed=1) == fill_rows(LENGTHS, 64, seed=1) != fill_rows(LENGTHS, 64, seed=2)
    together = [number for row in fill_rows(LENGTHS, 64, seed=1)[:20] for number in row]
    assert max(together) - min(together) > 2000, "neighbours in the file stay together"


def load(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


@pytest.fixture(scope="module")
def tiny_qwen2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer Qwen2, whose queries have biases."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=320,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.2,
    )
    model = Qwen2ForCausalLM(config)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter)
    folder = tmp_path_factory.mktemp("tiny-qwen2")
    model.save_pretrained(folder)
    return Path(folder)


@pytest.mark.parametrize("base", ["tiny_llama", "tiny_qwen2"])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_an_example_has_the_logits_that_it_has_alone_whoever_its_neighbours_are(
    base: str, attention: str, request: pytest.FixtureRequest
) -> None:
    model = load(request.getfixturevalue(base)).eval()
    model.set_attn_implementation(attention)
    examples = random_examples([9, 14, 6, 11])
    rows = pack_examples(examples, 25, seed=0)
    batch = PackedCollator(pad_token_id=3)(rows)
    del batch["labels"]
    changed = {name: tensor.clone() for name, tensor in batch.items()}
    first = slice(0, int((batch["position_ids"][0] == 0).nonzero()[1]))
    changed["input_ids"][0, first] = 77
    with torch.no_grad():
        packed, other = model(**batch, use_cache=False).logits, model(**changed, use_cache=False).logits
        alone = model(input_ids=batch["input_ids"][:1, first]).logits
    torch.testing.assert_close(packed[0, first], alone[0], rtol=1e-5, atol=1e-5)
    assert torch.equal(packed[0, first.stop :], other[0, first.stop :])
    assert not torch.allclose(packed[0, first], other[0, first])


STEPS = """
import pickle
from tests.training.first_step import take_first_step
recipes, examples = pickle.loads((out / "work").read_bytes())
(out / "steps").write_bytes(pickle.dumps([take_first_step(each, examples, out) for each in recipes]))
"""


@pytest.mark.parametrize(
    "engine",
    ["transformers", pytest.param("unsloth", marks=pytest.mark.skipif(not find_spec("unsloth"), reason="no Unsloth"))],
)
def test_a_packed_step_has_the_loss_and_the_gradients_of_its_rows_by_themselves(
    engine: Any, tiny_llama: Path, small_recipe: Recipe, tmp_path: Path, run_script: Any
) -> None:
    examples = random_examples([9, 14, 6, 11, 25, 30, 8, 22, 13, 7])
    common = replace(
        small_recipe, base_model=str(tiny_llama), engine=engine, max_seq_length=64, max_steps=1, learning_rate=1e-3
    )
    alone = replace(common, per_device_train_batch_size=10)
    packed = replace(common, per_device_train_batch_size=2, packing=True, gradient_accumulation_steps=2)
    (tmp_path / "work").write_bytes(pickle.dumps(([alone, packed], examples)))
    run_script(STEPS, common, tmp_path)
    one, other = pickle.loads((tmp_path / "steps").read_bytes())
    assert other.loss == pytest.approx(one.loss, abs=1e-5)
    assert (one.steps, one.tokens, other.tokens) == (1, 145, 145)
    assert one.gradients.keys() == other.gradients.keys()
    assert max(gradient.abs().max() for gradient in one.gradients.values()) > 1e-3
    for name, gradient in one.gradients.items():
        torch.testing.assert_close(other.gradients[name], gradient, rtol=1e-4, atol=1e-6)
