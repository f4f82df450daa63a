"""The numbers that are streamed must be those of PEFT's own merge, and an adapter that does not fit must be named."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cadmonkey.errors import InputError
from cadmonkey.gguf.merge import _merge
from cadmonkey.gguf.trained import TrainedModel, open_model
from tests.gguf.conftest import check_export

torch = pytest.importorskip("torch", reason="export needs the train extra")

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def make_base(folder: Path, *, tied: bool, **changes: Any) -> Path:
    """Save a two-layer Llama of 40 tokens, in bfloat16 as models come."""
    from transformers import LlamaConfig, LlamaForCausalLM

    options = {
        **{"vocab_size": 40, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2},
        **{"num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.2},
    }
    torch.manual_seed(0)
    config = LlamaConfig(**(options | {"tie_word_embeddings": tied} | changes))
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    return folder


def make_adapter(base: Path, folder: Path, **options: Any) -> Path:
    """Save an adapter with random numbers in everything that it trains."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    adapted = get_peft_model(model, LoraConfig(**({"r": 4, "lora_alpha": 6, "target_modules": LINEAR} | options)))
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    adapted.save_pretrained(folder)
    return folder


def read_all(model: TrainedModel) -> dict[str, Any]:
    """Read every tensor, in blocks that cut it at odd places."""
    return {
        name: np.concatenate([tensor.rows(at, min(at + 7, tensor.shape[0])) for at in range(0, tensor.shape[0], 7)])
        for name, tensor in model.tensors.items()
    }


def merged_by_peft(base: Path, adapter: Path) -> dict[str, Any]:
    """Return PEFT's merge in float32; a head that is the embedding itself is left out."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    merged = PeftModel.from_pretrained(model, adapter).merge_and_unload(safe_merge=True)
    tied = merged.get_input_embeddings().weight is merged.get_output_embeddings().weight
    state = {name: value.numpy() for name, value in merged.state_dict().items()}
    return {name: value for name, value in state.items() if not (tied and name == "lm_head.weight")}


def assert_same(ours: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Allow what another order of float32 sums makes: far below half a step of float16."""
    assert ours.keys() == wanted.keys()
    for name, values in ours.items():
        np.testing.assert_allclose(values, wanted[name], rtol=2e-6, atol=2e-6, err_msg=name)
        steps = np.abs(values.astype(np.float16).view(np.int16).astype(int) - _f16_steps(wanted[name]))
        assert steps.max() <= 1, name


def _f16_steps(values: Any) -> Any:
    return values.astype(np.float16).view(np.int16).astype(int)


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_rslora": True},
        {"use_dora": True},
        {"use_dora": True, "use_rslora": True},
        {"rank_pattern": {"q_proj": 2, "layers.1.mlp.up_proj": 3}, "alpha_pattern": {"down_proj": 20}},
        {"trainable_token_indices": [7, 39]},
        {"modules_to_save": ["lm_head"]},
        {"modules_to_save": ["embed_tokens", "norm"]},
        {"target_modules": ["q_proj"], "layers_to_transform": [1]},
        {"target_modules": r".*\.(q|down)_proj"},
    ],
    ids=lambda options: "-".join(options) or "plain",
)
def test_the_streamed_numbers_are_those_of_pefts_merge(options: Any, tied: bool, tmp_path: Path) -> None:
    base = make_base(tmp_path / "base", tied=tied)
    adapter = make_adapter(base, tmp_path / "adapter", **options)
    assert_same(read_all(open_model(base, adapter)), merged_by_peft(base, adapter))


@pytest.mark.parametrize(
    "options",
    [
        {"trainable_token_indices": {"embed_tokens": [3], "lm_head": [5, 6]}},
        {"target_modules": ["q_proj", "lm_head"]},
        {"target_modules": ["q_proj", "embed_tokens"]},
    ],
    ids=["rows of both", "head", "embedding"],
)
def test_changes_of_an_untied_head_and_embedding_are_those_of_pefts_merge(options: Any, tmp_path: Path) -> None:
    base = make_base(tmp_path / "base", tied=False)
    adapter = make_adapter(base, tmp_path / "adapter", **options)
    assert_same(read_all(open_model(base, adapter)), merged_by_peft(base, adapter))


