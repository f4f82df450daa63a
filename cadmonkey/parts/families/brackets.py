"""What holds at an angle: gusseted and U brackets, shelf brackets, hooks, shaft supports."""

import math
import random

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families.draw import Draft, Draw, hole_size, through
from cadmonkey.parts.families.solids import along_x, along_y, at, both_sides, cube, prism
from cadmonkey.parts.phrases import HEIGHT, LENGTH, THICKNESS, Attribute, Words

_BASE = Attribute("length", "base length|[base|horizontal|bottom] leg|base", "base|base leg|[long|in length]")
_WIDE = Attribute("width", "width", "wide|in width")
_UPRIGHT = Attribute("height", "height|overall height|[upright|vertical] leg", "tall|high|in height")
_RIB_REACH = "reaching {rib_length} along the [base|bottom] and {rib_height} up the [wall|upright]"


def _words(
    draw: Draw, family: str, noun: str, sizes: list[Attribute], features: list[str], steps: list[str], absent: list[str]
) -> Words:
    """The words for a part of three outer sizes and a thickness."""
    said = draw.named(*sizes, THICKNESS)
    outside = "*".join(a.name for a in sizes)
    rest = [a for a in said if a not in sizes]
    return Words(noun, said, features, outside, rest, bare=draw.bare, steps=steps, absent=absent)


def gusset(rng: random.Random) -> Draft:
    """An L-bracket stiffened by triangular ribs in its corner: one in the middle, or one at each side."""
    draw = Draw(rng)
    length, height = draw.size("length", 20, 120), draw.size("height", 20, 120)
    width = draw.size("width", 15, 100)
    thickness = draw.size_or_default("gusset", "thickness", 1.5, min(10.0, min(length, height) * 0.2), "leg_thickness")
    sides = draw.chance(0.35)
    reach = [
        draw.size(name, 5, float(side - thickness) * 0.85, f"any_edge_{axis}")
        for name, side, axis in (("rib_length", length, "x"), ("rib_height", height, "z"))
    ]
    rib_t = draw.size(
        "rib_thickness", 1.5, min(8.0, width * 0.25, _slender(*reach)), "any_bar_width" if sides else None
    )
    ends = (rib_t, width) if sides else ((width + rib_t) / 2,)
    ribs = [prism(_rib(thickness, *reach), end, rib_t) for end in ends]
    body = csg.union(cube(length, width, thickness), cube(thickness, width, height), *ribs)
    cuts, hole_words = _beside_rib(draw, length, width, height, thickness, rib_t) if not sides else ([], [])
    where = "at each side|on both sides|at both ends of the corner" if sides else "in the middle|in the center"
    rib = "triangular rib|gusset|stiffening rib|triangular gusset|web"
    count = "two" if sides else "@"
    plural = "s" if sides else ""
    features = [
        f"{count} {{rib_thickness}} thick [{'|'.join(word + plural for word in rib.split('|'))}] [{where}], "
        f"[{_RIB_REACH}|{{rib_length*rib_height}} [in size|along the base and up the wall]]"
    ]
    steps = [
        "Lay down a base {length} long (X), {width} wide (Y) and {thickness} thick (Z)",
        "At x = 0 put an upright wall of the same width and thickness, {height} high over all (Z)",
        f"In the corner put {count} triangular rib{plural} {{rib_thickness}} thick (Y) [{where}], {_RIB_REACH}, "
        "measured from the inner corner",
        *(f"Drill {words}, along the normal of each leg" for words in hole_words),
    ]
    noun = "[L-bracket|L bracket|angle bracket|corner bracket|gusset bracket|reinforced L-bracket|gusseted bracket]"
    absent = ["no ribs but these", "no slots", *(() if cuts else ("no holes",))]
    words = _words(draw, "gusset", noun, [_BASE, _UPRIGHT, _WIDE], [*features, *hole_words], steps, absent)
    if not sides:
        draw.tell("ribs", 1)
    variant = "two_ribs" if sides else "drilled" if cuts else "one_rib"
    return draw.draft(csg.difference(body, *cuts), words, len(cuts), variant)


def _rib(thickness: Quantity, along: Quantity, up: Quantity) -> list[tuple[float, float]]:
    """A triangle in the inner corner of an L, rooted in both legs."""
    end, top = thickness + along, thickness + up
    return [(0, 0), (end, 0), (end, thickness), (thickness, top), (0, top)]


