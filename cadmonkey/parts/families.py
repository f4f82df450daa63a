"""Ten part families: sizes, the program that is built from them, and the words for them.

What a sentence leaves unsaid takes the value in DEFAULTS_MM. Boxes, plates and brackets start at the
origin; round parts stand on z = 0, centred on the z axis; a ball is centred at the origin.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.measures import CLEARANCE_MM, Measure, NoRoomError, draw_measure, screw
from cadmonkey.parts.phrases import HEIGHT, LENGTH, THICKNESS, WIDTH, Attribute, describe
from cadmonkey.parts.sentences import Stated

DEFAULTS_MM = {"plate": {"thickness": 5.0}, "bracket": {"thickness": 4.0}, "box": {"wall": 2.0}}
"""What a family assumes where the sentence does not say."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One part before it is written: values in the order of the parameter lines, the tree, a template, its holes."""

    values: dict[str, Stated]
    root: csg.Node
    template: str
    holes: int = 0


class Draw:
    """Draws the sizes of one part in one unit, with an occasional size in another."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.unit = rng.choices(("mm", "cm", "inch"), (84, 8, 8))[0]
        self.values: dict[str, Stated] = {}

    def size(self, name: str, low_mm: float, high_mm: float) -> Quantity:
        """Draw a size and give its parameter."""
        unit = self.unit if self.rng.random() < 0.95 else "mm"
        return self.keep(name, draw_measure(self.rng, low_mm, high_mm, unit))

    def keep(self, name: str, stated: Measure) -> Quantity:
        """Take `stated` as the value of a parameter."""
        self.values[name] = stated
        return Quantity.named(name, stated.value)

    def count(self, name: str, options: list[int]) -> Quantity:
        """Draw a count and give its parameter."""
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

    def draft(self, root: csg.Node, template: str, holes: int = 0) -> Draft:
        """The finished draft, with the number of through holes it must turn out to have."""
        return Draft(self.values, root, template, holes)


def block(rng: random.Random) -> Draft:
    """A cube, or a box of three sizes."""
    draw = Draw(rng)
    if draw.chance(0.25):
        size = draw.size("size", 2, 150)
        form = rng.choice(
            (
                "{size} cube",
                "cube [of|with side|with sides of|with edge length|, side|, size] {size}",
                "cube, {size} [on each side|per side|on a side|along each edge|each side]",
                "{size} [square block|solid cube|cubic block]",
                "cube with [a side length of|an edge of|all sides] {size}",
                "{size*size*size} [cube|block|box]",
            )
        )
        return draw.draft(csg.Cube((size, size, size)), "[@ |][solid |plain |simple |]" + form)
    length, width, height = (draw.size(name, 2, 200) for name in ("length", "width", "height"))
    noun = "[block|solid block|cuboid|rectangular block|rectangular prism|brick|solid box|bar|rectangular solid]"
    template = describe(rng, noun, [LENGTH, WIDTH, HEIGHT], [], "length*width*height", bare=draw.bare)
    return draw.draft(csg.Cube((length, width, height)), template)


def cylinder(rng: random.Random) -> Draft:
    """A cylinder, or a flat disc."""
    draw = Draw(rng)
    flat = draw.chance(0.35)
    radius, across = draw.round_size("", 10 if flat else 3, 160 if flat else 80)
    if flat:
        thickness = draw.size("thickness", 1, 12)
        noun = "[disc|disk|round disc|circular disc|puck|coin|round plate|flat disc]"
        return draw.draft(csg.Cylinder(radius, thickness), describe(rng, noun, [across, THICKNESS], [], bare=draw.bare))
    height = draw.size("height", 4, 200)
    noun = "[cylinder|cylinder|solid cylinder|rod|round rod|pin|peg|dowel|post|standoff|pillar|round bar|column]"
    tall = Attribute("height", "height|length", "tall|high|long|in height|in length")
    template = describe(rng, noun, [across, tall], [], bare=draw.bare)
    if draw.chance(0.1) and across.name == "diameter":
        template = f"[@ |]{noun} {{diameter*height}}"
    return draw.draft(csg.Cylinder(radius, height), template)


def sphere(rng: random.Random) -> Draft:
    """A ball, or a dome on its flat side."""
    draw = Draw(rng)
    radius, across = draw.round_size("", 4, 150)
    if draw.chance(0.55):
        noun = "[sphere|ball|solid sphere|round ball|sphere|bead]"
        template = describe(rng, noun, [across], [], bare=draw.bare)
        if across.name == "diameter" and draw.chance(0.25):
            template = f"[@ |][{{diameter}} {noun}|{noun} of {{diameter}}|{noun} {{diameter}}]"
        return draw.draft(csg.Sphere(radius), template)
    upper = csg.Translate(
        (-radius, -radius, Quantity(0)), csg.Cube((Quantity(2) * radius, Quantity(2) * radius, radius))
    )
    if across.name == "diameter":
        across_box = Quantity.named("diameter", radius * 2)
        upper = csg.Translate((-radius, -radius, Quantity(0)), csg.Cube((across_box, across_box, radius)))
    noun = "[dome|hemisphere|half sphere|half ball|solid dome|half-sphere]"
    features = ["[a flat base|its flat side down|the flat side on the bottom]"] if draw.chance(0.2) else []
    template = describe(rng, noun, [across], features, bare=draw.bare)
    return draw.draft(csg.intersection(csg.Sphere(radius), upper), template)


def cone(rng: random.Random) -> Draft:
    """A pointed cone, or a frustum."""
    draw = Draw(rng)
    diameters = draw.chance(0.7)
    kind, half = ("d", Quantity(2)) if diameters else ("r", Quantity(1))
    low, high = (6, 120) if diameters else (3, 60)

    def radius(name: str, low_mm: float, high_mm: float) -> Quantity:
        size = draw.size(f"{name}_{kind}", low_mm, high_mm)
        return size / half if diameters else size

    word = "diameter" if diameters else "radius"
    bottom = radius("base", low, high)
    base = Attribute(f"base_{kind}", f"base {word}|bottom {word}", f"base {word}|bottom {word}|{word} at the base")
    if draw.chance(0.5):
        height = draw.size("height", 5, 150)
        if draw.chance(0.4):
            base = Attribute(base.name, word, f"{word}|in {word}")
        noun = "[cone|solid cone|pointed cone|right circular cone|cone]"
        root = csg.Cone(bottom, Quantity(0) / half if diameters else Quantity(0), height)
        return draw.draft(root, describe(rng, noun, [base, HEIGHT], [], bare=draw.bare))
    limit = float(draw.values[base.name].mm)  # type: ignore[union-attr]
    end = radius("top", max(2.0, limit * 0.15), limit * (0.85 if draw.chance(0.85) else 1.6))
    if float(end) == float(bottom):
        raise NoRoomError
    height = draw.size("height", 5, 150)
    top = Attribute(f"top_{kind}", f"top {word}|upper {word}", f"top {word}|{word} at the top")
    noun = "[frustum|truncated cone|cone frustum|tapered cylinder|conical frustum|tapered plug]"
    return draw.draft(csg.Cone(bottom, end, height), describe(rng, noun, [base, top, HEIGHT], [], bare=draw.bare))


def through(radius: Quantity, thickness: Quantity) -> csg.Node:
    """A hole's cutter: it starts 1 mm below the part and ends 1 mm above it. Put it at z = -1."""
    return csg.Cylinder(radius, thickness + Quantity(2))


