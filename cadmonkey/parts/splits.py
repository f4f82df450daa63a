"""Which split a part belongs to, decided by the part alone."""

from collections.abc import Collection, Iterable
from typing import Literal, get_args

Split = Literal["train", "validation", "test", "held_out_family", "held_out_band"]
SPLITS: tuple[Split, ...] = get_args(Split)

HELD_OUT_FAMILIES: Collection[str] = frozenset({"gusset", "spool"})
"""Families that training never sees."""
HELD_OUT_BAND_MM = (91.0, 94.0)
"""A part with a stated size in this band is never trained on, whatever its unit: it tells copying from remembering."""

BELOW_BAND: Collection[str] = frozenset({"shaft", "bushing", "nut", "revolution"})
"""Families whose sizes all lie below the band: none of their parts is held out by it."""


def split_of(part: str, family: str, sizes_mm: Iterable[float]) -> Split:
    """The split of a part, by its family, its stated sizes and its hash (`cadmonkey.parts.part_hash`).

    Of the parts that are not held out 90 % are for training, 5 % for validation and 5 % for the test.
    """
    if family in HELD_OUT_FAMILIES:
        return "held_out_family"
    low, high = HELD_OUT_BAND_MM
    if any(low <= size < high for size in sizes_mm):
        return "held_out_band"
    percent = int(part[:8], 16) % 100
    return "train" if percent < 90 else "validation" if percent < 95 else "test"
