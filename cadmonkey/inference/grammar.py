"""Decoding under a grammar: tokens that lead to no program are struck out before they are chosen.

The model's choice is asked about first and the next likely one only if it is refused, which is the same in
distribution as masking the vocabulary and costs a good model next to nothing. A token is allowed if the program can
still be ended correctly within the tokens that are left, one letter each at worst: byte-level vocabularies have a token
for every letter, so there is never a dead end and a program is never cut off.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from cadmonkey.cad.grammar import Language, State, start
from cadmonkey.errors import InputError

_STRIKES = 12
"""Refused tokens after which all that begin with a refused letter are struck out in one go."""
Scores = np.ndarray[Any, np.dtype[np.floating[Any]]]


class Vocabulary:
    """The tokens that are text, by their bytes; sorted, so that a refused beginning strikes out all that share it."""

    def __init__(self, pieces: Sequence[bytes], ends: Iterable[int], never: Iterable[int] = ()) -> None:
        """Take the bytes of every token, those that end an answer, and those that are no text.

        Raises:
            InputError: a letter that programs are made of has no token of its own.
        """
        self.pieces = pieces
        self.ends = frozenset(ends)
        text = set(range(len(pieces))) - self.ends - set(never)
        pairs = sorted((pieces[token], token) for token in text if pieces[token])
        self._sorted = [piece for piece, _ in pairs]
        self._ids = [token for _, token in pairs]
        self._ids_array = np.array(self._ids, dtype=np.int64)
        self._first = np.array([piece[0] for piece in self._sorted], dtype=np.uint8)
        self.never = np.array(sorted(set(range(len(pieces))) - self.ends - set(self._ids)), dtype=np.int64)
        missing = [chr(byte) for byte in (10, *range(32, 127)) if not self._has(bytes([byte]))]
        if missing:
            raise InputError(
                f"vocabulary: expected a token for every letter, got none for {missing[0]!r}; "
                "generate without the grammar"
            )

    def _has(self, piece: bytes) -> bool:
        place = bisect_left(self._sorted, piece)
        return place < len(self._sorted) and self._sorted[place] == piece

    def token_of(self, letter: bytes) -> int:
        """The token that is this one letter."""
        return self._ids[bisect_left(self._sorted, letter)]

    def beginning_otherwise(self, state: State) -> "np.ndarray[Any, np.dtype[np.int64]]":
        """The text tokens whose very first letter is refused."""
        refused = [byte for byte in range(256) if state.advance(bytes([byte])) is None]
        return self._ids_array[np.isin(self._first, refused)]

    def allowed(self, state: State, fits: Callable[[State], bool]) -> list[int]:
        """Every text token after which `fits` holds of the state."""
        found = []
        place, path = 0, [state]
        before = b""
        while place < len(self._sorted):
            piece = self._sorted[place]
            shared = _shared(before, piece)
            del path[shared + 1 :]
            for letter in piece[shared:]:
                after = path[-1].advance(bytes([letter]))
                if after is None:
                    break
                path.append(after)
            before = piece[: len(path) - 1]
            if len(before) < len(piece):
                place = bisect_left(self._sorted, _successor(piece[: len(path)]), place)
            else:
                if fits(path[-1]):
                    found.append(self._ids[place])
                place += 1
        return found


def _shared(left: bytes, right: bytes) -> int:
    """The length of the common beginning."""
    length = min(len(left), len(right))
    return next((i for i in range(length) if left[i] != right[i]), length)


def _successor(piece: bytes) -> bytes:
    """The first text behind all that begin with `piece`."""
    stem = piece.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else b"\xff" * 256


@dataclass(slots=True)
class Guide:
    """One answer on its way: where the grammar stands, and how many tokens are left."""

    vocabulary: Vocabulary
    language: Language
    left: int
    state: State = field(init=False)
    _ending: bytes = field(init=False, default=b"")
    """Letters that are left to write where only the way out is left."""

    def __post_init__(self) -> None:
        """Begin.

        Raises:
            InputError: there are too few tokens for the smallest program.
        """
        self.state = start(self.language)
        shortest = len(self.state.completion() or b"") + 1
        if self.left < shortest:
            raise InputError(f"max_tokens: expected at least {shortest} with the grammar on, got {self.left}; raise it")

    def choose(self, scores: Scores) -> int:
        """The best allowed token by `scores` (vocab), which are changed; the answer goes on with it."""
        scores[self.vocabulary.never] = -np.inf
        for _ in range(0 if self._ending else _STRIKES):
            token = int(scores.argmax())
            if self.take(token):
                return token
            scores[token] = -np.inf
        scores[self.vocabulary.beginning_otherwise(self.state)] = -np.inf
        for token in map(int, np.argsort(-scores)):
            if scores[token] == -np.inf:
                break
            if self.take(token):
                return token
        token = self.allowed()[0]  # the model has no opinion on all that is allowed, or only the way out is left
        self.take(token)
        return token

    def allowed(self) -> list[int]:
        """Every token that may come next; never empty."""
        if not self._ending:
            found = self.vocabulary.allowed(self.state, self._fits)
            if self.state.is_complete:
                found += sorted(self.vocabulary.ends)
            if found:
                return found
            self._ending = self.state.completion() or b""
        return [self.vocabulary.token_of(self._ending[:1])]

    def take(self, token: int) -> bool:
        """Go on with `token` if it is allowed."""
        if token in self.vocabulary.ends:
            return self.state.is_complete
        piece = self.vocabulary.pieces[token]
        if self._ending:
            return self._write_out(piece)
        after = self.state.advance(piece) if piece else None
        if after is None or not self._fits(after):
            return False
        self.state, self.left = after, self.left - 1
        return True

    def _write_out(self, piece: bytes) -> bool:
        """Go on with the known ending, if `piece` is its next letter."""
        after = self.state.advance(piece) if piece == self._ending[:1] else None
        if after is None:
            return False
        self.state, self.left, self._ending = after, self.left - 1, self._ending[1:]
        return True

    def _fits(self, state: State) -> bool:
        """Whether the program can be ended after one token more, an end token included."""
        return state.ends_within(self.left - 2)


class GrammarProcessor:
    """The same as a logits processor, for `generate` of transformers and for llama-cpp-python; one for each call.

    It masks the whole vocabulary at every token, which costs more than `Guide.choose`.

        vocabulary = read_vocabulary(tokenizer)
        model.generate(**inputs, logits_processor=[GrammarProcessor(vocabulary, "ir", 512)], max_new_tokens=512)

        vocabulary = Vocabulary([llm.detokenize([t]) for t in range(llm.n_vocab())], {llm.token_eos()})
        llm(prompt, logits_processor=LogitsProcessorList([GrammarProcessor(vocabulary, "ir", 512)]), max_tokens=512)
    """

    def __init__(self, vocabulary: Vocabulary, language: Language, max_tokens: int) -> None:
        """Make room for programs of at most `max_tokens` tokens, their end token included."""
        self._new_guide: Callable[[], Guide] = partial(Guide, vocabulary, language, max_tokens)
        self._guides: list[Guide] = []
        self._read = 0
        self._new_guide()

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return `scores` with all that is not allowed at -inf; shapes (batch, tokens) and (batch, vocab), or 1-D."""
        rows, tables = (input_ids, scores) if len(scores.shape) > 1 else ([input_ids], [scores])
        if not self._guides:
            self._guides = [self._new_guide() for _ in rows]
            self._read = len(rows[0])
        for guide, row, table in zip(self._guides, rows, tables, strict=True):
            for token in row[self._read :]:
                guide.take(int(token))
            allowed = guide.allowed()
            kept = table[allowed]
            table[:] = -np.inf
            table[allowed] = kept
        self._read = len(rows[0])
        return scores


def read_vocabulary(tokenizer: Any) -> Vocabulary:
    """Read a byte-level BPE tokenizer of transformers."""
    letters = {letter: byte for byte, letter in enumerate(_byte_letters())}
    texts = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    special = set(tokenizer.added_tokens_decoder)
    pieces = [
        b"" if token in special else bytes(letters[letter] for letter in text) for token, text in enumerate(texts)
    ]
    return Vocabulary(pieces, {tokenizer.eos_token_id})


def _byte_letters() -> list[str]:
    """Byte-level BPE's letter for each byte: itself where it prints, else one above U+0100 (GPT-2's table)."""
    prints = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte) if byte in prints else chr(next(others)) for byte in range(256)]
