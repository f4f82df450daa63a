"""Decoding under a grammar: tokens that lead to no program are struck out before they are chosen.

The model's choice is asked about first and the next likely one only if it is refused, which is the same in
distribution as masking the vocabulary and costs a good model next to nothing. A token is allowed if the program can
still be ended correctly within the tokens that are left, one letter each at worst: byte-level vocabularies have a token
for every letter, so there is never a dead end and a program is never cut off.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cadmonkey.cad.grammar import Language, State, start
from cadmonkey.errors import InputError

_STRIKES = 12
"""Refused tokens after which the whole vocabulary is looked at in one go."""
_GROWTH = 96
"""Letters by which one letter can lengthen the shortest way to end a program, at most."""

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

    def allowed(self, state: State, fits: Callable[[State, int], bool]) -> list[int]:
        """Every text token after which `fits` holds of the state and the length of the token."""
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
                if fits(path[-1], len(piece)):
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
    _reserve: int = field(init=False)
    """Letters that end the program at worst, as known."""

    def __post_init__(self) -> None:
        """Begin.

        Raises:
            InputError: there are too few tokens for the smallest program.
        """
        self.state = start(self.language)
        self._reserve = len(self.state.completion())
        if self.left < self._reserve + 1:
            raise InputError(
                f"max_tokens: expected at least {self._reserve + 1} with the grammar on, got {self.left}; raise it"
            )

    def choose(self, scores: Scores) -> int:
        """The best allowed token by `scores` (vocab), which are changed; the answer goes on with it."""
        scores[self.vocabulary.never] = -np.inf
        for _ in range(_STRIKES):
            token = int(scores.argmax())
            if self.take(token):
                return token
            scores[token] = -np.inf
        masked = np.full_like(scores, -np.inf)
        allowed = self.allowed()
        masked[allowed] = scores[allowed]
        token = int(masked.argmax())
        if not masked[token] > -np.inf:  # the model has no opinion, or only NaN, on all that is allowed
            token = allowed[0]
        self.take(token)
        return token

    def allowed(self) -> list[int]:
        """Every token that may come next; never empty."""
        found = [*self.vocabulary.allowed(self.state, self._fits)]
        if self.state.is_complete:
            found += sorted(self.vocabulary.ends)
        return found

    def take(self, token: int) -> bool:
        """Go on with `token` if it is allowed."""
        if token in self.vocabulary.ends:
            return self.state.is_complete
        piece = self.vocabulary.pieces[token]
        after = self.state.advance(piece) if piece else None
        if after is None or not self._fits(after, len(piece)):
            return False
        self._reserve = min(self._reserve + _GROWTH * len(piece), self.left)
        if self._reserve >= self.left - 2:
            self._reserve = len(after.completion())
        self.state, self.left = after, self.left - 1
        return True

    def _fits(self, state: State, letters: int) -> bool:
        """Whether the program can be ended after one token of so many letters, an end token included."""
        room = self.left - 2
        return self._reserve + _GROWTH * letters <= room or len(state.completion()) <= room
