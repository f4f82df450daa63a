"""What config.json says of a model, for the architectures that we write: sizes, options, rotations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cadmonkey.errors import InputError
from cadmonkey.files import read_json

ARCHITECTURES = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "gemma3_text": "gemma3"}
"""`model_type` of the models that we write, and llama.cpp's name for each."""

_ROPE_TYPES = {"llama": ("linear", "llama3"), "gemma3": ("linear",)}
"""Stretched rotations beside the plain ones, by llama.cpp's architecture; the others have yarn."""

_DEFAULTS: dict[str, dict[str, Any]] = {
    "llama": {"rms_norm_eps": 1e-6},
    "mistral": {"rms_norm_eps": 1e-6, "num_key_value_heads": 8, "sliding_window": 4096},
    "qwen2": {"rms_norm_eps": 1e-6},
    "qwen3": {"rms_norm_eps": 1e-6, "head_dim": 128},
    "gemma3_text": {
        **{"rms_norm_eps": 1e-6, "head_dim": 256, "num_attention_heads": 8, "num_key_value_heads": 4},
        **{"max_position_embeddings": 131072, "sliding_window": 4096, "tie_word_embeddings": True},
        **{"rope_theta": 1e6, "query_pre_attn_scalar": 256},
    },
}
"""What transformers takes where config.json is silent; every size that is not here must be in the file."""

_GLOBAL_EVERY = 6
"""In Gemma 3 every sixth layer sees the whole context, unless the config says otherwise; so it is in llama.cpp."""


@dataclass(frozen=True)
class Rope:
    """Rotary position embedding: its base frequency and how it is stretched for long contexts."""

    theta: float
    kind: str = "default"
    """default, linear, llama3 or yarn."""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The part of config.json that a GGUF file needs."""

    architecture: str
    """llama.cpp's name."""
    model_type: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    states_head_dim: bool
    """Whether the file names head_dim itself."""
    context_length: int
    rms_norm_eps: float
    tied: bool
    """Whether embedding and output head are one matrix."""
    attention_bias: bool
    mlp_bias: bool
    rope: Rope
    local_theta: float = 10000.0
    """Base frequency of Gemma's layers with a sliding window."""
    sliding_window: int | None = None
    """Tokens that Gemma's local layers look back."""
    global_every: int = _GLOBAL_EVERY
    """Every so many layers one of Gemma's sees the whole context."""
    final_softcap: float | None = None


def read_config(folder: Path) -> ModelConfig:
    """Read and check config.json.

    Raises:
        InputError: it is missing or broken, or the model is one that this writer would get wrong.
    """
    path = folder / "config.json"
    raw = read_json(path)
    if not isinstance(raw, dict):
        raise InputError(f"{path}: expected an object, got {type(raw).__name__}")
    model_type = raw.get("model_type")
    if model_type not in ARCHITECTURES:
        raise refuse(path, "an architecture among " + ", ".join(ARCHITECTURES), str(model_type))
    # null is said on purpose: no window, no stretching
    values = {key: value for key, value in (_DEFAULTS[model_type] | raw).items() if value is not None}
    try:
        config = _parse(values)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: expected the sizes of a {model_type} model, {error!r} is missing or wrong"
        ) from error
    _check(path, values, config)
    return config


def refuse(path: Path, expected: str, got: str) -> InputError:
    """Return the error for a model that cannot be written here, with the way out."""
    return InputError(
        f"{path}: expected {expected}, got {got}; this model cannot be exported here, but llama.cpp's own converter "
        "may know it: merge the adapter with PEFT's merge_and_unload, then `python convert_hf_to_gguf.py FOLDER` in a "
        "checkout of llama.cpp"
    )


