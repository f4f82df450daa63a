"""Bare solids: block, cylinder and disc, ball and dome, cone and frustum."""

import random

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families.draw import Draft, Draw
from cadmonkey.parts.measures import NoRoomError
from cadmonkey.parts.phrases import HEIGHT, LENGTH, SIDE, THICKNESS, WIDTH, Attribute, Words

SOLID = ("[no|without] holes", "[solid|solid all through]", "no holes [|and no cutouts]", "nothing cut out of it")
"""What a bare solid has not."""


def block(rng: random.Random) -> Draft:
    """A cube, or a box of three sizes."""
    draw = Draw(rng)
    if draw.chance(0.25):
        size = draw.size("size", 2, 150, "side")
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
        words = Words(
            "cube",
            [SIDE],
            plain="[@ |][solid |plain |simple |]" + form,
            bare=draw.bare,
            steps=(
                "[Draw|Sketch] @ {size} x {size} square on the XY plane, one corner at the origin",
                "Extrude it [by the same {size}|{size}] [up|upwards along Z], [so that all edges are equal|for a cube]",
            ),
            absent=SOLID,
        )
        return draw.draft(csg.Cube((size, size, size)), words, variant="cube")
    length, width, height = (draw.size(name, 2, 200) for name in ("length", "width", "height"))
    noun = "[block|solid block|cuboid|rectangular block|rectangular prism|brick|solid box|bar|rectangular solid]"
    words = Words(
        noun,
        [LENGTH, WIDTH, HEIGHT],
        product="length*width*height",
        bare=draw.bare,
        steps=(
            "[Draw|Sketch] a rectangle on the XY plane [from|with one corner at] the origin, {length} [along|in] X and "
            "{width} [along|in] Y",
            "[Extrude|Pull|Raise] it {height} [up|up along Z|in the Z direction]",
        ),
        absent=SOLID,
    )
    return draw.draft(csg.Cube((length, width, height)), words, variant="block")


def cylinder(rng: random.Random) -> Draft:
    """A cylinder, or a flat disc."""
    draw = Draw(rng)
    flat = draw.chance(0.35)
    radius, across = draw.round_size("", 10 if flat else 3, 160 if flat else 80)
    if flat:
        thickness = draw.size("thickness", 1, 12)
        noun = "[disc|disk|round disc|circular disc|puck|coin|round plate|flat disc]"
        steps = _round_steps(across, "thickness")
        words = Words(noun, [across, THICKNESS], bare=draw.bare, steps=steps, absent=SOLID)
        return draw.draft(csg.Cylinder(radius, thickness), words, variant="disc")
    height = draw.size("height", 4, 200)
    noun = "[cylinder|cylinder|solid cylinder|rod|round rod|pin|peg|dowel|post|standoff|pillar|round bar|column]"
    tall = Attribute("height", "height|length", "tall|high|long|in height|in length")
    short = draw.chance(0.1) and across.name == "diameter"
    plain = f"[@ |]{noun} {{diameter*height}}" if short else ""
    steps = _round_steps(across, "height")
    words = Words(noun, [across, tall], plain=plain, bare=draw.bare, steps=steps, absent=SOLID)
    return draw.draft(csg.Cylinder(radius, height), words, variant="cylinder")


