"""Rounded parts: knobs, handles with ball ends, rings of round section, stretched round parts."""

import random

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families.draw import Draft, Draw, bore, raised
from cadmonkey.parts.measures import NoRoomError
from cadmonkey.parts.phrases import HEIGHT, LENGTH, THICKNESS, WIDTH, Attribute, Words

DIAMETER = Attribute("diameter", "diameter", "diameter|dia|in diameter")
TALL = Attribute("height", "[overall |total |]height", "tall|high|in height")
LONG = Attribute("height", "[overall |total |]length", "long|in length|in overall length")


def knob(rng: random.Random) -> Draft:
    """A round knob: a cylinder with a domed top, a ball on a stem, or a head on a boss; with or without a hole."""
    draw = Draw(rng)
    variant = rng.choice(("domed", "ball", "head"))
    body, noun, attributes, features, steps, limit = {"domed": _domed, "ball": _ball_knob, "head": _head}[variant](draw)
    height = Quantity.named("height", draw.values["height"].value)  # type: ignore[union-attr]
    cuts: list[csg.Node] = []
    # A hole through a round top would take its tip away, and the height with it.
    hole = rng.choices(("none", "blind", "through"), (35, 40, 25 if variant == "head" else 0))[0]
    absent = ["no knurling", "no grip ridges", "smooth sides"]
    if hole == "blind":
        cut, hole_words, hole_step = _blind_hole(draw, limit * 0.6, height * 0.6)
        cuts, features, steps = [cut], [*features, hole_words], [*steps, hole_step]
    elif hole == "through":
        cut, hole_words, hole_step = bore(draw, height, 2, limit * 0.6)
        cuts, features, steps = [cut], [*features, f"{hole_words}[| all the way through]"], [*steps, hole_step]
    else:
        absent += ["no hole", "no bore", "solid"]
    words = Words(noun, attributes, features, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(csg.difference(body, *cuts), words, int(hole == "through"), f"{variant}_{hole}")


def _blind_hole(draw: Draw, widest_mm: float, deepest_mm: float) -> tuple[csg.Node, str, str]:
    """A hole from below on the z axis: its cutter, the words for it, and the step that makes it."""
    across = draw.size("hole_d", 2, widest_mm, "hole_diameter")
    depth = draw.size("hole_depth", 3, min(40.0, deepest_mm))
    where = "[from below|in the bottom|from the underside]"
    words = f"@ {{hole_d}} [shaft |mounting |blind |]hole {{hole_depth}} deep {where}"
    step = "Drill @ {hole_d} hole {hole_depth} deep into it from below, along Z, centred, with a flat end"
    return raised(Quantity(-1), csg.Cylinder(across / 2, depth + 1)), words, step


Knob = tuple[csg.Node, str, list[Attribute], list[str], list[str], float]
"""The body, the noun, attributes, features and steps, and the width of its foot in mm."""


def _domed(draw: Draw) -> Knob:
    across = draw.size("diameter", 8, 50, "outer_diameter")
    height = draw.size("height", across * 1.05, across * 2.5)
    body = csg.union(csg.Cylinder(across / 2, height - across / 2), raised(height - across / 2, csg.Sphere(across / 2)))
    noun = "[knob|round knob|domed knob|round-topped knob]"
    features = ["[@ hemispherical|@ half-ball|@ fully rounded] top [of the same diameter|as wide as the knob]"]
    steps = [
        "[Start with|Stand] a cylinder {diameter} in diameter on the XY plane, its axis on Z",
        "Finish it with a hemispherical top of the same diameter, so that the whole is {height} tall",
    ]
    return body, noun, [DIAMETER, TALL], features, steps, float(across)


def _ball_knob(draw: Draw) -> Knob:
    ball = draw.size("ball_d", 8, 60, "sphere_diameter")
    stem = draw.size("stem_d", max(4.0, ball * 0.25), ball * 0.7, "step_diameter:1")
    height = draw.size("height", ball + 3, ball + 50)
    centre = height - ball / 2
    body = csg.union(csg.Cylinder(stem / 2, centre), raised(centre, csg.Sphere(ball / 2)))
    noun = "[ball knob|ball knob|knob with a ball head|ball-shaped knob]"
    features = ["[@ |]{stem_d} [stem|neck|round stem|stem diameter]"]
    attribute = Attribute("ball_d", "ball diameter|head diameter", "ball diameter|ball|head diameter")
    steps = [
        "[Start with|Stand] a stem {stem_d} in diameter on the XY plane, its axis on Z",
        "Put a ball {ball_d} in diameter on it, its centre on the axis and its top {height} above the ground; the "
        "stem ends in the ball",
    ]
    return body, noun, [attribute, TALL], features, steps, float(stem)


def _head(draw: Draw) -> Knob:
    head = draw.size("head_d", 12, 90, "outer_diameter")
    boss = draw.size("boss_d", max(6.0, head * 0.3), head * 0.8, "step_diameter:1")
    low = draw.size("boss_height", 2, 25, "step_length:1")
    height = draw.size("height", low + 4, low + 40)
    body = csg.union(csg.Cylinder(boss / 2, height), raised(low, csg.Cylinder(head / 2, height - low)))
    noun = "[knob|round knob|control knob|flat knob|dial knob|turning knob]"
    features = [
        "@ {boss_d} [boss|neck|foot|collar] {boss_height} high [under the head|below the head|underneath]",
    ]
    attribute = Attribute("head_d", "head diameter|knob diameter|diameter", "diameter|head diameter|in diameter")
    steps = [
        "[Start with|Stand] a boss {boss_d} in diameter and {boss_height} high on the XY plane, its axis on Z",
        "Put the head on it: a cylinder {head_d} in diameter on the same axis that ends {height} above the ground",
    ]
    return body, noun, [attribute, TALL], features, steps, float(boss)


def handle(rng: random.Random) -> Draft:
    """A bar with ball ends: a capsule, a pin round on one end, the same with a hole in the other, or a dumbbell."""
    draw = Draw(rng)
    variant = rng.choices(("capsule", "one_end", "socket", "dumbbell"), (40, 20, 20, 20))[0]
    if variant == "dumbbell":
        return _dumbbell(draw)
    across = draw.size("diameter", 5, 45, "outer_diameter")
    height = draw.size("height", across * 1.3, across * 6)
    ball, capsule = csg.Sphere(across / 2), variant == "capsule"
    top = raised(height - across / 2, ball)
    if capsule:
        bar = raised(across / 2, csg.Cylinder(across / 2, height - across))
        body = csg.union(bar, raised(across / 2, ball), top)
    else:
        body = csg.union(csg.Cylinder(across / 2, height - across / 2), top)
    where = "on each end" if capsule else "on its upper end; the lower end is flat"
    steps = [
        "[Draw|Start with] a round bar {diameter} in diameter along the Z axis",
        f"Put a half ball of the same diameter {where}, so that the whole is {{height}} long and stands on the XY "
        "plane",
    ]
    absent = ["no grooves", "no side holes", *([] if capsule else ["flat at the bottom", "no dome at the bottom"])]
    features, cuts = [], []
    if variant == "socket":
        cut, words, step = _blind_hole(draw, across * 0.7, (height - across / 2) * 0.8)
        features, cuts, steps = [words], [cut], [*steps, step]
    else:
        absent += ["no holes", "no bore", "solid"]
    description = Words(_BARS[variant], [DIAMETER, LONG], features, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(csg.difference(body, *cuts), description, 0, variant)


_BARS = {
    "capsule": (
        "[capsule|handle with rounded ends|grip with hemispherical ends|bar handle with ball ends|"
        "round bar with hemispherical ends|pill shape]"
    ),
    "one_end": (
        "[pin with a rounded end|round-nosed pin|bullet-shaped pin|rod with one hemispherical end|"
        "dowel with a [round|hemispherical] top]"
    ),
    "socket": "[tool handle|file handle|handle|grip] with [a hemispherical|a half-ball|a domed|one round] [end|top]",
}


def _dumbbell(draw: Draw) -> Draft:
    ball = draw.size("ball_d", 10, 55, "sphere_diameter")
    bar = draw.size("bar_d", max(4.0, ball * 0.2), ball * 0.7, "step_diameter:1")
    height = draw.size("height", ball * 2 + 8, ball * 2 + 120, "height")
    end = csg.Sphere(ball / 2)
    root = csg.union(
        raised(ball / 2, csg.Cylinder(bar / 2, height - ball)), raised(ball / 2, end), raised(height - ball / 2, end)
    )
    attributes = [
        Attribute("ball_d", "ball diameter|diameter of the balls", "balls|ball diameter|balls on the ends"),
        Attribute("bar_d", "bar diameter|diameter of the bar", "bar diameter|bar|thick bar"),
        LONG,
    ]
    steps = [
        "[Draw|Start with] a round bar {bar_d} in diameter along the Z axis",
        "Put a ball {ball_d} in diameter on each end, centred on the axis; from the lowest point, on the XY plane, "
        "to the top the whole measures {height}, and the bar ends in the balls",
    ]
    noun = "[dumbbell|bar with a ball on each end|handle with ball ends|dumbbell-shaped handle]"
    absent = ["no holes", "solid", "no weights"]
    words = Words(noun, attributes, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(root, words, 0, "dumbbell")


def torus(rng: random.Random) -> Draft:
    """A ring of round section, flat on the ground: by its centreline, its outside or its inside; or half of one."""
    draw = Draw(rng)
    variant = rng.choices(("centreline", "outer", "inner", "half"), (25, 30, 30, 15))[0]
    section = draw.size("section_d", 1.5, 25, "thickness")
    across, middle = _ring(draw, variant, section)
    if across + section > 200:
        raise NoRoomError
    half = variant == "half"
    circle = csg.Translate((middle, section / 2, 0), csg.Circle(section / 2))
    root = csg.RotateExtrude(circle, 180.0 if half else 360.0)
    attribute, measured = _RINGS.get(variant, _RINGS["centreline"])
    steps = [
        "[Draw|Sketch] a circle {section_d} in diameter in the XZ plane, resting on the X axis",
        f"[Revolve|Turn] it {'half way' if half else 'all the way'} around Z so that the ring is {measured}",
    ]
    noun = "[torus|ring of round section|round ring|donut|doughnut|ring with a round cross-section]"
    if variant in ("outer", "inner"):
        noun = f"[{noun}|O-ring|O-ring|o-ring|O ring]"
    if half:
        noun = "[half torus|half ring of round section|half of a torus|semicircular ring of round bar]"
    attributes = [attribute, Attribute("section_d", _SECTION, "[section|cord|cross-section] diameter|section|thick")]
    absent = ["solid", "not hollow", *([] if half else ["no gap", "closed all around"])]
    words = Words(noun, attributes, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(root, words, 0 if half else 1, variant)


def _ring(draw: Draw, variant: str, section: Quantity) -> tuple[Quantity, Quantity]:
    """A diameter of the ring, and the radius of its centreline."""
    if variant == "outer":
        across = draw.size("outer_d", max(8.0, section * 3.5), max(60.0, section * 9), "length")
        return across, (across - section) / 2
    if variant == "inner":
        across = draw.size("inner_d", max(5.0, section * 1.2), max(60.0, section * 7), "eye_diameter")
        return across, (across + section) / 2
    across = draw.size("ring_d", max(7.0, section * 2.2), max(60.0, section * 8), "ring_diameter")
    return across, across / 2


_SECTION = "section diameter|cross-section diameter|cord diameter|[tube|wire|cord] thickness|cross section"
_RINGS = {
    "outer": (
        Attribute("outer_d", "[outer|outside] diameter|OD", "[outer|outside] diameter|OD"),
        "{outer_d} in outside diameter",
    ),
    "inner": (
        Attribute("inner_d", "[inner|inside] diameter|ID", "[inner|inside] diameter|ID"),
        "{inner_d} in inside diameter",
    ),
    "centreline": (
        Attribute(
            "ring_d",
            "[centreline|center line|mean] diameter|diameter of the centreline",
            "[centreline|center line|mean] diameter|diameter measured at the centreline",
        ),
        "{ring_d} in diameter from centre to centre of its section",
    ),
}
"""What a ring is measured by: the words for it, and in a step."""


def ellipse(rng: random.Random) -> Draft:
    """A round part stretched along x: an elliptical disc or cylinder, perhaps with a bore; an egg, or half an egg."""
    draw = Draw(rng)
    variant = rng.choices(("disc", "bored_disc", "cylinder", "ellipsoid", "dome"), (30, 15, 20, 20, 15))[0]
    # The flats of a sphere cut its extents by a twentieth of a percent: small eggs stay within what is measured.
    limit = 50 if variant in ("ellipsoid", "dome") else 180
    length = draw.size("length", 8, limit)
    width = draw.size("width", max(5.0, length * 0.35), min(limit, length * 2.5))
    if abs(length - width) < 1:
        raise NoRoomError
    axes = [LENGTH, WIDTH]
    if draw.chance(0.4):
        axes = [
            Attribute("length", "axis along X|X axis|x diameter", "along X|across in X|in X"),
            Attribute("width", "axis along Y|Y axis|y diameter", "along Y|across in Y|in Y"),
        ]
    if variant in ("ellipsoid", "dome"):
        return _egg(draw, axes, length, width, variant)
    flat = variant != "cylinder"
    name = "thickness" if flat else "height"
    height = draw.size(name, *((1, 12) if flat else (8, 120)))
    body: csg.Node = csg.Scale((length / width, 1, 1), csg.Cylinder(width / 2, height))
    steps = [
        "[Draw|Sketch] an ellipse on the XY plane around the origin, {length} along X and {width} along Y",
        f"[Extrude|Pull] it {{{name}}} up along Z",
    ]
    what = "disc|plate|disk|pad" if flat else "cylinder|post|column|rod"
    noun = f"[elliptical|oval|elliptic] [{what}]"
    features, cuts, absent = [], [], ["no holes", "solid"]
    if variant == "bored_disc":
        hole, words, step = bore(draw, height, 2, min(length, width) * 0.6)
        features, cuts, steps, absent = [words], [hole], [*steps, step], ["no bolt holes", "no rim"]
    words_ = Words(noun, [*axes, THICKNESS if flat else HEIGHT], features, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(csg.difference(body, *cuts), words_, len(cuts), variant)


def _egg(draw: Draw, axes: list[Attribute], length: Quantity, width: Quantity, variant: str) -> Draft:
    if variant == "ellipsoid":
        height = draw.size("height", 5, 50)
        factors = (length / height, width / height, 1)
        root: csg.Node = raised(height / 2, csg.Scale(factors, csg.Sphere(height / 2)))
        noun, absent = "[ellipsoid|egg shape|oval ball|stretched ball|solid ellipsoid]", ["no flat side", "solid"]
        steps = [
            "[Draw|Make] an ellipsoid that measures {length} along X, {width} along Y and {height} along Z",
            "Let it stand on the XY plane, centred on the Z axis",
        ]
    else:
        height = draw.size("height", 3, 40)
        factors = (length / (2 * height), width / (2 * height), 1)
        upper = csg.Translate((-length, -width, 0), csg.Cube((2 * length, 2 * width, 2 * height)))
        root = csg.intersection(csg.Scale(factors, csg.Sphere(height)), upper)
        noun = "[elliptical dome|oval dome|half ellipsoid|half an ellipsoid on its flat side]"
        absent = ["not hollow", "solid", "no holes"]
        steps = [
            "[Draw|Make] an ellipsoid around the origin, {length} along X, {width} along Y, its half-height along Z "
            "{height}",
            "Cut away what lies below the XY plane",
        ]
    words = Words(noun, [*axes, HEIGHT], bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(root, words, 0, variant)
