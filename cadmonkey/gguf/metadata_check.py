"""The metadata of a GGUF file against the trained model's: tokens, template, sizes, its kind and where it comes from.

Read from transformers' config and tokenizer and from the model's record, not by the code that writes the file.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cadmonkey.data.chat import freeze_template
from cadmonkey.gguf.config import ARCHITECTURES
from cadmonkey.gguf.origin import Origin, hub_url
from cadmonkey.gguf.vocabulary import end_of_turn

_GEMMA_PERIOD = 6
"""In llama.cpp every sixth layer of Gemma 3 sees the whole context, unless the file says otherwise."""
_WINDOW = "attention.sliding_window"
_TEMPLATE = "tokenizer.chat_template"
_LISTS = ("tokens", "token_type", "merges", "scores")
"""Of the vocabulary, which is compared elsewhere."""
_KNOWN = ("model", "pre", "add_space_prefix")
"""What says how a text is cut, which the token ids of the prompts show."""
_LONGEST_SHOWN = 60
"""Characters of a text that a message repeats."""


def first_metadata_difference(reader: Any, kind: str, model: Any, tokenizer: Any, origin: Origin | None = None) -> str:
    """Return in words where the metadata of a file, an open GGUFReader, is first another one; "" if it is not.

    The end token (eos) is compared elsewhere. A key that the trained model does not call for is a difference, too:
    llama.cpp would heed it. Without an `origin` the name, the licence and the like may be any.
    """
    fields = {
        key: field.contents() for key, field in reader.fields.items() if not (_is_list(key) or key.startswith("GGUF."))
    }
    config, of_the_kind = model.config, _of_the_kind(kind, model.config)
    differences = (
        *_differences(fields, of_the_kind),
        *_special_tokens(_under("tokenizer.ggml.", fields), tokenizer),
        *_hyperparameters(_under(f"{fields.get('general.architecture')}.", fields), config),
        *_template(fields.get(_TEMPLATE), tokenizer.chat_template),
        *([] if origin is None else _descent(fields, of_the_kind, origin, reader)),
        *_strangers(fields),
    )
    return next(iter(differences), "")


def _is_list(key: str) -> bool:
    return key.startswith("tokenizer.ggml.") and key.rpartition(".")[2] in _LISTS


def _under(prefix: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in fields.items() if key.startswith(prefix)}


def _differences(got: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    for key, value in wanted.items():
        if got.get(key) != value:
            yield f"{key} is {_short(got.get(key))}, expected {_short(value)}"


def _short(value: Any) -> str:
    text = "missing" if value is None else str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _of_the_kind(kind: str, config: Any) -> dict[str, Any]:
    """Return what says how a file is to be read; the number of a kind is llama.cpp's own."""
    import llama_cpp
    from gguf import GGML_QUANT_VERSION

    return {
        "general.architecture": ARCHITECTURES[config.model_type],
        "general.type": "model",
        "general.file_type": getattr(llama_cpp, f"LLAMA_FTYPE_{'ALL' if kind == 'f32' else 'MOSTLY'}_{kind.upper()}"),
        "general.quantization_version": GGML_QUANT_VERSION,
    }


def _descent(fields: Mapping[str, Any], of_the_kind: Iterable[str], origin: Origin, reader: Any) -> Iterator[str]:
    """Compare what the file is called, where it comes from and what it writes with what was recorded."""
    wanted = {key: value for key, value in _recorded(origin, reader).items() if value}
    yield from _differences(fields, wanted)
    for key, value in fields.items():
        if key.startswith("general.") and key not in wanted and key not in of_the_kind:
            yield f"{key} is {_short(value)}, expected none"
    if (language := fields.get("cadmonkey.language", "")) != origin.language:
        yield f"cadmonkey.language is {language or 'missing'}, expected {origin.language or 'none'}"


