"""Parts with flat sides: regular prisms, nuts and hex standoffs, wedges, pyramids."""

import random

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families.draw import Draft, Draw, bore, on_axis
from cadmonkey.parts.measures import CLEARANCE_MM, NUTS_MM, Measure, NoRoomError
from cadmonkey.parts.phrases import HEIGHT, LENGTH, THICKNESS, WIDTH, Attribute, Words

COS_HALF_STEP = {6: 0.8660254, 8: 0.9238795}
"""Sides -> the cosine of half the angle between two corners: across flats over across corners."""
RADIUS_OF_SIDE = {3: 0.5773503, 5: 0.8506508, 6: 1.0, 8: 1.306563}
"""Sides -> radius of the circle through the corners of a polygon whose sides are 1 long."""
ADJECTIVES = {
    3: "triangular|three-sided|3-sided|equilateral triangular",
    5: "pentagonal|five-sided|5-sided|regular pentagonal",
    6: "hexagonal|hex|hexagon|six-sided|6-sided",
    7: "heptagonal|seven-sided|7-sided",
    8: "octagonal|octagon|eight-sided|8-sided",
    10: "decagonal|ten-sided|10-sided",
}
FLATS = Attribute(
    "across_flats",
    "across flats|width across flats|AF|distance across the flats|wrench size",
    "across flats|across the flats|AF|wrench size",
)
CORNERS = Attribute(
    "across_corners",
    "across corners|width across corners|[circumscribed|circumscribing] circle diameter",
    "across corners|across the corners|corner to corner",
)


