"""Bare solids: block, cylinder and disc, ball and dome, cone and frustum."""

import random

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families.draw import Draft, Draw
from cadmonkey.parts.measures import NoRoomError
from cadmonkey.parts.phrases import HEIGHT, LENGTH, SIDE, THICKNESS, WIDTH, Attribute, Words


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
        words = Words("cube", [SIDE], plain="[@ |][solid |plain |simple |]" + form, bare=draw.bare)
        return draw.draft(csg.Cube((size, size, size)), words)
    length, width, height = (draw.size(name, 2, 200) for name in ("length", "width", "height"))
    noun = "[block|solid block|cuboid|rectangular block|rectangular prism|brick|solid box|bar|rectangular solid]"
    words = Words(noun, [LENGTH, WIDTH, HEIGHT], product="length*width*height", bare=draw.bare)
    return draw.draft(csg.Cube((length, width, height)), words)


def cylinder(rng: random.Random) -> Draft:
    """A cylinder, or a flat disc."""
    draw = Draw(rng)
    flat = draw.chance(0.35)
    radius, across = draw.round_size("", 10 if flat else 3, 160 if flat else 80)
    if flat:
        thickness = draw.size("thickness", 1, 12)
        noun = "[disc|disk|round disc|circular disc|puck|coin|round plate|flat disc]"
        return draw.draft(csg.Cylinder(radius, thickness), Words(noun, [across, THICKNESS], bare=draw.bare))
    height = draw.size("height", 4, 200)
    noun = "[cylinder|cylinder|solid cylinder|rod|round rod|pin|peg|dowel|post|standoff|pillar|round bar|column]"
    tall = Attribute("height", "height|length", "tall|high|long|in height|in length")
    short = draw.chance(0.1) and across.name == "diameter"
    plain = f"[@ |]{noun} {{diameter*height}}" if short else ""
    return draw.draft(csg.Cylinder(radius, height), Words(noun, [across, tall], plain=plain, bare=draw.bare))


def sphere(rng: random.Random) -> Draft:
    """A ball, or a dome on its flat side."""
    draw = Draw(rng)
    radius, across = draw.round_size("", 4, 150, kind="sphere")
    if draw.chance(0.55):
        noun = "[sphere|ball|solid sphere|round ball|sphere|bead]"
        short = across.name == "diameter" and draw.chance(0.25)
        plain = f"[@ |][{{diameter}} {noun}|{noun} of {{diameter}}|{noun} {{diameter}}]" if short else ""
        return draw.draft(csg.Sphere(radius), Words(noun, [across], plain=plain, bare=draw.bare))
    upper = csg.Translate(
        (-radius, -radius, Quantity(0)), csg.Cube((Quantity(2) * radius, Quantity(2) * radius, radius))
    )
    if across.name == "diameter":
        across_box = Quantity.named("diameter", radius * 2)
        upper = csg.Translate((-radius, -radius, Quantity(0)), csg.Cube((across_box, across_box, radius)))
    noun = "[dome|hemisphere|half sphere|half ball|solid dome|half-sphere]"
    features = ["[a flat base|its flat side down|the flat side on the bottom]"] if draw.chance(0.2) else []
    words = Words(noun, [across], features, bare=draw.bare)
    return draw.draft(csg.intersection(csg.Sphere(radius), upper), words)


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
        return draw.draft(root, Words(noun, [base, HEIGHT], bare=draw.bare))
    limit = float(draw.values[base.name].mm)  # type: ignore[union-attr]
    end = radius("top", max(2.0, limit * 0.15), limit * (0.85 if draw.chance(0.85) else 1.6))
    if float(end) == float(bottom):
        raise NoRoomError
    height = draw.size("height", 5, 150)
    top = Attribute(f"top_{kind}", f"top {word}|upper {word}", f"top {word}|{word} at the top")
    noun = "[frustum|truncated cone|cone frustum|tapered cylinder|conical frustum|tapered plug]"
    return draw.draft(csg.Cone(bottom, end, height), Words(noun, [base, top, HEIGHT], bare=draw.bare))