def plate(rng: random.Random) -> Draft:
    """A rectangular plate: plain, with a centre hole, corner holes, both, or a grid of holes."""
    draw = Draw(rng)
    length, width = draw.size("length", 20, 200), draw.size("width", 15, 160)
    attributes, rest = [LENGTH, WIDTH, THICKNESS], []
    product = "length*width*thickness"
    if draw.chance(0.07):
        thickness = draw.keep("thickness", measure_of(DEFAULTS_MM["plate"]["thickness"]))
        attributes, product = [LENGTH, WIDTH], "length*width"
    else:
        thickness = draw.size("thickness", 1, 12)
        if draw.chance(0.25):
            product, rest = "length*width", [THICKNESS]
    noun = "[plate|plate|flat plate|rectangular plate|mounting plate|base plate|panel|sheet]"
    holes = rng.choices((_no_holes, _centre_hole, _corner_holes, _both_holes, _hole_grid), (15, 20, 32, 13, 20))[0]
    cuts, features = holes(draw, length, width, thickness)
    root = csg.difference(csg.Cube((length, width, thickness)), *cuts)
    count = sum(copies_of(cut) for cut in cuts)
    return draw.draft(root, describe(rng, noun, attributes, features, product, rest, bare=draw.bare), count)


def copies_of(cut: csg.Node) -> int:
    """How many holes a cutter makes: patterns multiply."""
    if isinstance(cut, csg.LinearPattern | csg.CircularPattern):
        return int(cut.count) * copies_of(cut.child)
    return copies_of(cut.child) if isinstance(cut, csg.Translate) else 1


