"""A model that would be written wrongly is refused, with what is supported and the way out."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.errors import InputError
from cadmonkey.gguf.config import ModelConfig, read_config
from tests.gguf.conftest import check_export

SIZES = {
    **{"vocab_size": 300, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 12},
    **{"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512},
}
GEMMA = {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 32}
STRETCHED = {
    **{"factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 64},
}
LOCAL, GLOBAL = "sliding_attention", "full_attention"


def _read(folder: Path, **values: Any) -> ModelConfig:
    (folder / "config.json").write_text(json.dumps(SIZES | values))
    return read_config(folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model_type": "phi3"}, "llama, mistral, qwen2, qwen3, gemma3_text, got phi3.*convert_hf_to_gguf.py"),
        ({"model_type": "llama", "hidden_act": "gelu"}, "the activation silu, got gelu"),
        ({"model_type": "llama", "quantization_config": {"bits": 4}}, "name the 16-bit model"),
        ({"model_type": "llama", "hidden_size": None}, "hidden_size: expected a whole number.*got none"),
        ({"model_type": "llama", "rope_scaling": {"type": "dynamic", "factor": 2.0}}, "linear, llama3, got dynamic"),
        ({"model_type": "llama", "rope_scaling": {"type": "linear"}}, "rope_scaling.factor: expected a positive"),
        ({"model_type": "llama", "rope_parameters": {"partial_rotary_factor": 0.5}}, "rope over the whole head"),
        ({"model_type": "qwen2", "use_sliding_window": True}, "attention over the whole context"),
        ({"model_type": "qwen2", "rope_scaling": {"type": "yarn", "factor": 4.0, "mscale": 1}}, "yarn's own scale"),
        ({"model_type": "qwen3", "attention_bias": True}, "a qwen3 without attention biases"),
        ({"model_type": "gemma3_text", **GEMMA, "query_pre_attn_scalar": 8}, "query_pre_attn_scalar 16, got 8"),
        ({"model_type": "gemma3_text", **GEMMA, "attn_logit_softcapping": 50.0}, "plain causal attention"),
        ({"model_type": "gemma3_text", **GEMMA, "layer_types": [GLOBAL, *[LOCAL] * 11]}, "every n-th layer"),
    ],
)  # fmt: skip
def test_what_llama_cpp_would_compute_otherwise_is_refused(values: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        _read(tmp_path, **values)
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "config.json") in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_attention_heads": 0}, "num_attention_heads: expected a whole number from 1 to .*, got 0; copy"),
        (
            {"num_attention_heads": 33, "num_key_value_heads": 1},
            "num_attention_heads: expected at most half the hidden_size 64",
        ),
        ({"num_hidden_layers": 10**6}, "num_hidden_layers: expected a whole number from 1 to 512, got 1000000"),
        ({"num_key_value_heads": 3}, "num_key_value_heads: expected a divisor of the 4 num_attention_heads, got 3"),
        ({"head_dim": 15}, "head_dim: expected an even number for each of the 4 heads, got 15"),
        ({"hidden_size": "x"}, "hidden_size: expected a whole number from 1 to .*, got x; copy"),
        ({"rms_norm_eps": float("nan")}, "rms_norm_eps: expected a positive number .*, got NaN"),
        ({"rope_theta": 1e99}, r"rope_theta: expected a positive number that 32 bits hold, got 1e\+99"),
        ({"tie_word_embeddings": "false"}, "tie_word_embeddings: expected true or false, got false"),
        ({"rope_scaling": "linear"}, "rope_scaling: expected an object, got linear"),
        (
            {"rope_scaling": {"type": "llama3", **STRETCHED, "high_freq_factor": 1}},
            "rope_scaling.high_freq_factor: expected more than the low_freq_factor 1, got 1",
        ),
        ({"model_type": ["llama"]}, r'expected a model_type among .*, got \["llama"\]'),
        (
            {"model_type": "gemma3_text", **GEMMA, "layer_types": True},
            "layer_types: expected a list of texts",
        ),
        ({"model_type": "mistral", "sliding_window": 0}, "sliding_window: expected a whole number"),
    ],
    ids=lambda given: None if isinstance(given, str) else "-".join(given),
)
def test_a_field_that_no_model_has_is_named(values: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        _read(tmp_path, **({"model_type": "llama"} | values))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'config.json'}: ")


def test_a_model_with_any_field_spoilt_is_written_or_refused_in_one_line(
    model_folder: Path, spoil: Callable[[Path], Iterator[str]], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(model_folder, tmp_path / "model"))
    tried = 0
    for place in spoil(folder / "config.json"):
        tried += 1
        check_export(folder, None, tmp_path / "out.gguf", place)
    assert tried > 200


GEMMA_ROPE = {"full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0}, "sliding_attention": {}}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128, "beta_fast": 32.0}


@pytest.mark.parametrize(
    "values",
    [
        {"model_type": "gemma3_text", **GEMMA, "layer_types": [LOCAL] * 12, "rope_parameters": GEMMA_ROPE},
        {"model_type": "qwen3", "head_dim": 32, "rope_parameters": YARN, "use_sliding_window": False},
        {"model_type": "mistral", "sliding_window": 64, "rope_scaling": None, "rope_theta": 1e4},
    ],
    ids=lambda values: values["model_type"],
)
def test_any_field_of_another_architecture_spoilt_is_read_or_refused_in_one_line(
    values: Any, spoil: Callable[[Path], Iterator[str]], tmp_path: Path
) -> None:
    _read(tmp_path, **values)
    outcomes = {"read": 0, "refused": 0}
    for _ in spoil(tmp_path / "config.json"):
        try:
            read_config(tmp_path)
            outcomes["read"] += 1
        except InputError as error:
            outcomes["refused"] += "\n" not in str(error) and "Error(" not in str(error)
    assert sum(outcomes.values()) >= 13 * len(SIZES | values)
    assert min(outcomes.values()) > 0


def test_rotations_are_read_from_the_keys_of_either_version_of_transformers(tmp_path: Path) -> None:
    old = _read(tmp_path, model_type="llama", rope_theta=5e5, rope_scaling={"type": "linear", "factor": 2.0})
    new = _read(tmp_path, model_type="llama", rope_parameters={"rope_theta": 5e5, "rope_type": "linear", "factor": 2.0})
    assert (old.rope.theta, old.rope.kind, old.rope.options["factor"]) == (5e5, "linear", 2.0)
    assert (new.rope.theta, new.rope.kind, new.rope.options["factor"]) == (5e5, "linear", 2.0)


def test_gemmas_layers_are_recognised_by_their_list(tmp_path: Path) -> None:
    fourth = _read(tmp_path, model_type="gemma3_text", **GEMMA, layer_types=([LOCAL] * 3 + [GLOBAL]) * 3)
    usual = _read(tmp_path, model_type="gemma3_text", **GEMMA)
    short = _read(tmp_path, model_type="gemma3_text", **GEMMA, layer_types=[LOCAL] * 4)
    assert (fourth.global_every, usual.global_every, short.global_every) == (4, 6, 6)
    assert (usual.tied, usual.rope.theta, usual.local_theta) == (True, 1e6, 1e4)


def test_a_mistral_with_a_window_promises_no_more_context_than_the_window(tmp_path: Path) -> None:
    assert _read(tmp_path, model_type="mistral", sliding_window=128).context_length == 128
    assert _read(tmp_path, model_type="mistral", sliding_window=None).context_length == 512
