"""What screws on: motor and sensor mounts, perforated strips and rails, plates with slots, tags, hinge leaves."""

import random
from dataclasses import replace

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families.draw import Draft, Draw, hole_size, through
from cadmonkey.parts.families.solids import along_y, at, both_sides, cube, rounded, row, slot
from cadmonkey.parts.measures import MOTORS_MM, standard
from cadmonkey.parts.phrases import LENGTH, THICKNESS, WIDTH, Attribute, Words

_PLATE = "Begin with a plate {length} long (X), {width} wide (Y) and {thickness} thick (Z)"


def _words(draw: Draw, family: str, noun: str, features: list[str], steps: list[str], absent: list[str]) -> Words:
    """The words for a rectangular plate with something in it."""
    said = draw.named(LENGTH, WIDTH, THICKNESS)
    product = "*".join(a.name for a in said)
    return Words(noun, said, features, product, bare=draw.bare, steps=[_PLATE, *steps], absent=absent)


def mount(rng: random.Random) -> Draft:
    """A plate for a stepper motor by its NEMA size, or for a round sensor, flat or on a foot."""
    return rng.choice((_motor_plate, _motor_plate, _sensor_plate, _sensor_bracket))(Draw(rng))


def _motor_plate(draw: Draw) -> Draft:
    name = draw.rng.choice(list(MOTORS_MM))
    sizes = MOTORS_MM[name]
    spelt = draw.rng.choice((name, name, name.replace(" ", ""), name.replace(" ", "-"), name.title()))
    least = sizes["hole_spacing"] + sizes["hole_d"] + 6
    length, width = draw.size("length", least, least + 60), draw.size("width", least, least + 60)
    thickness = draw.size_or_default("mount", "thickness", 2, 12)
    kinds = {"hole_spacing": "spacing_x", "pilot_d": "bore_diameter", "hole_d": "off_centre_hole_diameter"}
    spacing, pilot, hole_d = (draw.keep(key, standard(spelt, sizes[key]), kind) for key, kind in kinds.items())
    cuts: list[csg.Node] = [at(length / 2, width / 2, -1, through(pilot / 2, thickness))]
    xs, ys = both_sides(length, spacing), both_sides(width, spacing)
    cuts += [at(x, y, -1, through(hole_d / 2, thickness)) for x in xs for y in ys]
    root = csg.difference(cube(length, width, thickness), *cuts)
    noun = (
        "[{hole_spacing} [stepper |]motor [mount|mounting plate|plate|mount plate]|mounting plate for @ {hole_spacing} "
        "[stepper|motor|stepper motor]|[flat |]{hole_spacing} [mount|mounting plate|faceplate]]"
    )
    steps = [
        "Bore the centred pilot hole of @ {pilot_d} motor through it along Z",
        "Drill the four {hole_d} screw holes around it, on the square {hole_spacing} pattern",
    ]
    absent = ["no slots", "no other holes", "no base"]
    draw.tell("holes", 5)
    return draw.draft(root, _words(draw, "mount", noun, [], steps, absent), 5, "motor_plate")


