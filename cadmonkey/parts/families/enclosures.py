"""Hollow boxes and openings: enclosures with a named open face, closed, with posts or a lid's rebate; grids; frames."""

import random

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families.draw import Draft, Draw, hole_size, through
from cadmonkey.parts.families.solids import along_x, along_y, at, cube, row
from cadmonkey.parts.phrases import HEIGHT, LENGTH, THICKNESS, WIDTH, Attribute, Words

_WALL = Attribute("wall", "wall thickness|wall", "wall thickness|walls|thick walls")
_BLOCK = "Begin with a block {length} long (X), {width} wide (Y) and {height} high (Z)"
_HOLLOW = "Hollow it out from the top, leaving walls and a floor {wall} thick"
Sizes = tuple[Quantity, Quantity, Quantity, Quantity]


def enclosure(rng: random.Random) -> Draft:
    """A box with walls all around but for a named face, closed, with screw posts, a lid's rebate or a cable hole."""
    return rng.choice((_open_face, _open_face, _closed, _with_posts, _with_rebate, _with_cable_hole))(Draw(rng))


def _sizes(draw: Draw, wall_kind: str, least: float = 15) -> Sizes:
    length, width = draw.size("length", least, 200), draw.size("width", least, 150)
    height = draw.size("height", 15, 120)
    most = min(6.0, min(length, width, height) * 0.15)
    return length, width, height, draw.size_or_default("enclosure", "wall", 1, most, wall_kind)


def _words(draw: Draw, noun: str, features: list[str], steps: list[str], absent: list[str]) -> Words:
    said = draw.named(LENGTH, WIDTH, HEIGHT, _WALL)
    rest = [a for a in said if a is _WALL]
    steps = [_BLOCK, *steps]
    return Words(noun, said, features, "length*width*height", rest, bare=draw.bare, steps=steps, absent=absent)


_FACES = {
    "top": (2, True, "top|upper side"),
    "bottom": (2, False, "bottom|underside"),
    "front": (1, False, "front|front side|-Y side"),
    "back": (1, True, "back|rear|+Y side"),
    "left": (0, False, "left|left side|-X side"),
    "right": (0, True, "right|right side|+X side"),
}
"""The axis of a face, whether it is at the far end of it, and what people call it."""


def _open_face(draw: Draw) -> Draft:
    face = draw.rng.choice(list(_FACES))
    axis, far, called = _FACES[face]
    length, width, height, wall = _sizes(draw, "box_wall")
    start: list[float] = [wall, wall, wall]
    room: list[float] = [side - 2 * wall for side in (length, width, height)]
    room[axis] = (length, width, height)[axis] - wall + 1
    if not far:
        start[axis] = -1
    root = csg.difference(cube(length, width, height), at(start[0], start[1], start[2], cube(*room)))
    noun = (
        f"[[enclosure|housing|case|hollow box|electronics box|shell] [open at the|with an open|open on the] [{called}]"
        f"|open-{face} [box|housing|case]]"
        if face in ("top", "bottom", "front", "back")
        else f"[enclosure|housing|case|hollow box|cover|sleeve box] open on the [{called}]"
    )
    steps = [f"Hollow it out from the [{called}], leaving walls {{wall}} thick on the other five sides"]
    absent = [f"no wall at the {face}", "no lid", "no holes in the walls"]
    return draw.draft(root, _words(draw, noun, [], steps, absent), 0, f"open_{face}")


def _closed(draw: Draw) -> Draft:
    length, width, height, wall = _sizes(draw, "box_wall")
    void = cube(length - 2 * wall, width - 2 * wall, height - 2 * wall)
    root = csg.difference(cube(length, width, height), at(wall, wall, wall, void))
    noun = (
        "[[closed|sealed|fully closed|completely closed] [hollow box|enclosure|box|hollow block|case]|hollow box "
        "closed on all [|six ]sides|hollow cuboid, closed all around]"
    )
    steps = ["Leave a closed rectangular void inside it, so that all six walls are {wall} thick"]
    absent = ["no openings", "no open face", "closed on all sides", "no holes"]
    return draw.draft(root, _words(draw, noun, [], steps, absent), 0, "closed")


_CASE = "[enclosure|project box|electronics enclosure|case|housing|box]"


def _hollow(length: Quantity, width: Quantity, height: Quantity, wall: Quantity) -> csg.Node:
    return at(wall, wall, wall, cube(length - 2 * wall, width - 2 * wall, height - wall + 1))