def test_a_tied_head_that_peft_saved_beside_an_equal_embedding_is_written_once(tmp_path: Path) -> None:
    from gguf import GGUFReader
    from peft import LoraConfig, get_peft_model

    from cadmonkey.gguf.origin import Origin
    from cadmonkey.gguf.tensors import compare_tensors
    from cadmonkey.gguf.write import write_gguf
    from tests.gguf.conftest import make_tokenizer

    tokenizer = make_tokenizer()
    base = make_base(tmp_path / "base", tied=True, vocab_size=len(tokenizer))
    adapted = get_peft_model(_load(base), LoraConfig(r=4, target_modules=["q_proj"]))
    adapted.save_pretrained(tmp_path / "adapter", save_embedding_layers=True)
    model, merged = open_model(base, tmp_path / "adapter"), _merge(_load(base), tmp_path / "adapter")
    assert "lm_head.weight" not in model.tensors
    write_gguf(model, tokenizer, {"f16": tmp_path / "m.gguf"}, Origin(name="once"))
    reader = GGUFReader(tmp_path / "m.gguf")
    assert "output.weight" not in [tensor.name for tensor in reader.tensors]
    assert max(figures.excess("float32") for figures in compare_tensors(reader, merged, "f16")) < 1
    with torch.no_grad():
        merged.lm_head.weight = torch.nn.Parameter(merged.lm_head.weight + 0.1)
    assert max(figures.excess("float32") for figures in compare_tensors(reader, merged, "f16")) > 1