def _sensor_plate(draw: Draw) -> Draft:
    length, width = draw.size("length", 30, 100), draw.size("width", 16, 70)
    thickness = draw.size_or_default("mount", "thickness", 1.5, 10)
    sensor = draw.size("sensor_d", 6, min(width - 4, length * 0.4), "bore_diameter")
    radius, size = hole_size(draw, "hole", 2, min(8, (length - float(sensor)) / 5), "off_centre_hole")
    least = sensor + 2 * float(radius) + 3
    spacing = draw.size("hole_spacing", float(least), length - 2 * float(radius) - 3, "spacing_x")
    screws = [at(x, width / 2, -1, through(radius, thickness)) for x in both_sides(length, spacing)]
    root = csg.difference(
        cube(length, width, thickness), at(length / 2, width / 2, -1, through(sensor / 2, thickness)), *screws
    )
    noun = "[sensor mount|sensor plate|sensor mounting plate|sensor holder plate|flat sensor mount]"
    features = [
        "[@ |]{sensor_d} [sensor hole|hole for the sensor|sensor opening] in the [middle|center|centre]",
        f"two {size} [mounting |]holes {{hole_spacing}} apart [beside it along the length|on either side of "
        "the middle, along the length|left and right of the center]",
    ]
    steps = [
        "Bore a {sensor_d} hole for the sensor through the middle along Z",
        f"Drill two {size} holes through it, on the centre line along X, {{hole_spacing}} apart, symmetric about "
        "the middle",
    ]
    words = _words(draw, "mount", noun, features, steps, ["no slots", "no holes in the corners"])
    draw.tell("holes", 3)
    return draw.draft(root, words, 3, "sensor_plate")


def _sensor_bracket(draw: Draw) -> Draft:
    length, width, height = draw.size("length", 20, 70), draw.size("width", 20, 60), draw.size("height", 25, 90)
    thickness = draw.size_or_default("mount", "thickness", 2, min(8.0, height * 0.15, length * 0.2), "leg_thickness")
    sensor = draw.size("sensor_d", 5, min(width - 6, float(height - thickness) - 8), "any_hole_diameter")
    radius, size = hole_size(draw, "hole", 2, min(8.0, width * 0.35, float(length - thickness) * 0.4), "any_hole")
    wall = csg.Rotate((0, 90, 0), through(sensor / 2, thickness))
    legs = csg.union(cube(length, width, thickness), cube(thickness, width, height))
    root = csg.difference(
        legs,
        at((length + thickness) / 2, width / 2, -1, through(radius, thickness)),
        at(-1, width / 2, (height + thickness) / 2, wall),
    )
    noun = "[L-shaped sensor mount|sensor bracket|L sensor bracket|angled sensor mount|sensor mount with a foot]"
    features = [
        "[@ |]{sensor_d} [sensor hole|hole for the sensor] in the middle of the upright [leg|wall|plate]",
        f"[@ |one ]{size} [mounting |]hole in the middle of the [foot|base|base leg]",
    ]
    base = Attribute("length", "base length|base|foot length", "long|base|deep|in length")
    attributes = [
        base,
        Attribute("width", "width", "wide|in width"),
        Attribute("height", "height|overall height", "tall|high|in height"),
        THICKNESS,
    ]
    said = draw.named(*attributes)
    rest = [a for a in said if a.name == "thickness"]
    steps = [
        "Lay down a foot {length} long (X), {width} wide (Y) and {thickness} thick (Z)",
        "At x = 0 put an upright plate {thickness} thick (X), as wide as the foot, up to a height of {height} (Z)",
        "Through the upright bore a {sensor_d} hole along X, in the middle of what stands above the foot",
        f"Drill @ {size} hole through the foot along Z, in the middle of what lies before the upright",
    ]
    absent = ["no gusset|no ribs", "no slots"]
    words = Words(noun, said, features, "length*width*height", rest, bare=draw.bare, steps=steps, absent=absent)
    draw.tell("holes", 2)
    return draw.draft(root, words, 2, "sensor_bracket")


def strip(rng: random.Random) -> Draft:
    """A strip or rail with one row of holes, several rows, or a row of slots, centred on it."""
    return rng.choice((_holes_in_row, _holes_in_row, _slots_in_row, _rows))(Draw(rng))


def _strip_stock(draw: Draw) -> tuple[Quantity, Quantity, Quantity, str]:
    """Length, width and thickness of a flat strip or a stout rail, and what it is called."""
    rail = draw.chance(0.3)
    length = draw.size("length", 50, 250)
    width = draw.size("width", 8, 40)
    thickness = draw.size("thickness", 5, 20) if rail else draw.size_or_default("strip", "thickness", 1, 6)
    strips = "[perforated |hole |mounting |]strip|flat bar|perforated bar|link bar"
    return length, width, thickness, "[mounting |bolt |]rail|mounting bar|straight rail" if rail else strips