def _parse(values: Mapping[str, Any]) -> ModelConfig:
    model_type, heads, layers = values["model_type"], int(values["num_attention_heads"]), values["num_hidden_layers"]
    rope, local_theta = _read_rope(values)
    windowed = model_type == "gemma3_text"
    context = int(values["max_position_embeddings"])
    if model_type == "mistral" and values.get("sliding_window"):
        # llama.cpp lets every token see all others: the same up to the window's length, so that is what is promised
        context = min(context, int(values["sliding_window"])) if "layer_types" not in values else context
    return ModelConfig(
        architecture=ARCHITECTURES[model_type],
        model_type=model_type,
        vocab_size=int(values["vocab_size"]),
        hidden_size=int(values["hidden_size"]),
        intermediate_size=int(values["intermediate_size"]),
        num_hidden_layers=int(layers),
        num_attention_heads=heads,
        num_key_value_heads=int(values.get("num_key_value_heads", heads)),
        head_dim=int(values.get("head_dim", int(values["hidden_size"]) // heads)),
        states_head_dim="head_dim" in values,
        context_length=context,
        rms_norm_eps=float(values["rms_norm_eps"]),
        tied=bool(values.get("tie_word_embeddings", False)),
        attention_bias=model_type == "qwen2" or bool(values.get("attention_bias", False)),
        mlp_bias=bool(values.get("mlp_bias", False)),
        rope=rope,
        local_theta=local_theta,
        sliding_window=int(values["sliding_window"]) if windowed else None,
        global_every=_global_every(values) if windowed else _GLOBAL_EVERY,
        final_softcap=values.get("final_logit_softcapping"),
    )


def _read_rope(values: Mapping[str, Any]) -> tuple[Rope, float]:
    """Return the rotations and Gemma's local base frequency, from the keys of transformers 5 or 4."""
    given = dict(values.get("rope_parameters") or values.get("rope_scaling") or {})
    local_theta = float(values.get("rope_local_base_freq", 10000.0))
    if "full_attention" in given:
        local_theta = float((given.get("sliding_attention") or {}).get("rope_theta", local_theta))
        given = dict(given["full_attention"])
    theta = float(given.get("rope_theta", values.get("rope_theta", 10000.0)))
    kind = str(given.get("rope_type", given.get("type", "default")))
    return Rope(theta, kind, given), local_theta


def _global_every(values: Mapping[str, Any]) -> int:
    """Return how often a layer sees the whole context, 0 if no single number says it."""
    layers = values.get("layer_types")
    if not layers:
        return int(values.get("sliding_window_pattern", _GLOBAL_EVERY))
    wide = [number for number, kind in enumerate(layers, start=1) if kind == "full_attention"]
    every = wide[0] if wide else max(_GLOBAL_EVERY, len(layers) + 1)
    return every if wide == list(range(every, len(layers) + 1, every)) else 0


def _check(path: Path, values: Mapping[str, Any], config: ModelConfig) -> None:
    """Refuse options that llama.cpp has no counterpart for, or that would silently give other numbers."""
    is_gemma = config.architecture == "gemma3"
    if values.get("quantization_config"):
        raise InputError(f"{path}: expected 16- or 32-bit weights, got quantised ones; name the 16-bit model")
    activation = values.get(
        "hidden_activation" if is_gemma else "hidden_act", "gelu_pytorch_tanh" if is_gemma else "silu"
    )
    if activation != ("gelu_pytorch_tanh" if is_gemma else "silu"):
        raise refuse(path, "the activation gelu_pytorch_tanh" if is_gemma else "the activation silu", str(activation))
    if values.get("use_sliding_window"):
        raise refuse(path, "attention over the whole context", "use_sliding_window")
    if config.attention_bias and config.architecture not in ("llama", "qwen2"):
        raise refuse(path, f"a {config.model_type} without attention biases", "attention_bias")
    if is_gemma:
        _check_gemma(path, values, config)
    _check_rope(path, config)


def _check_gemma(path: Path, values: Mapping[str, Any], config: ModelConfig) -> None:
    # the 27B model, with 62 layers, is the only one that llama.cpp scales otherwise
    wanted = config.hidden_size // config.num_attention_heads if config.num_hidden_layers == 62 else config.head_dim
    if values["query_pre_attn_scalar"] != wanted:
        raise refuse(path, f"query_pre_attn_scalar {wanted}", str(values["query_pre_attn_scalar"]))
    if values.get("attn_logit_softcapping") or values.get("use_bidirectional_attention"):
        raise refuse(path, "plain causal attention", "attn_logit_softcapping or use_bidirectional_attention")
    if config.global_every == 0:
        raise refuse(path, "every n-th layer to see the whole context", "another order of layer_types")


def _check_rope(path: Path, config: ModelConfig) -> None:
    kinds = ("default", *_ROPE_TYPES.get(config.architecture, ("linear", "yarn")))
    rope = config.rope
    if rope.kind not in kinds:
        raise refuse(path, "a rope type among " + ", ".join(kinds), rope.kind)
    wanted = {
        "linear": ("factor",),
        "yarn": ("factor",),
        "llama3": ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
    }.get(rope.kind, ())
    if missing := [key for key in wanted if not isinstance(rope.options.get(key), int | float)]:
        raise InputError(f"{path}: expected {', '.join(missing)} for {rope.kind} rope, got none")
    if (share := rope.options.get("partial_rotary_factor", 1.0)) != 1.0:
        raise refuse(path, "rope over the whole head", f"partial_rotary_factor {share}")
    if unknown := [key for key in ("attention_factor", "mscale", "mscale_all_dim") if rope.options.get(key)]:
        raise refuse(path, "yarn's own scale of attention", unknown[0])
    if rope.options.get("truncate") is False:
        raise refuse(path, "yarn with whole dimensions", "truncate false")
