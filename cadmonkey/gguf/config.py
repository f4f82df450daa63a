"""What config.json says of a model, for the architectures that we write: sizes, options, rotations."""

import json
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

_NEEDED = {
    "default": (),
    "linear": ("factor",),
    "yarn": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
}
"""What the rotations of a kind are stretched by."""

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


_MOST = 2**31 - 1
"""Of any size: what llama.cpp counts with."""

_MOST_LAYERS = 512
"""LLAMA_MAX_LAYERS of llama.cpp."""

_LONGEST_SHOWN = 60
"""Characters of a value that a message repeats."""

LARGEST_NUMBER = 3.4e38
"""A GGUF file holds numbers in 32 bits."""


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
    if not isinstance(model_type, str) or model_type not in ARCHITECTURES:
        raise refuse(path, "a model_type among " + ", ".join(ARCHITECTURES), as_json(model_type))
    # null is said on purpose: no window, no stretching
    values = {key: value for key, value in (_DEFAULTS[model_type] | raw).items() if value is not None}
    config = _parse(_Fields(path, values))
    _check(path, values, config)
    return config


def as_json(value: Any) -> str:
    """Return a value of a file for a message as the file has it, shortened; a text without its quotes."""
    text = value if isinstance(value, str) else "none" if value is None else json.dumps(value, ensure_ascii=False)
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]}…"


def refuse(path: Path, expected: str, got: str) -> InputError:
    """Return the error for a model that cannot be written here, with the way out."""
    return InputError(
        f"{path}: expected {expected}, got {got}; this model cannot be exported here, but llama.cpp's own converter "
        "may know it: merge the adapter with PEFT's merge_and_unload, then `python convert_hf_to_gguf.py FOLDER` in a "
        "checkout of llama.cpp"
    )


@dataclass(frozen=True)
class _Fields:
    """Entries of config.json, or of an object in it that `place` names; each is checked where it is read."""

    path: Path
    values: Mapping[str, Any]
    place: str = ""

    def size(self, key: str, default: int | None = None, most: int = _MOST) -> int:
        """Return a whole number from 1 on."""
        value = self.values.get(key, default)
        if type(value) is not int or not 1 <= value <= most:
            raise self.wrong(key, f"a whole number from 1 to {most}")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """Return a positive number."""
        value = self.values.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= LARGEST_NUMBER:
            raise self.wrong(key, "a positive number that 32 bits hold")
        return float(value)

    def flag(self, key: str) -> bool:
        """Return true or false, false where nothing is said."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def text(self, key: str, default: str) -> str:
        """Return a text."""
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, "a text")
        return value

    def inner(self, key: str) -> "_Fields":
        """Return the entries of an object, none where there is no such object; null counts as absent there, too."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, "an object")
        known = {name: entry for name, entry in value.items() if entry is not None}
        return _Fields(self.path, known, f"{self.place}{key}.")

    def wrong(self, key: str, expected: str) -> InputError:
        """Return the error for an entry that is missing or none that a model can have."""
        got = as_json(self.values.get(key))
        return InputError(
            f"{self.path}: {self.place}{key}: expected {expected}, got {got}; copy config.json of the model again"
        )


def _parse(fields: _Fields) -> ModelConfig:
    values = fields.values
    model_type, heads = values["model_type"], fields.size("num_attention_heads")
    rope, local_theta = _read_rope(fields)
    windowed = model_type == "gemma3_text"
    return ModelConfig(
        architecture=ARCHITECTURES[model_type],
        model_type=model_type,
        vocab_size=fields.size("vocab_size"),
        hidden_size=fields.size("hidden_size"),
        intermediate_size=fields.size("intermediate_size"),
        num_hidden_layers=fields.size("num_hidden_layers", most=_MOST_LAYERS),
        num_attention_heads=heads,
        num_key_value_heads=_key_value_heads(fields, heads),
        head_dim=_head_dim(fields, heads),
        states_head_dim="head_dim" in values,
        context_length=_context_length(fields),
        rms_norm_eps=fields.number("rms_norm_eps"),
        tied=fields.flag("tie_word_embeddings"),
        attention_bias=fields.flag("attention_bias") or model_type == "qwen2",
        mlp_bias=fields.flag("mlp_bias"),
        rope=rope,
        local_theta=local_theta,
        sliding_window=fields.size("sliding_window") if windowed else None,
        global_every=_global_every(fields) if windowed else _GLOBAL_EVERY,
        final_softcap=fields.number("final_logit_softcapping") if "final_logit_softcapping" in values else None,
    )


def _key_value_heads(fields: _Fields, heads: int) -> int:
    count = fields.size("num_key_value_heads", heads)
    if heads % count:
        raise fields.wrong("num_key_value_heads", f"a divisor of the {heads} num_attention_heads")
    return count


