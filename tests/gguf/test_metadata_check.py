"""A true file whose metadata somebody changes in place is unproven, for what was changed; no true file is."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.gguf.metadata_check import first_metadata_difference
from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.original import Original
from cadmonkey.gguf.prove import prove_against
from cadmonkey.gguf.questions import Question
from tests.gguf.conftest import write_as


@pytest.fixture(scope="module")
def original(model: Any, tokenizer: Any, base_rows: list[dict[str, str]]) -> Original:
    """What the files are compared with."""
    return Original(model, tokenizer, [Question(row["prompt"], row["completion"]) for row in base_rows])


@pytest.fixture
def true_file(model: Any, tokenizer: Any, tmp_path: Path) -> Path:
    """A file of the model, to be edited in place."""
    write_as(model, tokenizer, tmp_path / "model-f16.gguf", Origin(name="tiny"))
    return tmp_path / "model-f16.gguf"


def edit(path: Path, key: str, value: float) -> None:
    """Change one number of the metadata, as `gguf_set_metadata.py` of the gguf package does."""
    from gguf import GGUFReader

    field = GGUFReader(path, "r+").fields[key]
    field.parts[field.data[0]][0] = value


EDITS = {
    "tokenizer.ggml.bos_token_id": (5, "bos_token_id is 5"),
    "tokenizer.ggml.eot_token_id": (5, "eot_token_id is 5"),
    "tokenizer.ggml.eom_token_id": (5, "eom_token_id is 5"),
    "tokenizer.ggml.padding_token_id": (5, "padding_token_id is 5"),
    "tokenizer.ggml.add_bos_token": (False, "add_bos_token is False, expected True"),
    "llama.context_length": (256, "context_length is 256, expected 512"),
    "llama.attention.layer_norm_rms_epsilon": (1.1e-6, "attention.layer_norm_rms_epsilon is 1.09999"),
    "llama.rope.freq_base": (10001.0, "rope.freq_base is 10001.0, expected 10000.0"),
}


@pytest.mark.parametrize("key", EDITS)
def test_a_true_file_with_one_number_changed_is_unproven(key: str, true_file: Path, original: Original) -> None:
    value, words = EDITS[key]
    edit(true_file, key, value)
    reasons = prove_against(true_file, "f16", original).reasons
    assert any(reason.startswith(f"other metadata: {words}") for reason in reasons), reasons


def test_a_key_that_the_model_does_not_call_for_is_a_difference(
    model: Any, tokenizer: Any, true_file: Path, tmp_path: Path
) -> None:
    from gguf import GGUFReader

    stretched = copy.deepcopy(model)
    stretched.config.rope_parameters = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}
    write_as(stretched, tokenizer, tmp_path / "linear.gguf", Origin(name="tiny"))
    assert first_metadata_difference(GGUFReader(true_file), model, tokenizer) == ""
    difference = first_metadata_difference(GGUFReader(tmp_path / "linear.gguf"), model, tokenizer)
    assert difference == "rope.scaling.factor is 2.0, expected None"


@pytest.mark.parametrize("doubled", [False, True], ids=["one BOS", "two"])
def test_the_server_makes_one_bos_of_the_templates_and_the_files(
    doubled: bool, model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    from cadmonkey.gguf.player import Player

    write_as(model, tokenizer, tmp_path / "m.gguf", Origin(name="tiny"))
    with Player(tmp_path / "m.gguf", n_ctx=64) as player:
        text = player.render("a cube")
        ids = player.tokenize_as_server(tokenizer.bos_token + text if doubled else text)
    assert ids.count(tokenizer.bos_token_id) == 1 + doubled


OTHERS: dict[str, dict[str, Any]] = {
    "linear": {"rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}},
    "another head size": {"head_dim": 32},
    "mistral": {"sliding_window": 128},
    "gemma3_text": {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 32, "num_hidden_layers": 7},
    "qwen3": {
        "head_dim": 32,
        "rope_parameters": {
            **{"rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0, "original_max_position_embeddings": 128},
        },
    },
}


@pytest.mark.parametrize("name", OTHERS)
def test_true_files_of_other_models_have_no_difference(
    name: str, new_llama: Callable[..., Any], tokenizer: Any, tmp_path: Path
) -> None:
    from gguf import GGUFReader
    from transformers import AutoConfig, AutoModelForCausalLM

    kept = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
            "num_key_value_heads", "max_position_embeddings", "bos_token_id", "eos_token_id")  # fmt: skip
    sizes = {key: getattr(new_llama().config, key) for key in kept}
    model_type = name if name in ("mistral", "gemma3_text", "qwen3") else "llama"
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(model_type, **(sizes | OTHERS[name])))
    write_as(model, tokenizer, tmp_path / "m.gguf", Origin(name=name))
    assert first_metadata_difference(GGUFReader(tmp_path / "m.gguf"), model, tokenizer) == ""


def test_an_answer_cut_off_by_a_wrong_end_is_not_taken_for_the_models_own(
    true_file: Path, model: Any, tokenizer: Any, base_rows: list[dict[str, str]]
) -> None:
    original = Original(model, tokenizer, [Question(row["prompt"]) for row in base_rows])
    whole = original.own_answers(original.asked)
    edit(true_file, "tokenizer.ggml.eot_token_id", whole[0][2])
    another = Original(model, tokenizer, [Question(row["prompt"]) for row in base_rows])
    figures = prove_against(true_file, "f16", another).figures
    assert figures.mean_tokens < sum(map(len, whole)) / len(whole), "the wrong end did cut an answer off"
    assert another.own_answers(another.asked) == whole
    assert (figures.original_stop_rate, figures.original_reserved_token_rate) == (1, 0)
