"""The metadata of a GGUF file against the trained model's: special tokens, what is added to a text, hyperparameters.

Read from transformers' config and tokenizer, not by the code that writes the file.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from cadmonkey.gguf.vocabulary import end_of_turn

_GEMMA_PERIOD = 6
"""In llama.cpp every sixth layer of Gemma 3 sees the whole context, unless the file says otherwise."""
_WINDOW = "attention.sliding_window"


def first_metadata_difference(reader: Any, model: Any, tokenizer: Any) -> str:
    """Return in words where the metadata of a file, an open GGUFReader, is first another one; "" if it is not.

    The end token (eos) is compared elsewhere. A key of the architecture that the trained model does not call for is a
    difference, too: llama.cpp would heed it.
    """
    fields = {key: field.contents() for key, field in reader.fields.items() if not _is_list(key)}
    architecture = fields.get("general.architecture")
    sizes = {key.removeprefix(f"{architecture}."): value for key, value in fields.items() if _is_of(key, architecture)}
    tokens = {
        key.removeprefix("tokenizer.ggml."): value for key, value in fields.items() if key.startswith("tokenizer.ggml.")
    }
    differences = (*_special_tokens(tokens, tokenizer), *_hyperparameters(sizes, model.config))
    return next(iter(differences), "")


def _is_list(key: str) -> bool:
    return key.startswith("tokenizer.ggml.") and key.rpartition(".")[2] in ("tokens", "token_type", "merges", "scores")


def _is_of(key: str, architecture: Any) -> bool:
    return key.startswith(f"{architecture}.")


def _special_tokens(got: Mapping[str, Any], tokenizer: Any) -> Iterator[str]:
    wanted = {
        "bos": tokenizer.bos_token_id,
        "eot": tokenizer.convert_tokens_to_ids(end_of_turn(tokenizer)),
        "eom": tokenizer.get_vocab().get("<|eom_id|>"),
        "padding": tokenizer.pad_token_id,
        "unknown": tokenizer.unk_token_id,
    }
    named = {key.removesuffix("_token_id"): value for key, value in got.items() if key.endswith("_token_id")}
    # llama.cpp guesses a BOS where none is named; the others it need not know
    required = {"bos"} if wanted["bos"] is not None else set()
    for name in sorted((named.keys() | required) - {"eos"}):
        if named.get(name) != wanted.get(name):
            yield f"{name}_token_id is {named.get(name)}, expected {wanted.get(name)}"
    # an end behind the question would end the conversation before the answer
    flags = {"add_bos_token": _adds_bos(tokenizer), "add_eos_token": False, "add_sep_token": False}
    for name, expected in flags.items():
        # llama.cpp has defaults for BOS that depend on the tokenizer's kind, so it must be said
        value = got.get(name, None if name == "add_bos_token" else False)
        if value != expected:
            yield f"{name} is {value}, expected {expected}"


def _adds_bos(tokenizer: Any) -> bool:
    return tokenizer.bos_token_id is not None and tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]


def _hyperparameters(got: Mapping[str, Any], config: Any) -> Iterator[str]:
    wanted = _sizes(config) | _rotations(config)
    if softcap := getattr(config, "final_logit_softcapping", None):
        wanted["final_logit_softcapping"] = softcap
    for key in sorted((got.keys() | wanted.keys()) - {_WINDOW, f"{_WINDOW}_pattern"}):
        if not _same(got.get(key), wanted.get(key)):
            yield f"{key} is {got.get(key)}, expected {wanted.get(key)}"
    yield from _windows(got, config)


def _sizes(config: Any) -> dict[str, Any]:
    heads = config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    return {
        "block_count": config.num_hidden_layers,
        "context_length": _context(config),
        "embedding_length": config.hidden_size,
        "feed_forward_length": config.intermediate_size,
        "attention.head_count": heads,
        "attention.head_count_kv": config.num_key_value_heads,
        "attention.key_length": head_dim,
        "attention.value_length": head_dim,
        "attention.layer_norm_rms_epsilon": config.rms_norm_eps,
        "rope.dimension_count": head_dim,
        "vocab_size": config.vocab_size,
    }


def _context(config: Any) -> int:
    """Mistral's window binds where llama.cpp has none: up to its length both models are the same."""
    window = config.sliding_window if config.model_type == "mistral" else None
    return int(min(config.max_position_embeddings, window or config.max_position_embeddings))


def _rotations(config: Any) -> dict[str, Any]:
    """Return base frequencies and stretching; Llama 3's is a tensor in the file and none of its metadata."""
    given = config.rope_parameters
    rope = given.get("full_attention", given)
    wanted = {"rope.freq_base": rope["rope_theta"]}
    if "sliding_attention" in given:
        wanted["rope.freq_base_swa"] = given["sliding_attention"]["rope_theta"]
    if rope["rope_type"] in ("linear", "yarn"):
        wanted |= {"rope.scaling.type": rope["rope_type"], "rope.scaling.factor": rope["factor"]}
    if rope["rope_type"] == "yarn":
        original = rope.get("original_max_position_embeddings") or config.max_position_embeddings
        wanted["rope.scaling.original_context_length"] = original
        given_ends = {end: rope[end] for end in ("beta_fast", "beta_slow") if rope.get(end) is not None}
        wanted |= {f"rope.scaling.yarn_{end}": value for end, value in given_ends.items()}
    return wanted


def _windows(got: Mapping[str, Any], config: Any) -> Iterator[str]:
    """Compare which layers look back how far; only Gemma's layers differ in that."""
    layers = getattr(config, "layer_types", None) if config.model_type == "gemma3_text" else None
    window = config.sliding_window if layers and "sliding_attention" in layers else None
    if got.get(_WINDOW) != window:
        yield f"{_WINDOW} is {got.get(_WINDOW)}, expected {window}"
    period = got.get(f"{_WINDOW}_pattern", _GEMMA_PERIOD if window else 1)
    for number, kind in enumerate(layers or (), start=1):
        wide = number % period == 0
        if wide != (kind == "full_attention"):
            yield f"layer {number} sees {'the whole context' if wide else 'a window'}, expected {kind}"
            return


def _same(got: Any, wanted: Any) -> bool:
    """Numbers are stored in 32 bits."""
    if isinstance(got, float) and isinstance(wanted, int | float):
        return math.isclose(got, wanted, rel_tol=1e-6)
    return bool(got == wanted)
