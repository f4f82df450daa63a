"""Rows that repeat each other, and held-out rows that are trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

from cadmonkey.data.chat import asked, conversation
from cadmonkey.data.near import folded, near_pairs
from cadmonkey.training.examples import Row

MOST_COMPARED = 4000
"""Prompts that are compared for being nearly alike, evenly over both splits."""


@dataclass(frozen=True)
class Twinned:
    """How many rows are alike, within the rows to train on and across the splits."""

    rows: int
    repeated: int
    """Rows to train on whose prompt and completion stood before."""
    looked_at: int
    near: int
    """Prompts among `looked_at` that are nearly another one."""
    held_out: int
    """Held-out rows, those that are left out too."""
    left_out: int
    """Held-out rows whose prompt and completion are trained on."""
    leaked_prompts: int
    """Held-out prompts that are trained on with another completion."""
    leaked_near: int
    """Held-out prompts among `looked_at` that are nearly one that is trained on."""


def part_twins(rows: Sequence[Row], held_out: Sequence[Row]) -> tuple[list[Row], Twinned]:
    """Return the held-out rows that are not trained on, and what was found."""
    trained = {_pair(row) for row in rows}
    prompts = {prompt for prompt, _ in trained}
    apart = [row for row in held_out if _pair(row) not in trained]
    looked_at, near, leaked = _near(rows, apart)
    twinned = Twinned(
        rows=len(rows),
        repeated=len(rows) - len(trained),
        looked_at=looked_at,
        near=near,
        held_out=len(held_out),
        left_out=len(held_out) - len(apart),
        leaked_prompts=sum(_pair(row)[0] in prompts for row in apart),
        leaked_near=leaked,
    )
    return apart, twinned


def _pair(row: Row) -> tuple[str, str]:
    """The row without regard to capitals and spaces of its prompt."""
    said = " ".join(message["content"] for message in conversation(asked(row)))
    return folded(said), str(row["completion"]).strip()


def _near(rows: Sequence[Row], held_out: Sequence[Row]) -> tuple[int, int, int]:
    """Return prompts looked at, those nearly alike, and the held-out ones of these that are near a trained one."""
    both = [(row["prompt"], False) for row in rows] + [(row["prompt"], True) for row in held_out]
    sample = both[:: -(-len(both) // MOST_COMPARED) or 1]
    pairs = near_pairs([prompt for prompt, _ in sample]) if sample else []
    return len(sample), len(pairs), sum(sample[one][1] != sample[other][1] for one, other in pairs)
