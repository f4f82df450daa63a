"""A model that would be written wrongly is refused, with what is supported and the way out."""

import json
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.errors import InputError
from cadmonkey.gguf.config import ModelConfig, read_config

SIZES = {
    **{"vocab_size": 300, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 12},
    **{"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512},
}
GEMMA = {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 32}
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
        ({"model_type": "llama", "hidden_size": None}, "expected the sizes of a llama model"),
        ({"model_type": "llama", "rope_scaling": {"type": "dynamic", "factor": 2.0}}, "linear, llama3, got dynamic"),
        ({"model_type": "llama", "rope_scaling": {"type": "linear"}}, "expected factor for linear rope"),
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