def sphere(rng: random.Random) -> Draft:
    """A ball, or a dome on its flat side."""
    draw = Draw(rng)
    radius, across = draw.round_size("", 4, 150, kind="sphere")
    if draw.chance(0.55):
        noun = "[sphere|ball|solid sphere|round ball|sphere|bead]"
        short = across.name == "diameter" and draw.chance(0.25)
        plain = f"[@ |][{{diameter}} {noun}|{noun} of {{diameter}}|{noun} {{diameter}}]" if short else ""
        steps = (
            f"[Draw|Sketch] a half circle of {{{across.name}}} {across.name} [around|about] the origin, its straight "
            "side on the Z axis",
            "[Revolve|Turn] it a full turn [about|around] the Z axis[| to get a ball| to make a ball]",
        )
        words = Words(noun, [across], plain=plain, bare=draw.bare, steps=steps, absent=SOLID)
        return draw.draft(csg.Sphere(radius), words, variant="ball")
    upper = csg.Translate(
        (-radius, -radius, Quantity(0)), csg.Cube((Quantity(2) * radius, Quantity(2) * radius, radius))
    )
    if across.name == "diameter":
        across_box = Quantity.named("diameter", radius * 2)
        upper = csg.Translate((-radius, -radius, Quantity(0)), csg.Cube((across_box, across_box, radius)))
    noun = "[dome|hemisphere|half sphere|half ball|solid dome|half-sphere]"
    features = ["[a flat base|its flat side down|the flat side on the bottom]"] if draw.chance(0.2) else []
    steps = (
        f"[Place|Start with|Make] a ball of {{{across.name}}} {across.name} with its centre at the origin",
        "[Cut away|Remove] everything below the XY plane, so that [the upper half|half a ball|a dome] stays on its "
        "flat side",
    )
    words = Words(noun, [across], features, bare=draw.bare, steps=steps, absent=SOLID)
    return draw.draft(csg.intersection(csg.Sphere(radius), upper), words, variant="dome")


def cone(rng: random.Random) -> Draft:
    """A pointed cone, or a frustum."""
    draw = Draw(rng)
    diameters = draw.chance(0.7)
    kind, half = ("d", Quantity(2)) if diameters else ("r", Quantity(1))
    word = "diameter" if diameters else "radius"
    low, high = (6, 120) if diameters else (3, 60)

    def radius(name: str, low_mm: float, high_mm: float) -> Quantity:
        size = draw.size(f"{name}_{kind}", low_mm, high_mm, f"{name}_{word}")
        return size / half if diameters else size

    bottom = radius("base", low, high)
    base = Attribute(f"base_{kind}", f"base {word}|bottom {word}", f"base {word}|bottom {word}|{word} at the base")
    if draw.chance(0.5):
        height = draw.size("height", 5, 150)
        if draw.chance(0.4):
            base = Attribute(base.name, word, f"{word}|in {word}")
        noun = "[cone|solid cone|pointed cone|right circular cone|cone]"
        root = csg.Cone(bottom, Quantity(0) / half if diameters else Quantity(0), height)
        to_a_point = (
            f"[Draw|Sketch] a circle of {{{base.name}}} {word} on the XY plane, centred at the origin",
            "[Taper|Pull|Bring] it up to a [point|sharp point] {height} above [the centre|its centre], along Z",
        )
        words = Words(noun, [base, HEIGHT], bare=draw.bare, steps=to_a_point, absent=SOLID)
        return draw.draft(root, words, variant="pointed")
    limit = float(draw.values[base.name].mm)  # type: ignore[union-attr]
    end = radius("top", max(2.0, limit * 0.15), limit * (0.85 if draw.chance(0.85) else 1.6))
    if float(end) == float(bottom):
        raise NoRoomError
    height = draw.size("height", 5, 150)
    top = Attribute(f"top_{kind}", f"top {word}|upper {word}", f"top {word}|{word} at the top")
    noun = "[frustum|truncated cone|cone frustum|tapered cylinder|conical frustum|tapered plug]"
    steps = (
        f"[Draw|Sketch] a circle of {{{base.name}}} {word} on the XY plane, centred at the origin",
        f"[Draw|Add] a second circle of {{{top.name}}} {word} {{height}} above [it|the first], on the same axis (Z)",
        "[Join the two with a straight taper|Loft from one to the other|Connect the two by a straight cone] "
        "into [one|a] solid",
    )
    words = Words(noun, [base, top, HEIGHT], bare=draw.bare, steps=steps, absent=SOLID)
    return draw.draft(csg.Cone(bottom, end, height), words, variant="frustum")


def _round_steps(across: Attribute, height: str) -> tuple[str, ...]:
    """A cylinder as a circle that is extruded."""
    return (
        f"[Draw|Sketch] a circle [of {{{across.name}}} {across.name}|with @ {across.name} of {{{across.name}}}] on the "
        "XY plane, centred [at|on] the origin",
        f"[Extrude|Pull|Raise] it {{{height}}} [up|up along Z|in the Z direction]",
    )
