"""What the sections of an audit share: the row they look at, examples, and figures of many numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from cadmonkey.cad.program import Program
from cadmonkey.parts import part_hash

MOST_EXAMPLES = 10
PERCENTILES = (0, 5, 25, 50, 75, 95, 99, 100)
BINS = 30


@dataclass(frozen=True)
class Item:
    """A row of the data and its program."""

    number: int
    """From 1."""
    row: Mapping[str, Any]
    program: Program | None
    """None where the completion does not parse or is of no language that we read."""
    fault: str
    """Why it does not parse."""

    @property
    def prompt(self) -> str:
        """The prompt, perhaps empty."""
        return str(self.row["prompt"])

    @property
    def completion(self) -> str:
        """The completion, perhaps empty."""
        return str(self.row["completion"])

    @cached_property
    def part(self) -> str:
        """What is the same for all rows of one part: its hash, that of its program, or the completion itself."""
        if isinstance(self.row.get("part"), str):
            return str(self.row["part"])
        return part_hash(self.program) if self.program is not None else " ".join(self.completion.split())

    @property
    def stated(self) -> list[dict[str, Any]]:
        """The stated dimensions, if the row has them."""
        found = self.row.get("stated")
        return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []

    def named(self, column: str) -> str:
        """The text of a column, "" where there is none."""
        value = self.row.get(column)
        return value if isinstance(value, str) else ""


@dataclass
class Finding:
    """How many rows have one thing wrong, and the first of them."""

    rows: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)

    def add(self, item: Item, what: str) -> None:
        """Count a row."""
        self.rows += 1
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append({"row": item.number, "id": item.named("id"), "what": what[:240]})

    def as_dict(self) -> dict[str, Any]:
        """As audit.json holds it."""
        return {"rows": self.rows, "examples": self.examples}


def figures(values: Sequence[float]) -> dict[str, Any]:
    """Count, mean, percentiles and histogram of numbers; the histogram ends at the 99th percentile and says so."""
    numbers = np.asarray(values, float)
    if not len(numbers):
        return {"count": 0}
    end = float(np.percentile(numbers, 99))
    counts, edges = np.histogram(numbers[numbers <= end], BINS)
    return {
        "count": len(numbers),
        "mean": round(float(numbers.mean()), 2),
        "percentiles": {str(p): round(float(np.percentile(numbers, p)), 2) for p in PERCENTILES},
        "histogram": {
            "edges": [round(float(edge), 3) for edge in edges],
            "counts": counts.tolist(),
            "above": int((numbers > end).sum()),
        },
    }