def _head_dim(fields: _Fields, heads: int) -> int:
    """Return the numbers of a head, of which rotations turn one half with the other."""
    if "head_dim" not in fields.values and fields.size("hidden_size") < 2 * heads:
        raise fields.wrong("num_attention_heads", f"at most half the hidden_size {fields.size('hidden_size')}")
    head_dim = fields.size("head_dim", fields.size("hidden_size") // heads)
    if head_dim % 2:
        raise fields.wrong("head_dim", f"an even number for each of the {heads} heads")
    return head_dim


def _context_length(fields: _Fields) -> int:
    context = fields.size("max_position_embeddings")
    if fields.values["model_type"] != "mistral" or not {"sliding_window", "layer_types"} & fields.values.keys():
        return context
    # llama.cpp lets every token see all others: the same up to the window's length, so that is what is promised
    return context if "layer_types" in fields.values else min(context, fields.size("sliding_window"))


def _read_rope(fields: _Fields) -> tuple[Rope, float]:
    """Return the rotations and Gemma's local base frequency, from the keys of transformers 5 or 4."""
    given = fields.inner("rope_parameters")
    given = given if given.values else fields.inner("rope_scaling")
    local_theta = fields.number("rope_local_base_freq", 10000.0)
    if "full_attention" in given.values:
        local_theta = given.inner("sliding_attention").number("rope_theta", local_theta)
        given = given.inner("full_attention")
    theta = given.number("rope_theta", fields.number("rope_theta", 10000.0))
    kind = given.text("rope_type", given.text("type", "default"))
    _check_rope(fields.path, kind, given, ARCHITECTURES[fields.values["model_type"]])
    return Rope(theta, kind, given.values), local_theta


def _global_every(fields: _Fields) -> int:
    """Return how often a layer sees the whole context, 0 if no single number says it."""
    layers = fields.values.get("layer_types", [])
    if not isinstance(layers, list):
        raise fields.wrong("layer_types", "a list of texts")
    if not layers:
        return fields.size("sliding_window_pattern", _GLOBAL_EVERY)
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
        raise refuse(
            path, "the activation gelu_pytorch_tanh" if is_gemma else "the activation silu", as_json(activation)
        )
    if values.get("use_sliding_window"):
        raise refuse(path, "attention over the whole context", "use_sliding_window")
    if config.attention_bias and config.architecture not in ("llama", "qwen2"):
        raise refuse(path, f"a {config.model_type} without attention biases", "attention_bias")
    if is_gemma:
        _check_gemma(path, values, config)


def _check_gemma(path: Path, values: Mapping[str, Any], config: ModelConfig) -> None:
    # the 27B model, with 62 layers, is the only one that llama.cpp scales otherwise
    wanted = config.hidden_size // config.num_attention_heads if config.num_hidden_layers == 62 else config.head_dim
    if (scalar := values.get("query_pre_attn_scalar")) != wanted:
        raise refuse(path, f"query_pre_attn_scalar {wanted}", as_json(scalar))
    if values.get("attn_logit_softcapping") or values.get("use_bidirectional_attention"):
        raise refuse(path, "plain causal attention", "attn_logit_softcapping or use_bidirectional_attention")
    if config.global_every == 0:
        raise refuse(path, "every n-th layer to see the whole context", "another order of layer_types")


def _check_rope(path: Path, kind: str, rope: _Fields, architecture: str) -> None:
    kinds = ("default", *_ROPE_TYPES.get(architecture, ("linear", "yarn")))
    if kind not in kinds:
        raise refuse(path, "a rope type among " + ", ".join(kinds), as_json(kind))
    for key in _NEEDED[kind]:
        rope.number(key)
    for key in ("beta_fast", "beta_slow"):
        rope.number(key, 1.0)
    if kind == "llama3" and not rope.number("low_freq_factor") < rope.number("high_freq_factor"):
        raise rope.wrong("high_freq_factor", f"more than the low_freq_factor {rope.number('low_freq_factor'):g}")
    if kind == "yarn" and "original_max_position_embeddings" in rope.values:
        rope.size("original_max_position_embeddings")
    if (share := rope.values.get("partial_rotary_factor", 1.0)) != 1.0:
        raise refuse(path, "rope over the whole head", f"partial_rotary_factor {as_json(share)}")
    if unknown := [key for key in ("attention_factor", "mscale", "mscale_all_dim") if rope.values.get(key)]:
        raise refuse(path, "yarn's own scale of attention", unknown[0])
    if rope.values.get("truncate") is False:
        raise refuse(path, "yarn with whole dimensions", "truncate false")
