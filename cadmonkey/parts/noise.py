"""What hurried people do to a sentence: typing errors, one case throughout, no units. No number ever changes."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from cadmonkey.parts.sentences import COUNT_WORDS, Piece

NO_NOISE: Mapping[str, float] = {}
MISSING_UNITS = "no_units"
"""Sizes in bare millimetres. It is left out while the sentence is written, not struck out afterwards."""
TERSE_MISSING_UNITS = 0.5
"""Its share in terse sentences, whose writers are in a hurry, where other sentences have it at all."""

_WORD = re.compile(r"(?<![\w.-])[A-Za-z]{5,}(?![\w-])")
_KEPT = {*COUNT_WORDS, "units", "dimensions", "sizes", "inches", "centimeters", "millimeters", "holes", "inner"}
"""Words that are numbers, that name the unit of all numbers, or that tell parts with holes from others."""
_OTHER_WORDS = {
    *("width", "depth", "height", "length", "inner", "outer", "upper", "lower", "inside", "outside", "above", "below"),
    *("right", "thick", "thin", "wide", "side", *COUNT_WORDS),
}
"""What no typing error may turn a word into."""
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS = {
    letter: "".join(row[max(at - 1, 0) : at] + row[at + 1 : at + 2]) for row in _ROWS for at, letter in enumerate(row)
}


def draw_noises(rng: random.Random, shares: Mapping[str, float], style: str) -> list[str]:
    """The noises of one sentence, each by its share; there is one case at most."""
    drawn = [name for name, share in shares.items() if rng.random() < _share(name, share, style)]
    return [name for name in drawn if not (name == "lower" and "upper" in drawn)]


def disturbed(rng: random.Random, pieces: Sequence[Piece], noises: Sequence[str]) -> list[Piece]:
    """The pieces after `noises`."""
    for name in noises:
        pieces = NOISES[name](rng, pieces)
    return list(pieces)


def typos(rng: random.Random, pieces: Sequence[Piece]) -> list[Piece]:
    """One to three words of the prose mistyped; the words that state values stay as they are."""
    places = [
        (index, match.span())
        for index, piece in enumerate(pieces)
        if not piece.names
        for match in _WORD.finditer(piece.text)
        if match[0].lower() not in _KEPT
    ]
    count = min(len(places), rng.choices((1, 2, 3), (65, 25, 10))[0])
    done = list(pieces)
    for index, (start, end) in sorted(rng.sample(places, count), reverse=True):
        text = done[index].text
        done[index] = replace(done[index], text=text[:start] + mistyped(rng, text[start:end]) + text[end:])
    return done


def mistyped(rng: random.Random, word: str) -> str:
    """`word` with one letter dropped, doubled, swapped with the next or hit beside; the first letter stays."""
    while True:
        at = rng.randrange(1, len(word) - 1)
        kind = rng.choice(("drop", "double", "swap", "neighbour"))
        before, letter, after = word[:at], word[at], word[at + 1 :]
        near = rng.choice(_NEIGHBOURS[letter.lower()])
        made = {
            "drop": before + after,
            "double": before + letter + letter + after,
            "swap": before + after[0] + letter + after[1:],
            "neighbour": before + (near.upper() if letter.isupper() else near) + after,
        }[kind]
        if made != word and made.lower() not in _OTHER_WORDS:
            return made


def _share(name: str, share: float, style: str) -> float:
    return TERSE_MISSING_UNITS if share and name == MISSING_UNITS and style == "terse" else share


def _cased(change: Callable[[str], str]) -> Callable[[random.Random, Sequence[Piece]], list[Piece]]:
    return lambda rng, pieces: [replace(piece, text=change(piece.text)) for piece in pieces]


NOISES: Mapping[str, Callable[[random.Random, Sequence[Piece]], list[Piece]]] = {
    MISSING_UNITS: lambda rng, pieces: list(pieces),
    "typos": typos,
    "upper": _cased(str.upper),
    "lower": _cased(str.lower),
}
"""By the name that a row gives, in the order in which they happen."""