def measure_of(mm: float) -> Measure:
    """A size in mm, as the defaults state it."""
    return Measure(f"{mm:g}", "mm", Quantity(mm))


Cuts = tuple[list[csg.Node], list[str]]


def _no_holes(draw: Draw, length: Quantity, width: Quantity, thickness: Quantity) -> Cuts:
    return [], ["[no holes|no holes in it]"] if draw.chance(0.2) else []


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


def _centre_hole(draw: Draw, length: Quantity, width: Quantity, thickness: Quantity, stem: str = "hole") -> Cuts:
    radius, size = hole_size(draw, stem, 2, min(length, width) * 0.7)
    cut = csg.Translate((length / Quantity(2), width / Quantity(2), Quantity(-1)), through(radius, thickness))
    words = (
        f"[@ |one |a single ][{size} [through |]hole|hole of {size}] [in|through|at] the [center|centre|middle]",
        f"[@ |a central |one centered ]{size} [hole in the center|center hole|centre hole|central hole|middle hole]",
    )
    return [cut], [draw.rng.choice(words)]


def _corner_holes(draw: Draw, length: Quantity, width: Quantity, thickness: Quantity) -> Cuts:
    short = min(length, width)
    radius, size = hole_size(draw, "hole", 2, min(short * 0.25, 14))
    places = draw.rng.random()
    if places < 0.7:
        inset = draw.size("inset", float(radius) + 1.5, short / 2 - float(radius) - 1)
        xs, ys = [inset, length - inset], [inset, width - inset]
        where = draw.rng.choice(
            (
                "[|in the corners|at the corners|one in each corner|in each corner][,| ,]"
                " {inset} [from the edges|from each edge|in from the edges|from the sides|from both edges]",
                "{inset} [from the edges|from each edge|from the edge|inset from the edges]",
                "[in|at] the [four |]corners, [inset|offset|inset by] {inset}",
                "[in the corners|at the corners|in each corner][,|] with [an edge distance of {inset}|@ {inset} inset]",
            )
        )
    else:
        pitch_x = draw.size("spacing_x", 2 * float(radius) + 2, length - 2 * float(radius) - 2)
        pitch_y = draw.size("spacing_y", 2 * float(radius) + 2, width - 2 * float(radius) - 2)
        two = Quantity(2)
        xs, ys = (
            [(length - pitch_x) / two, (length + pitch_x) / two],
            [(width - pitch_y) / two, (width + pitch_y) / two],
        )
        where = (
            "[on|in|at] [a|a centered|a rectangular] {spacing_x*spacing_y} [pattern|hole pattern|hole spacing|spacing]"
        )
    cut = through(radius, thickness)
    cuts: list[csg.Node] = [csg.Translate((x, y, Quantity(-1)), cut) for x in xs for y in ys]
    return cuts, [f"[four|four|4] [{size} [|mounting |corner |screw |through ]holes|holes of {size}] {where}"]


def _both_holes(draw: Draw, length: Quantity, width: Quantity, thickness: Quantity) -> Cuts:
    corners, corner_words = _corner_holes(draw, length, width, thickness)
    centre, centre_words = _centre_hole(draw, length, width, thickness, "center")
    return [*centre, *corners], draw.rng.sample([*corner_words, *centre_words], 2)