def _first(side: Quantity, count: Quantity, pitch: Quantity) -> Quantity:
    """Where a centred row begins."""
    return (side - (count - 1) * pitch) / 2


_APART = (
    "[{pitch} apart|spaced {pitch} apart|with a pitch of {pitch}|at {pitch} pitch|at {pitch} centers|every {pitch}"
    "|with {pitch} between centers]"
)


def _holes_in_row(draw: Draw) -> Draft:
    length, width, thickness, noun = _strip_stock(draw)
    radius, size = hole_size(draw, "hole", 2, min(10, width * 0.5), "hole")
    count = draw.count("holes", [2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 12])
    room = (length - 2 * float(radius) - 4) / (count - 1)
    pitch = draw.size("pitch", 2 * float(radius) + 2, float(room), "pitch_x")
    holes = at(_first(length, count, pitch), width / 2, -1, row(count, pitch, through(radius, thickness)))
    root = csg.difference(cube(length, width, thickness), holes)
    features = [
        f"[{{holes}} {size} holes [in a row|in a line|along the middle|along its length]"
        f"|[a row|a line|a centered row] of {{holes}} {size} holes], {_APART}"
    ]
    steps = [f"Drill {{holes}} holes, {size} each, through it along Z, in a row along X centred on it, {_APART}"]
    absent = ["no slots", "only one row of holes"]
    return draw.draft(root, _words(draw, "strip", f"[{noun}]", features, steps, absent), int(count), "holes")


def _slots_in_row(draw: Draw) -> Draft:
    length, width, thickness, noun = _strip_stock(draw)
    count = draw.count("slots", [2, 3, 3, 4, 4, 5, 6, 7, 8])
    slot_l = draw.size("slot_length", 4, float((length - 6) / count - 3))
    slot_w = draw.size("slot_width", 2, min(10, width * 0.4, slot_l / 1.4))
    pitch = draw.size("pitch", slot_l + 2, float((length - 4 - slot_l) / (count - 1)), "slot_pitch_x")
    pieces = csg.union(*slot(slot_l, slot_w, thickness + 2))
    root = csg.difference(
        cube(length, width, thickness), at(_first(length, count, pitch), width / 2, -1, row(count, pitch, pieces))
    )
    features = [
        "[{slots} [slots|long holes|oblong holes|rounded slots] of {slot_length*slot_width}|{slots} [slots|oblong "
        f"holes] {{slot_length}} long and {{slot_width}} wide] [in a row|in a line|along its length], {_APART}"
    ]
    steps = [
        "Cut {slots} slots with round ends through it along Z, each {slot_length} long overall (X) and {slot_width} "
        f"wide (Y), in a row along X centred on the plate, {_APART}"
    ]
    noun = f"[slotted [{noun}]|[{noun}]]"
    absent = ["no round holes", "only one row of slots"]
    return draw.draft(root, _words(draw, "strip", noun, features, steps, absent), int(count), "slots")


def _rows(draw: Draw) -> Draft:
    length, width, thickness, noun = _strip_stock(draw)
    radius, size = hole_size(draw, "hole", 2, min(8, width * 0.25), "hole")
    count = draw.count("columns", [2, 3, 4, 5, 6, 7, 8])
    room = (length - 2 * float(radius) - 4) / (count - 1)
    pitch = draw.size("pitch", 2 * float(radius) + 2, float(room), "pitch_x")
    rows = draw.count("rows", [2, 2, 2, 3])
    most = (width - 2 * float(radius) - 2) / (rows - 1)
    apart = draw.size("row_spacing", 2 * float(radius) + 1.5, float(most), "pitch_y")
    holes = row(count, pitch, row(rows, apart, through(radius, thickness), csg.Y_AXIS))
    corner = (_first(length, count, pitch), _first(width, rows, apart), -1)
    root = csg.difference(cube(length, width, thickness), at(*corner, holes))
    features = [f"{{rows}} rows of {{columns}} {size} holes {_APART}, the rows {{row_spacing}} apart"]
    steps = [
        f"Drill {{rows}} rows of {{columns}} holes, {size} each, through it along Z, {_APART} along X, the rows "
        f"{{row_spacing}} apart along Y, centred on the plate"
    ]
    words = _words(draw, "strip", f"[{noun}]", features, steps, ["no slots", "no blind holes"])
    return draw.draft(root, words, int(count * rows), "rows")


