"""SentencePiece tokenizers (Llama 2, Mistral, Gemma) in tokenizer.json's words, and the same in llama.cpp's."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from cadmonkey.errors import InputError

SPACE = "▁"
"""How SentencePiece writes a space."""

_UNUSED_SCORE, _ADDED_SCORE = -10000.0, -1000.0

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")


def unsupported(got: str) -> InputError:
    """Return the error for a tokenizer that llama.cpp is not known to reproduce."""
    return InputError(
        "tokenizer.json: expected byte-level BPE with exactly the split of Llama 3 (llama-bpe) or Qwen2.5 (qwen2), or "
        f"SentencePiece BPE as of Llama 2, Mistral or Gemma, got {got}; llama.cpp would cut the text into others: "
        "export a model of one of these families, or see whether llama.cpp's own convert_hf_to_gguf.py knows it"
    )


def is_sentencepiece(spec: Mapping[str, Any]) -> bool:
    """Whether tokenizer.json holds pieces that fall back to bytes, as SentencePiece does."""
    model = spec["model"]
    return model.get("type") == "BPE" and bool(model.get("byte_fallback"))


def is_byte(text: str) -> bool:
    """Whether a piece stands for one byte."""
    return _BYTE.fullmatch(text) is not None


def puts_space_first(spec: Mapping[str, Any]) -> bool:
    """Return whether each stretch of text gets a space before it.

    A tokenizer that does so only at the very beginning never does it in a chat, which begins with a control token.

    Raises:
        InputError: the text is changed in another way, too.
    """
    normalizer, split = spec.get("normalizer"), spec.get("pre_tokenizer")
    steps = [] if normalizer is None else normalizer.get("normalizers", [normalizer])
    match steps, split:
        case [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace"} as replace], None if _is_space(replace):
            return True
        case [{"type": "Replace"} as replace], None | {"type": "Split", "pattern": {"String": " "}} if _is_space(
            replace
        ):
            return False
        case [], {"type": "Metaspace", "replacement": "▁", "split": False, "prepend_scheme": scheme}:
            return bool(scheme == "always")
    raise unsupported(f"the normalizer {[step['type'] for step in steps]} and the split {split}")


def _is_space(replace: Mapping[str, Any]) -> bool:
    return replace.get("pattern") == {"String": " "} and replace.get("content") == SPACE


def piece_scores(spec: Mapping[str, Any], rows: int) -> list[float]:
    """Return scores with which llama.cpp merges in the same order: minus a piece's place among the normal ones.

    tokenizer.json lists pairs to merge; llama.cpp merges any two neighbours whose whole is a piece, the best whole
    first. Both agree if every such pair is on the list and the pairs of a better piece stand before those of a worse.

    Raises:
        InputError: they do not agree.
    """
    model = spec["model"]
    if model.get("ignore_merges"):
        raise unsupported("pieces with ignore_merges")
    vocab: dict[str, int] = model["vocab"]
    rank = {
        tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge): place
        for place, merge in enumerate(model["merges"])
    }
    added = {token["content"]: token["id"] for token in spec.get("added_tokens", ())}
    order = _merge_order(vocab.keys() - added.keys(), rank)
    first = min((vocab[piece] for piece in order), default=0)
    in_step = all(vocab[a] < vocab[b] for a, b in pairwise(order))
    scores = [_UNUSED_SCORE] * rows
    # only what merging makes is ever compared; the rest is as SentencePiece has it
    for piece, number in vocab.items():
        scores[number] = float(first - number) if in_step and not is_byte(piece) else 0.0
    if not in_step:
        for place, piece in enumerate(order):
            scores[vocab[piece]] = float(-place)
    for text, number in added.items():
        scores[number] = 0.0 if text in vocab else _ADDED_SCORE
    return scores


def _merge_order(pieces: "set[str]", rank: Mapping[tuple[str, ...], int]) -> list[str]:
    """Return the pieces that merging makes, best first."""
    ranks: dict[str, list[int]] = {}
    for piece in pieces:
        if is_byte(piece):
            continue
        for pair in _splits(piece, pieces):
            if pair not in rank:
                raise unsupported(f"pieces of which {pair[0]!r} and {pair[1]!r} make a third but are no merge")
            ranks.setdefault(piece, []).append(rank[pair])
    order = sorted(ranks, key=lambda piece: min(ranks[piece]))
    for better, worse in pairwise(order):
        if max(ranks[better]) > min(ranks[worse]):
            raise unsupported(f"merges that make {better!r} both before and after {worse!r}")
    return order


def _splits(piece: str, pieces: "set[str]") -> Iterator[tuple[str, str]]:
    for place in range(1, len(piece)):
        pair = piece[:place], piece[place:]
        if pair[0] in pieces and pair[1] in pieces:
            yield pair
