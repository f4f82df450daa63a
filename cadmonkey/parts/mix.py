"""Mixtures of families and styles: what a stream of parts is made of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from cadmonkey.errors import InputError
from cadmonkey.parts import compositions
from cadmonkey.parts.families import FAMILIES
from cadmonkey.parts.splits import HELD_OUT_FAMILIES, OUTSIDE_BAND

PRIMITIVES = ("block", "cylinder", "sphere", "cone")
"""Bare solids, with nothing added."""
COMPOSITIONS = tuple(family.__name__ for family in compositions.COMPOSITIONS)
"""Free forms."""
PRIMITIVE_SHARE = 0.18
COMPOSITION_SHARE = 0.30
CYCLE = 400
"""Parts after which the families of the full mix come round again."""


@dataclass(frozen=True, slots=True)
class Mix:
    """The families of a stream in turn, one of them several times where it is to be frequent, and its styles."""

    families: Sequence[str]
    """Part number i of the stream is of family i modulo their number."""
    styles: Sequence[str]
    """How sentences are written; each is drawn from these with equal chances."""
    noises: Mapping[str, float] = field(default_factory=dict)
    """What is done to sentences (`cadmonkey.parts.noise`), and in what share of them."""

    def family_of(self, index: int, split: str | None = None) -> str:
        """The family of part number `index`, of those that have parts in `split` (in any, if None).

        Raises:
            InputError: no family of the mix has.
        """
        families = self.families if split is None else [n for n in self.families if _has_parts_in(split, n)]
        if not families:
            wanted = sorted(name for name in FAMILIES if _has_parts_in(split, name))
            raise InputError(f"split {split}: expected a mix with one of {', '.join(wanted)}")
        return families[index % len(families)]


def _has_parts_in(split: str | None, family: str) -> bool:
    """Whether a family has parts enough in a split."""
    if family in HELD_OUT_FAMILIES or split == "held_out_family":
        return family in HELD_OUT_FAMILIES and split == "held_out_family"
    return split != "held_out_band" or family not in OUTSIDE_BAND


def cycle(families: Collection[str]) -> tuple[str, ...]:
    """The families of the full mix: primitives and compositions by their shares, the rest in equal parts."""
    groups = {
        PRIMITIVE_SHARE: [name for name in families if name in PRIMITIVES],
        COMPOSITION_SHARE: [name for name in families if name in COMPOSITIONS],
    }
    groups = {share: names for share, names in groups.items() if names}
    rest = [name for name in families if name not in (*PRIMITIVES, *COMPOSITIONS)]
    counts = {name: CYCLE * share / len(names) for share, names in groups.items() for name in names}
    counts |= {name: CYCLE * (1 - sum(groups)) / len(rest) for name in rest}
    # Every family evenly over the cycle, so that any stretch of the stream has the same shares.
    places = [((at + 0.5) / count, name) for name, count in counts.items() for at in range(round(count))]
    return tuple(name for _, name in sorted(places))


PLAIN = Mix(
    ("block", "cylinder", "sphere", "cone", "plate", "spacer", "flange", "bracket", "box", "shaft"), styles=("plain",)
)
"""Ten families in plain sentences: what a model of a few million parameters learns in an hour."""

FULL = Mix(
    cycle(FAMILIES),
    styles=(*["plain"] * 40, *["terse"] * 15, *["chatty"] * 12, *["spec_sheet"] * 13, *["steps"] * 20),
    noises={"no_units": 0.1, "typos": 0.12, "upper": 0.02, "lower": 0.08},
)
"""Everything that we can write."""

MIXES = {"plain": PLAIN, "full": FULL}
"""By the name that a recipe gives."""
