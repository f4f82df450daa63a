"""What holds things: clips, stands, fins and combs, pegs, steps, and shafts that turn with what is on them."""

import random

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families.draw import Draft, Draw, hole_size, through
from cadmonkey.parts.families.solids import along_y, at, both_sides, cube, prism, row
from cadmonkey.parts.phrases import HEIGHT, LENGTH, THICKNESS, WIDTH, Attribute, Words

_BLOCK = "Begin with a block {length} long (X), {width} wide (Y) and {height} high (Z)"


def clip(rng: random.Random) -> Draft:
    """A C-clip, a clip on a screw foot, or a saddle that holds a pipe down."""
    return rng.choice((_c_clip, _cable_clip, _saddle))(Draw(rng))


def _c_clip(draw: Draw) -> Draft:
    inner = draw.size("inner_d", 4, 60, "inside_diameter")
    wall = draw.size_or_default("clip", "wall", 1, min(6.0, inner * 0.3), "ring_wall")
    gap = draw.size("gap", inner * 0.4, inner * 0.85, "any_gap_y")
    height = draw.size("height", 4, 60)
    outer = (inner + 2 * wall) / 2
    mouth = at(0, -gap / 2, -1, cube(inner / 2 + wall + 1, gap, height + 2))
    bore = at(0, 0, -1, through(inner / 2, height))
    root = csg.difference(csg.Cylinder(outer, height), bore, mouth)
    attributes = [
        Attribute("inner_d", "[inner|inside] diameter|ID", "[inner|inside] diameter|ID"),
        Attribute("wall", "wall thickness|wall", "wall|wall thickness"),
        Attribute("height", "height|width", "tall|high|wide"),
    ]
    features = ["[@ |]{gap} [gap|opening|mouth|wide opening|wide gap] [on one side|at the side|at +X]"]
    steps = [
        "Stand a ring on the floor: inside diameter {inner_d}, wall {wall}, {height} high (Z)",
        "Cut a mouth {gap} wide (Y) through the wall at +X, over the full height",
    ]
    noun = "[C-clip|C clip|snap clip|pipe clip|hose clip|spring clip|C-shaped clip|open ring]"
    absent = ["no screw holes", "no base", "not a closed ring"]
    said = draw.named(*attributes)
    words = Words(noun, said, features, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(root, words, 0, "c_clip", trims=True)


def _cable_clip(draw: Draw) -> Draft:
    cable = draw.size("cable_d", 3, 25, "any_inside_diameter")
    gap = draw.size("gap", cable * 0.4, cable * 0.85, "any_gap_x")
    block = draw.size("block_length", cable + 3, cable + 14, "any_face_from_left")
    height = draw.size("height", cable * 1.1 + 2, cable * 1.5 + 8)
    radius, size = hole_size(draw, "hole", 2, 7, "hole")
    least = float(block) + 2 * float(radius) + 5
    length, width = draw.size("length", least, least + 25), draw.size("width", 2 * float(radius) + 4, 30)
    thickness = draw.size("thickness", 2, min(8.0, height * 0.35), "any_face_from_bottom")
    up = height - cable / 2 - 1
    if up - cable / 2 < 1:
        thickness = draw.size("thickness", 1.5, 2, "any_face_from_bottom")
    low = draw.size("axis_height", cable / 2 + 1.2, min(float(up), height - gap / 2 - 0.5), "any_axis_from_bottom")
    channel = at(block / 2, -1, low, along_y(csg.Cylinder(cable / 2, width + 2)))
    mouth = at((block - gap) / 2, -1, low, cube(gap, width + 2, height - low + 1))
    screw = at((block + length) / 2, width / 2, -1, through(radius, thickness))
    body = csg.union(cube(block, width, height), cube(length, width, thickness))
    root = csg.difference(body, channel, mouth, screw)
    features = [
        "[@ |]{block_length} [long |]block for @ {cable_d} [cable|wire|hose], its axis {axis_height} above the bottom",
        "[@ |]{gap} [slot|opening|mouth|gap] from the channel [up to|to] the top",
        f"[@ |one ]{size} hole in the [foot|tab|screw tab]",
    ]
    steps = [
        "Lay down a foot {length} long (X), {width} wide (Y) and {thickness} thick (Z)",
        "On its left end raise a block {block_length} long (X), as wide as the foot and {height} high (Z)",
        "Bore {cable_d} through the middle of the block along Y, {axis_height} above the floor",
        "Open the bore to the top with a slot {gap} wide (X)",
        f"Drill @ {size} hole through the middle of the free part of the foot along Z",
    ]
    foot = Attribute("thickness", "foot thickness|tab thickness|base thickness", "thick foot|thick tab|foot thickness")
    attributes = [LENGTH, WIDTH, HEIGHT, foot]
    noun = "[cable clip|screw-on cable clip|wire clip|cable holder clip|hose clip with a foot|cable clamp]"
    absent = ["open at the top", "only one screw hole"]
    product = "length*width*height"
    words = Words(noun, attributes, features, product, [foot], bare=draw.bare, steps=steps, absent=absent)
    draw.tell("holes", 1)
    return draw.draft(root, words, 1, "cable_clip")


def _saddle(draw: Draw) -> Draft:
    pipe = draw.size("pipe_d", 6, 60, "any_inside_diameter")
    wall = draw.size_or_default("clip", "wall", 1.5, min(6.0, pipe * 0.3), "any_ring_wall")
    thickness = draw.size("thickness", 1.5, min(6.0, pipe * 0.3), "any_face_from_bottom")
    radius, size = hole_size(draw, "hole", 2.5, 8, "hole")
    least = float(pipe + 2 * wall) + 2 * float(radius) + 2
    spacing = draw.size("hole_spacing", least, least + 25, "spacing_x")
    length = draw.size("length", spacing + 2 * float(radius) + 4, spacing + 2 * float(radius) + 20)
    width = draw.size("width", 2 * float(radius) + 4, 40)
    outer = pipe + 2 * wall
    half = at(0, -1, -outer, cube(length, width + 2, outer))
    arch = csg.difference(at(length / 2, 0, 0, along_y(csg.Cylinder(outer / 2, width))), half)
    channel = at(length / 2, -1, 0, along_y(csg.Cylinder(pipe / 2, width + 2)))
    screws = [at(x, width / 2, -1, through(radius, thickness)) for x in both_sides(length, spacing)]
    root = csg.difference(csg.union(cube(length, width, thickness), arch), channel, *screws)
    features = [
        "[@ half-round|an] arch over @ {pipe_d} pipe[|, open below]",
        f"two {size} holes {{hole_spacing}} apart in the [feet|flanges|ears]",
    ]
    steps = [
        "Lay down a strip {length} long (X), {width} wide (Y) and {thickness} thick (Z)",
        "Over its middle put half a tube lying along Y on the floor, as wide as the strip, for @ {pipe_d} pipe, its "
        "wall {wall} thick",
        "Clear the inside of the half tube, {pipe_d} across, right through the strip",
        f"Drill two {size} holes along Z, {{hole_spacing}} apart along X, symmetric about the arch",
    ]
    attributes = [
        LENGTH,
        WIDTH,
        Attribute("thickness", "foot thickness|thickness of the feet", "thick feet|foot thickness"),
        Attribute("wall", "arch wall|wall of the arch|arch wall thickness", "arch wall|arch thickness"),
    ]
    said = draw.named(*attributes)
    noun = "[pipe saddle|saddle clamp|pipe strap|saddle clip|pipe clamp with two feet|two-hole pipe strap]"
    words = Words(noun, said, features, bare=draw.bare, steps=steps, absent=["open at the bottom", "no ribs"])
    draw.tell("holes", 2)
    return draw.draft(root, words, 2, "saddle")


def stand(rng: random.Random) -> Draft:
    """A stand for a phone or tablet: a block with a slot across it, or a wedge with a lip at its foot."""
    return rng.choice((_slot_stand, _wedge_stand))(Draw(rng))


def _slot_stand(draw: Draw) -> Draft:
    length, width, height = draw.size("length", 30, 120), draw.size("width", 30, 150), draw.size("height", 12, 60)
    slot_w = draw.size("slot_width", 5, min(20.0, length * 0.4), "any_gap_x")
    deep = draw.size("slot_depth", 4, height * 0.75, "any_face_from_top")
    front = draw.size("front", 4, float(length - slot_w) - 4, "any_face_from_left")
    cut = at(front, -1, height - deep, cube(slot_w, width + 2, deep + 1))
    root = csg.difference(cube(length, width, height), cut)
    features = [
        "[@ |]{slot_width} [wide |][slot|groove|channel] {slot_depth} deep across [the top|its top], along Y, starting "
        "{front} [behind|from] the front edge"
    ]
    steps = [
        _BLOCK,
        "Cut a slot across its top along Y, {slot_width} wide (X) and {slot_depth} deep (Z), starting {front} from x "
        "= 0",
    ]
    noun = "[phone stand|phone holder|tablet stand|card stand|stand block|smartphone stand|sign holder]"
    sizes = [LENGTH, WIDTH, HEIGHT]
    product = "length*width*height"
    words = Words(noun, sizes, features, product, bare=draw.bare, steps=steps, absent=["no holes", "no cable hole"])
    return draw.draft(root, words, 0, "slot")


def _wedge_stand(draw: Draw) -> Draft:
    length, width = draw.size("length", 40, 150), draw.size("width", 30, 180)
    height = draw.size("height", 20, 120)
    foot = draw.size("foot", 2, height * 0.3, "any_corner_from_bottom")
    lip = draw.size("lip", 2, min(10.0, length * 0.15), "any_face_from_left")
    lip_height = draw.size("lip_height", foot + 3, height * 0.7, "any_face_from_bottom")
    points = [(0, 0), (length, 0), (length, height), (lip, foot), (lip, lip_height), (0, lip_height)]
    features = [
        "[a lip|a front lip|a stop] {lip} thick and {lip_height} high [at|along] the front",
        "[a slope|a ramp|a sloping top] that rises from {foot} behind the lip to the full height at the back",
    ]
    steps = [
        "Draw a side view in X and Z: {length} long, {height} high at the far end",
        "At the front let it have a lip {lip} thick and {lip_height} high",
        "Let the top rise straight from {foot} behind the lip to the full height at the back",
        "Draw it out {width} along Y",
    ]
    noun = "[tablet stand|phone stand|wedge stand|tablet wedge|book rest|wedge-shaped stand|sloped stand]"
    sizes = [LENGTH, WIDTH, HEIGHT]
    product = "length*width*height"
    root = prism(points, width, width)
    words = Words(noun, sizes, features, product, bare=draw.bare, steps=steps, absent=["no holes", "solid|not hollow"])
    return draw.draft(root, words, 0, "lip")


def fins(rng: random.Random) -> Draft:
    """A base with equal upright fins, by their pitch or spread over a length: a heat sink, or a comb lying flat."""
    return rng.choice((_heat_sink, _heat_sink, _comb))(Draw(rng))


def _spread(draw: Draw, stem: str, low: int, thinnest: float) -> tuple[Quantity, Quantity, Quantity, Quantity, bool]:
    """Count, thickness and pitch of fins, the length they take, and whether the pitch is what is stated."""
    fin = stem == "fin"
    count = draw.count("fins" if fin else "teeth", [low, *range(low, 13)], None if fin else "tines")
    pitched = draw.chance(0.45)
    if pitched:
        pitch = draw.size("pitch", thinnest * 2 + 1, 15, "fin_pitch" if fin else "any_gap_x")
        thick = draw.size(f"{stem}_thickness", thinnest, pitch * 0.6, "fin_thickness" if fin else "any_bar_width")
        return count, thick, pitch, (count - 1) * pitch + thick, True
    length = draw.size("length", 10 + 4 * int(count), 30 + 12 * int(count))
    most = float(length) / int(count) * 0.55
    thick = draw.size(f"{stem}_thickness", thinnest, most, "fin_thickness" if fin else "any_bar_width")
    return count, thick, (length - thick) / (count - 1), length, False


def _heat_sink(draw: Draw) -> Draft:
    count, thick, pitch, length, pitched = _spread(draw, "fin", 3, 0.8)
    width, height = draw.size("width", 10, 120), draw.size("height", 8, 60)
    base = draw.size_or_default(
        "fins", "base", 1.5, height * 0.4, "any_face_from_bottom" if int(count) % 2 else "floor"
    )
    fin = cube(thick, width, height)
    root = csg.union(cube(length, width, base), row(count, pitch, fin))
    how = (
        "{pitch} from fin to fin|at {pitch} pitch|with a pitch of {pitch}|{pitch} center to center"
        if pitched
        else "evenly spaced from end to end|evenly spread over the length"
    )
    features = [
        f"{{fins}} [fins|cooling fins|upright fins] {{fin_thickness}} thick[,| and] [{how}]",
        *(["[the outer fins flush with the ends of the base]"] if draw.chance(0.3) else []),
    ]
    begin = "Lay down a base as long as the row of fins" if pitched else "Lay down a base {length} long"
    steps = [
        f"{begin} (X), {{width}} wide (Y) and {{base}} thick (Z)",
        f"Put up {{fins}} fins along Y, {{fin_thickness}} thick (X), as wide as the base, up to a height of "
        f"{{height}} over all, [{how}], the outer ones flush with the ends",
    ]
    sizes = [WIDTH, HEIGHT, Attribute("base", "base thickness|base", "base|thick base|base thickness")]
    said = draw.named(*sizes if pitched else [LENGTH, *sizes])
    rest = [a for a in said if a.name == "base"]
    product = "" if pitched else "length*width*height"
    noun = "[heat sink|heatsink|finned heat sink|cooling block with fins|finned plate|radiator block]"
    absent = ["no holes", "no fan mount", "nothing on the underside"]
    words = Words(noun, said, features, product, rest, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(root, words, 0, "pitched_fins" if pitched else "spread_fins")


def _comb(draw: Draw) -> Draft:
    count, thick, pitch, length, pitched = _spread(draw, "tooth", 4, 1.5)
    width = draw.size("width", 15, 80)
    spine, thickness = draw.size("spine", 4, width * 0.5, "any_face_from_front"), draw.size("thickness", 1.5, 10)
    root = csg.union(cube(length, spine, thickness), row(count, pitch, cube(thick, width, thickness)))
    how = (
        "{pitch} from tooth to tooth|at {pitch} pitch|every {pitch}|{pitch} center to center"
        if pitched
        else "evenly spaced from end to end|evenly spread over the length"
    )
    features = [
        f"{{teeth}} [straight |square |rectangular |]teeth {{tooth_thickness}} wide[,| and] [{how}]",
        "[@ |]{spine} [wide back|back|wide spine|spine]",
    ]
    begin = "Lay down a back as long as the row of teeth" if pitched else "Lay down a back {length} long"
    steps = [
        f"{begin} (X), {{spine}} wide (Y) and {{thickness}} thick (Z)",
        f"Add {{teeth}} teeth {{tooth_thickness}} wide (X), as thick as the back, [{how}], the outer ones flush with "
        "its ends, to a width of {width} over all (Y)",
    ]
    sizes = [WIDTH, THICKNESS] if pitched else [LENGTH, WIDTH, THICKNESS]
    noun = "[comb|flat comb|rack with square teeth|toothed strip|rake plate|comb plate]"
    product = "" if pitched else "length*width*thickness"
    absent = ["no holes", "no teeth on the other side"]
    words = Words(noun, sizes, features, product, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(root, words, 0, "pitched_comb" if pitched else "spread_comb")


def cable_comb(rng: random.Random) -> Draft:
    """A bar with round notches for cables, open at the top, in a row along it."""
    draw = Draw(rng)
    cable, count = draw.size("cable_d", 3, 15, "inside_diameter"), draw.count("notches", [2, 3, 3, 4, 4, 5, 6, 7, 8])
    pitch = draw.size("pitch", cable + 2, cable * 1.6 + 6, "notch_pitch")
    row_length = float((count - 1) * pitch + cable)
    length, width = draw.size("length", row_length + 4, row_length + 30), draw.size("width", 4, 40)
    height = draw.size("height", cable * 1.2 + 2, cable * 1.5 + 12)
    deep = draw.size("depth", cable * 0.9, float(height) - 1.5, "channel_depth")
    first = (length - (count - 1) * pitch) / 2
    axle = along_y(csg.Cylinder(cable / 2, width + 2))
    open_up = at(-cable / 2, 0, 0, cube(cable, width + 2, deep - cable / 2 + 1))
    root = csg.difference(
        cube(length, width, height),
        at(first, -1, height - deep + cable / 2, row(count, pitch, csg.union(axle, open_up))),
    )
    features = [
        "{notches} [round-bottomed|U-shaped|rounded] [notches|slots|cable slots|grooves] {cable_d} wide and {depth} "
        "deep in the top[, running across it|, running along Y|], [{pitch} apart|at {pitch} pitch|every {pitch}]"
    ]
    steps = [
        _BLOCK,
        "Across its top, along Y, cut {notches} notches {cable_d} wide with round bottoms, {depth} deep to the bottom, "
        "{pitch} apart along X, centred on the block",
    ]
    noun = "[cable comb|cable organizer|cable holder|wire comb|cable guide|desk cable organizer]"
    words = Words(
        noun,
        [LENGTH, WIDTH, HEIGHT],
        features,
        "length*width*height",
        bare=draw.bare,
        steps=steps,
        absent=["no screw holes", "open at the top", "no holes"],
    )
    return draw.draft(root, words, 0, "notches")


def peg_block(rng: random.Random) -> Draft:
    """A block with a row of pegs on it, or with a row of blind holes for bits and pens."""
    draw = Draw(rng)
    pegs = draw.chance(0.5)
    across = draw.size("peg_d" if pegs else "hole_d", 2, 20, "boss_diameter" if pegs else "hole_diameter")
    count = draw.count("pegs" if pegs else "holes", [2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 10], "bosses" if pegs else "holes")
    pitch = draw.size("pitch", across + 2, across * 1.5 + 15, "boss_pitch_x" if pegs else "pitch_x")
    row_length = float((count - 1) * pitch + across)
    length = draw.size("length", row_length + 3, row_length + 40)
    width = draw.size("width", across + 4, across + 40)
    first = (length - (count - 1) * pitch) / 2
    if pegs:
        thickness = draw.size("thickness", 3, 25, "any_face_from_bottom")
        tall = draw.size("peg_height", 4, 60, "boss_height")
        standing = at(first, width / 2, 0, row(count, pitch, csg.Cylinder(across / 2, thickness + tall)))
        root = csg.union(cube(length, width, thickness), standing)
        return draw.draft(root, _peg_words(draw), 0, "pegs")
    height = draw.size("height", 8, 70)
    deep = draw.size("hole_depth", 4, float(height) - 2)
    holes = at(first, width / 2, height - deep, row(count, pitch, csg.Cylinder(across / 2, deep + 1)))
    return draw.draft(csg.difference(cube(length, width, height), holes), _bit_words(draw), 0, "blind_holes")


_PITCH = "[{pitch} apart|at {pitch} pitch|every {pitch}|spaced {pitch} apart|{pitch} center to center]"


def _peg_words(draw: Draw) -> Words:
    features = [
        f"{{pegs}} [round |][pegs|pins|dowels] {{peg_d}} [in diameter|thick|across] and {{peg_height}} "
        f"[high|tall|long] in a row [on top|along the middle], {_PITCH}"
    ]
    steps = [
        "Lay down a plate {length} long (X), {width} wide (Y) and {thickness} thick (Z)",
        f"On its top stand {{pegs}} pegs of {{peg_d}} diameter, {{peg_height}} high above the plate, in a row along X "
        f"centred on it, {_PITCH}",
    ]
    noun = "[peg block|peg rail|peg board|dowel block|plate with pegs|block with a row of pegs|peg rack]"
    sizes = [LENGTH, WIDTH, Attribute("thickness", "[plate|base|block] thickness|thickness", "thick")]
    product = "length*width*thickness"
    return Words(noun, sizes, features, product, bare=draw.bare, steps=steps, absent=["no holes", "only one row"])


def _bit_words(draw: Draw) -> Words:
    features = [
        f"{{holes}} [blind |]holes {{hole_d}} [in diameter|wide|across] and {{hole_depth}} deep in a row [in|along] "
        f"the top, {_PITCH}"
    ]
    steps = [
        _BLOCK,
        f"From the top drill {{holes}} blind holes of {{hole_d}} diameter, {{hole_depth}} deep (Z), in a row along X "
        f"centred on the block, {_PITCH}",
    ]
    noun = "[drill bit holder|bit holder|pen holder block|tool holder block|block with blind holes|bit rack]"
    sizes = [LENGTH, WIDTH, HEIGHT]
    absent = ["no through holes", "only one row"]
    return Words(noun, sizes, features, "length*width*height", bare=draw.bare, steps=steps, absent=absent)


def stairs(rng: random.Random) -> Draft:
    """A solid block of equal steps rising along x, by its overall size or by the size of one step."""
    draw = Draw(rng)
    count = rng.choice((2, 3, 3, 4, 4, 5, 6))
    many = f"[{count}|{('two', 'three', 'four', 'five', 'six')[count - 2]}]"
    width = draw.size("width", 10, 120)
    if draw.chance(0.45):
        run, rise = draw.size("run", 5, 40, "any_gap_x"), draw.size("rise", 3, 30, "any_gap_z")
        runs, rises = ([_times(k, size) for k in range(1, count + 1)] for size in (run, rise))
        features = [f"{many} [equal |][steps|stairs], each {{run}} [deep|in run] and {{rise}} [high|in rise]"]
        sized, sizes, product = "each {run} deep (X) and {rise} high (Z)", [WIDTH], ""
    else:
        length, height = draw.size("length", 8 * count, 40 * count), draw.size("height", 4 * count, 30 * count)
        runs, rises = ([*(_times(k, size) / count for k in range(1, count)), size] for size in (length, height))
        features = [f"{many} [equal steps|even steps|steps of equal size]"]
        sized = "all equal, {length} long (X) and {height} high (Z) over all"
        sizes, product = [LENGTH, WIDTH, HEIGHT], "length*width*height"
    # Each block goes from where its step begins to the end of the flight, so that all of them overlap.
    flight = [cube(runs[-1], width, rises[0])]
    flight += [at(runs[k - 1], 0, 0, cube(runs[-1 - k], width, rises[k])) for k in range(1, count)]
    steps = [
        f"Build a solid flight of {many} steps rising along X, {sized}",
        "Make it {width} wide along Y, closed down to the floor",
    ]
    noun = "[staircase|stairs block|flight of steps|stepped block|stair block|solid staircase|step block]"
    absent = ["no railing", "solid|solid underneath", "no holes"]
    words = Words(noun, sizes, features, product, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(csg.union(*flight), words, 0, "by_size" if product else "by_step")


def _times(count: int, size: Quantity) -> Quantity:
    return count * size if count > 1 else size


def keyed_shaft(rng: random.Random) -> Draft:
    """A round shaft with a flat on all or part of its length, two flats, or a keyway."""
    return rng.choice((_d_shaft, _d_shaft, _double_d, _keyway))(Draw(rng))


_SHAFT = "Stand a round bar of {diameter} diameter and {length} length on the floor"
_LONG = Attribute("length", "length|overall length", "long|in length")


def _round(draw: Draw, kind: str, low: float = 4) -> tuple[Quantity, Quantity]:
    return draw.size("diameter", low, 60, kind), draw.size("length", 10, 200, "height")


def _shaft_words(draw: Draw, noun: str, features: list[str], steps: list[str], absent: list[str]) -> Words:
    across = Attribute("diameter", "diameter|dia|shaft diameter", "diameter|in diameter|dia")
    return Words(noun, [across, _LONG], features, bare=draw.bare, steps=[_SHAFT, *steps], absent=absent)


def _d_shaft(draw: Draw) -> Draft:
    part = draw.chance(0.45)
    diameter, length = _round(draw, "outer_diameter" if part else "outside_diameter")
    across = draw.size("across", diameter * 0.65, diameter * 0.93, "any_across_flat")
    beyond = at(-diameter / 2, across - diameter / 2, -1, cube(diameter, diameter, length + 2))
    features = [
        "[@ |][flat|flat side] [on one side|cut on one side], {across} [across the flat|from the flat to the opposite "
        "side|over the flat]"
    ]
    steps = ["Cut a flat on its +Y side, {across} from the opposite side, along the whole length"]
    if part:
        flat = draw.size("flat_length", 4, length * 0.8, "any_face_from_top")
        beyond = at(-diameter / 2, across - diameter / 2, length - flat, cube(diameter, diameter, flat + 1))
        features = [
            features[0] + ", [{flat_length} long from the top end|along the top {flat_length}|over the upper "
            "{flat_length}]"
        ]
        steps = ["From the top end cut a flat on its +Y side, {flat_length} long (Z), {across} from the opposite side"]
    noun = "[D-shaft|D shaft|D-shaped shaft|shaft|motor shaft|round shaft]"
    words = _shaft_words(draw, noun, features, steps, ["only one flat", "no keyway", "no bore|no hole"])
    root = csg.difference(csg.Cylinder(diameter / 2, length), beyond)
    return draw.draft(root, words, 0, "part_flat" if part else "full_flat", trims=True)


def _double_d(draw: Draw) -> Draft:
    diameter, length = _round(draw, "length")
    across = draw.size("across", diameter * 0.5, diameter * 0.92, "width")
    between = at(-diameter / 2, -across / 2, 0, cube(diameter, across, length))
    root = csg.intersection(csg.Cylinder(diameter / 2, length), between)
    features = [
        "two [opposite|parallel] flats [along its whole length|along it|], {across} [apart|across the flats|between "
        "the flats]"
    ]
    steps = ["Cut two parallel flats along it, on its -Y and +Y sides, {across} apart"]
    noun = "[double-D shaft|double D shaft|shaft|rod|double-flat shaft]"
    words = _shaft_words(draw, noun, features, steps, ["no keyway", "no bore|no hole"])
    return draw.draft(root, words, 0, "double_flat")


def _keyway(draw: Draw) -> Draft:
    diameter, length = _round(draw, "outside_diameter", 8)
    key_w = draw.size("key_width", 2, diameter * 0.35, "any_gap_x")
    key_deep = draw.size("key_depth", 1, diameter * 0.25, "any_flat_depth")
    cut = at(-key_w / 2, diameter / 2 - key_deep, -1, cube(key_w, diameter / 2, length + 2))
    root = csg.difference(csg.Cylinder(diameter / 2, length), cut)
    features = [
        "[@ |][keyway|key slot|keyseat|rectangular groove] {key_width} wide and {key_depth} deep [along|along the "
        "whole length of] [it|one side]"
    ]
    steps = [
        "Cut a keyway into its +Y side along the whole length, {key_width} wide (X) and {key_depth} deep from the top "
        "of the round (Y)"
    ]
    noun = "[keyed shaft|shaft with a keyway|shaft|keyway shaft|round shaft]"
    words = _shaft_words(draw, noun, features, steps, ["no flat", "no bore|no hole"])
    return draw.draft(root, words, 0, "keyway", trims=True)
