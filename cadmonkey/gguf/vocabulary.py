"""A Hugging Face tokenizer as llama.cpp must see it: pre-tokenizer, tokens, their kinds, merges, special ids."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadmonkey.data.chat import end_token, freeze_template
from cadmonkey.errors import InputError
from cadmonkey.gguf.sentencepiece import (
    SPACE,
    is_byte,
    is_sentencepiece,
    piece_scores,
    puts_space_first,
    unsupported,
)

_LETTERS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

PRE_TOKENIZERS = {
    _LETTERS + r"\p{N}{1,3}" + _REST: "llama-bpe",
    _LETTERS + r"\p{N}" + _REST: "qwen2",
}
"""The split regexes that llama.cpp implements exactly, and its names for them (`tokenizer.ggml.pre`)."""

_TAKES_WHOLE_WORDS = {"llama-bpe": True, "qwen2": False}
"""Whether llama.cpp takes a word that is a token as it is, before any merge (`ignore_merges` in tokenizer.json)."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What `tokenizer.ggml.*` holds; `tokens` and `types` have one entry for each row of the embedding."""

    model: str
    """gpt2 for byte-level BPE, llama for SentencePiece."""
    pre: str
    tokens: list[str]
    types: list[int]
    merges: list[str]
    """Of byte-level BPE, in order."""
    scores: list[float]
    """Of SentencePiece, one for each token: the highest pair of neighbours is merged first."""
    space_prefix: bool | None
    """Whether a text of SentencePiece gets a space before it; None where that does not apply."""
    special_ids: dict[str, int]
    """bos, eos, eot, eom, pad, unk -> id, those that the tokenizer has."""
    add_bos: bool
    chat_template: str | None


def read_vocabulary(tokenizer: Any, rows: int) -> Vocabulary:
    """Read a BPE or SentencePiece tokenizer for a model whose embedding has `rows` rows.

    Raises:
        InputError: llama.cpp has no exact counterpart of this tokenizer, or it has more tokens than the model.
    """
    spec = _tokenizer_json(tokenizer)
    pieces = is_sentencepiece(spec)
    tokens, types = _list_tokens(tokenizer, rows, pieces)
    return Vocabulary(
        model="llama" if pieces else "gpt2",
        pre="default" if pieces else _recognise(spec),
        tokens=tokens,
        types=types,
        merges=[] if pieces else _read_merges(spec),
        scores=piece_scores(spec, rows) if pieces else [],
        space_prefix=puts_space_first(spec) if pieces else None,
        special_ids=_special_ids(tokenizer),
        add_bos=_adds_bos(tokenizer),
        chat_template=_template(tokenizer),
    )


def _recognise(spec: Mapping[str, Any]) -> str:
    """Return llama.cpp's name of a byte-level pre-tokenizer, known by its very regex.

    Raises:
        InputError: it is not one that llama.cpp is known to reproduce token by token.
    """
    model, steps = spec["model"], (spec.get("pre_tokenizer") or {}).get("pretokenizers") or []
    if model.get("type") != "BPE" or model.get("byte_fallback") or [step["type"] for step in steps] != _STEPS:
        raise unsupported(f"a {model.get('type')} model with {[step['type'] for step in steps]}")
    split, byte_level = steps
    name = PRE_TOKENIZERS.get(split["pattern"].get("Regex", ""))
    if name is None or split["behavior"] != "Isolated" or split["invert"]:
        raise unsupported(f"the split {split['pattern']}")
    if byte_level["add_prefix_space"] or byte_level["use_regex"]:
        raise unsupported("a byte-level step that adds a space or splits by itself")
    if bool(model.get("ignore_merges")) != _TAKES_WHOLE_WORDS[name]:
        raise unsupported(f"the {name} split with ignore_merges={bool(model.get('ignore_merges'))}")
    if (spec.get("normalizer") or {"type": "NFC"})["type"] != "NFC":
        raise unsupported(f"the normalizer {spec['normalizer']['type']}")
    return name


