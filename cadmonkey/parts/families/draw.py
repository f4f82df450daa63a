"""What every family draws with: sizes in one unit, holes, and the draft of a part."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.measures import CLEARANCE_MM, Measure, angle, draw_measure, screw
from cadmonkey.parts.phrases import Attribute, Words
from cadmonkey.parts.sentences import Stated

DEFAULTS_MM = {
    "plate": {"thickness": 5.0},
    "bracket": {"thickness": 4.0},
    "box": {"wall": 2.0},
    "cup": {"wall": 2.0},
    "bowl": {"wall": 2.0},
    "dome_shell": {"wall": 2.0},
    "funnel": {"wall": 2.0},
    "gear": {"thickness": 5.0},
    "vent": {"thickness": 3.0},
    "profile": {"thickness": 2.0, "wall": 2.0, "flange": 3.0, "web": 3.0},
    "mount": {"thickness": 5.0},
    "strip": {"thickness": 3.0},
    "slotted_plate": {"thickness": 5.0},
    "tag": {"thickness": 3.0},
    "hinge": {"thickness": 3.0},
    "gusset": {"thickness": 4.0},
    "u_bracket": {"thickness": 3.0},
    "hook": {"thickness": 4.0},
    "shelf_bracket": {"thickness": 4.0},
    "enclosure": {"wall": 2.0},
    "divider": {"wall": 1.5},
    "frame": {"thickness": 5.0},
    "clip": {"wall": 2.0},
    "fins": {"base": 3.0},
}
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
    """What the judge measures each value as; a value without a kind is no check of its own."""
    derived: dict[str, Quantity] = field(default_factory=dict)
    """Parameters that are computed from the values, for a program that reads well."""
    told: dict[str, int] = field(default_factory=dict)
    """Counts that the words always tell without a value for them: `a hole in each leg`."""
    trims: bool = False
    """Whether a cut takes the outside itself back, as the mouth of a clip does."""
    apart: bool = False
    """Whether every cut is a feature of its own, see `cadmonkey.parts.soundness.is_sound`."""


class Draw:
    """Draws the sizes of one part in one unit, with an occasional size in another."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.unit = rng.choices(("mm", "cm", "inch"), (84, 8, 8))[0]
        self.values: dict[str, Stated] = {}
        self.kinds: dict[str, str] = {}
        self.derived: dict[str, Quantity] = {}
        self.told: dict[str, int] = {}
        self.unsaid: set[str] = set()

    def size(self, name: str, low_mm: float, high_mm: float, kind: str | None = None) -> Quantity:
        """Draw a size and give its parameter.

        `kind` is what the judge measures it as (`cadmonkey.cad.kinds`): the parameter's own name if None, nothing if
        empty. `step_diameter:2` is the diameter of the second step.
        """
        unit = self.unit if self.rng.random() < 0.95 else "mm"
        return self.keep(name, draw_measure(self.rng, low_mm, high_mm, unit), kind)

    def keep(self, name: str, stated: Measure, kind: str | None = None) -> Quantity:
        """Take `stated` as the value of a parameter."""
        self.kinds[name] = name if kind is None else kind
        self.values[name] = stated
        return Quantity.named(name, stated.value)

    def size_or_default(
        self, family: str, name: str, low_mm: float, high_mm: float, kind: str | None = None
    ) -> Quantity:
        """Draw a size that a few parts leave at its default; `said` then drops the words for it."""
        if self.chance(0.07) and low_mm <= DEFAULTS_MM[family][name] <= high_mm:
            self.unsaid.add(name)
            return self.keep(name, measure_of(DEFAULTS_MM[family][name]), kind)
        return self.size(name, low_mm, high_mm, kind)

    def count(self, name: str, options: Sequence[int], kind: str | None = None) -> Quantity:
        """Draw a count and give its parameter."""
        self.kinds[name] = name if kind is None else kind
        number = self.rng.choice(options)
        self.values[name] = number
        return Quantity.named(name, number)

    def degrees(self, name: str, options: Sequence[float], kind: str | None = None) -> Quantity:
        """Draw an angle and give its parameter."""
        return self.keep(name, angle(self.rng.choice(options)), kind)

    def derive(self, name: str, value: Quantity) -> Quantity:
        """Give a name to what is computed from other parameters."""
        self.derived[name] = value
        return Quantity.named(name, value)

    def tell(self, kind: str, count: int) -> None:
        """Note a count that the words tell without a value for it."""
        self.told[kind] = count

    def said(self, *phrases: str) -> list[str]:
        """The phrases that speak of nothing which is left at its default."""
        return [text for text in phrases if not any(f"{{{name}" in text for name in self.unsaid)]

    def named(self, *attributes: Attribute) -> list[Attribute]:
        """The attributes that are not left at their defaults."""
        return [attribute for attribute in attributes if attribute.name not in self.unsaid]

    def chance(self, share: float) -> bool:
        """True in this share of the parts."""
        return self.rng.random() < share

    @property
    def bare(self) -> bool:
        """Whether every size so far is in mm and so may stand without a unit."""
        return all(isinstance(v, int) or v.unit == "mm" for v in self.values.values())

    def round_size(
        self, stem: str, low_mm: float, high_mm: float, nouns: str = "", kind: str = "outer"
    ) -> tuple[Quantity, Attribute]:
        """A diameter (`stem` or `stem_d`) or a radius (`stem_r`): its radius, and the words for it.

        `kind` is that of the dimension without its end, `_diameter` or `_radius`.
        """
        words = f"{nouns} " if nouns else ""
        if self.chance(0.72):
            name = f"{stem}_d" if stem else "diameter"
            radius = self.size(name, low_mm, high_mm, f"{kind}_diameter") / Quantity(2)
            return radius, Attribute(
                name, f"{words}diameter|{words}dia|{words}diameter", f"{words}diameter|{words}dia|in {words}diameter"
            )
        name = f"{stem}_r" if stem else "radius"
        radius = self.size(name, low_mm / 2, high_mm / 2, f"{kind}_radius")
        return radius, Attribute(name, f"{words}radius", f"{words}radius|in {words}radius")

    def draft(
        self,
        root: csg.Node,
        words: Words,
        holes: int = 0,
        variant: str = "",
        *,
        trims: bool = False,
        apart: bool = False,
    ) -> Draft:
        """The finished draft."""
        return Draft(self.values, root, words, holes, variant, self.kinds, self.derived, self.told, trims, apart)


