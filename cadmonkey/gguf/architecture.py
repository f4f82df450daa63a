"""How each architecture's tensors and sizes are called and kept in llama.cpp."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cadmonkey.gguf.config import ModelConfig

if TYPE_CHECKING:
    import numpy as np

EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"

_DEFAULT_GLOBAL_EVERY = 6


def tensor_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Return every tensor that the model must have, by transformers' name, in its order; a tied head is none."""
    shapes: dict[str, tuple[int, ...]] = {EMBEDDING: (config.vocab_size, config.hidden_size)}
    for layer in range(config.num_hidden_layers):
        shapes |= {f"model.layers.{layer}.{name}": shape for name, shape in _layer_shapes(config)}
    shapes["model.norm.weight"] = (config.hidden_size,)
    if not config.tied:
        shapes[HEAD] = shapes[EMBEDDING]
    return shapes


def _layer_shapes(config: ModelConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, wide = config.hidden_size, config.intermediate_size
    queries, keys = config.num_attention_heads * config.head_dim, config.num_key_value_heads * config.head_dim
    linear = {"q": (queries, hidden), "k": (keys, hidden), "v": (keys, hidden), "o": (hidden, queries)}
    for name, shape in linear.items():
        yield f"self_attn.{name}_proj.weight", shape
        if config.attention_bias and not (name == "o" and config.architecture == "qwen2"):
            yield f"self_attn.{name}_proj.bias", shape[:1]
    for name, shape in {"gate": (wide, hidden), "up": (wide, hidden), "down": (hidden, wide)}.items():
        yield f"mlp.{name}_proj.weight", shape
        if config.mlp_bias:
            yield f"mlp.{name}_proj.bias", shape[:1]
    norms = ["input_layernorm", "post_attention_layernorm"]
    if config.architecture == "gemma3":
        norms += ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
    yield from ((f"{name}.weight", (hidden,)) for name in norms)
    if config.architecture in ("qwen3", "gemma3"):
        yield from ((f"self_attn.{name}.weight", (config.head_dim,)) for name in ("q_norm", "k_norm"))


def llama_names(config: ModelConfig) -> dict[str, str]:
    """Return transformers' name -> llama.cpp's name of every tensor, an untied head's included."""
    from gguf import MODEL_ARCH, get_tensor_name_map

    names = get_tensor_name_map(MODEL_ARCH[config.architecture.upper()], config.num_hidden_layers)
    every = [*tensor_shapes(config), HEAD]
    return {name: names.get_name(name, try_suffixes=(".weight", ".bias")) for name in every}


def rows_together(name: str, config: ModelConfig) -> int:
    """Return how many rows `as_llama_has_it` needs at once: those of a head, where it reorders them."""
    return config.head_dim if _is_reordered(name, config) else 1


def as_llama_has_it(name: str, rows: "np.ndarray[Any, Any]", config: ModelConfig) -> "np.ndarray[Any, Any]":
    """Return whole heads of rows, or any rows of another tensor, as llama.cpp's graph expects them."""
    if _is_reordered(name, config):
        return interleave(rows, len(rows) // config.head_dim)
    if config.architecture == "gemma3" and name.endswith("norm.weight"):
        return rows + 1  # transformers adds the one when it computes
    return rows


def _is_reordered(name: str, config: ModelConfig) -> bool:
    return config.architecture == "llama" and (".q_proj." in name or ".k_proj." in name)


def interleave(rows: "np.ndarray[Any, Any]", heads: int) -> "np.ndarray[Any, Any]":
    """Reorder the rows (heads * head_dim, ...) of a query or key projection for llama.cpp's llama.

    transformers rotates dimension i of a head together with i + head_dim/2; llama.cpp rotates neighbours, so the two
    halves of every head are interleaved: 0, d/2, 1, d/2 + 1, ...
    """
    import numpy as np

    halves = rows.reshape(heads, 2, -1, *rows.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(rows.shape)


def rope_factors(config: ModelConfig) -> "np.ndarray[Any, Any] | None":
    """Return Llama 3.1's stretched rotations, as one divisor for each frequency (Meta's reference `apply_scaling`).

    Short waves keep their frequency, long ones are divided by the whole factor, those between by a blend of the two.
    """
    import numpy as np

    if config.rope.kind != "llama3":
        return None
    rope, single = config.rope.options, np.float32
    original, low, high = rope["original_max_position_embeddings"], rope["low_freq_factor"], rope["high_freq_factor"]
    # in 32 bits throughout, as the model computes its own frequencies
    exponents = np.arange(0, config.head_dim, 2, dtype=single) / single(config.head_dim)
    wavelengths = single(2 * math.pi) / (single(1) / single(config.rope.theta) ** exponents)
    smooth = ((single(original) / wavelengths - single(low)) / single(high - low)).clip(0, 1)
    blended = single(1) / ((single(1) - smooth) / single(rope["factor"]) + smooth)
    return np.where(wavelengths > original / low, single(rope["factor"]), blended).astype(single)


def write_hyperparameters(writer: Any, config: ModelConfig) -> None:
    """Write the sizes and options under the keys that llama.cpp reads."""
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.context_length)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope.theta)
    writer.add_vocab_size(config.vocab_size)
    _write_rope_scaling(writer, config)
    if config.architecture == "gemma3":
        _write_windows(writer, config)


def _write_rope_scaling(writer: Any, config: ModelConfig) -> None:
    import gguf

    rope = config.rope
    if rope.kind == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope.options["factor"])
    if rope.kind == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope.options["factor"])
        original = rope.options.get("original_max_position_embeddings", config.context_length)
        writer.add_rope_scaling_orig_ctx_len(int(original))
        for end in ("beta_fast", "beta_slow"):
            if rope.options.get(end) is not None:
                getattr(writer, f"add_rope_scaling_yarn_{end}")(rope.options[end])


def _write_windows(writer: Any, config: ModelConfig) -> None:
    writer.add_rope_freq_base_swa(config.local_theta)
    if config.global_every != 1:
        writer.add_sliding_window(config.sliding_window)
    if config.global_every not in (1, _DEFAULT_GLOBAL_EVERY):
        writer.add_sliding_window_pattern(config.global_every)
    if config.final_softcap:
        writer.add_final_logit_softcapping(config.final_softcap)
