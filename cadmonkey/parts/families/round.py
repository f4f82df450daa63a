"""Round parts: rings, flanges, stepped shafts."""

import random
from itertools import pairwise

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families.draw import Draft, Draw, hole_size, through
from cadmonkey.parts.measures import NoRoomError
from cadmonkey.parts.phrases import THICKNESS, Attribute, Words


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
        bore = draw.size("inner_r", limit * 0.1, limit * 0.45, "bore_radius")
        inside = Attribute("inner_r", "[inner|inside|bore|hole] radius", "[inner|inside|bore|hole] radius")
    else:
        bore = draw.size("inner_d", limit * 0.2, limit * 0.9, "bore_diameter") / two
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
    words = Words(
        noun, [outside, inside, last], bare=draw.bare, steps=_ring_steps(outside.name, inside.name, last.name)
    )
    return draw.draft(root, words, 1, kind)


def _ring_steps(outside: str, inside: str, height: str) -> tuple[str, ...]:
    """A cylinder that is bored out, or a circle with a second one inside it."""
    across, within = ("radius" if name.endswith("_r") else "diameter" for name in (outside, inside))
    hole = (
        "[Bore it out|Cut a round hole through it] along Z so that a wall of {wall} is left [all round|around the hole]"
        if inside == "wall"
        else f"[Drill|Bore|Cut] @ {{{inside}}} {within} hole [straight |]through it along Z, on the same axis"
    )
    return (
        f"[Draw|Sketch] a circle of {{{outside}}} {across} on the XY plane, centred at the origin",
        f"[Extrude|Pull] it {{{height}}} [up|up along Z]",
        hole,
    )


def flange(rng: random.Random) -> Draft:
    """A round flange with a bore and bolt holes on a circle."""
    draw = Draw(rng)
    two, zero, minus = Quantity(2), Quantity(0), Quantity(-1)
    outer = draw.size("outer_d", 40, 200, "outer_diameter")
    thickness = draw.size("thickness", 3, 20)
    bolt, bolt_words = hole_size(draw, "bolt", 3, min(14.0, outer * 0.12), "off_centre_hole")
    count = draw.count("bolts", [3, 4, 4, 5, 6, 6, 8, 8, 10, 12], "off_centre_holes")
    circle = draw.size("bolt_circle_d", outer * 0.55, outer - 2 * float(bolt) - 3, "bolt_circle_diameter")
    if circle * 3.1 / count < 2 * float(bolt) + 2:
        raise NoRoomError
    cuts: list[csg.Node] = []
    features = []
    outside = Attribute(
        "outer_d", "[outer|outside|flange] diameter|diameter|OD", "[outer |outside |]diameter|OD|across"
    )
    attributes = [outside, THICKNESS]
    if draw.chance(0.85):
        bore = draw.size("bore_d", 4, circle - 2 * float(bolt) - 4, "bore_diameter")
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
    bored = "bore_d" in draw.values
    words = Words(
        noun,
        attributes,
        features,
        bare=draw.bare,
        facts=_flange_facts(draw, bored),
        steps=_flange_steps(draw, bored),
        absent=("no [raised face|hub]", "flat on both sides") if bored else ("no [center|centre|central] hole",),
    )
    return draw.draft(root, words, sum(map(csg.copies_in, cuts)), "bored" if len(cuts) > 1 else "blind")


def _flange_facts(draw: Draw, bored: bool) -> list[tuple[str, str]]:
    """The holes of a flange as a list has them."""
    bolt = "{!bolt_r}" if "bolt_r" in draw.values else "{!bolt_d}"
    facts = [("[bore|center hole|center bore]", "{!bore_d}")] if bored else []
    return [
        *facts,
        ("[bolt |mounting |]holes", f"{{bolts}} x {bolt}"),
        ("[bolt circle|PCD|bolt circle]", "{!bolt_circle_d}"),
    ]


def _flange_steps(draw: Draw, bored: bool) -> list[str]:
    """A disc with holes."""
    bolt = "{bolt_r} radius" if "bolt_r" in draw.values else "{bolt_d}"
    bore = "[Drill|Bore|Cut] @ {bore_d} hole through the [center|centre|middle], along Z"
    return [
        "[Begin|Start] with a [round |]disc {outer_d} in diameter and {thickness} thick, [lying |]flat on the XY plane",
        *([bore] if bored else []),
        "[Draw a circle|Mark a bolt circle] of {bolt_circle_d} diameter around the [center|centre]",
        f"[Drill|Put|Space] {{bolts}} {bolt} holes evenly on [it|that circle], the first one on the X axis",
    ]


def shaft(rng: random.Random) -> Draft:
    """A shaft of two to four round steps, stacked along z."""
    draw = Draw(rng)
    steps = rng.choices((2, 3, 4), (50, 38, 12))[0]
    diameters, lengths = [], []
    for step in range(1, steps + 1):
        diameters.append(draw.size(f"d{step}", 4, 80, f"step_diameter:{step}"))
        lengths.append(draw.size(f"l{step}", 3, 80, f"step_length:{step}"))
    if any(abs(a - b) < 1 for a, b in pairwise(diameters)):
        raise NoRoomError
    bottom = Quantity(0)
    parts: list[csg.Node] = []
    for diameter, length in zip(diameters, lengths, strict=True):
        piece = csg.Cylinder(diameter / Quantity(2), length)
        parts.append(csg.Translate((Quantity(0), Quantity(0), bottom), piece) if parts else piece)
        bottom = bottom + length if len(parts) > 1 else length
    noun = "[stepped shaft|shaft|stepped shaft|stepped pin|stepped rod|stepped cylinder|turned shaft]"
    words = Words(
        noun,
        plain=_shaft_words(rng, noun, steps),
        facts=[
            (f"step {step}" + "[|| (bottom)]" * (step == 1), f"{{!d{step}}} x {{l{step}}}")
            for step in range(1, steps + 1)
        ],
        steps=_shaft_steps(steps),
        absent=("[no|without] holes", "[solid|solid all through]", "no [keyway|center hole]"),
    )
    return draw.draft(csg.union(*parts), words, variant=f"{steps} steps")


def _shaft_steps(steps: int) -> list[str]:
    """One cylinder on the other."""
    first = (
        "[Begin|Start] at the bottom with a cylinder {d1} in diameter and {l1} long, standing on the XY plane (axis Z)"
    )
    others = [
        f"[On top of it|On its upper end], on the same axis, [put|add|stack] a cylinder {{d{step}}} in diameter and "
        f"{{l{step}}} long"
        for step in range(2, steps + 1)
    ]
    return [first, *others]


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