def test_a_vocabulary_that_was_enlarged_in_training_is_named_with_the_way_out(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base", tied=False)
    larger = make_base(tmp_path / "larger", tied=False, vocab_size=44)
    adapter = make_adapter(larger, tmp_path / "adapter", modules_to_save=["embed_tokens", "lm_head"])
    with pytest.raises(
        InputError, match=r"has 44 rows, the base's vocabulary 40: it was enlarged in training; .* merge"
    ):
        open_model(base, adapter)


def test_trained_biases_are_those_of_pefts_merge(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base", tied=False, attention_bias=True)
    for options in ({"lora_bias": True, "target_modules": ["q_proj"]}, {"bias": "all"}):
        adapter = make_adapter(base, tmp_path / "adapter", **options)
        assert_same(read_all(open_model(base, adapter)), merged_by_peft(base, adapter))


def test_lora_on_a_tied_head_leaves_the_embedding_as_in_training(tmp_path: Path) -> None:
    """PEFT's merge would change both, since they are one matrix in memory; the adapter never did."""
    from peft import PeftModel

    base = make_base(tmp_path / "base", tied=True)
    plain = read_all(open_model(base))
    adapter = make_adapter(base, tmp_path / "adapter", target_modules=["lm_head"])
    numbers = read_all(open_model(base, adapter))
    assert np.array_equal(numbers["model.embed_tokens.weight"], plain["model.embed_tokens.weight"])
    merged = _merge(_load(base), adapter)
    assert torch.equal(merged.get_input_embeddings().weight, _load(base).get_input_embeddings().weight)
    head = merged.get_output_embeddings().weight.detach().numpy()
    np.testing.assert_allclose(numbers["lm_head.weight"], head, rtol=1e-5, atol=1e-6)
    ids = torch.arange(10)[None]
    with torch.no_grad():
        wanted = PeftModel.from_pretrained(_load(base), adapter)(ids).logits
        np.testing.assert_allclose(merged(ids).logits, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "rows",
    [{"embed_tokens": [3], "lm_head": [5, 6]}, {"lm_head": [3]}, {"embed_tokens": [3], "lm_head": [3]}],
    ids=["other rows of the head", "rows of the head alone", "the same rows"],
)
def test_token_rows_of_a_tied_head_are_as_in_training(rows: dict[str, list[int]], tmp_path: Path) -> None:
    """Rows of the head's own untie it; PEFT's merge would write both into the one matrix, which nobody trained."""
    from peft import PeftModel

    base = make_base(tmp_path / "base", tied=True)
    adapter = make_adapter(base, tmp_path / "adapter", trainable_token_indices=rows)
    numbers = read_all(open_model(base, adapter))
    assert ("lm_head.weight" in numbers) == (rows.get("embed_tokens") != rows["lm_head"])
    merged, ids = _merge(_load(base), adapter), torch.arange(10)[None]
    head, embedding = merged.get_output_embeddings().weight, merged.get_input_embeddings().weight
    named = {"lm_head.weight": head, "model.embed_tokens.weight": embedding}
    for name in numbers.keys() & named.keys():
        np.testing.assert_allclose(numbers[name], named[name].detach().numpy(), rtol=2e-6, atol=2e-6, err_msg=name)
    with torch.no_grad():
        wanted = PeftModel.from_pretrained(_load(base), adapter)(ids).logits
        np.testing.assert_allclose(merged(ids).logits, wanted, rtol=1e-4, atol=1e-4)


def _load(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A base and its adapter; do not write to them."""
    folder = tmp_path_factory.mktemp("pair")
    base = make_base(folder / "base", tied=True)
    return base, make_adapter(base, folder / "adapter", trainable_token_indices=[3])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_size": 16}, r" is \(\d, (32|64)\), expected \(\d, 16\)"),
        ({"num_hidden_layers": 1}, r"it changes model\.layers\.1\..*, which the base has not"),
        ({"num_hidden_layers": 3}, r"it has nothing for model\.layers\.2\..*, which its target_modules name"),
        ({"vocab_size": 3}, "it trains row 3 of model.embed_tokens, which has 3 rows"),
    ],
    ids=["width", "fewer layers", "more layers", "fewer tokens"],
)
def test_an_adapter_of_another_base_is_named(
    changes: Any, message: str, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        open_model(make_base(tmp_path / "other", tied=True, **changes), pair[1])
    assert "\n" not in str(caught.value)


def _config(**changes: Any) -> Callable[[Path], None]:
    def change(adapter: Path) -> None:
        path = adapter / "adapter_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def _tensors(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def rewrite(adapter: Path) -> None:
        from safetensors.torch import load_file, save_file

        tensors = load_file(adapter / "adapter_model.safetensors")
        change(tensors)
        save_file(tensors, adapter / "adapter_model.safetensors")

    return rewrite


Q = "base_model.model.model.layers.0.self_attn.q_proj"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_config(r=8), r"is \(4, \d+\), expected \(8, "),
        (_config(peft_type="IA3"), "peft_type: expected LORA, got IA3"),
        (_config(r=None), "r: expected a whole number from 1 on, got none"),
        (_config(r=True), "r: expected a whole number from 1 on, got true"),
        (_config(lora_alpha="x"), "lora_alpha: expected a number, got x"),
        (_config(rank_pattern=3), "rank_pattern: expected regular expressions with a whole number .*, got 3"),
        (_config(rank_pattern={"(": 3}), r'rank_pattern: expected regular expressions .*, got \{"\(": 3\}'),
        (_config(rank_pattern={"(?i)q": 3}), "rank_pattern: expected regular expressions"),
        (_config(alpha_pattern={"q_proj": "x"}), "alpha_pattern: expected regular expressions with a number for each"),
        (_config(target_modules="("), r"target_modules: expected names or a regular expression, got \("),
        (_config(modules_to_save=["("]), r'modules_to_save: expected a list of names, got \["\("\]'),
        (_config(layers_to_transform="x"), "layers_to_transform: expected numbers of layers, got x"),
        (_config(trainable_token_indices=[-1]), r"trainable_token_indices: expected a list of token ids.*, got \[-1\]"),
        (_config(use_dora=True), "use_dora and the magnitudes of"),
        (_config(init_lora_weights="pissa_niter_4"), "got init_lora_weights=pissa_niter_4"),
        (_config(alora_invocation_tokens=[1]), "got alora_invocation_tokens"),
        (_config(trainable_token_indices=[3, 4]), r"is \(1, 32\), expected \(2, 32\)"),
        (_tensors(lambda tensors: tensors.pop(f"{Q}.lora_B.weight")), "it holds one half for model.layers.0"),
        (_tensors(lambda tensors: tensors.update({f"{Q}.vera_d": torch.ones(2)})), r"got .*vera_d"),
        (lambda adapter: (adapter / "adapter_model.safetensors").unlink(), r"adapter_model\.safetensors: cannot be"),
        (lambda adapter: (adapter / "adapter_config.json").write_text("{"), "expected a JSON file"),
    ],
)  # fmt: skip
def test_a_damaged_adapter_is_explained_in_one_line(
    damage: Callable[[Path], None], message: str, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    adapter = Path(shutil.copytree(pair[1], tmp_path / "adapter"))
    damage(adapter)
    with pytest.raises(InputError, match=message) as caught:
        open_model(pair[0], adapter)
    assert "\n" not in str(caught.value)


def test_an_adapter_with_any_field_spoilt_is_written_or_refused_in_one_line(
    run_folder: Path, model_folder: Path, spoil: Callable[[Path], Iterator[str]], tmp_path: Path
) -> None:
    adapter = Path(shutil.copytree(run_folder / "adapter", tmp_path / "adapter"))
    tried = 0
    for place in spoil(adapter / "adapter_config.json"):
        tried += 1
        check_export(model_folder, adapter, tmp_path / "out.gguf", place)
    assert tried > 300


@pytest.mark.parametrize("pattern", ["(?i).*\\.Q_PROJ", ".*\\.(q|k)_proj"])
def test_a_regular_expression_with_flags_names_modules(pattern: str, tmp_path: Path) -> None:
    base = make_base(tmp_path / "base", tied=True)
    adapter = make_adapter(base, tmp_path / "adapter", target_modules=pattern)
    assert_same(read_all(open_model(base, adapter)), merged_by_peft(base, adapter))
