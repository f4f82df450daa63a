"""The vocabulary in a GGUF file against the trained model's tokenizer: what the asked prompts may never touch.

Read from transformers' tokenizer, not by the code that writes the file.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _UNUSED, _BYTE_TYPE = 1, 2, 3, 4, 5, 6
_TYPE_NAMES = {1: "normal", 2: "unknown", 3: "control", 4: "user-defined", 5: "unused", 6: "byte"}


@dataclass(frozen=True)
class TrainedVocabulary:
    """What a file of the trained model must have; tokens and types have an entry for each row of the embedding."""

    tokens: tuple[str | None, ...]
    """None for a row that no token uses."""
    types: tuple[frozenset[int], ...]
    """The types by which llama.cpp reads a text as the tokenizer does."""
    merges: tuple[tuple[str, str], ...]
    has_pieces: bool
    """Whether it is SentencePiece, where scores stand for merges."""
    added: frozenset[str]

    @classmethod
    def of(cls, tokenizer: Any, rows: int) -> Self:
        """Read transformers' `tokenizer` for a model with `rows` rows of token embeddings."""
        model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
        pieces = bool(model.get("byte_fallback"))
        tokens = tuple(tokenizer.backend_tokenizer.id_to_token(number) for number in range(rows))
        added = tokenizer.added_tokens_decoder
        types = tuple(_types(number, text, added, pieces) for number, text in enumerate(tokens))
        merges = tuple(
            (pair[0], pair[1])
            for pair in (m.split(" ", 1) if isinstance(m, str) else m for m in model.get("merges") or ())
        )
        return cls(tokens, types, merges, pieces, frozenset(token.content for token in added.values()))

    def first_difference(self, reader: Any) -> str:
        """Return in words where the vocabulary of a file, an open GGUFReader, is first another one; "" if it is not."""
        tokens, types = _array(reader, "tokens"), _array(reader, "token_type")
        if not len(tokens) == len(types) == len(self.tokens):
            return f"{len(tokens)} tokens with {len(types)} types, expected {len(self.tokens)}"
        differences = self._scores(tokens, reader) if self.has_pieces else self._merges(reader)
        return next(self._tokens(tokens, types), "") or next(differences, "")

    def _tokens(self, tokens: list[str], types: list[int]) -> Iterator[str]:
        for number, (text, kind, wanted, kinds) in enumerate(zip(tokens, types, self.tokens, self.types, strict=True)):
            # llama.cpp looks for added tokens in the text itself, before spaces become pieces
            spelt = wanted.replace("▁", " ") if wanted and self.has_pieces and kind == _USER_DEFINED else wanted
            if wanted is not None and text != spelt:
                yield f"token {number} is {text!r}, expected {spelt!r}"
            if kind not in kinds:
                expected = " or ".join(_TYPE_NAMES[k] for k in sorted(kinds))
                yield f"token {number}, {text!r}, is {_TYPE_NAMES.get(kind, kind)}, expected {expected}"

    def _merges(self, reader: Any) -> Iterator[str]:
        merges = _array(reader, "merges")
        for number, (merge, wanted) in enumerate(zip(merges, self.merges, strict=False)):
            if merge != " ".join(wanted):
                yield f"merge {number} is {merge!r}, expected {' '.join(wanted)!r}"
        if len(merges) != len(self.merges):
            yield f"{len(merges)} merges, expected {len(self.merges)}"

    def _scores(self, tokens: list[str], reader: Any) -> Iterator[str]:
        """Compare orders, all that llama.cpp reads of scores: of two pieces it makes the one that scores higher."""
        scores = _array(reader, "scores")
        if len(scores) != len(tokens):
            yield f"{len(scores)} scores, expected {len(tokens)}"
            return
        number_of = {text: number for number, text in enumerate(self.tokens) if text is not None}
        pieces = number_of.keys() - self.added
        made = [a + b for a, b in self.merges if {a, b, a + b} <= pieces and not _BYTE.fullmatch(a + b)]
        for better, worse in pairwise(made):
            if better != worse and not scores[number_of[better]] > scores[number_of[worse]]:
                yield (
                    f"token {number_of[better]}, {better!r}, scores {scores[number_of[better]]:g}, expected more than "
                    f"the {scores[number_of[worse]]:g} of {worse!r}, which is merged after it"
                )


def _types(number: int, text: str | None, added: Mapping[int, Any], pieces: bool) -> frozenset[int]:
    if text is None:
        return frozenset({_UNUSED})
    if number not in added:
        return frozenset({_BYTE_TYPE if pieces and _BYTE.fullmatch(text) else _NORMAL})
    if added[number].special:
        return frozenset({_CONTROL, _UNKNOWN} if pieces else {_CONTROL})
    # both are found in a text before it is cut; which one it is, only says whether it is printed
    return frozenset({_CONTROL, _USER_DEFINED, *({_UNKNOWN} if pieces else ())})


def _array(reader: Any, name: str) -> list[Any]:
    field = reader.get_field(f"tokenizer.ggml.{name}")
    return [] if field is None else list(field.contents())