def slotted_plate(rng: random.Random) -> Draft:
    """A plate with one slot in the middle, a pair of parallel ones, or a round plate with an oblong hole."""
    return rng.choice((_one_slot, _one_slot, _two_slots, _oblong_washer))(Draw(rng))


_SLOT_NOUN = "[slot|oblong hole|long hole|slotted hole|obround hole|elongated hole]"


def _slot_size(draw: Draw, room: float, most_width: float) -> tuple[Quantity, Quantity]:
    slot_l = draw.size("slot_length", 4, room)
    return slot_l, draw.size("slot_width", 2, min(most_width, slot_l / 1.4))


def _one_slot(draw: Draw) -> Draft:
    length, width = draw.size("length", 20, 160), draw.size("width", 15, 120)
    thickness = draw.size_or_default("slotted_plate", "thickness", 1, 12)
    across = draw.chance(0.35)
    along, other = (width, length) if across else (length, width)
    slot_l, slot_w = _slot_size(draw, along - 6, min(16, other * 0.5, along * 0.5))
    pieces = [at(length / 2, width / 2, -1, csg.union(*slot(slot_l, slot_w, thickness + 2, across)))]
    root = csg.difference(cube(length, width, thickness), *pieces)
    way = "across it, along Y|across the width|along its width" if across else "along X|along its length|lengthwise"
    features = [
        f"[@ {{slot_length*slot_width}} {_SLOT_NOUN}|@ {_SLOT_NOUN} {{slot_length}} long and {{slot_width}} wide] in "
        f"the [middle|center|centre], [{way}]"
    ]
    axis = "Y" if across else "X"
    steps = [
        f"Cut a slot with round ends through the middle along Z: {{slot_length}} long overall along {axis}, "
        "{slot_width} wide"
    ]
    noun = "[slotted plate|plate|adjustment plate|washer plate|flat plate|adjusting plate]"
    words = _words(draw, "slotted_plate", noun, features, steps, ["no round holes", "no other holes"])
    draw.tell("slots", 1)
    return draw.draft(root, words, 1, "one_slot")


def _two_slots(draw: Draw) -> Draft:
    length, width = draw.size("length", 30, 180), draw.size("width", 24, 120)
    thickness = draw.size_or_default("slotted_plate", "thickness", 1, 12)
    slot_l, slot_w = _slot_size(draw, length - 6, min(12, width * 0.25, length * 0.5))
    apart = draw.size("slot_spacing", slot_w + 2, width - slot_w - 3, "slot_pitch_y")
    pieces = csg.union(*slot(slot_l, slot_w, thickness + 2))
    cuts = [at(length / 2, y, -1, pieces) for y in both_sides(width, apart)]
    root = csg.difference(cube(length, width, thickness), *cuts)
    features = [
        "[two|two parallel|a pair of parallel] [{slot_length*slot_width} slots|slots {slot_length} long and "
        "{slot_width} wide] [along its length|lengthwise|along X], {slot_spacing} [apart|between centers|center to "
        "center]"
    ]
    steps = [
        "Cut two slots with round ends through it along Z, each {slot_length} long overall along X and {slot_width} "
        "wide, {slot_spacing} between their centre lines (Y), centred on the plate"
    ]
    noun = "[slotted plate|motor slide plate|adjustment plate|slotted mounting plate|plate with slots]"
    words = _words(draw, "slotted_plate", noun, features, steps, ["no round holes", "no third slot"])
    draw.tell("slots", 2)
    return draw.draft(root, words, 2, "two_slots")


