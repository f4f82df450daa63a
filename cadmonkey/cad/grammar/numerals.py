"""Numbers as they are read digit by digit, and the ways in which a number that has begun may end."""

from collections.abc import Callable
from typing import Any

from cadmonkey.cad.grammar.automaton import Token

MAX_DIGITS = 24
"""Letters of a number; the longest that `repr` writes has 23."""
DIGITS = frozenset("0123456789")
_SUFFIXES = ("", "1", "9")
"""What makes a number right that is wrong as it stands: `/ 0` may go on as `/ 01`."""


def extend_number(word: str, letter: str) -> str | None:
    """A number with one letter more; None where that is none. Room is kept for the digits that it must end with."""
    if letter in DIGITS:
        fits = len(word) < MAX_DIGITS
    elif letter in (".", "e"):
        fits = (
            word[-1:] in DIGITS
            and len(word) < MAX_DIGITS - 3
            and "e" not in word
            and not (letter == "." and "." in word)
        )
    else:
        fits = letter == "-" and word.endswith("e")
    return word + letter if fits else None


def number_ends(word: str) -> list[str]:
    """The ways to end a number that is being read, the shortest first."""
    if word.endswith("e"):
        return [f"{word}-9"]
    if word.endswith("-"):
        return [f"{word}9", f"{word}1"]
    suffixes = _SUFFIXES if len(word) < MAX_DIGITS else _SUFFIXES[:1]
    return [end for end in (word + suffix for suffix in suffixes) if is_number(end)]


def is_number(word: str) -> bool:
    """Whether a number that is being read may end here."""
    return word[-1:] in DIGITS or (word[-1:] == "." and len(word) > 1)


def _read(known: Any, value: float) -> Any:
    return known


def limited(
    gbnf: str, low: float, high: float, *, whole: bool = False, keep: Callable[[Any, float], Any] = _read
) -> Token:
    """A literal number within limits; `keep` remembers its value."""

    def fits(word: str) -> bool:
        return low <= float(word) <= high

    def feed(known: Any, letter: str) -> Any:
        word = extend_number(known.word, letter) if letter in DIGITS or (letter == "." and not whole) else None
        return known._replace(word=word) if word is not None and any(map(fits, number_ends(word))) else None

    def end(known: Any) -> Any:
        return keep(known._replace(word=""), float(known.word)) if is_number(known.word) and fits(known.word) else None

    def finish(known: Any) -> tuple[str, Any] | None:
        found = next(filter(fits, number_ends(known.word)), None)
        return None if found is None else (found[len(known.word) :], end(known._replace(word=found)))

    return Token(DIGITS, gbnf, feed, end, finish)
