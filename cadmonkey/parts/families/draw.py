"""What every family draws with: sizes in one unit, holes, and the draft of a part."""

import random
from dataclasses import dataclass, field

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.measures import CLEARANCE_MM, Measure, draw_measure, screw
from cadmonkey.parts.phrases import Attribute, Words
from cadmonkey.parts.sentences import Stated

DEFAULTS_MM = {"plate": {"thickness": 5.0}, "bracket": {"thickness": 4.0}, "box": {"wall": 2.0}}
"""What a family assumes where the sentence does not say."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One part before it is written.

    `values` are in the order of the parameter lines; `holes` is the number of through holes that the solid must turn
    out to have (its genus, in a sound part).
    """

    values: dict[str, Stated]
    root: csg.Node
    words: Words
    holes: int = 0
    variant: str = ""
    kinds: dict[str, str] = field(default_factory=dict)
    apart: bool = False
    """Whether every cut is a feature of its own, see `cadmonkey.parts.soundness.is_sound`."""


class Draw:
    """Draws the sizes of one part in one unit, with an occasional size in another."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.unit = rng.choices(("mm", "cm", "inch"), (84, 8, 8))[0]
        self.values: dict[str, Stated] = {}
        self.kinds: dict[str, str] = {}

    def size(self, name: str, low_mm: float, high_mm: float, kind: str = "") -> Quantity:
        """Draw a size and give its parameter; `kind` is what the judge measures it as (`cadmonkey.cad.dimensions`)."""
        unit = self.unit if self.rng.random() < 0.95 else "mm"
        return self.keep(name, draw_measure(self.rng, low_mm, high_mm, unit), kind)

    def keep(self, name: str, stated: Measure, kind: str = "") -> Quantity:
        """Take `stated` as the value of a parameter."""
        self.kinds[name] = kind or name
        self.values[name] = stated
        return Quantity.named(name, stated.value)

    def count(self, name: str, options: list[int], kind: str = "") -> Quantity:
        """Draw a count and give its parameter."""
        self.kinds[name] = kind or name
        number = self.rng.choice(options)
        self.values[name] = number
        return Quantity.named(name, number)

    def chance(self, share: float) -> bool:
        """True in this share of the parts."""
        return self.rng.random() < share

    @property
    def bare(self) -> bool:
        """Whether every size so far is in mm and so may stand without a unit."""
        return all(isinstance(v, int) or v.unit == "mm" for v in self.values.values())

    def round_size(self, stem: str, low_mm: float, high_mm: float, nouns: str = "") -> tuple[Quantity, Attribute]:
        """A diameter (`stem` or `stem_d`) or a radius (`stem_r`): its radius, and the words for it."""
        words = f"{nouns} " if nouns else ""
        if self.chance(0.72):
            name = f"{stem}_d" if stem else "diameter"
            radius = self.size(name, low_mm, high_mm) / Quantity(2)
            return radius, Attribute(
                name, f"{words}diameter|{words}dia|{words}diameter", f"{words}diameter|{words}dia|in {words}diameter"
            )
        name = f"{stem}_r" if stem else "radius"
        radius = self.size(name, low_mm / 2, high_mm / 2)
        return radius, Attribute(name, f"{words}radius", f"{words}radius|in {words}radius")

    def draft(self, root: csg.Node, words: Words, holes: int = 0, variant: str = "", apart: bool = False) -> Draft:
        """The finished draft."""
        return Draft(self.values, root, words, holes, variant, self.kinds, apart)


def measure_of(mm: float) -> Measure:
    """A size in mm, as the defaults state it."""
    return Measure(f"{mm:g}", "mm", Quantity(mm))


def through(radius: Quantity, thickness: Quantity) -> csg.Node:
    """A hole's cutter: it starts 1 mm below the part and ends 1 mm above it. Put it at z = -1."""
    return csg.Cylinder(radius, thickness + Quantity(2))


def hole_size(draw: Draw, stem: str, low_mm: float, high_mm: float) -> tuple[Quantity, str]:
    """The radius of a hole, and its size in words as they stand before `hole`: `4 mm`, `4 mm diameter`, `M4`."""
    screws = [name for name, mm in CLEARANCE_MM.items() if low_mm <= mm <= high_mm]
    if screws and draw.chance(0.15):
        size = draw.keep(f"{stem}_d", screw(draw.rng.choice(screws)))
        return size / Quantity(2), f"{{{stem}_d}} [|clearance|screw]"
    if draw.chance(0.12):
        return draw.size(f"{stem}_r", low_mm / 2, high_mm / 2), f"{{{stem}_r}} radius"
    size = draw.size(f"{stem}_d", low_mm, high_mm)
    return size / Quantity(2), f"{{{stem}_d}} [||||diameter|dia]"


def copies_of(cut: csg.Node) -> int:
    """How many holes a cutter makes: patterns multiply."""
    if isinstance(cut, csg.LinearPattern | csg.CircularPattern):
        return int(cut.count) * copies_of(cut.child)
    return copies_of(cut.child) if isinstance(cut, csg.Translate) else 1
