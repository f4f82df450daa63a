"""The ledger of a sentence: which words state which parameter, and whether they say what the program does."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from cadmonkey.parts.measures import CLEARANCE_MM, MOTORS_MM, NUTS_MM, Measure
from cadmonkey.parts.sentences import COUNT_WORDS, Piece, Stated, round_kind

Entry = dict[str, Any]
Ledger = dict[str, Entry]

TOLERANCE = 1e-6
_NUMBER = re.compile(r"(?:(\d+) )?(\d+)/(\d+)|(\d+(?:\.\d+)?)")
_UNIT = re.compile(r"\s*-?(mm|millimet(?:er|re)s?|cm|centimet(?:er|re)s?|inch(?:es)?|in|\"|°|deg(?:ree)?s?)(?![a-wyz])")
_MM = {"m": 1.0, "c": 10.0, "i": 25.4, '"': 25.4, "°": 1.0, "d": 1.0}
"""By the first letter of a unit; degrees stay as they are."""
_DECLARED = re.compile(
    r"(?:units?|dimensions|sizes|measurements|everything)\b[^.;,|\n]*?\b(mm|millimet|cm|centimet|inch)"
)
_STANDARDS = {re.sub(r"[^a-z0-9.]", "", name.lower()): sizes for name, sizes in {**MOTORS_MM, **NUTS_MM}.items()}
"""What the name of a motor or a nut says of its parameters."""
_SCREW = re.compile(r"m(\d+(?:\.\d+)?)")
_COUNTS = {word: number for number, word in enumerate(COUNT_WORDS)}


def ledger_of(pieces: Iterable[Piece], values: Mapping[str, Stated]) -> Ledger:
    """Return what a sentence states of every parameter.

    Each is {"text", "mm" (or "count", or "deg")}: the words as they stand in the sentence, None where it leaves the
    parameter to its default, and the value. Where the words are a product, such as `80 x 40 x 3 mm`, "item" tells
    which of its numbers is meant, from 0. Where the radius of a diameter is said beside it, or the diameter of a
    radius, "also" are the words for that.
    """
    found: dict[str, Entry] = {}
    for piece in pieces:
        for item, name in enumerate(piece.names):
            if name.startswith("~"):
                found[name[1:]]["also"] = piece.text
            else:
                found.setdefault(name, {"text": piece.text, **({"item": item} if len(piece.names) > 1 else {})})
    # The name of a standard, said once, says all the sizes that it stands for.
    standards = {standard: entry for name, entry in found.items() if (standard := _standard_of(values[name]))}
    return {
        name: {
            **(found.get(name) or standards.get(_standard_of(value)) or {"text": None}),
            **({value.kind: number_of(value)} if isinstance(value, Measure) else {"count": value}),
        }
        for name, value in values.items()
    }


def _standard_of(value: Stated) -> str:
    """The name of the standard that states a value, if one does."""
    return value.number if isinstance(value, Measure) and value.unit == "standard" else ""


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
        checks = [(entry["text"], expected)]
        if "also" in entry:
            checks.append((entry["also"], expected / 2 if round_kind(name) == "d" else expected * 2))
        for text, number in checks:
            got = defaults.get(name) if text is None else read_in(prompt, text, entry.get("item", 0), name)
            if "count" in entry and text is not None and got is not None:
                got = stated_number(text, entry.get("item", 0))
            if got is None or abs(got - number) > TOLERANCE or (text and _wrong_sign(name, text)):
                faults.append(f"{name}: expected {number:g}, got {text!r}, which is {got}, in {prompt!r}")
    return faults


def read_in(prompt: str, text: str, item: int = 0, name: str = "") -> float | None:
    """Return what `text` says where it stands in `prompt`; None where it does not stand there as words of its own.

    The 4 of `14`, and the 1/4 of `2 1/4`, are no words of their own; a letter may stand beside them, as in `t4` and
    `8x holes`. The name of a standard says many sizes; that of the parameter `name` is meant.
    """
    before = r"(?:(?<![\w.])|(?<=(?<!\w)[A-Za-z]))" + (r"(?<!\d )" if re.match(r"\d+/", text) else "")
    alone = re.search(before + re.escape(text) + r"(?:(?=[xX]\b)|(?![\w/]|\.\d))", prompt)
    if not alone:
        return None
    standard = _STANDARDS.get(re.sub(r"[^a-z0-9.]", "", text.lower()), {}).get(name)
    return stated_number(text, item, prompt) if standard is None else standard


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
    unit = units[item] or units[-1] or _DECLARED.search(prompt.lower())
    return _value(numbers[item]) * (_MM[unit[1][0]] if unit else 1.0)


def _value(number: re.Match[str]) -> float:
    whole, top, bottom, decimal = number.groups()
    return float(decimal) if decimal else int(whole or 0) + int(top) / int(bottom)


def _wrong_sign(name: str, text: str) -> bool:
    """Whether the sign before a number is that of a diameter at a radius, or the other way round."""
    sign = re.match(r"(?:(ø|dia |d)|r|rad )(?=\d)", text.lower())
    return sign is not None and round_kind(name) != ("d" if sign[1] else "r")
