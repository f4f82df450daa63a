"""Discs with something all around: gears, wheels, vents."""

import random

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families.draw import Draft, Draw, bore, measure_of, on_axis, raised, through
from cadmonkey.parts.measures import NoRoomError
from cadmonkey.parts.phrases import THICKNESS, Attribute, Words

OUTSIDE = Attribute(
    "outer_d", "outer diameter|outside diameter|OD|diameter", "[outer |outside |]diameter|OD|in diameter"
)
TEETH = Attribute("teeth", "tooth count", "tooth")
AROUND = "evenly spaced around the Z axis, the first one on the X axis"


def gear(rng: random.Random) -> Draft:
    """A spur gear by its module or its outer diameter, or a cogwheel with square teeth; with or without boss and bore.

    A spur gear has the standard diameters, module * (teeth + 2) at the tips and module * (teeth - 2.5) at the feet, and
    straight flanks that leave its teeth about as thick as the gaps on the pitch circle.
    """
    draw = Draw(rng)
    variant = rng.choices(("module", "outer", "cog"), (45, 25, 30))[0]
    has_boss = draw.chance(0.25)
    thickness = draw.size_or_default("gear", "thickness", 2, 30, "any_face_from_bottom" if has_boss else None)
    tip, root, tooth, attributes, features, steps = (
        _cog(draw, thickness) if variant == "cog" else _spur(draw, thickness, variant)
    )
    teeth = Quantity.named("teeth", draw.values["teeth"])  # type: ignore[arg-type]
    blank = csg.union(csg.Cylinder(root, thickness), csg.CircularPattern(teeth, 360.0, tooth))
    body: csg.Node = csg.intersection(csg.Cylinder(tip, thickness), blank)
    steps.append("Make it {thickness} thick along Z, flat on the XY plane, centred on the Z axis")
    top, limit, absent = thickness, 2 * float(root), ["no spokes", "no keyway", "straight teeth, not helical"]
    if has_boss:
        boss = draw.size("boss_d", max(5.0, limit * 0.25), limit * 0.8, "boss_diameter")
        top, limit = thickness + draw.size("boss_height", 1, min(25.0, thickness * 0.8)), float(boss)
        body = csg.union(body, csg.Cylinder(boss / 2, top))
        features.append(
            "@ {boss_d} [boss|hub|collar] [that stands|standing|rising] {boss_height} above the [teeth|gear]"
        )
        steps.append(
            "Add a round boss on top, {boss_d} in diameter, on the same axis, {boss_height} above the gear's face"
        )
    else:
        absent += ["no hub", "no boss"]
    cuts: list[csg.Node] = []
    if draw.chance(0.8):
        # With an odd number of teeth the middle of the box is not on the axis, where the judge looks for a bore.
        hole, hole_words, hole_step = bore(draw, top, 2, limit * 0.6, "hole")
        cuts, features, steps = [hole], [*features, hole_words], [*steps, hole_step]
    else:
        absent += ["no bore", "no center hole", "solid in the middle"]
    noun = "[cogwheel|cog|toothed wheel]" if variant == "cog" else "[gear|spur gear|spur gear|gear wheel]"
    words = Words(noun, draw.named(*attributes, THICKNESS), features, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(csg.difference(body, *cuts), words, len(cuts), variant)


Toothed = tuple[Quantity, Quantity, csg.Node, list[Attribute], list[str], list[str]]
"""The radius at the tips, at the feet, a tooth on the x axis, and the words: attributes, features, steps."""


def _spur(draw: Draw, thickness: Quantity, variant: str) -> Toothed:
    features = []
    if variant == "module":
        module = draw.keep("gear_module", measure_of(draw.rng.choice((0.8, 1, 1, 1.25, 1.5, 1.5, 2, 2, 2.5, 3, 4))))
        features = ["[module {gear_module#}|@ module of {gear_module#}|module {gear_module}|@ module of {gear_module}]"]
        teeth = draw.count("teeth", range(12, 61))
        attributes, sized = [TEETH], "module {gear_module#}"
    else:
        outer = draw.size("outer_d", 15, 160, "tip_diameter")
        teeth = draw.count("teeth", range(12, 61))
        module = draw.derive("gear_module", outer / (teeth + 2))
        attributes, sized = [TEETH, OUTSIDE], "{outer_d} in diameter over the tips"
    if not 0.75 <= module <= 6 or module * teeth > 180:
        raise NoRoomError
    inner, outer_end = module * (teeth / 2 - 2), module * (teeth / 2 + 1.5)
    profile = (
        (inner, -1.25 * module),
        (outer_end, -0.35 * module),
        (outer_end, 0.35 * module),
        (inner, 1.25 * module),
    )
    tooth = csg.LinearExtrude(thickness, csg.Polygon(profile))
    steps = [
        f"[Draw|Make] a spur gear with {{teeth}} straight teeth, {sized}, with the usual proportions: tip diameter "
        "module x (teeth + 2), root diameter module x (teeth - 2.5); the middle of the first tooth on the X axis",
    ]
    tip, root = module * (teeth + 2) / 2, module * (teeth - 2.5) / 2
    return tip, root, tooth, attributes, features, steps


def _cog(draw: Draw, thickness: Quantity) -> Toothed:
    outer = draw.size("outer_d", 20, 160, "tip_diameter")
    teeth = draw.count("teeth", (6, 8, 8, 10, 12, 12, 14, 15, 16, 18, 20, 24, 30))
    depth = draw.size("tooth_depth", 1.5, min(15.0, outer * 0.15))
    root = outer / 2 - depth
    pitch = 2 * 3.14 * float(root) / teeth
    width = draw.size("tooth_width", max(1.5, pitch * 0.3), pitch * 0.65, "any_bar_width")
    tooth = csg.Translate((0, -width / 2, 0), csg.Cube((outer, width, thickness)))
    words = (
        "[square|rectangular|straight-sided] teeth {tooth_width} wide and {tooth_depth} [deep|high|long]",
        "parallel-sided teeth[,| that are] {tooth_width} [wide|across] and {tooth_depth} [deep|high|long]",
    )
    steps = [
        "[Draw|Make] a disc {outer_d} in diameter over the tips of its teeth",
        "Cut {teeth} teeth around it, each {tooth_width} wide with parallel sides and {tooth_depth} deep along the "
        "radius, " + AROUND,
    ]
    return outer / 2, root, tooth, [TEETH, OUTSIDE], [draw.rng.choice(words)], steps


def wheel(rng: random.Random) -> Draft:
    """A rim and a hub of one width on a bore, joined by spokes or by a thinner web."""
    draw = Draw(rng)
    outer, width = draw.size("outer_d", 35, 200, "outer_diameter"), draw.size("width", 4, 40, "height")
    rim = draw.size("rim_width", 2, outer * 0.12, "any_rim_width")
    variant = rng.choices(("spokes", "thin_spokes", "web"), (50, 20, 30))[0]
    hub = draw.size(
        "hub_d", outer * 0.18, outer * 0.45, "any_turned_diameter" if variant == "spokes" else "step_diameter:2"
    )
    if outer / 2 - rim - hub / 2 < 4:
        raise NoRoomError
    join, join_words, join_step, openings = (
        _web(draw, outer, rim, width)
        if variant == "web"
        else _spokes(draw, outer, rim, hub, width, thin=variant == "thin_spokes")
    )
    # The inside of a rim that stands out over what it is joined by is round like a bore, and wider.
    hole, hole_words, hole_step = bore(draw, width, 2, hub * 0.75, "bore" if variant == "spokes" else "any_bore")
    ring = csg.difference(csg.Cylinder(outer / 2, width), on_axis(outer / 2 - rim, width))
    root = csg.difference(csg.union(ring, csg.Cylinder(hub / 2, width), join), hole)
    features = [
        "[@ |]{rim_width} [wide rim|rim|thick rim|rim width]",
        "[@ |]{hub_d} [hub|hub diameter|diameter hub|round hub]",
        join_words,
        hole_words,
    ]
    steps = [
        "[Start with|Draw] a ring {outer_d} in outside diameter and {width} thick, flat on the XY plane, centred "
        "on Z; the rim is {rim_width} wide, measured along the radius",
        "Put a hub in its middle, {hub_d} in diameter and as thick as the rim",
        join_step,
        hole_step,
    ]
    across = Attribute("width", "width|thickness", "wide|thick|in width")
    noun = "[spoked wheel|wheel|wheel|wheel with spokes]" if openings else "[wheel|disc wheel|wheel|webbed wheel]"
    absent = ["no tyre", "no groove in the rim", *([] if openings else ["no spokes", "no holes in the web"])]
    words = Words(noun, [OUTSIDE, across], features, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(root, words, openings + 1, variant)


Joined = tuple[csg.Node, str, str, int]
"""What joins hub and rim, the words, the step, and how many openings it leaves."""


def _spokes(draw: Draw, outer: Quantity, rim: Quantity, hub: Quantity, width: Quantity, thin: bool) -> Joined:
    count = draw.count("spokes", (3, 4, 4, 5, 5, 6, 6, 8, 10, 12))
    spoke = draw.size("spoke_width", 2, min(15.0, hub * 0.6), "any_bar_width")
    if hub * 3.14 / count < spoke + 1.5:
        raise NoRoomError
    thick = draw.size("spoke_thickness", 1.5, width - 1, "any_gap_z") if thin else width
    bar: csg.Node = csg.Translate(
        (0, -spoke / 2, (width - thick) / 2 if thin else 0), csg.Cube((outer / 2 - rim / 2, spoke, thick))
    )
    if thin:
        words = (
            "{spokes} spokes {spoke_width} wide and {spoke_thickness} thick[, at mid-width|, in the middle of its "
            "width]",
            "{spokes} [straight |]spokes, {spoke_width} wide and {spoke_thickness} thick, [at|in] the middle of "
            "its width",
        )
        depth = "{spoke_thickness} thick, at half the width of the wheel"
    else:
        words = (
            "{spokes} [spokes {spoke_width} wide|spokes, each {spoke_width} wide|{spoke_width} wide "
            "spokes|straight spokes {spoke_width} wide]",
            "{spokes} {spoke_width} [wide |]spokes[| as thick as the rim]",
        )
        depth = "as thick as the rim"
    step = f"Join hub and rim by {{spokes}} straight spokes {{spoke_width}} wide and {depth}, {AROUND}"
    return csg.CircularPattern(count, 360.0, bar), draw.rng.choice(words), step, int(count)


def _web(draw: Draw, outer: Quantity, rim: Quantity, width: Quantity) -> Joined:
    web = draw.size("web_thickness", 1, width - 1.5, "any_gap_z")
    disc = raised((width - web) / 2, csg.Cylinder((outer - rim) / 2, web))
    words = "@ {web_thickness} [thick |][web|disc] [between hub and rim|joining hub and rim][| at mid-width]"
    step = "Join hub and rim by a solid disc {web_thickness} thick, at half the width of the wheel"
    return disc, words, step, 0


def vent(rng: random.Random) -> Draft:
    """A round vent: a disc with radial slots, their ends square or round, with or without a hole in the middle."""
    draw = Draw(rng)
    outer = draw.size("outer_d", 30, 160, "outer_diameter")
    thickness = draw.size_or_default("vent", "thickness", 1, 12)
    rounded = draw.chance(0.5)
    count = draw.count("slots", (4, 5, 6, 6, 8, 8, 10, 12, 12, 16), "slots" if rounded else "windows")
    width = draw.size("slot_width", 1.5, min(10.0, outer * 0.1), None if rounded else "any_opening_width")
    start = draw.size("slot_start", outer * 0.08, outer * 0.25)
    length = draw.size(
        "slot_length",
        max(2 * float(width), outer * 0.08),
        outer / 2 - start - 3,
        None if rounded else "any_opening_width",
    )
    if 2 * 3.14 * start / count < width + 1.5:
        raise NoRoomError
    slot = _slot(start, length, width, thickness, rounded)
    cuts: list[csg.Node] = [csg.CircularPattern(count, 360.0, slot)]
    ends = "with round ends" if rounded else "with square ends"
    features = [
        draw.rng.choice(
            (
                f"{{slots}} radial slots[|,] {{slot_length}} long and {{slot_width}} wide {ends}, starting "
                f"{{slot_start}} from the [center|centre|middle]",
                f"{{slots}} radial {{slot_length*slot_width}} slots {ends} that [start|begin] {{slot_start}} from "
                "the center",
                f"{{slots}} slots {ends} [radiating|pointing] outwards from {{slot_start}} off the center, each "
                "{slot_length} long and {slot_width} wide",
            )
        )
    ]
    steps = [
        "[Start with|Draw] a disc {outer_d} in diameter and {thickness} thick, flat on the XY plane, centred on Z",
        f"Cut a slot {ends} through it that runs along X: {{slot_length}} long overall, {{slot_width}} wide, its "
        "inner end {slot_start} from the Z axis",
        "Repeat it around the Z axis until there are {slots}, evenly spaced",
    ]
    room = 2 * float(start) - 3
    hole = room > 2 and draw.chance(0.3)
    if hole:
        cut, hole_words, hole_step = bore(draw, thickness, 2, room)
        cuts, features, steps = [cut, *cuts], [*features, hole_words], [*steps, hole_step]
    noun = (
        "[round vent|vent cover|round vent cover|circular vent|vent plate|ventilation disc|slotted disc|round grille]"
    )
    absent = ["no rim", "no flange", "no screw holes", *([] if hole else ["no center hole", "solid in the middle"])]
    words = Words(noun, draw.named(OUTSIDE, THICKNESS), features, bare=draw.bare, steps=steps, absent=absent)
    root = csg.difference(csg.Cylinder(outer / 2, thickness), *cuts)
    return draw.draft(root, words, int(count) + int(hole), "round_slots" if rounded else "square_slots")


def _slot(start: Quantity, length: Quantity, width: Quantity, thickness: Quantity, rounded: bool) -> csg.Node:
    """The cutter of a slot along x; its ends count in its length."""
    if not rounded:
        return csg.Translate((start, -width / 2, -1), csg.Cube((length, width, thickness + 2)))
    end = through(width / 2, thickness)
    return csg.union(
        csg.Translate((start + width / 2, -width / 2, -1), csg.Cube((length - width, width, thickness + 2))),
        csg.Translate((start + width / 2, 0, -1), end),
        csg.Translate((start + length - width / 2, 0, -1), end),
    )
