"""Boxes that hold something."""

import random

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families.draw import DEFAULTS_MM, Draft, Draw, measure_of
from cadmonkey.parts.phrases import Attribute, Words


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
    facts = [("[wall|walls|wall thickness]", "{wall}")] if said else [("walls", "standard")]
    facts += [("[floor|bottom|floor thickness]", "{floor}")] if "floor" in draw.values else []
    steps = _steps(names, said, "floor" in draw.values)
    if inner and draw.chance(0.6):
        inside = "[with inside dimensions|with inner dimensions|with inner size|, inside|, internal size]"
        plain = f"[@ |]{noun} {inside} {{{product}}} [and|with|,] {', '.join(features) or 'standard walls'}"
        words = Words(noun, attributes, features, plain=plain, facts=facts, steps=steps, absent=_ABSENT)
        return draw.draft(root, words, variant="inner sizes" if inner else "outer sizes")
    product = "" if inner else product
    words = Words(noun, attributes, features, product, bare=draw.bare, facts=facts, steps=steps, absent=_ABSENT)
    return draw.draft(root, words, variant="inner sizes" if inner else "outer sizes")


_ABSENT = ("no lid", "open [at|on] the top", "[open top|open at the top], no lid", "no holes in the walls")
"""What a box has not."""


def _steps(names: list[str], said: bool, floor: bool) -> tuple[str, ...]:
    """A block that is hollowed out, or a room that walls are put around."""
    length, width, height = (f"{{{name}}}" for name in names)
    walls = "{wall} thick" if said else "of [standard|the usual] thickness"
    below = "a floor {floor} thick" if floor else "a floor [just as|as] thick"
    if names[0] == "length":
        return (
            f"[Begin|Start] with a block {length} long (X), {width} wide (Y) and {height} tall (Z)",
            f"[Hollow it out|Cut a pocket into it] from the top, leaving walls {walls} [all round|on all four sides] "
            f"and {below}",
        )
    return (
        f"[Begin with|Start from] the [room|space|cavity] inside: {length} long (X), {width} wide (Y) and {height} "
        "deep (Z)",
        f"Put walls {walls} around it [on all four sides|all round] and {below} [under it|below]",
        "[Leave the top open|The top stays open]",
    )
