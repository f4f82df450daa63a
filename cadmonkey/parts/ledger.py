"""The ledger of a sentence: which words state which parameter, and whether they say what the program does."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from cadmonkey.parts.measures import CLEARANCE_MM, Measure
from cadmonkey.parts.sentences import Piece, Stated

Entry = dict[str, Any]
Ledger = dict[str, Entry]

TOLERANCE = 1e-6
_NUMBER = re.compile(r"(?:(\d+) )?(\d+)/(\d+)|(\d+(?:\.\d+)?)")
_UNIT = re.compile(r"\s*-?(mm|millimet(?:er|re)s?|cm|centimet(?:er|re)s?|inch(?:es)?|in|\"|°|deg(?:ree)?s?)(?![a-z])")
_MM = {"m": 1.0, "c": 10.0, "i": 25.4, '"': 25.4, "°": 1.0, "d": 1.0}
"""By the first letter of a unit; degrees stay as they are."""
_DECLARED = re.compile(
    r"(?:units?|dimensions|sizes|measurements|everything)\b[^.;,|\n]*?\b(mm|millimet|cm|centimet|inch)"
)
_SCREW = re.compile(r"m(\d+(?:\.\d+)?)")
_COUNTS = {
    word: number
    for number, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}


def ledger_of(pieces: Iterable[Piece], values: Mapping[str, Stated]) -> Ledger:
    """Return what a sentence states of every parameter.

    Each is {"text", "mm" (or "count", or "deg")}: the words as they stand in the sentence, None where it leaves the
    parameter to its default, and the value. Where the words are a product, such as `80 x 40 x 3 mm`, "item" tells
    which of its numbers is meant, from 0.
    """
    found: dict[str, Entry] = {}
    for piece in pieces:
        for item, name in enumerate(piece.names):
            found.setdefault(name, {"text": piece.text, **({"item": item} if len(piece.names) > 1 else {})})
    return {
        name: {**found.get(name, {"text": None}), "count" if isinstance(value, int) else value.kind: number_of(value)}
        for name, value in values.items()
    }


def number_of(value: Stated) -> float:
    """A parameter's value in mm or degrees, free of the noise of floats, or its count."""
    return round(value.mm, 6) if isinstance(value, Measure) else value


def said(ledger: Ledger) -> set[str]:
    """The parameters that the sentence states."""
    return {name for name, entry in ledger.items() if entry["text"] is not None}


def ledger_faults(prompt: str, ledger: Ledger, defaults: Mapping[str, float]) -> list[str]:
    """Return what is wrong with a ledger, read from the sentence alone.

    The words of every parameter must stand in `prompt` and read back as its value, and a parameter without words must
    have its default.
    """
    faults = []
    for name, entry in ledger.items():
        expected = next(entry[key] for key in ("mm", "count", "deg") if key in entry)
        if entry["text"] is None:
            got, what = defaults.get(name), "its default"
        elif entry["text"] not in prompt:
            got, what = None, f"{entry['text']!r}, which is not in the sentence,"
        else:
            got, what = stated_number(entry["text"], entry.get("item", 0), prompt), repr(entry["text"])
            if _wrong_sign(name, entry["text"]):
                faults.append(f"{name}: expected the sign of its kind, got {what}")
        if got is None or abs(got - expected) > TOLERANCE:
            faults.append(f"{name}: expected {expected:g}, got {what} = {got}: {prompt!r}")
    return faults


def stated_number(text: str, item: int = 0, prompt: str = "") -> float | None:
    """Return what `text` says, in mm, degrees or as a count; None if it says nothing.

    A number without a unit takes that of the last number of its product, else the one that `prompt` declares for
    all (`All dimensions in mm`), else it is in mm.
    """
    text = text.lower()
    if text in _COUNTS:
        return _COUNTS[text]
    if screw := _SCREW.fullmatch(text):
        return CLEARANCE_MM["M" + screw[1]]
    numbers = list(_NUMBER.finditer(text))
    if item >= len(numbers):
        return None
    units = [_UNIT.match(text, number.end()) for number in numbers]
    declared = _DECLARED.search(prompt.lower())
    unit = units[item] or units[-1] or declared
    return _value(numbers[item]) * (_MM[unit[1][0]] if unit else 1.0)


def _value(number: re.Match[str]) -> float:
    whole, top, bottom, decimal = number.groups()
    return float(decimal) if decimal else int(whole or 0) + int(top) / int(bottom)


def _wrong_sign(name: str, text: str) -> bool:
    """Whether the sign before a number is that of a diameter at a radius, or the other way round."""
    is_radius = name == "radius" or name.endswith("_r")
    sign = re.match(r"(ø|dia |d)|(r|rad )(?=\d)", text.lower())
    return sign is not None and is_radius == bool(sign[1])