def _recorded(origin: Origin, reader: Any) -> dict[str, Any]:
    from gguf import size_label

    numbers = sum(int(tensor.n_elements) for tensor in reader.tensors)
    return {
        "general.name": origin.name,
        "general.author": origin.author,
        "general.size_label": size_label(numbers, numbers, 0, 0),
        "general.license": origin.license,
        "general.license.name": origin.license_name,
        "general.license.link": origin.license_link,
        "general.source.repo_url": hub_url(origin.source) if origin.source else "",
        "general.tags": list(origin.tags),
        "general.languages": list(origin.languages),
        **_listed("base_model", origin.base_entries),
        **_listed("dataset", origin.dataset_entries),
    }


def _listed(name: str, entries: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    parts = {f"general.{name}.{n}.{key}": value for n, entry in enumerate(entries) for key, value in entry.items()}
    return {f"general.{name}.count": len(entries)} | parts


def _strangers(fields: Mapping[str, Any]) -> Iterator[str]:
    """Name the keys of no kind that a file of ours has, such as a second template."""
    known = ("general.", "tokenizer.ggml.", "quantize.imatrix.", f"{fields.get('general.architecture')}.")
    for key, value in fields.items():
        if not key.startswith(known) and key not in (_TEMPLATE, "cadmonkey.language"):
            yield f"{key} is {_short(value)}, expected none"


def _template(got: Any, trained: str | None) -> Iterator[str]:
    """Compare the text itself, but for the date: no set of questions reaches every branch of a template."""
    wanted = freeze_template(trained) if trained else None
    if got == wanted:
        return
    if not isinstance(got, str) or wanted is None:
        yield f"{_TEMPLATE} is {_short(got)}, expected {'none' if wanted is None else 'that of the tokenizer'}"
        return
    same = next((n for n, pair in enumerate(zip(got, wanted, strict=False)) if pair[0] != pair[1]), None)
    same = min(len(got), len(wanted)) if same is None else same
    here, there = (text[same : same + _LONGEST_SHOWN] for text in (got, wanted))
    yield f"{_TEMPLATE} is another text from character {same + 1} on: {here!r}, expected {there!r}"


def _special_tokens(got: Mapping[str, Any], tokenizer: Any) -> Iterator[str]:
    named = {key.removesuffix("_token_id"): value for key, value in got.items() if key.endswith("_token_id")}
    wanted = _special_ids(tokenizer)
    # byte-level BPE can spell any text, and for SentencePiece llama.cpp takes token 0
    if "unknown" not in named and (got.get("model") != "llama" or wanted.get("unknown") == 0):
        wanted.pop("unknown", None)
    for name in sorted((named.keys() | wanted.keys()) - {"eos"}):
        if named.get(name) != wanted.get(name):
            yield f"{name}_token_id is {_short(named.get(name))}, expected {wanted.get(name, 'none')}"
    # an end behind the question would end the conversation before the answer
    flags = {"add_bos_token": _adds_bos(tokenizer), "add_eos_token": False, "add_sep_token": False}
    for name, expected in flags.items():
        # llama.cpp has defaults for BOS that depend on the tokenizer's kind, so it must be said
        value = got.get(name, None if name == "add_bos_token" else False)
        if value != expected:
            yield f"{name} is {_short(value)}, expected {expected}"
    others = {key for key in got if not key.endswith("_token_id")} - {*flags, *_KNOWN}
    yield from (f"tokenizer.ggml.{key} is {_short(got[key])}, expected none" for key in sorted(others))


def _special_ids(tokenizer: Any) -> dict[str, int]:
    ids = {
        "bos": tokenizer.bos_token_id,
        "eot": tokenizer.convert_tokens_to_ids(end_of_turn(tokenizer)),
        "eom": tokenizer.get_vocab().get("<|eom_id|>"),
        "padding": tokenizer.pad_token_id,
        "unknown": tokenizer.unk_token_id,
    }
    return {name: number for name, number in ids.items() if number is not None}


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