def _oblong_washer(draw: Draw) -> Draft:
    outer, across = draw.round_size("outer", 16, 80, "[outer|outside]")
    across_word = "diameter" if across.name == "outer_d" else "radius"
    draw.kinds[across.name] = f"outer_{across_word}"
    thickness = draw.size("thickness", 1, 8)
    slot_l, slot_w = _slot_size(draw, 2 * float(outer) * 0.75, float(outer) * 0.6)
    cuts = slot(slot_l, slot_w, thickness + 2)
    root = csg.difference(csg.Cylinder(outer, thickness), at(0, 0, -1, csg.union(*cuts)))
    features = [f"@ {{slot_length*slot_width}} {_SLOT_NOUN} [in the middle|in the center|along X]"]
    noun = "[slotted washer|washer with an oblong hole|round slotted plate|slotted disc]"
    steps = [
        f"Begin with a disc of {{{across.name}}} {across_word}, {{thickness}} thick (Z)",
        "Cut a slot with round ends through its middle along Z, {slot_length} long overall (X) and {slot_width} wide "
        "(Y)",
    ]
    words = Words(
        noun, [across, THICKNESS], features, bare=draw.bare, steps=steps, absent=["no round hole", "no second hole"]
    )
    draw.tell("slots", 1)
    return draw.draft(root, words, 1, "oblong_washer")


def tag(rng: random.Random) -> Draft:
    """A plate with round corners: blank, with one hole at an end, or with a hole at both ends."""
    draw = Draw(rng)
    length = draw.size("length", 25, 150)
    width = draw.size("width", 10, min(80.0, length * 0.9))
    thickness = draw.size_or_default("tag", "thickness", 1, 6)
    corner = draw.size("corner_r", 1, min(float(length), float(width)) * 0.4, "corner_radius")
    ends = rng.choices((0, 1, 2), (20, 50, 30))[0]
    features = [
        "[{corner_r} [corner radius|rounded corners|radius corners]|corners rounded to {corner_r}|[rounded "
        "corners of|a corner radius of] {corner_r}]"
    ]
    steps = ["Round the four upright corners with a radius of {corner_r}"]
    cuts: list[csg.Node] = []
    if ends:
        radius, size = hole_size(draw, "hole", 2, min(8, width * 0.4, length * 0.15), "hole")
        inset = draw.size("inset", float(radius) + 2, length * 0.3, "any_hole_from_left")
        cuts = [at(x, width / 2, -1, through(radius, thickness)) for x in (inset, length - inset)[:ends]]
        where = "its left end|the left edge|the left side" if ends == 1 else "each end|either end|each short side"
        draw.tell("holes", ends)
        features.append(f"[@ |{'one |a single ' if ends == 1 else ''}]{size} hole {{inset}} from [{where}]")
        side = "the left end (x = 0)" if ends == 1 else "each end along X"
        steps.append(f"Drill @ {size} hole through it along Z, on the middle of the width, {{inset}} from {side}")
    root = csg.difference(rounded(length, width, thickness, corner), *cuts)
    nouns = (
        "nameplate|name plate|label plate|rounded plate",
        "tag|key tag|name tag|luggage tag|key fob|label tag",
        "nameplate|name plate|sign plate|door plate|rounded sign",
    )
    absent = ["no text on it", "no slots", *(() if ends else ("no holes",))]
    words = _words(draw, "tag", f"[{nouns[ends]}]", features, steps, absent)
    return draw.draft(root, words, ends, ("blank", "one_hole", "two_holes")[ends])


