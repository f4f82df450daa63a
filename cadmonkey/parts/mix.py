"""Mixtures of families and styles: what a stream of parts is made of."""

from collections.abc import Sequence
from dataclasses import dataclass

from cadmonkey.parts.families import FAMILIES


@dataclass(frozen=True, slots=True)
class Mix:
    """The families of a stream in turn, one of them several times where it is to be frequent, and its styles."""

    families: Sequence[str]
    """Part number i of the stream is of family i modulo their number."""
    styles: Sequence[str]
    """How sentences are written; each is drawn from these with equal chances."""


PLAIN = Mix(
    ("block", "cylinder", "sphere", "cone", "plate", "spacer", "flange", "bracket", "box", "shaft"), styles=("plain",)
)
"""Ten families in plain sentences: what a model of a few million parameters learns in an hour."""

FULL = Mix(tuple(FAMILIES), styles=("plain",))
"""Everything that we can write."""

MIXES = {"plain": PLAIN, "full": FULL}
"""By the name that a recipe gives."""