def _with_posts(draw: Draw) -> Draft:
    length, width, height, wall = _sizes(draw, "box_wall", 40)
    post = draw.size("post_d", 4, min(12.0, min(length, width) * 0.2), "boss_diameter")
    tall = draw.size("post_height", 3, min(40.0, float(height - wall) * 0.8), "boss_height")
    screw = draw.size("hole_d", 1.2, post - 1.6, "hole_diameter")
    deep = draw.size("hole_depth", 2, tall * 0.9)
    inset = draw.size("inset", wall + post / 2 + 0.5, min(length, width) / 2 - post / 2 - 2)
    places = [(x, y) for x in (inset, length - inset) for y in (inset, width - inset)]
    shell = csg.difference(cube(length, width, height), _hollow(length, width, height, wall))
    posts = [at(x, y, 0, csg.Cylinder(post / 2, wall + tall)) for x, y in places]
    holes = [at(x, y, wall + tall - deep, csg.Cylinder(screw / 2, deep + 1)) for x, y in places]
    root = csg.difference(csg.union(shell, *posts), *holes)
    features = [
        "[four|4] {post_d} [diameter |][screw posts|posts|standoffs|bosses|mounting posts] {post_height} high "
        "[inside|on the floor inside|standing on the floor], {inset} from the outer [sides|faces]",
        "[@ |]{hole_d} [diameter |]screw hole {hole_depth} deep in [each|every] [post|one]",
    ]
    steps = [
        _HOLLOW,
        "On the floor, in the corners, put four round posts of {post_d} diameter, {post_height} high, their axes "
        "{inset} from the outer sides",
        "Drill @ {hole_d} hole {hole_depth} deep into the top of every post along Z",
    ]
    noun = f"[{_CASE} [open at the top|without a lid]|[open|open-top] {_CASE}]"
    absent = ["no lid", "no holes in the walls", "no holes through the floor"]
    draw.tell("bosses", 4)
    return draw.draft(root, _words(draw, noun, features, steps, absent), 0, "posts")


def _with_rebate(draw: Draw) -> Draft:
    length, width, height, wall = _sizes(draw, "box_wall", 25)
    ledge = draw.size("ledge", 0.5, wall - 0.5, "any_gap_x")
    deep = draw.size("lid_depth", 1, min(8.0, float(height - wall) * 0.4), "any_face_from_top")
    step = wall - ledge
    rebate = at(step, step, height - deep, cube(length - 2 * step, width - 2 * step, deep + 1))
    root = csg.difference(cube(length, width, height), _hollow(length, width, height, wall), rebate)
    features = [
        "[@ |][rebate|lid recess|recess|step|ledge] for [@ lid|the lid] around the [inside of the rim|inner edge of "
        "the top], {ledge} wide and {lid_depth} deep"
    ]
    steps = [_HOLLOW, "Cut a rebate for a lid around the inside of the rim, {ledge} wide and {lid_depth} deep (Z)"]
    noun = f"[{_CASE} [open at the top|without the lid]|[open|open-top] {_CASE}]"
    return draw.draft(root, _words(draw, noun, features, steps, ["no lid", "no holes"]), 0, "lid_recess")


def _with_cable_hole(draw: Draw) -> Draft:
    face = draw.rng.choice(("front", "back", "left", "right"))
    axis, far, called = _FACES[face]
    length, width, height, wall = _sizes(draw, "wall", 20)
    side = (width, length)[axis]
    room = min(20.0, float(height - wall) * 0.5, float(side - 2 * wall) * 0.6)
    radius, size = hole_size(draw, "hole", 2, room, "hole")
    drill = through(radius, wall)
    start = ((length, width)[axis] - wall - 1) if far else -1
    if axis == 0:
        cut = at(start, width / 2, height / 2, along_x(drill))
    else:
        cut = at(length / 2, start, height / 2, along_y(drill))
    root = csg.difference(cube(length, width, height), _hollow(length, width, height, wall), cut)
    features = [
        f"[@ |one ]{size} [cable |wire |round |]hole [in the middle of|centered in] the [{called}] wall",
    ]
    steps = [_HOLLOW, f"Drill @ {size} hole through the middle of the {face} wall along {'XY'[axis]}"]
    noun = f"[{_CASE} [open at the top|without a lid]|[open|open-top] {_CASE}]"
    absent = ["no lid", f"no hole in the wall opposite the {face}"]
    draw.tell("holes", 1)
    return draw.draft(root, _words(draw, noun, features, steps, absent), 1, "cable_hole")