def hinge(rng: random.Random) -> Draft:
    """A hinge leaf: a plate with a knuckle along its left edge, full width or the middle third, and screw holes."""
    draw = Draw(rng)
    length, width = draw.size("length", 25, 90), draw.size("width", 20, 120)
    thickness = draw.size_or_default("hinge", "thickness", 1.5, 5, "any_face_from_bottom")
    knuckle = draw.size("knuckle_d", thickness * 2 + 2, min(20.0, length * 0.4), "outside_diameter")
    pin = draw.size("pin_d", 1.5, knuckle - 2 * max(1.2, float(thickness) * 0.5), "any_hole_diameter")
    middle = rng.random() < 0.35
    body, where = (_middle_knuckle if middle else _full_knuckle)(draw, length, width, thickness, knuckle)
    radius, size = hole_size(draw, "hole", 2, min(7.0, (length - float(knuckle)) * 0.4, width * 0.15), "any_hole")
    count = draw.count("holes", [2, 2, 3, 3, 4], "any_row_y_holes")
    pitch = draw.size(
        "pitch", 2 * float(radius) + 2, float((width - 2 * float(radius) - 4) / (count - 1)), "any_row_y_pitch"
    )
    screws = row(count, pitch, through(radius, thickness), csg.Y_AXIS)
    axle = along_y(csg.Cylinder(pin / 2, width + 2))
    root = csg.difference(
        body,
        at(knuckle / 2, -1, knuckle / 2, axle),
        at((length + knuckle) / 2, _first(width, count, pitch), -1, screws),
    )
    features = [
        f"[@ |]{{knuckle_d}} [diameter |]knuckle, level with the underside, {where}",
        "[@ |]{pin_d} [pin hole|hole for the pin|pin bore] through the knuckle",
        f"{{holes}} {size} holes in a row across the middle of the flat part, {_APART}",
    ]
    steps = [
        "Make a leaf {length} long over all (X), {width} wide (Y) and {thickness} thick (Z)",
        f"Let it end in a knuckle of {{knuckle_d}} diameter, lying along Y on the floor, {where}; the plate reaches "
        "below the knuckle as far as its axis",
        "Bore {pin_d} through the knuckle along Y",
        f"Drill {{holes}} holes, {size} each, along Z in a row along Y, centred, halfway from knuckle to far edge, "
        f"{_APART}",
    ]
    noun = "[hinge leaf|hinge half|hinge plate|door hinge leaf]"
    words = replace(_words(draw, "hinge", noun, features, [], ["no pin", "no screws"]), steps=steps)
    return draw.draft(root, words, int(count) + 1, "middle_knuckle" if middle else "full_knuckle")


def _full_knuckle(
    draw: Draw, length: Quantity, width: Quantity, thickness: Quantity, knuckle: Quantity
) -> tuple[csg.Node, str]:
    leaf = at(knuckle / 2, 0, 0, cube(length - knuckle / 2, width, thickness))
    barrel = at(knuckle / 2, 0, knuckle / 2, along_y(csg.Cylinder(knuckle / 2, width)))
    return csg.union(leaf, barrel), "along the whole [left edge|left side|edge at x = 0]"


def _middle_knuckle(
    draw: Draw, length: Quantity, width: Quantity, thickness: Quantity, knuckle: Quantity
) -> tuple[csg.Node, str]:
    """The leaf keeps clear of the knuckles of the other leaf."""
    gap = draw.size("gap", 0.5, 2, "any_flat_depth")
    leaf = at(knuckle + gap, 0, 0, cube(length - knuckle - gap, width, thickness))
    arm = at(knuckle / 2, width / 3, 0, cube(length - knuckle / 2, width / 3, thickness))
    barrel = at(knuckle / 2, width / 3, knuckle / 2, along_y(csg.Cylinder(knuckle / 2, width / 3)))
    where = "in the middle third of the left edge[,|;] the rest of the leaf starting {gap} behind the knuckle"
    return csg.union(leaf, arm, barrel), where