def _hole_grid(draw: Draw, length: Quantity, width: Quantity, thickness: Quantity) -> Cuts:
    radius, size = hole_size(draw, "hole", 2, 10)
    columns, rows = draw.count("columns", [2, 3, 4, 5, 6, 7, 8]), draw.count("rows", [2, 3, 4, 5, 6])
    room = min((length - 2 * float(radius) - 3) / (columns - 1), (width - 2 * float(radius) - 3) / (rows - 1))
    pitch = draw.size("pitch", 2 * float(radius) + 1.5, float(room))
    one, two = Quantity(1), Quantity(2)
    corner = ((length - (columns - one) * pitch) / two, (width - (rows - one) * pitch) / two, Quantity(-1))
    grid = csg.LinearPattern(
        (1.0, 0.0, 0.0), columns, pitch, csg.LinearPattern((0.0, 1.0, 0.0), rows, pitch, through(radius, thickness))
    )
    apart = "[,|] [{pitch} apart|spaced {pitch} apart|with {pitch} spacing|with a pitch of {pitch}|at {pitch} pitch]"
    words = (
        f"[@ |]{{columns}} [x|by] {{rows}} [grid|array|pattern] of {size} holes{apart}",
        f"{{columns}} columns and {{rows}} rows of {size} holes{apart}",
        f"{{rows}} rows of {{columns}} {size} holes{apart}",
    )
    return [csg.Translate(corner, grid)], [draw.rng.choice(words)]


def spacer(rng: random.Random) -> Draft:
    """A ring by outer and inner diameter, or by outer diameter and wall: spacer, washer, tube."""
    draw = Draw(rng)
    kind = rng.choice(("spacer", "washer", "tube"))
    radius, outside = draw.round_size("outer", 6, 100, "[outer|outside]")
    limit = 2 * float(radius)
    two, minus = Quantity(2), Quantity(-1)
    if kind == "tube" and draw.chance(0.6):
        wall = draw.size("wall", 0.8, min(limit * 0.3, 12))
        bore = radius - wall
        if outside.name == "outer_d":
            bore = (Quantity.named("outer_d", radius * 2) - two * wall) / two
        inside = Attribute("wall", "wall thickness|wall", "wall|wall thickness|thick wall")
    elif outside.name == "outer_r":
        bore = draw.size("inner_r", limit * 0.1, limit * 0.45)
        inside = Attribute("inner_r", "[inner|inside|bore|hole] radius", "[inner|inside|bore|hole] radius")
    else:
        bore = draw.size("inner_d", limit * 0.2, limit * 0.9) / two
        nouns = "[inner|inside|bore|hole] diameter|bore|hole|ID"
        inside = Attribute("inner_d", nouns, "[inner|inside|bore|hole] diameter|bore|hole|ID")
    if outside.name == "outer_d":
        outside = Attribute("outer_d", "[outer|outside] diameter|OD|diameter", "[outer|outside] diameter|OD|diameter")
    if kind == "washer":
        height = draw.size("thickness", 0.5, 6)
        last = THICKNESS
    else:
        height = draw.size("height", 3, 60 if kind == "spacer" else 180)
        last = Attribute("height", "height|length", "tall|high|long|in length|in height")
    noun = {
        "spacer": "[spacer|round spacer|bushing|sleeve|ring|collar|hollow standoff]",
        "washer": "[washer|flat washer|ring|shim|shim washer]",
        "tube": "[tube|pipe|round tube|hollow cylinder|tube section|pipe section]",
    }[kind]
    hole = csg.Translate((Quantity(0), Quantity(0), minus), through(bore, height))
    root = csg.difference(csg.Cylinder(radius, height), hole)
    return draw.draft(root, describe(rng, noun, [outside, inside, last], [], bare=draw.bare), 1)