def prism(rng: random.Random) -> Draft:
    """A solid regular prism, upright on the z axis: by its flats, its corners or the length of a side."""
    draw = Draw(rng)
    by = rng.choices(("flats", "corners", "side"), (45, 30, 25))[0]
    radius, sides, attribute = _across(draw, by)
    flat = draw.chance(0.25)
    name = "thickness" if flat else "height"
    height = draw.size(name, *((1, 10) if flat else (8, 150)))
    draw.tell("sides", sides)
    what = "plate|disc|tile" if flat else "prism|prism|bar|block|post|column|rod"
    noun = f"[[{ADJECTIVES[sides]}] [{what}]]"
    if sides == 6 and not flat:
        noun = f"[{noun}|{noun}|hexagonal bar|hex stock]"
    tall = THICKNESS if flat else Attribute("height", "height|length", "tall|high|long|in height")
    steps = [
        f"[Draw|Sketch] a regular polygon with {sides} sides on the XY plane around the origin, one corner on the X "
        f"axis, {_MEASURED[by]}",
        f"[Extrude it|Pull it up|Raise it] by {{{name}}} along Z",
    ]
    absent = ["no hole", "no holes", "solid", "solid all the way through", "no bore"]
    words = Words(noun, [attribute, tall], bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(csg.Cylinder(radius, height, sides), words, 0, by)


_MEASURED = {
    "flats": "{across_flats} across its flats",
    "corners": "its corners on a circle of {across_corners} diameter",
    "side": "every side {side_length} long",
}


def _across(draw: Draw, by: str) -> tuple[Quantity, int, Attribute]:
    """The radius through the corners of a regular polygon, its sides, and the words for its size."""
    if by == "flats":
        sides = draw.rng.choice((6, 6, 6, 8))
        return draw.size("across_flats", 4, 100) / COS_HALF_STEP[sides] / 2, sides, FLATS
    if by == "corners":
        sides = draw.rng.choice(tuple(ADJECTIVES))
        return draw.size("across_corners", 5, 120) / 2, sides, CORNERS
    sides = draw.rng.choice(tuple(RADIUS_OF_SIDE))
    side = draw.size("side_length", 4, 60)
    words = Attribute("side_length", "side length|side|edge length", "side length|sides|on a side|long sides|per side")
    return side if sides == 6 else side * RADIUS_OF_SIDE[sides], sides, words


def nut(rng: random.Random) -> Draft:
    """A hexagon with a round hole: a nut by its screw or by its sizes, or a hex standoff."""
    draw = Draw(rng)
    kind = rng.choices(("screw", "screw_thickness", "sizes", "standoff", "screw_standoff"), (14, 14, 26, 26, 20))[0]
    draw.tell("sides", 6)
    if kind.startswith("screw"):
        return _screw_nut(draw, kind)
    flats = draw.size("across_flats", 4, 50)
    standoff = kind == "standoff"
    name = "height" if standoff else "thickness"
    height = draw.size(name, *((6, 80) if standoff else (1.5, 25)))
    hole, hole_words, hole_step = bore(draw, height, 2, flats * 0.8)
    steps = [_hexagon_step("{across_flats} across flats"), f"Extrude it by {{{name}}} along Z", hole_step]
    tall = Attribute("height", "height|length", "tall|long|high|in length") if standoff else THICKNESS
    noun = _STANDOFF_NOUN if standoff else "[hex nut|nut|hexagonal nut|hexagon nut|six-sided nut]"
    words = Words(noun, [FLATS, tall], [hole_words], bare=draw.bare, steps=steps, absent=_NUT_ABSENT)
    root = csg.difference(_hexagon(flats, height), hole)
    return draw.draft(root, words, 1, kind)


_STANDOFF_NOUN = "[hex standoff|hexagonal standoff|hex spacer|hexagonal spacer|hex pillar|hexagon standoff]"
_NUT_ABSENT = ("no thread", "no threads", "plain smooth hole", "no chamfers", "unthreaded", "no flange")


def _hexagon(flats: Quantity, height: Quantity) -> csg.Node:
    return csg.Cylinder(flats / COS_HALF_STEP[6] / 2, height, 6)


def _hexagon_step(size: str) -> str:
    return f"[Draw|Sketch] a hexagon, {size}, on the XY plane around the origin, one corner on the X axis"


def _screw_nut(draw: Draw, kind: str) -> Draft:
    """The screw alone says across flats and hole, and the thickness of a plain nut: `M8 nut`, `M3 hex standoff`."""
    screw = draw.rng.choice(tuple(NUTS_MM))
    across, thick = NUTS_MM[screw]["across_flats"], NUTS_MM[screw]["thickness"]
    standoff = kind == "screw_standoff"
    flats = draw.keep("across_flats", Measure(screw, "screw", Quantity(across)))
    if kind == "screw":
        height = draw.keep("thickness", Measure(screw, "screw", Quantity(thick)))
    elif standoff:
        height = draw.size("height", 6, 60)
    else:
        height = draw.size("thickness", 2, 20)
    # A nut sits on its screw, a standoff lets it through.
    bore, bore_mm = ("hole_d", CLEARANCE_MM[screw]) if standoff else ("thread_d", NUTS_MM[screw]["thread_d"])
    hole = draw.keep(bore, Measure(screw, "screw", Quantity(bore_mm)), "bore_diameter")
    name = "height" if standoff else "thickness"
    means = f"{{across_flats*{'thickness*' if kind == 'screw' else ''}{bore}}}"
    noun = _SCREW_NOUN[kind].replace("M#", means)
    fit = "to clear the screw" if standoff else "as wide as the screw"
    steps = [
        _hexagon_step(f"[as large as|the size of] @ {means} nut across its flats"),
        "Extrude it along Z by " + ("the height of such a nut" if kind == "screw" else f"{{{name}}}"),
        f"Drill a smooth hole along Z through the middle, {fit}",
    ]
    words = Words(noun, steps=steps, absent=_NUT_ABSENT, plain=f"[@ |]{noun}")
    root = csg.difference(_hexagon(flats, height), on_axis(hole / 2, height))
    return draw.draft(root, words, 1, kind)


_SCREW_NOUN = {
    "screw": (
        "[M# hex nut|M# nut|M# hexagon nut|hex nut for @ M# [bolt|screw]|nut, M#|standard M# nut|hex nut M#|nut in "
        "size M#|plain M# nut|M# hexagonal nut][||, smooth bore|, no thread|, unthreaded| without thread]"
    ),
    "screw_thickness": (
        "[{thickness} thick M# [hex |]nut|M# [hex |]nut[,| that is|] {thickness} thick|M# nut with a thickness of "
        "{thickness}|nut for @ M# [bolt|screw], {thickness} thick|{thickness} high M# hex nut]"
        "[||, smooth bore|, no thread| without thread]"
    ),
    "screw_standoff": (
        "[M# hex standoff[,|] {height} [long|tall]|{height} M# hex [standoff|spacer]|{height} [long|tall] M# hex "
        "standoff|hex [spacer|standoff] for M# screws, {height} [long|high|tall]|M# hexagonal [standoff|spacer] of "
        "{height}|hex standoff with @ M# [through |clearance |]hole, {height} [long|tall]]"
    ),
}


def wedge(rng: random.Random) -> Draft:
    """A ramp that rises along x: to an edge, by its angle, from a lip, or up and down again as a roof."""
    draw = Draw(rng)
    variant = rng.choices(("edge", "angle", "lip", "roof"), (40, 25, 15, 20))[0]
    if variant == "angle":
        return _by_angle(draw)
    length, width, height = (draw.size(name, 5, 150) for name in ("length", "width", "height"))
    corners: tuple[csg.Point, ...] = ((0, 0), (length, 0), (length, height))
    features = []
    if variant == "lip":
        corners += ((0, draw.size("front_height", 1, height * 0.7, "any_edge_z")),)
        features = ["[@ |]{front_height} [high front edge|front height|height at the low end|low end]"]
    root = _along_y(width, csg.Polygon(corners))
    if variant == "roof":
        root = _along_x(length, csg.Polygon(((0, 0), (width, 0), (width / 2, height))))
    noun, *steps = _WEDGES[variant]
    attributes, product = [LENGTH, WIDTH, _tall(variant)], "" if features else "length*width*height"
    words = Words(noun, attributes, features, product, bare=draw.bare, steps=steps, absent=_PLAIN)
    return draw.draft(root, words, 0, variant)


_WEDGES = {
    "edge": (
        "[wedge|ramp|wedge|triangular wedge|door wedge|door stop|right triangular prism|right-angled wedge]",
        "[Draw|Sketch] a right triangle in the XZ plane: {length} along X, rising to {height} at its end",
        "[Extrude|Pull] it {width} along Y",
    ),
    "roof": (
        "[roof-shaped prism|gable roof block|symmetric triangular prism|isosceles triangular prism|tent-shaped block]"
        "[|, ridge along its length|, the ridge running lengthwise|]",
        "[Draw|Sketch] an isosceles triangle in the YZ plane: {width} along Y at the bottom, its tip {height} above "
        "the middle of that",
        "[Extrude|Pull] it {length} along X",
    ),
    "lip": (
        "[ramp|sloped block|wedge with a blunt end|sloping block|slanted block|blunt wedge]",
        "[Draw|Sketch] an outline in the XZ plane: {length} along X, {front_height} high at x = 0, {height} high at "
        "the other end",
        "[Extrude|Pull] it {width} along Y",
    ),
}
"""Variant -> what it is called, and its steps."""
_PLAIN = ("no holes", "solid", "no steps", "no rounded edges")


def _along_y(width: Quantity, outline: csg.Polygon) -> csg.Node:
    """An outline in the XZ plane, extruded along y."""
    return csg.Translate((0, width, 0), csg.Rotate((90, 0, 0), csg.LinearExtrude(width, outline)))


def _along_x(length: Quantity, outline: csg.Polygon) -> csg.Node:
    """An outline in the YZ plane, extruded along x."""
    return csg.Rotate((90, 0, 90), csg.LinearExtrude(length, outline))


def _tall(variant: str) -> Attribute:
    high = "tall|high|in height" if variant == "roof" else "tall|high|high at the [thick|tall|high] end"
    return Attribute("height", "height|maximum height", high)


def _by_angle(draw: Draw) -> Draft:
    length, width = draw.size("length", 10, 150), draw.size("width", 5, 100)
    angle = draw.degrees("angle", (5, 8, 10, 12, 15, 18, 20, 22.5, 25, 30, 30, 35, 40, 45, 45), "slope_angle")
    # What lies below the slope; at 45 degrees and less the slope leaves the block at its end.
    below = csg.Translate((-1, -1, -length), csg.Cube((2 * length, width + 2, length)))
    root = csg.intersection(csg.Cube((length, width, length)), csg.Rotate((0, -angle, 0), below))
    slope = draw.rng.choice(
        (
            "[a slope of|an incline of|an angle of|a slope angle of|an inclination of] {angle}",
            "[@ |]{angle} [slope|incline|angle|inclination]",
            "[a top|a face|a surface] [sloped|slanted|inclined|tilted] at {angle}[| to the base| to the horizontal]",
        )
    )
    steps = [
        "[Start with|Take] a block on the XY plane, {length} long (X), {width} wide (Y) and tall enough for the slope",
        "Cut it along a plane that starts in the bottom edge at x = 0 and rises at {angle} along X; keep what lies "
        "below",
    ]
    noun = "[wedge|ramp|ramp|incline|inclined block|triangular wedge|sloped wedge]"
    base = Attribute("length", "base length|length", "long|in length|base length")
    words = Words(noun, [base, WIDTH], [slope], bare=draw.bare, steps=steps, absent=_PLAIN)
    return draw.draft(root, words, 0, "angle")


def pyramid(rng: random.Random) -> Draft:
    """A pyramid on a square or a rectangle, pointed or cut off level."""
    draw = Draw(rng)
    square, blunt = draw.chance(0.55), draw.chance(0.35)
    if square:
        length = width = draw.size("base", 8, 120, "length")
    else:
        length, width = draw.size("length", 8, 150), draw.size("width", 8, 120)
        if abs(length - width) < 1:
            raise NoRoomError
    height = draw.size("height", 5, 120)
    top: tuple[Quantity, ...] = ()
    if blunt:
        share = draw.rng.uniform(0.25, 0.75)
        name = "top" if square else "top_length"
        top = (draw.size(name, length * (share - 0.1), length * (share + 0.1), "any_edge_x"),)
        top += () if square else (draw.size("top_width", width * (share - 0.1), width * (share + 0.1), "any_edge_y"),)
    along, across = _outline(length, height, top[:1]), _outline(width, height, top[-1:])
    root = csg.intersection(_along_y(width, along), _along_x(length, across))
    return draw.draft(
        root, _pyramid_words(draw, square, blunt), 0, f"{'square' if square else 'rectangle'}{'_blunt' * blunt}"
    )


def _outline(width: Quantity, height: Quantity, top: tuple[Quantity, ...]) -> csg.Polygon:
    """The pyramid seen from one side."""
    if not top:
        return csg.Polygon(((0, 0), (width, 0), (width / 2, height)))
    return csg.Polygon(((0, 0), (width, 0), ((width + top[0]) / 2, height), ((width - top[0]) / 2, height)))


def _pyramid_words(draw: Draw, square: bool, blunt: bool) -> Words:
    if square:
        attributes = [
            Attribute("base", "base side|base edge|side length of the base", "base|square base|base edge|wide base")
        ]
        below, above = "a square with sides of {base}", "a square with sides of {top}"
        top = "[@ |]{top} [square top|top edge|top|top side]"
    else:
        attributes = [LENGTH, WIDTH]
        below = "a rectangle {length} long (X) and {width} wide (Y)"
        above = "a rectangle {top_length} long (X) and {top_width} wide (Y)"
        top = "[@ |]{top_length*top_width} [top|flat top|top face]"
    kind = "square" if square else "rectangular"
    noun = f"[{kind} pyramid|pyramid[| with a {kind} base]|four-sided pyramid]"
    tip = "[Bring its four sides together|Let its four sides meet] in a point {height} above the middle of the base"
    absent = ["no holes", "solid", "pointed", "no flat top"]
    if blunt:
        noun = (
            f"[truncated {kind} pyramid|truncated pyramid|{kind} frustum|pyramid cut off at the top|flat-topped "
            "pyramid]"
        )
        tip = f"Taper it evenly up to {above}, level and centred, {{height}} above the base"
        absent = ["no holes", "solid", "no point"]
    steps = [f"[Draw|Sketch] {below} on the XY plane, one corner at the origin", tip]
    return Words(noun, [*attributes, HEIGHT], [top] if blunt else [], bare=draw.bare, steps=steps, absent=absent)
