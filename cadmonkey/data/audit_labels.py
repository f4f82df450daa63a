"""What is wrong with single rows: labels that a model should not learn from."""

import re
from collections.abc import Iterator
from typing import Any

from cadmonkey.data.audit_lengths import Lengths
from cadmonkey.data.audit_rows import Finding, Item
from cadmonkey.data.chat import control_token_in
from cadmonkey.data.verify import check_row

PROBLEMS = {
    "empty_prompt": "the prompt is empty",
    "empty_completion": "the completion is empty",
    "control_token": "the text spells a control token",
    "too_long": "the row is longer than max_seq_length",
    "does_not_parse": "the completion does not parse",
    "no_end": "the completion stops before its end",
    "number_not_in_program": "the prompt has a number that the program has not",
    "ledger": "the prompt lacks words that the ledger claims",
    "not_verified": "the judge refuses the row",
}
"""Key in audit.json -> what it means."""

CONTROL = re.compile(
    r"<\|[a-z_0-9]+\|>|</?s>|<(?:bos|eos|pad|unk)>|\[/?INST\]|<(?:start|end)_of_turn>|<\uff5c[^<>]{1,40}\uff5c>"
)
"""Control tokens of the usual models, whatever the tokenizer in use."""
_NUMBER = re.compile(r"(?<![\d.])(?<![mM])(\d+(?:\.\d+)?)(?!\d|\.\d)(?!\s?-?[dD]\b)")
_LITERAL = re.compile(r"(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_UNIT = re.compile(r'\s*-?(?:mm|cm|millimet|centimet|inch|in\b|"|°|deg)', re.IGNORECASE)
_FACTORS = (1, 2, 0.5, 10, 5, 25.4, 12.7)
"""A program may have a number as it is, or from a radius, a diameter, centimetres or inches."""
MOST_COUNTED = 12
"""Bare whole numbers up to this are taken for counts, which loops make without naming them."""


class Labels:
    """Counts the rows with each of PROBLEMS."""

    def __init__(self, lengths: Lengths, *, verify: bool) -> None:
        self.lengths = lengths
        self.verify = verify
        self.verified = 0
        self.claimed = 0
        """Rows that have a ledger."""
        self.found = {name: Finding() for name in PROBLEMS}

    def add(self, item: Item) -> None:
        """Look at a row; `lengths` has looked at it already."""
        for problem, what in (*self._of_text(item), *self._of_program(item)):
            self.found[problem].add(item, what)

    def _of_text(self, item: Item) -> Iterator[tuple[str, str]]:
        if not item.prompt.strip():
            yield "empty_prompt", item.completion
        if not item.completion.strip():
            yield "empty_completion", item.prompt
        if token := self._control_token(item.prompt + "\n" + item.completion):
            yield "control_token", f"{token} in {item.prompt}"
        if self.lengths.last > self.lengths.max_seq_length:
            yield "too_long", f"{self.lengths.last} tokens: {item.prompt}"

    def _of_program(self, item: Item) -> Iterator[tuple[str, str]]:
        if item.fault:
            yield "does_not_parse", f"{item.fault}: {item.prompt}"
            if not item.completion.rstrip().endswith((";", "}", "*/")) and not _LAST_COMMENT.search(item.completion):
                yield "no_end", item.completion.rstrip()[-60:]
        if item.program is not None and (strange := strange_numbers(item)):
            yield "number_not_in_program", f"{', '.join(strange)} in {item.prompt}"
        self.claimed += isinstance(item.row.get("ledger"), dict)
        if missing := missing_words(item):
            yield "ledger", f"{', '.join(missing)} in {item.prompt}"
        if self.verify and "completion_ir" in item.row and "stated" in item.row:
            self.verified += 1
            if reason := check_row(item.row):
                yield "not_verified", reason

    def _control_token(self, text: str) -> str:
        found = CONTROL.search(text)
        if found is None and self.lengths.tokenizer is not None:
            return control_token_in(self.lengths.tokenizer, text)
        return found.group() if found else ""

    def result(self) -> dict[str, Any]:
        """Findings by problem."""
        return {
            "verified_rows": self.verified,
            "rows_with_ledger": self.claimed,
            "problems": {name: finding.as_dict() for name, finding in self.found.items()},
        }


_LAST_COMMENT = re.compile(r"//[^\n]*\s*\Z")


def strange_numbers(item: Item) -> list[str]:
    """The numbers of the prompt that neither the program nor the stated dimensions have in any unit."""
    known = {float(literal) for literal in _LITERAL.findall(item.completion)}
    known |= {float(entry[key]) for entry in item.stated for key in ("mm", "count", "deg") if key in entry}
    forms = {round(value, 3) for value in known}
    strange = []
    for found in _NUMBER.finditer(item.prompt):
        number = float(found[1])
        is_count = number.is_integer() and number <= MOST_COUNTED and not _UNIT.match(item.prompt, found.end())
        if not is_count and not any(round(number * factor, 3) in forms for factor in _FACTORS):
            strange.append(found[1])
    return strange


def missing_words(item: Item) -> list[str]:
    """The words that the ledger says are in the prompt, and are not."""
    ledger = item.row.get("ledger")
    entries = ledger.values() if isinstance(ledger, dict) else ()
    texts = [entry.get("text") for entry in entries if isinstance(entry, dict)]
    return [text for text in texts if isinstance(text, str) and text not in item.prompt]