def flange(rng: random.Random) -> Draft:
    """A round flange with a bore and bolt holes on a circle."""
    draw = Draw(rng)
    two, zero, minus = Quantity(2), Quantity(0), Quantity(-1)
    outer = draw.size("outer_d", 40, 200)
    thickness = draw.size("thickness", 3, 20)
    bolt, bolt_words = hole_size(draw, "bolt", 3, min(14.0, outer * 0.12))
    count = draw.count("bolts", [3, 4, 4, 5, 6, 6, 8, 8, 10, 12])
    circle = draw.size("bolt_circle_d", outer * 0.55, outer - 2 * float(bolt) - 3)
    if circle * 3.1 / count < 2 * float(bolt) + 2:
        raise NoRoomError
    cuts: list[csg.Node] = []
    features = []
    outside = Attribute(
        "outer_d", "[outer|outside|flange] diameter|diameter|OD", "[outer |outside |]diameter|OD|across"
    )
    attributes = [outside, THICKNESS]
    if draw.chance(0.85):
        bore = draw.size("bore_d", 4, circle - 2 * float(bolt) - 4)
        cuts.append(csg.Translate((zero, zero, minus), through(bore / two, thickness)))
        features.append(
            "[@ |]{bore_d} [bore|center bore|center hole|central hole|centre hole|bore diameter|bore in the middle]"
        )
    hole = csg.Translate((circle / two, zero, minus), through(bolt, thickness))
    cuts.append(csg.CircularPattern(count, Quantity(360), hole))
    features.append(
        f"{{bolts}} {bolt_words} [bolt |mounting |screw |]holes on [@|a] {{bolt_circle_d}} "
        "[bolt circle|circle|pitch circle|bolt circle diameter|PCD|diameter bolt circle]"
        if draw.chance(0.75)
        else f"{{bolts}} {bolt_words} [bolt |]holes[,|] [bolt circle|PCD|bolt circle diameter|pitch circle diameter]"
        " [of |]{bolt_circle_d}"
    )
    if draw.chance(0.3):
        features.reverse()
    noun = "[flange|flange|round flange|pipe flange|bolt flange|circular flange|flange plate]"
    if len(cuts) == 1:
        noun = "[blind flange|blank flange|blind flange|solid flange]"
    root = csg.difference(csg.Cylinder(outer / two, thickness), *cuts)
    template = describe(rng, noun, attributes, features, bare=draw.bare)
    return draw.draft(root, template, sum(copies_of(cut) for cut in cuts))


def bracket(rng: random.Random) -> Draft:
    """An L-bracket: a base leg along x, an upright leg along z, with or without a hole in each."""
    draw = Draw(rng)
    two, zero = Quantity(2), Quantity(0)
    length, height = draw.size("length", 15, 120), draw.size("height", 15, 120)
    width = draw.size("width", 8, 100)
    attributes = [
        Attribute("length", "base length|[base|horizontal|bottom] leg|base", "base|base leg|[long|in length]"),
        Attribute("height", "height|[upright|vertical] leg|upright", "tall|high|upright|in height"),
        Attribute("width", "width", "wide|in width"),
    ]
    if draw.chance(0.07):
        thickness = draw.keep("thickness", measure_of(DEFAULTS_MM["bracket"]["thickness"]))
    else:
        thickness = draw.size("thickness", 1.5, min(12.0, min(length, height) * 0.3))
        attributes.append(THICKNESS)
    legs = csg.union(csg.Cube((length, width, thickness)), csg.Cube((thickness, width, height)))
    cuts: list[csg.Node] = []
    features = []
    if draw.chance(0.5):
        room = min(width, length - thickness, height - thickness)
        radius, size = hole_size(draw, "hole", 2, room * 0.6)
        base = csg.Translate(((length + thickness) / two, width / two, Quantity(-1)), through(radius, thickness))
        drilled = csg.Rotate((zero, Quantity(90), zero), through(radius, thickness))
        upright = csg.Translate((Quantity(-1), width / two, (height + thickness) / two), drilled)
        cuts = [base, upright]
        features = [f"[@ |one ]{size} hole [in the middle of |centered in |in ][each leg|both legs|each side]"]
    noun = "[L-bracket|L bracket|angle bracket|l-bracket|L shaped bracket|right angle bracket|corner bracket]"
    rest = attributes[3:]
    template = describe(rng, noun, attributes, features, "length*height*width", rest, bare=draw.bare)
    return draw.draft(csg.difference(legs, *cuts), template, len(cuts))


