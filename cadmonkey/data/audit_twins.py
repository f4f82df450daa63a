"""Rows that are alike, and parts or prompts that are in two splits."""

import hashlib
import re
from collections import Counter
from typing import Any

from cadmonkey.data.audit_rows import Finding, Item
from cadmonkey.data.near import THRESHOLD, folded, near_pairs

NEAR_ROWS = 20_000
"""Rows that are compared for being nearly alike, evenly over the data."""
MOST_MASKED = 5
_DIGITS = re.compile(r"\d+(?:\.\d+)?(?:/\d+)?")


class Twins:
    """Counts rows that repeat a part, a prompt or both, and what lies in two splits."""

    def __init__(self, rows: int) -> None:
        self.step = -(-rows // NEAR_ROWS)
        self.prompts: dict[bytes, tuple[bytes, str, int]] = {}
        """Of a prompt the part, the split and the row where it stood first."""
        self.parts: dict[bytes, tuple[str, int]] = {}
        self.rows: set[bytes] = set()
        self.masked: Counter[str] = Counter()
        self.looked_at: list[Item] = []
        self.found = {name: Finding() for name in ("rows", "prompts", "parts", "prompts_of_two_parts")}
        self.leaks = {name: Finding() for name in ("parts", "prompts", "near_prompts")}
        self.has_splits = False

    def add(self, item: Item) -> None:
        """Compare a row with all before it."""
        if not item.prompt.strip() or not item.completion.strip():
            return
        split = item.named("split")
        self.has_splits |= bool(split)
        part, prompt = _digest(item.part), _digest(folded(item.prompt))
        self._row(item, _digest(f"{item.prompt}\0{item.completion}"))
        self._part(item, part, split)
        self._prompt(item, prompt, part, split)
        self.masked[_DIGITS.sub("#", item.prompt.casefold())[:200]] += 1
        if item.number % self.step == 0:
            self.looked_at.append(Item(item.number, {**_short(item), "part": item.part}, None, ""))

    def _row(self, item: Item, row: bytes) -> None:
        if row in self.rows:
            self.found["rows"].add(item, item.prompt)
        self.rows.add(row)

    def _part(self, item: Item, part: bytes, split: str) -> None:
        first_split, number = self.parts.setdefault(part, (split, item.number))
        if number == item.number:
            return
        self.found["parts"].add(item, f"as in row {number}: {item.prompt}")
        if first_split != split:
            self.leaks["parts"].add(item, f"{split}, but row {number} is {first_split}: {item.prompt}")

    def _prompt(self, item: Item, prompt: bytes, part: bytes, split: str) -> None:
        first_part, first_split, number = self.prompts.setdefault(prompt, (part, split, item.number))
        if number == item.number:
            return
        self.found["prompts"].add(item, f"as in row {number}: {item.prompt}")
        if first_part != part:
            self.found["prompts_of_two_parts"].add(item, f"another part in row {number}: {item.prompt}")
        if first_split != split:
            self.leaks["prompts"].add(item, f"{split}, but row {number} is {first_split}: {item.prompt}")

    def _near(self) -> dict[str, Any]:
        """Rows with nearly the same prompt as another, and those of them that lie in another split."""
        finding = Finding()
        for one, other in near_pairs([item.prompt for item in self.looked_at]):
            first, second = self.looked_at[one], self.looked_at[other]
            finding.add(second, f"row {first.number}: {first.prompt} | {second.prompt}")
            if first.named("split") != second.named("split"):
                self.leaks["near_prompts"].add(second, f"row {first.number}: {first.prompt} | {second.prompt}")
        return {"looked_at": len(self.looked_at), "threshold": THRESHOLD, **finding.as_dict()}

    def result(self) -> dict[str, Any]:
        """Repetitions, near ones, and leaks (None where the data has no splits)."""
        near = self._near()
        most = self.masked.most_common(MOST_MASKED)
        return {
            **{f"repeated_{name}": finding.as_dict() for name, finding in self.found.items()},
            "distinct_parts": len(self.parts),
            "distinct_prompts": len(self.prompts),
            "masked_prompts": {
                "distinct": len(self.masked),
                "most_frequent": [{"prompt": p, "rows": n} for p, n in most],
            },
            "near_prompts": near,
            "leaks": {name: finding.as_dict() for name, finding in self.leaks.items()} if self.has_splits else None,
        }


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=12).digest()


def _short(item: Item) -> dict[str, Any]:
    """The row without what takes memory."""
    return {"id": item.named("id"), "prompt": item.prompt, "completion": "", "split": item.named("split")}