def _slender(along: float, up: float) -> float:
    """How thick a triangular rib may be and still be a plate."""
    return 0.3 * math.sqrt(along * up)


def _beside_rib(
    draw: Draw, length: Quantity, width: Quantity, height: Quantity, thickness: Quantity, rib: Quantity
) -> tuple[list[csg.Node], list[str]]:
    """Two holes in each leg, a quarter of the width from its sides; none in most brackets."""
    room = min(float(width / 2 - rib) - 2, float(length - thickness) * 0.6)
    if draw.chance(0.5) or min(room, float(height - thickness) * 0.6) < 2.2:
        return [], []
    radius, size = hole_size(draw, "hole", 2, min(10.0, room * 0.8, float(height - thickness) * 0.6), "hole")
    drill = through(radius, thickness)
    ys = (width / 4, width * 3 / 4)
    cuts = [at((length + thickness) / 2, y, -1, drill) for y in ys]
    cuts += [at(-1, y, (height + thickness) / 2, along_x(drill)) for y in ys]
    where = "a quarter of the width from its sides, in the middle of its [free length|inner face]"
    draw.tell("holes", 4)
    return cuts, [f"[two|a pair of] {size} holes in each leg, {where}"]


def u_bracket(rng: random.Random) -> Draft:
    """A base with two uprights: by its outer length or the gap between; plain, drilled for an axle or for screws."""
    draw = Draw(rng)
    by_gap = draw.chance(0.4)
    variant = rng.choices(("plain", "axle", "screw"), (25, 40, 35))[0]
    across = draw.size("gap", 8, 100, "inner_length") if by_gap else draw.size("length", 15, 120)
    width, height = draw.size("width", 10, 80), draw.size("height", 12, 100)
    most = min(8.0, height * 0.25, float(across) * (0.5 if by_gap else 0.2))
    thickness = draw.size_or_default(
        "u_bracket",
        "thickness",
        1.5,
        most,
        {"plain": "web_thickness", "axle": "floor"}.get(variant, "any_face_from_bottom"),
    )
    length = across + 2 * thickness if by_gap else across
    far = across + thickness if by_gap else across - thickness
    base, wall = cube(length, width, thickness), cube(thickness, width, height)
    body = csg.union(base, wall, at(far, 0, 0, wall))
    cuts, features, holes = _u_holes(draw, variant, length, width, height, thickness)
    gap = Attribute("gap", "inside width|gap|clear width|gap between the sides", "gap|inside|between the sides")
    outside = [gap if by_gap else LENGTH, _WIDE, _UPRIGHT]
    start = "a base {gap} longer than two wall thicknesses" if by_gap else "a base {length} long"
    steps = [
        f"Lay down {start} (X), {{width}} wide (Y) and {{thickness}} thick (Z)",
        "At both ends along X put an upright wall, {thickness} thick and {height} high from the floor (Z)",
        *(f"Drill {words}" for words in features),
    ]
    noun = "[U-bracket|U bracket|U-shaped bracket|clevis bracket|yoke bracket|U mount|bracket shaped like a U]"
    absent = ["open at the top", "open at the front and back", *(() if cuts else ("no holes",))]
    said = draw.named(*outside, THICKNESS)
    product = "" if by_gap else "length*width*height"
    rest = [a for a in said if a not in outside]
    words = Words(noun, said, features, product, rest, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(csg.difference(body, *cuts), words, holes, variant)


def _u_holes(
    draw: Draw, variant: str, length: Quantity, width: Quantity, height: Quantity, thickness: Quantity
) -> tuple[list[csg.Node], list[str], int]:
    if variant == "plain":
        return [], [], 0
    draw.tell("holes", 1)
    if variant == "screw":
        radius, size = hole_size(draw, "hole", 2, min(float(length - 2 * thickness), width) * 0.5, "hole")
        cut = at(length / 2, width / 2, -1, through(radius, thickness))
        return [cut], [f"[@ |one ]{size} hole in the [middle|center|centre] of the base[| plate]"], 1
    radius, size = hole_size(draw, "axle", 2, min(float(height) * 0.4, width * 0.6), "hole")
    low = float(thickness) + float(radius) + 1
    up = draw.size("axle_height", low, float(height) - float(radius) - 2, "any_hole_from_bottom")
    axle = at(-1, width / 2, up, along_x(csg.Cylinder(radius, length + 2)))
    words = f"[@ |]{size} hole [through both sides|through both uprights|across both walls], {{axle_height}} above the "
    return [axle], [words + "[bottom|underside|floor]"], 2


def pillow_block(rng: random.Random) -> Draft:
    """A shaft support: a block bored along y between two screw holes, or a foot with a rounded head."""
    return rng.choice((_support_block, _pillow))(Draw(rng))


_SUPPORT = "[shaft support|shaft support block|shaft holder|rod holder block|shaft block|bearing block]"
_PILLOW = "[pillow block|plummer block|pillow block bearing housing|pedestal bearing block|rounded shaft support]"


def _support_block(draw: Draw) -> Draft:
    bore = draw.size("bore_d", 3, 40, "bore_diameter")
    height = draw.size("height", bore * 1.4, bore * 2.2 + 6)
    radius, size = hole_size(draw, "hole", 2, 10, "off_centre_hole")
    spacing = draw.size("hole_spacing", bore + 2 * float(radius) + 4, bore + 2 * float(radius) + 40, "spacing_x")
    length = draw.size("length", spacing + 2 * float(radius) + 4, spacing + 2 * float(radius) + 30)
    width = draw.size("width", max(6.0, 2 * float(radius) + 4), 50)
    axle = at(length / 2, -1, height / 2, along_y(csg.Cylinder(bore / 2, width + 2)))
    screws = [at(x, width / 2, -1, through(radius, height)) for x in both_sides(length, spacing)]
    root = csg.difference(cube(length, width, height), axle, *screws)
    features = [
        "[@ |]{bore_d} [bore|shaft hole|hole for the shaft] [along Y through the middle|from front to back through the "
        "middle]",
        f"two [vertical |]{size} [mounting |]holes {{hole_spacing}} apart[, one on each side of it|, either side of "
        f"it]",
    ]
    steps = [
        "Begin with a block {length} long (X), {width} wide (Y) and {height} high (Z)",
        "Bore {bore_d} through its middle along Y for the shaft",
        f"Drill two {size} holes through it along Z, {{hole_spacing}} apart along X, centred on the block",
    ]
    sizes = [LENGTH, _WIDE, HEIGHT]
    absent = ["no rounded top", "no slot"]
    product = "length*width*height"
    words = Words(_SUPPORT, sizes, features, product, bare=draw.bare, steps=steps, absent=absent)
    draw.tell("holes", 3)
    return draw.draft(root, words, 3, "block")


def _pillow(draw: Draw) -> Draft:
    bore = draw.size("bore_d", 4, 40, "any_hole_diameter")
    head = draw.size("head_d", bore + 5, bore * 1.6 + 12, "any_outside_diameter")
    thickness = draw.size("thickness", 3, max(4.0, head * 0.25), "any_face_from_bottom")
    up = draw.size("axis_height", head / 2 + 1, head / 2 + 30, "any_hole_from_bottom")
    if float(up) - bore / 2 < float(thickness) + 1:
        thickness = draw.size("thickness", 2, up - bore / 2 - 1, "any_face_from_bottom")
    radius, size = hole_size(draw, "hole", 2, 9, "any_hole")
    spacing = draw.size("hole_spacing", head + 2 * float(radius) + 3, head + 2 * float(radius) + 40, "any_row_x_pitch")
    length = draw.size("length", spacing + 2 * float(radius) + 4, spacing + 2 * float(radius) + 25)
    width = draw.size("width", max(6.0, 2 * float(radius) + 4), 50)
    middle = length / 2
    body = csg.union(
        cube(length, width, thickness),
        at((length - head) / 2, 0, 0, cube(head, width, up)),
        at(middle, 0, up, along_y(csg.Cylinder(head / 2, width))),
    )
    screws = [at(x, width / 2, -1, through(radius, thickness)) for x in both_sides(length, spacing)]
    root = csg.difference(body, at(middle, -1, up, along_y(csg.Cylinder(bore / 2, width + 2))), *screws)
    features = [
        "[a rounded head {head_d} wide|a round-topped head {head_d} across|@ {head_d} wide housing with a round top]",
        "[@ |]{bore_d} [bore|shaft hole] [{axis_height} above the base|whose axis is {axis_height} above the bottom]",
        f"two {size} [mounting |]holes [in the base|in the foot], {{hole_spacing}} apart",
    ]
    steps = [
        "Lay down a foot {length} long (X), {width} wide (Y) and {thickness} thick (Z)",
        "On its middle raise a head {head_d} wide (X), as deep as the foot, to {axis_height} above the floor, and "
        "round it off with half a cylinder of the same width lying along Y",
        "Bore {bore_d} through the head along Y, {axis_height} above the floor",
        f"Drill two {size} holes through the foot along Z, {{hole_spacing}} apart along X, symmetric about the head",
    ]
    base = [
        Attribute("length", "base length|foot length|length", "long|in length"),
        _WIDE,
        Attribute("thickness", "base thickness|foot thickness", "thick base|thick foot|base thickness"),
    ]
    words = Words(_PILLOW, base, features, bare=draw.bare, steps=steps, absent=["no ribs", "no slots"])
    draw.tell("holes", 3)
    return draw.draft(root, words, 3, "pillow")


def hook(rng: random.Random) -> Draft:
    """A hook from plates: screwed to a wall, or hung over a door."""
    draw = Draw(rng)
    reach, width = draw.size("length", 20, 90), draw.size("width", 8, 50)
    height, lip = draw.size("height", 30, 150), draw.size("lip_height", 8, 60, "any_face_from_bottom")
    thickness = draw.size_or_default("hook", "thickness", 2, min(10.0, reach * 0.2), "any_face_from_left")
    if lip > height * 0.6 or lip < thickness * 2:
        lip = draw.size("lip_height", max(6.0, float(thickness) * 2), height * 0.6, "any_face_from_bottom")
    back, arm = cube(thickness, width, height), cube(reach, width, thickness)
    front = at(reach - thickness, 0, 0, cube(thickness, width, lip))
    make = _door_hook if draw.chance(0.4) else _wall_hook
    sizes = [
        Attribute("length", "depth|reach|overall depth", "deep|in depth|reach"),
        _WIDE,
        Attribute("height", "[back |overall |]height|back plate height", "tall|high|in height"),
    ]
    lip_words = "[@ |]{lip_height} [high |][front lip|lip|upturned end|front]"
    steps = [
        "Put up a back plate {height} high (Z), {width} wide (Y) and {thickness} thick (X)",
        "From its foot run an arm of the same width and thickness along X, to {length} over all",
        "At its end turn up a lip of the same thickness, {lip_height} high over all (Z)",
    ]
    body = [back, arm, front]
    return make(draw, body, (width, height, lip, thickness), (sizes, lip_words, steps))


_Texts = tuple[list[Attribute], str, list[str]]


def _wall_hook(draw: Draw, body: list[csg.Node], at_hand: tuple[Quantity, ...], texts: _Texts) -> Draft:
    width, height, lip, thickness = at_hand
    sizes, lip_words, steps = texts
    radius, size = hole_size(draw, "hole", 2, min(8.0, width * 0.5, float(height - lip) * 0.2), "hole")
    low = float(lip) + float(radius) + 1
    lower = draw.size("lower_hole", low, float(height) - 4 * float(radius) - 4, "any_hole_from_bottom")
    upper = draw.size(
        "upper_hole", lower + 2 * float(radius) + 2, float(height) - float(radius) - 1.5, "any_hole_from_bottom"
    )
    screw_hole = along_x(through(radius, thickness))
    cuts = [at(-1, width / 2, z, screw_hole) for z in (lower, upper)]
    features = [
        lip_words,
        f"two {size} holes in the back[| plate], {{lower_hole}} and {{upper_hole}} above the [bottom|lower edge]",
    ]
    steps = [
        *steps,
        f"Drill two {size} holes through the back along X, on its middle, {{lower_hole}} and {{upper_hole}} up",
    ]
    noun = "[wall hook|coat hook|hook|J hook|screw-on hook|towel hook]"
    words = _words(draw, "hook", noun, sizes, features, steps, ["no rounded edges", "no hole in the arm"])
    draw.tell("holes", 2)
    return draw.draft(csg.difference(csg.union(*body), *cuts), words, 2, "wall")


def _door_hook(draw: Draw, body: list[csg.Node], at_hand: tuple[Quantity, ...], texts: _Texts) -> Draft:
    width, height, _, thickness = at_hand
    sizes, lip_words, steps = texts
    door = draw.size("door", 10, 50, "any_gap_x")
    drop = draw.size("drop", max(10.0, float(thickness) * 2), height * 0.6, "any_face_from_top")
    span = door + 2 * thickness
    top = at(-door - thickness, 0, height - thickness, cube(span, width, thickness))
    behind = at(-door - thickness, 0, height - drop, cube(thickness, width, drop))
    root = at(door + thickness, 0, 0, csg.union(*body, top, behind))
    sizes = [Attribute("length", "front depth|reach of the hook", "deep hook|reach in front"), *sizes[1:]]
    draw.kinds["length"] = "any_gap_x"
    features = [
        lip_words,
        "[a clamp|a top|an upper end] that fits over @ {door} thick door and goes {drop} down behind it",
    ]
    steps = [
        *steps,
        "From the top of the back run a bar of the same width and thickness to the other side (-X), leaving {door} for "
        "the door",
        "At its end let a plate of the same thickness hang down, {drop} over all",
    ]
    noun = "[over-the-door hook|door hook|over door hook|hook that hangs over a door]"
    words = _words(draw, "hook", noun, sizes, features, steps, ["no screw holes", "no holes"])
    return draw.draft(root, words, 0, "door")


def shelf_bracket(rng: random.Random) -> Draft:
    """An arm on top of a wall plate, a triangular rib below it, and screw holes in the wall plate or in both."""
    draw = Draw(rng)
    length, height = draw.size("length", 50, 250), draw.size("height", 40, 200)
    width = draw.size("width", 20, 60)
    thickness = draw.size_or_default("shelf_bracket", "thickness", 2, 8, "any_face_from_left")
    rib_length = draw.size("rib_length", 15, float(length - thickness) * 0.8, "any_edge_x")
    rib_height = draw.size("rib_height", 10, float(height - thickness) * 0.6, "any_edge_z")
    rib_t = draw.size("rib_thickness", 2, min(10.0, width * 0.3, _slender(rib_length, rib_height)))
    radius, size = hole_size(draw, "hole", 2.5, min(8.0, float(width / 2 - rib_t) - 2, height * 0.1), "hole")
    arm = at(0, 0, height - thickness, cube(length, width, thickness))
    end, foot = thickness + rib_length, height - thickness - rib_height
    points = [(0, foot), (thickness, foot), (end, height - thickness), (end, height), (0, height)]
    rib = prism(points, (width + rib_t) / 2, rib_t)
    drill = through(radius, thickness)
    ys = (width / 4, width * 3 / 4)
    cuts = [at(-1, y, height / 2, along_x(drill)) for y in ys]
    both = draw.chance(0.5)
    if both:
        cuts += [at(length / 2, y, height - thickness - 1, drill) for y in ys]
    root = csg.difference(csg.union(cube(thickness, width, height), arm, rib), *cuts)
    where = "in each leg, halfway along it" if both else "in the wall plate, at half its height"
    holes = f"two {size} holes {where}, a quarter of the width from [the sides|its sides]"
    features = [
        "[@ |]{rib_thickness} thick [triangular rib|gusset|triangular web] [in the middle |]underneath, reaching "
        "{rib_length} along the arm and {rib_height} down the wall plate",
        holes,
    ]
    steps = [
        "At x = 0 put up a wall plate {height} high (Z), {width} wide (Y) and {thickness} thick (X)",
        "At its top run an arm {length} long over all (X), as wide and as thick, its upper side level with the "
        "plate's top",
        "Below it put a triangular rib {rib_thickness} thick (Y) on the middle of the width, {rib_length} along the "
        "arm and {rib_height} down the wall plate from the inner corner",
        f"Drill {holes}",
    ]
    sizes = [Attribute("length", "arm length|arm|shelf arm", "long|arm|deep"), _UPRIGHT, _WIDE]
    noun = "[shelf bracket|shelf support bracket|shelf support|triangular shelf bracket|wall shelf bracket]"
    words = _words(draw, "shelf_bracket", noun, sizes, features, steps, ["no slots", "no second rib"])
    draw.tell("ribs", 1)
    draw.tell("holes", len(cuts))
    return draw.draft(root, words, len(cuts), "both_legs" if both else "wall_plate")