def divider(rng: random.Random) -> Draft:
    """An open box with a grid of equal compartments."""
    draw = Draw(rng)
    length, width, height = draw.size("length", 40, 240), draw.size("width", 30, 200), draw.size("height", 10, 80)
    columns = draw.count("columns", [2, 2, 3, 3, 4, 5, 6], "pocket_columns")
    single = draw.chance(0.35)
    rows = Quantity(1) if single else draw.count("rows", [2, 2, 3, 4], "pocket_rows")
    most = min(4.0, float(length / columns) * 0.15, float(width / rows) * 0.15, height * 0.2)
    wall = draw.size_or_default(
        "divider", "wall", 0.8, most, "wall" if int(columns) % 2 or int(rows) % 2 else "any_face_from_left"
    )
    step_x, step_y = (length - wall) / columns, (width - wall) / rows
    if single:
        room = cube(step_x - wall, width - 2 * wall, height - wall + 1)
        many = "{columns} [equal |][compartments|cells] [in a row|in a row along its length|side by side along X]"
        each = "{columns} equal compartments in a row along X"
    else:
        room = row(rows, step_y, cube(step_x - wall, step_y - wall, height - wall + 1), csg.Y_AXIS)
        many = (
            "[[{columns} by {rows}|{columns} x {rows}] [equal |][compartments|cells]"
            "|{columns} [equal |]compartments along the length and {rows} across the width]"
        )
        each = "{columns} equal compartments along X by {rows} along Y"
    root = csg.difference(cube(length, width, height), at(wall, wall, wall, row(columns, step_x, room)))
    features = [many]
    steps = [
        _BLOCK,
        f"From the top cut {each}, so that all walls, the dividers and the floor are {{wall}} thick",
    ]
    noun = (
        "[drawer divider|divided box|organizer box|parts tray|sorting tray|grid box|compartment tray|drawer organizer]"
    )
    wall_words = Attribute("wall", "wall thickness|wall and floor thickness", "thick walls and floor|walls")
    said = draw.named(LENGTH, WIDTH, HEIGHT, wall_words)
    rest = [a for a in said if a is wall_words]
    absent = ["open at the top", "no lid", "no holes"]
    product = "length*width*height"
    words = Words(noun, said, features, product, rest, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(root, words, 0, "row" if single else "grid")


def frame(rng: random.Random) -> Draft:
    """A flat rectangular frame, by the width of its border or by its opening; lying flat, or with a crossbar."""
    draw = Draw(rng)
    length, width = draw.size("length", 30, 240), draw.size("width", 25, 200)
    thickness = draw.size_or_default("frame", "thickness", 2, 20)
    plate = cube(length, width, thickness)
    steps = ["Begin with a plate {length} long (X), {width} wide (Y) and {thickness} thick (Z)"]
    variant = rng.choices(("border", "opening", "crossbar"), (45, 30, 25))[0]
    if variant == "opening":
        inner = [
            draw.size(f"opening_{name}", 8, float(side) - 6, f"window_{name}")
            for name, side in (("length", length), ("width", width))
        ]
        window = at((length - inner[0]) / 2, (width - inner[1]) / 2, -1, cube(inner[0], inner[1], thickness + 2))
        features = [
            "[@ |]{opening_length*opening_width} [opening|window|cutout|rectangular opening] in the "
            "[middle|center|centre]"
        ]
        steps.append("Cut a centred window {opening_length} long (X) and {opening_width} wide (Y) right through it")
    elif variant == "border":
        border = draw.size("border", 2, min(length, width) * 0.35, "wall")
        window = at(border, border, -1, cube(length - 2 * border, width - 2 * border, thickness + 2))
        features = ["[@ |]{border} [wide border|border|border all around|frame width|wide rim]"]
        steps.append("Cut a window right through it, leaving a border {border} wide on all four sides")
    else:
        border = draw.size("border", 2, min(length * 0.25, width * 0.3), "wall")
        bar = draw.size("bar", 2, length * 0.2, "slat_thickness")
        pane = (length - 2 * border - bar) / 2
        window = at(border, border, -1, row(Quantity(2), pane + bar, cube(pane, width - 2 * border, thickness + 2)))
        features = [
            "[@ |]{border} [wide border|border|border all around]",
            "[@ |]{bar} wide [crossbar|bar|mullion] [across the middle|in the middle, along Y]",
        ]
        steps.append(
            "Cut two equal windows side by side along X right through it, leaving a border {border} wide all "
            "around and a bar {bar} wide between them"
        )
    noun = "[frame|rectangular frame|window frame|picture frame|flat frame|bezel]"
    said = draw.named(LENGTH, WIDTH, THICKNESS)
    product = "*".join(a.name for a in said)
    absent = ["no back", "no screw holes", "open in the middle"]
    words = Words(noun, said, features, product, bare=draw.bare, steps=steps, absent=absent)
    panes = 2 if variant == "crossbar" else 1
    draw.tell("windows", panes)
    return draw.draft(csg.difference(plate, window), words, panes, variant)