def measure_of(mm: float) -> Measure:
    """A size in mm, as the defaults state it."""
    return Measure(f"{mm:g}", "mm", Quantity(mm))


def through(radius: Quantity, thickness: Quantity) -> csg.Node:
    """A hole's cutter: it starts 1 mm below the part and ends 1 mm above it. Put it at z = -1."""
    return csg.Cylinder(radius, thickness + Quantity(2))


def bore(draw: Draw, height: Quantity, low_mm: float, high_mm: float, kind: str = "bore") -> tuple[csg.Node, str, str]:
    """A hole through `height` on the z axis: its cutter, the words for it, and the step that makes it."""
    radius, size = hole_size(draw, "bore", low_mm, high_mm, kind)
    noun = "[bore|bore|center bore|center hole|centre hole|central hole|hole through the [center|middle]|axle hole]"
    step = f"[Drill|Bore|Cut] @ {size} hole [|straight |right ]through [it|the part] along Z, [centred|on the Z axis]"
    return on_axis(radius, height), f"[@ |]{size} {noun}", step


def on_axis(radius: Quantity, height: Quantity) -> csg.Node:
    """The cutter of a hole through `height` on the z axis."""
    return raised(Quantity(-1), through(radius, height))


def raised(z: Quantity, node: csg.Node) -> csg.Node:
    """`node` moved up by `z`."""
    return csg.Translate((0, 0, z), node)


def hole_size(draw: Draw, stem: str, low_mm: float, high_mm: float, kind: str) -> tuple[Quantity, str]:
    """The radius of a hole, and its size in words as they stand before `hole`: `4 mm`, `4 mm diameter`, `M4`.

    `kind` is that of the dimension without its end, `_diameter` or `_radius`; empty, if the judge cannot measure it.
    """
    ends = {end: kind and f"{kind}_{end}" for end in ("diameter", "radius")}
    screws = [name for name, mm in CLEARANCE_MM.items() if low_mm <= mm <= high_mm]
    if screws and draw.chance(0.15):
        size = draw.keep(f"{stem}_d", screw(draw.rng.choice(screws)), ends["diameter"])
        return size / Quantity(2), f"{{{stem}_d}} [|clearance|screw]"
    if draw.chance(0.12):
        return draw.size(f"{stem}_r", low_mm / 2, high_mm / 2, ends["radius"]), f"{{{stem}_r}} radius"
    size = draw.size(f"{stem}_d", low_mm, high_mm, ends["diameter"])
    return size / Quantity(2), f"{{{stem}_d}} [||||diameter|dia]"