_STEPS = ["Split", "ByteLevel"]


def _tokenizer_json(tokenizer: Any) -> dict[str, Any]:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise unsupported(f"a {type(tokenizer).__name__} without a tokenizer.json")
    return dict(json.loads(backend.to_str()))


def _list_tokens(tokenizer: Any, rows: int, pieces: bool) -> tuple[list[str], list[int]]:
    """Return text and kind of every row of the embedding, rows that no token uses included."""
    from gguf import TokenType

    text_of = {number: text for text, number in tokenizer.get_vocab().items()}
    added = tokenizer.added_tokens_decoder
    used = (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token, tokenizer.chat_template or "")
    # a marker without a row that nothing uses (Gemma 3's of images, in the models of text alone) is left out
    markers = {n for n in added if added[n].special and not any(added[n].content in text for text in used if text)}
    if beyond := [number for number in text_of if number >= rows and number not in markers]:
        raise InputError(
            f"tokenizer: expected at most {rows} tokens, the rows of the model's embedding, got {max(beyond) + 1}; "
            "use the tokenizer that belongs to this model"
        )
    named = {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}
    tokens, types = [], []
    for number in range(rows):
        text = text_of.get(number, f"[PAD{number}]")
        if number not in text_of:
            kind = TokenType.UNUSED
        elif number not in added:
            kind = TokenType.BYTE if pieces and is_byte(text) else TokenType.NORMAL
        elif pieces and number == tokenizer.unk_token_id:
            kind = TokenType.UNKNOWN
        elif added[number].special or number in named or _looks_special(text):
            kind = TokenType.CONTROL
        else:
            kind = TokenType.USER_DEFINED
            # llama.cpp looks for these in the text itself, before spaces become pieces
            text = text.replace(SPACE, " ") if pieces else text
        tokens.append(text)
        types.append(int(kind))
    return tokens, types


def _looks_special(text: str) -> bool:
    """Qwen marks <|fim_pad|> and its like as ordinary added tokens; to llama.cpp they are control tokens."""
    return text.startswith("<|") and text.endswith("|>")


def _read_merges(spec: Mapping[str, Any]) -> list[str]:
    """Return the merges as pairs with a space between them, in either of the two forms that tokenizer.json has."""
    merges = spec["model"].get("merges")
    if not merges:
        raise unsupported("a vocabulary without merges")
    return [merge if isinstance(merge, str) else " ".join(merge) for merge in merges]


def _special_ids(tokenizer: Any) -> dict[str, int]:
    if tokenizer.eos_token_id is None:
        raise InputError("tokenizer: expected an eos_token, with which the model ends its answer, got none")
    ids = {
        "bos": tokenizer.bos_token_id,
        "eos": tokenizer.eos_token_id,
        "eot": tokenizer.convert_tokens_to_ids(end_of_turn(tokenizer)),
        "eom": tokenizer.get_vocab().get("<|eom_id|>"),
        "pad": tokenizer.pad_token_id,
        "unk": tokenizer.unk_token_id,
    }
    return {name: int(number) for name, number in ids.items() if number is not None}


def end_of_turn(tokenizer: Any) -> str:
    """Return the token that ends an answer by the chat template; the eos token where no template says.

    A run's tokenizer has the same for both; some instruct models name another token as eos.
    """
    try:
        return end_token(tokenizer)
    except InputError:
        return str(tokenizer.eos_token)


def _adds_bos(tokenizer: Any) -> bool:
    """Ask the tokenizer itself; what its files say of add_bos_token differs by version."""
    first: list[int] = tokenizer("a")["input_ids"][:1]
    return tokenizer.bos_token_id is not None and first == [tokenizer.bos_token_id]


def _template(tokenizer: Any) -> str | None:
    template = getattr(tokenizer, "chat_template", None)
    if isinstance(template, dict):
        template = template.get("default")
    return freeze_template(template) if template else None