def box(rng: random.Random) -> Draft:
    """A box open at the top, by its outer or its inner size."""
    draw = Draw(rng)
    two = Quantity(2)
    inner = draw.chance(0.2)
    names = [f"inner_{name}" if inner else name for name in ("length", "width", "height")]
    length, width, height = (draw.size(name, 15, 160) for name in names)
    said = True
    if draw.chance(0.08):
        wall = draw.keep("wall", measure_of(DEFAULTS_MM["box"]["wall"]))
        said = False
    else:
        wall = draw.size("wall", 0.8, min(6.0, min(length, width, height) * 0.2))
    floor = wall
    features = []
    wall_words = "{wall} [walls|thick walls|wall thickness|wall]|[a |]wall thickness [of |]{wall}|walls {wall} thick"
    if said and draw.chance(0.3):
        floor = draw.size("floor", 0.8, min(8.0, height * 0.3))
        features = [f"[{wall_words}]", "[@ |]{floor} [floor|bottom|thick floor|thick bottom|base]"]
    elif said:
        features = [f"[{wall_words}|walls and floor {{wall}} thick|{{wall}} walls and floor]"]
    if inner:
        outside = (length + two * wall, width + two * wall, height + floor)
        hollow = (length, width, height + Quantity(1))
    else:
        outside = (length, width, height)
        hollow = (length - two * wall, width - two * wall, height)
    root = csg.difference(csg.Cube(outside), csg.Translate((wall, wall, floor), csg.Cube(hollow)))
    noun = "[box|open box|open-top box|tray|open box without a lid|box open at the top|bin|container without lid]"
    word = "[inner|inside|internal|interior] " if inner else "[|outer |outside |]"
    attributes = [
        Attribute(name, f"{word}{what}", f"[{word}{what}]" if inner else long)
        for name, what, long in zip(
            names, ("length", "width", "height"), ("long", "wide", "tall|high|deep"), strict=True
        )
    ]
    product = "*".join(names)
    if inner and draw.chance(0.6):
        sentence = (
            f"[@ |]{noun} [with inside dimensions|with inner dimensions|with inner size|, inside|, internal size] "
        )
        return draw.draft(root, f"{sentence}{{{product}}} [and|with|,] {', '.join(features) or 'standard walls'}")
    return draw.draft(root, describe(rng, noun, attributes, features, "" if inner else product, bare=draw.bare))


def shaft(rng: random.Random) -> Draft:
    """A shaft of two to four round steps, stacked along z."""
    draw = Draw(rng)
    steps = rng.choices((2, 3, 4), (50, 38, 12))[0]
    diameters, lengths = [], []
    for step in range(1, steps + 1):
        diameters.append(draw.size(f"d{step}", 4, 80))
        lengths.append(draw.size(f"l{step}", 3, 80))
    if any(abs(a - b) < 1 for a, b in pairwise(diameters)):
        raise NoRoomError
    bottom = Quantity(0)
    parts: list[csg.Node] = []
    for diameter, length in zip(diameters, lengths, strict=True):
        piece = csg.Cylinder(diameter / Quantity(2), length)
        parts.append(csg.Translate((Quantity(0), Quantity(0), bottom), piece) if parts else piece)
        bottom = bottom + length if len(parts) > 1 else length
    noun = "[stepped shaft|shaft|stepped shaft|stepped pin|stepped rod|stepped cylinder|turned shaft]"
    return draw.draft(csg.union(*parts), _shaft_words(rng, noun, steps))


def _shaft_words(rng: random.Random, noun: str, steps: int) -> str:
    pair = rng.choice(
        (
            "{{d{0}}} [diameter x |diameter by |diameter, |dia ]{{l{0}}} long",
            "{{d{0}}} [diameter|dia] for {{l{0}}}",
            "{{d{0}*l{0}}}",
            "[|diameter ]{{d{0}}} [over|for|along] {{l{0}}}",
            "{{l{0}}} of {{d{0}}} [diameter|dia]",
            "@ {{d{0}}} [diameter|dia] [section|step], {{l{0}}} long",
        )
    )
    said = [pair.format(step) for step in range(1, steps + 1)]
    sign = rng.choice((", then ", "; ", ", ", " then ", ", followed by ", " and then "))
    start = rng.choice(
        (": ", " with ", ", ", " - ", f" [with|of|in] {steps} [steps|sections]: ", ". From the bottom: ")
    )
    return f"[@ |]{noun}{start}{sign.join(said)}"


Family = Callable[[random.Random], Draft]
FAMILIES: Mapping[str, Family] = {
    family.__name__: family for family in (block, cylinder, sphere, cone, plate, spacer, flange, bracket, box, shaft)
}
