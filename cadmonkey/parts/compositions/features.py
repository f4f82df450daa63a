"""Features of a part: what each cuts away or adds, where it fits, and the words for it.

A feature is drawn on a face that suits it, and takes its own box of the part's room.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.compositions.faces import (
    EDGE_MM,
    ONE,
    SIDES,
    TWO,
    ZERO,
    Face,
    Room,
    Spot,
    facing,
    minus,
    place,
    place_corner,
    place_strip,
    plus,
    point,
)
from cadmonkey.parts.families.draw import Draw, hole_size
from cadmonkey.parts.measures import NoRoomError

DRILL = ("drill", "bore", "make", "cut", "add")
MILL = ("cut", "mill", "make")
SHALLOWEST_MM = 1.2
ADD = ("add", "put", "place")


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature of a part."""

    words: str
    """What it is and where, with its article: `@ {hole_d} hole through it along Z, centred`."""
    verbs: Sequence[str]
    """What to do to make it, before these words."""
    cuts: Sequence[csg.Node] = ()
    adds: Sequence[csg.Node] = ()
    holes: int = 0
    """How many through holes it makes."""
    alone: Mapping[str, str] = field(default_factory=dict)
    """Kinds of its values that hold where it is the part's only feature."""


Maker = Callable[[Draw, str, Face, Room], Feature]


def hole(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """A through hole."""
    radius, size = _hole_size(draw, stem, face)
    spot = _round_place(draw, stem, face, room, radius, None)
    words = f"@ {size} [hole|hole|through hole] {face.through}, {spot.words}"
    return Feature(words, DRILL, [_drilled(face, spot, radius, None)], holes=1)


def blind_hole(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """A round hole with a flat bottom."""
    radius, size = _hole_size(draw, stem, face)
    depth = draw.size(f"{stem}_depth", SHALLOWEST_MM, _deepest(face), "any_hole_depth")
    spot = _round_place(draw, stem, face, room, radius, depth)
    deep = f"{{{stem}_depth}} deep"
    words = f"[@ {size} blind hole, {deep},|@ {size} hole {deep}] in {face.on}, {spot.words}"
    return Feature(words, DRILL, [_drilled(face, spot, radius, depth)])


def counterbored_hole(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """A through hole with a wider cylindrical mouth."""
    radius, size = _hole_size(draw, stem, face)
    wide, deep = (f"{stem.replace('hole', 'counterbore')}_{what}" for what in ("d", "depth"))
    mouth = draw.size(wide, 2 * float(radius) * 1.4, 2 * float(radius) * 2.4, "any_counterbore_diameter") / TWO
    depth = draw.size(deep, SHALLOWEST_MM, float(face.thickness) - EDGE_MM, "any_counterbore_depth")
    spot = _round_place(draw, stem, face, room, mouth, None)
    cutter = _sunk(face, spot, radius, csg.Cylinder(mouth, depth + ONE), depth)
    words = (
        f"@ {size} hole {face.through}, {spot.words}, "
        f"[counterbored|with @ counterbore of|with a counterbore] {{{wide}}} [diameter |wide |]and {{{deep}}} deep "
        f"[at|from|in] {face.on}"
    )
    return Feature(words, DRILL, [cutter], holes=1)


def countersunk_hole(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """A through hole with a conical mouth of 90 degrees."""
    radius, size = _hole_size(draw, stem, face)
    wide = f"{stem.replace('hole', 'countersink')}_d"
    most = 2 * min(float(radius) * 2.4, float(radius) + float(face.thickness) - EDGE_MM)
    mouth = draw.size(wide, 2 * float(radius) * 1.4, most, "any_countersink_diameter")
    spot = _round_place(draw, stem, face, room, mouth / TWO, None)
    bore = radius.halved_from()
    depth = mouth / TWO - radius if bore is None else (mouth - bore) / TWO
    ends = (radius, (mouth + TWO) / TWO)
    cone = csg.Cone(*(ends if SIDES[face.side][1] else ends[::-1]), depth + ONE)
    words = (
        f"@ {size} hole {face.through}, {spot.words}, "
        f"[countersunk to|with a countersink of|with a 90 degree countersink of] {{{wide}}} [at|in|on] {face.on}"
    )
    return Feature(words, DRILL, [_sunk(face, spot, radius, cone, depth)], holes=1)


def slot(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """A slot with round ends along one axis of the face, through or blind."""
    along = draw.rng.randrange(2)
    lengthwise, across = face.plane[along], face.plane[1 - along]
    width = draw.size(f"{stem}_width", 2, min(_extent(face, across) * 0.4, 20), "any_slot_width")
    length = draw.size(f"{stem}_length", width * 1.6, _extent(face, lengthwise) * 0.7, "any_slot_length")
    depth = draw.size(f"{stem}_depth", SHALLOWEST_MM, _deepest(face), "any_slot_depth") if draw.chance(0.35) else None
    half, less = float(length) / 2, float(width) / 2
    reach = (half, less) if along == 0 else (less, half)
    spot = place(draw, stem, face, reach, "slot")
    claim(room, face, spot, reach, depth)
    where = spot.words if spot.is_middle else f"its [middle|centre] {spot.words}"
    size = f"{{{stem}_length}} long[,| and] {{{stem}_width}} wide"
    run = f"[running |]along {'XYZ'[lengthwise]}"
    if depth is None:
        words = f"@ slot {size} with round ends, {run}, {face.through}, {where}"
    else:
        words = f"@ slot {size}[,| and] {{{stem}_depth}} deep with round ends, {run}, in {face.on}, {where}"
    start, height = face.span(depth)
    # A cutter that is turned to point along x has its own x along z.
    own_axis = 1 - along if face.axis == 0 else along
    cutter = csg.Translate(point(face, spot.at, start), facing(face.axis, _slotted(own_axis, length, width, height)))
    return Feature(words, MILL, [cutter], holes=int(depth is None))


def pocket(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """A rectangular recess with a floor."""
    sizes, said = _rectangle(draw, stem, face, "pocket")
    depth = draw.size(f"{stem}_depth", SHALLOWEST_MM, _deepest(face), "any_pocket_depth")
    spot = place_corner(draw, stem, face, sizes)
    words = (
        f"@ [rectangular |]pocket {said}[,| and] {{{stem}_depth}} deep in {face.on}, {spot.words}|"
        f"@ {{{stem}_depth}} deep [rectangular |]pocket {said} in {face.on}, {spot.words}"
    )
    return Feature(f"[{words}]", MILL, [_milled(room, face, spot, sizes, depth)])


def window(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """A rectangular opening through the part."""
    sizes, said = _rectangle(draw, stem, face, "window")
    spot = place_corner(draw, stem, face, sizes)
    words = f"@ rectangular [opening|window|cut-out|hole] {said} {face.through}, {spot.words}"
    return Feature(words, MILL, [_milled(room, face, spot, sizes, None)], holes=1)


def hole_ring(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """Through holes on a circle around the middle of a face across z."""
    if face.axis != 2:
        raise NoRoomError
    radius, size = _hole_size(draw, stem, face)
    count = draw.count(_plural(stem), [3, 4, 4, 5, 6, 6, 8])
    draw.kinds[_plural(stem)] = "any_ring_holes"
    most = 2 * (_reach(face) - EDGE_MM - float(radius))
    name = f"{stem}_circle_d"
    circle = draw.size(name, count * (float(radius) + EDGE_MM) * 0.75, most, "any_bolt_circle_diameter")
    if float(circle) * 0.86 < 2 * float(radius) + EDGE_MM:
        raise NoRoomError
    spot = _middle(face)
    outer = circle / TWO + radius
    claim(room, face, spot, (float(outer), float(outer)), None)
    start, height = face.span(None)
    first = csg.Translate((circle / TWO, ZERO, start), csg.Cylinder(radius, height))
    ring: csg.Node = csg.CircularPattern(count, Quantity(360), first)
    if any(map(float, spot.at)):
        ring = csg.Translate((*spot.at, ZERO), ring)
    words = (
        f"@ ring of {{{_plural(stem)}}} {size} holes {face.through}, [evenly spaced |]on @ {{{name}}} "
        f"[circle|bolt circle|pitch circle] around the [middle|centre|center]{_of(face)}, "
        "the first one [to the right of it|at the right]"
    )
    return Feature(words, DRILL, [ring], holes=int(count), alone={_plural(stem): "off_centre_holes"})


def hole_row(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """Through holes in a straight row, in the middle of the face."""
    radius, size = _hole_size(draw, stem, face, 0.25)
    along = draw.rng.randrange(2)
    count = draw.count(_plural(stem), [2, 2, 3, 3, 4, 5, 6])
    axis = face.plane[along]
    draw.kinds[_plural(stem)] = f"any_row_{'xyz'[axis]}_holes"
    most = (_extent(face, axis) - 2 * (EDGE_MM + face.inset + float(radius))) / (int(count) - 1)
    pitch = draw.size(f"{stem}_pitch", 2 * float(radius) + EDGE_MM, most)
    draw.kinds[f"{stem}_pitch"] = f"any_row_{'xyz'[axis]}_pitch"
    run = (count - ONE) * pitch
    reach = [float(radius), float(radius)]
    reach[along] += float(run) / 2
    spot = _middle(face)
    _fit(face, (reach[0], reach[1]))
    claim(room, face, spot, (reach[0], reach[1]), None)
    first = list(spot.at)
    first[along] = minus(first[along], run / TWO)
    direction = (csg.X_AXIS, csg.Y_AXIS, csg.Z_AXIS)[axis]
    start, height = face.span(None)
    drilled = facing(face.axis, csg.Cylinder(radius, height))
    row = csg.Translate(point(face, (first[0], first[1]), start), csg.LinearPattern(direction, count, pitch, drilled))
    words = (
        f"@ row of {{{_plural(stem)}}} {size} holes {face.through}, {{{stem}_pitch}} [apart|from centre to centre] "
        f"along {'XYZ'[axis]}, the row [centred|centered|in the middle]{_of(face)}"
    )
    alone = {_plural(stem): "holes", **({} if axis == 2 else {f"{stem}_pitch": f"pitch_{'xy'[axis]}"})}
    return Feature(words, DRILL, [row], holes=int(count), alone=alone)


def hole_grid(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """Through holes in columns and rows, in the middle of a face across z."""
    if face.axis != 2:
        raise NoRoomError
    radius, size = _hole_size(draw, stem, face, 0.15)
    counts = draw.count(f"{stem}_columns", [2, 2, 3, 4, 5]), draw.count(f"{stem}_rows", [2, 2, 3, 4])
    rooms = [_extent(face, axis) - 2 * (EDGE_MM + face.inset + float(radius)) for axis in (0, 1)]
    most = min(free / (int(count) - 1) for free, count in zip(rooms, counts, strict=True))
    pitch = draw.size(f"{stem}_pitch", 2 * float(radius) + EDGE_MM, most)
    for name, kind in (("columns", "x_holes"), ("rows", "y_holes"), ("pitch", "x_pitch")):
        draw.kinds[f"{stem}_{name}"] = f"any_row_{kind}"
    runs = [(count - ONE) * pitch for count in counts]
    reach = (float(runs[0]) / 2 + float(radius), float(runs[1]) / 2 + float(radius))
    _fit(face, reach)
    spot = _middle(face)
    claim(room, face, spot, reach, None)
    start, height = face.span(None)
    pattern: csg.Node = csg.LinearPattern(csg.Y_AXIS, counts[1], pitch, csg.Cylinder(radius, height))
    pattern = csg.LinearPattern(csg.X_AXIS, counts[0], pitch, pattern)
    corner = (minus(spot.at[0], runs[0] / TWO), minus(spot.at[1], runs[1] / TWO), start)
    words = (
        f"@ grid of {size} holes {face.through}, {{{stem}_columns}} [columns along X|along X] [by|and] "
        f"{{{stem}_rows}} [rows along Y|along Y], {{{stem}_pitch}} apart, [centred|centered|in the middle]{_of(face)}"
    )
    alone = {f"{stem}_{name}": name for name in ("columns", "rows", "pitch")}
    holes = int(counts[0]) * int(counts[1])
    return Feature(words, DRILL, [csg.Translate(corner, pattern)], holes=holes, alone=alone)


def channel(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """A straight groove across the whole face, open at both ends."""
    along = draw.rng.randrange(2)
    width = draw.size(f"{stem}_width", 2, _extent(face, 1 - along) * 0.4)
    depth = draw.size(f"{stem}_depth", SHALLOWEST_MM, _deepest(face), f"any_face_from_{face.side}")
    draw.kinds[f"{stem}_width"] = f"any_gap_{'yx'[along]}"
    corner, where = _strip(draw, stem, face, along, width, ONE)
    sizes = [width, width]
    sizes[along] = face.size[along]
    start, height = face.span(depth)
    _claim_box(room, face, corner, sizes, depth)
    sizes[along] = face.size[along] + TWO
    cutter = csg.Translate(point(face, corner, start), csg.Cube((sizes[0], sizes[1], height)))
    words = (
        f"@ [channel|groove|straight channel] {{{stem}_width}} wide[,| and] {{{stem}_depth}} deep, "
        f"{_RUNS[along]}, in {face.on}, {where}"
    )
    return Feature(words, MILL, [cutter])


def rib(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """A straight rib across the whole face."""
    along = draw.rng.randrange(2)
    thickness = draw.size(f"{stem}_thickness", 1.5, _extent(face, 1 - along) * 0.25)
    height = draw.size(f"{stem}_height", 2, 30)
    draw.kinds |= {f"{stem}_thickness": f"any_gap_{'yx'[along]}", f"{stem}_height": "any_gap_z"}
    corner, where = _strip(draw, stem, face, along, thickness, ZERO)
    sizes = [thickness, thickness]
    sizes[along] = face.size[along]
    words = (
        f"@ [rib|straight rib] {{{stem}_thickness}} thick and {{{stem}_height}} [tall|high], {_RUNS[along]}, "
        f"on {face.on}, {where}"
    )
    return Feature(words, ADD, adds=[_raised(room, face, corner, (sizes[0], sizes[1]), height)])


def pad(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """A raised rectangle."""
    sizes, said = _rectangle(draw, stem, face, "")
    height = draw.size(f"{stem}_height", 1.5, min(30.0, 3 * float(min(sizes))))
    draw.kinds |= {f"{stem}_height": "any_gap_z", f"{stem}_length": "any_gap_x", f"{stem}_width": "any_gap_y"}
    spot = place_corner(draw, stem, face, sizes)
    words = f"@ rectangular [pad|raised pad] {said}[,| and] {{{stem}_height}} [high|tall] on {face.on}, {spot.words}"
    return Feature(words, ADD, adds=[_raised(room, face, spot.at, sizes, height)])


def boss(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """A round boss."""
    radius, height, spot, words = _boss(draw, stem, face, room)
    top = plus(face.low[2], face.size[2])
    return Feature(words, ADD, adds=[csg.Translate(point(face, spot.at, top), csg.Cylinder(radius, height))])


def bored_boss(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """A round boss with a hole down through it and the body."""
    radius, height, spot, words = _boss(draw, stem, face, room)
    bore = draw.size(f"{stem}_hole_d", 2, float(radius) * 1.4, "any_hole_diameter")
    top = plus(face.low[2], face.size[2])
    start, length = face.span(None)
    cutter = csg.Translate(point(face, spot.at, start), csg.Cylinder(bore / TWO, length + height))
    return Feature(
        f"{words}, with @ {{{stem}_hole_d}} hole [down |]through it and the body",
        ADD,
        [cutter],
        [csg.Translate(point(face, spot.at, top), csg.Cylinder(radius, height))],
        holes=1,
    )


def step(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """A step along one edge of the top."""
    side = draw.rng.choice(("left", "right", "front", "back"))
    axis, high = SIDES[side]
    wide = draw.size(f"{stem}_width", 2, _extent(face, axis) * 0.45, f"any_face_from_{side}")
    depth = draw.size(f"{stem}_depth", SHALLOWEST_MM, _deepest(face) * 0.8, f"any_face_from_{face.side}")
    corner, sizes = [ZERO, ZERO], [face.size[0], face.size[1]]
    corner[axis] = face.size[axis] - wide if high else ZERO
    sizes[axis] = wide
    _claim_box(room, face, corner, sizes, depth)
    corner[axis] = corner[axis] if high else -ONE
    corner[1 - axis] = -ONE
    sizes = [face.size[0] + TWO, face.size[1] + TWO]
    sizes[axis] = wide + ONE
    start, height = face.span(depth)
    words = f"@ step {{{stem}_width}} wide and {{{stem}_depth}} deep [along|at] the {side} edge of {face.on}"
    cutter = csg.Translate(point(face, (corner[0], corner[1]), start), csg.Cube((sizes[0], sizes[1], height)))
    return Feature(words, MILL, [cutter])


def cut_corner(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """One upright edge cut off at 45 degrees."""
    leg = draw.size(f"{stem}_cut", 2, min(float(face.size[0]), float(face.size[1])) * 0.4, "any_chamfer")
    sides = [draw.rng.choice(("left", "right")), draw.rng.choice(("front", "back"))]
    outside, inside, low = [], [], [ZERO, ZERO]
    for axis, side in enumerate(sides):
        high = SIDES[side][1]
        outside.append(face.size[axis] + ONE if high else -ONE)
        inside.append(face.size[axis] - leg - ONE if high else leg + ONE)
        low[axis] = face.size[axis] - leg if high else ZERO
    _claim_box(room, face, low, [leg, leg], None)
    triangle = csg.Polygon(((outside[0], outside[1]), (inside[0], outside[1]), (outside[0], inside[1])))
    start, height = face.span(None)
    words = (
        f"[@ {{{stem}_cut}} x 45 degree chamfer on the {sides[1]} {sides[0]} upright edge|"
        f"@ 45 degree cut {{{stem}_cut}} from the corner along both sides, on the {sides[1]} {sides[0]} upright edge]"
    )
    return Feature(words, MILL, [csg.Translate((ZERO, ZERO, start), csg.LinearExtrude(height, triangle))])


def cross_hole(draw: Draw, stem: str, face: Face, room: Room) -> Feature:
    """A hole straight through the side of a round body, across its axis."""
    reach = float(face.radius or 0)
    radius = draw.size(f"{stem}_d", 2, min(reach, float(face.size[2]) - 4), "any_hole_diameter") / TWO
    high = float(face.size[2]) - float(radius) - EDGE_MM
    z = draw.size(f"{stem}_z", float(radius) + EDGE_MM, high, "any_hole_from_bottom")
    axis = draw.rng.randrange(2)
    low = [-float(radius)] * 2 + [float(z - radius)]
    top = [float(radius)] * 2 + [float(z + radius)]
    low[axis], top[axis] = -reach, reach
    room.claim(low, top)
    at = [ZERO, ZERO, z]
    at[axis] = minus(face.low[axis], ONE)
    cutter = csg.Translate((at[0], at[1], at[2]), facing(axis, csg.Cylinder(radius, face.size[axis] + TWO)))
    words = (
        f"@ {{{stem}_d}} [cross hole|hole straight through the side|hole across it] along {'XY'[axis]}, through the "
        f"axis, {{{stem}_z}} [above the bottom|from the bottom|up from the base]"
    )
    return Feature(words, DRILL, [cutter], holes=1)


_RUNS = (
    "[from the left end to the right end|all the way along X|running the full length along X]",
    "[from front to back|all the way along Y|running the full width along Y]",
)


def _boss(draw: Draw, stem: str, face: Face, room: Room) -> tuple[Quantity, Quantity, Spot, str]:
    """A boss's radius, height and place, and the words for it."""
    most = min(_extent(face, 0), _extent(face, 1)) * 0.6
    radius = draw.size(f"{stem}_d", 3, min(most, 60), "any_boss_diameter") / TWO
    height = draw.size(f"{stem}_height", 2, min(40.0, 6 * float(radius)), "any_boss_height")
    spot = place(draw, stem, face, (float(radius), float(radius)), "boss")
    claim(room, face, spot, (float(radius), float(radius)), None, float(height))
    words = (
        f"[@ round boss {{{stem}_d}} in diameter and {{{stem}_height}} [tall|high]|"
        f"@ {{{stem}_d}} diameter boss, {{{stem}_height}} [tall|high],] on {face.on}, {spot.words}"
    )
    return radius, height, spot, words


def claim(
    room: Room, face: Face, spot: Spot, reach: tuple[float, float], depth: float | None, above: float = 0.0
) -> None:
    """Take the room of a feature around its middle, this deep into the material and this high above the face."""
    low, high = [0.0] * 3, [0.0] * 3
    low[face.axis], high[face.axis] = _depths(face, depth, above)
    for axis, value, half in zip(face.plane, spot.at, reach, strict=True):
        low[axis], high[axis] = float(value) - half, float(value) + half
    room.claim(low, high)


def _claim_box(
    room: Room,
    face: Face,
    corner: Sequence[float],
    sizes: Sequence[float],
    depth: float | None,
    above: float = 0.0,
) -> None:
    """Take the room of a rectangular feature."""
    middle = Quantity(corner[0] + sizes[0] / 2), Quantity(corner[1] + sizes[1] / 2)
    claim(room, face, Spot(middle, ""), (float(sizes[0]) / 2, float(sizes[1]) / 2), depth, above)


def _depths(face: Face, depth: float | None, above: float) -> tuple[float, float]:
    """Where a feature begins and ends along the axis across its face."""
    axis, high = SIDES[face.side]
    low, top = float(face.low[axis]), float(face.low[axis] + face.size[axis])
    deep = float(face.thickness) if depth is None else float(depth)
    return (top - deep, top + above) if high else (low - above, low + deep)


def _round_place(draw: Draw, stem: str, face: Face, room: Room, radius: Quantity, depth: float | None) -> Spot:
    spot = place(draw, stem, face, (float(radius), float(radius)))
    claim(room, face, spot, (float(radius), float(radius)), depth)
    return spot


def _hole_size(draw: Draw, stem: str, face: Face, share: float = 0.4) -> tuple[Quantity, str]:
    """A hole's radius that leaves room on a face, and the words for its size."""
    most = min(_extent(face, axis) for axis in face.plane) * share
    return hole_size(draw, stem, 2, min(most, 40.0), "any_hole")


def _rectangle(draw: Draw, stem: str, face: Face, kind: str) -> tuple[tuple[Quantity, Quantity], str]:
    """The sizes of a rectangle along both axes of a face, and the words for them."""
    sizes = []
    for name, axis in zip(("length", "width"), face.plane, strict=True):
        sizes.append(draw.size(f"{stem}_{name}", 2.5, _extent(face, axis) * 0.55))
        draw.kinds[f"{stem}_{name}"] = kind and f"any_{kind}_{name}"
    first, second = ("XYZ"[axis] for axis in face.plane)
    product = f"{{{stem}_length*{stem}_width}} ({first} x {second})"
    said = f"{{{stem}_length}} along {first} and {{{stem}_width}} along {second}"
    return (sizes[0], sizes[1]), f"[{said}|{product}]"


def _strip(
    draw: Draw, stem: str, face: Face, along: int, width: Quantity, beyond: Quantity
) -> tuple[tuple[Quantity, Quantity], str]:
    """The corner of a strip across a whole face, that far beyond its edge, and the words for its place."""
    middle, where = place_strip(draw, stem, face, 1 - along, width)
    corner = [middle, middle]
    corner[along] = minus(face.low[along], beyond)
    return (corner[0], corner[1]), where


def _milled(room: Room, face: Face, spot: Spot, sizes: tuple[Quantity, Quantity], depth: Quantity | None) -> csg.Node:
    """The cutter of a rectangle, its room taken."""
    _claim_box(room, face, spot.at, sizes, depth)
    start, length = face.span(depth)
    box = [length] * 3
    for axis, size in zip(face.plane, sizes, strict=True):
        box[axis] = size
    return csg.Translate(point(face, spot.at, start), csg.Cube((box[0], box[1], box[2])))


def _raised(
    room: Room, face: Face, corner: tuple[Quantity, Quantity], sizes: tuple[Quantity, Quantity], height: Quantity
) -> csg.Node:
    """A block on a top face, its room taken."""
    _claim_box(room, face, corner, sizes, None, float(height))
    top = plus(face.low[2], face.size[2])
    return csg.Translate(point(face, corner, top), csg.Cube((*sizes, height)))


def _drilled(face: Face, spot: Spot, radius: Quantity, depth: Quantity | None) -> csg.Node:
    start, length = face.span(depth)
    return csg.Translate(point(face, spot.at, start), facing(face.axis, csg.Cylinder(radius, length)))


def _sunk(face: Face, spot: Spot, radius: Quantity, mouth: csg.Node, depth: Quantity) -> csg.Node:
    """A through hole and its wider mouth as one cutter."""
    start, length = face.span(None)
    if SIDES[face.side][1]:
        mouth = csg.Translate((ZERO, ZERO, face.thickness - depth + ONE), mouth)
    both = csg.union(csg.Cylinder(radius, length), mouth)
    return csg.Translate(point(face, spot.at, start), facing(face.axis, both))


def _slotted(axis: int, length: Quantity, width: Quantity, height: Quantity) -> csg.Node:
    """An upright cutter for a slot along x or y (0, 1), centred on the z axis."""
    first, run = (width - length) / TWO, length - width
    middle = csg.Cube((run, width, height) if axis == 0 else (width, run, height))
    ends = [(at, ZERO, ZERO) if axis == 0 else (ZERO, at, ZERO) for at in (first, run / TWO)]
    corner = (first, -width / TWO, ZERO) if axis == 0 else (-width / TWO, first, ZERO)
    end = csg.Cylinder(width / TWO, height)
    return csg.union(csg.Translate(corner, middle), *(csg.Translate(at, end) for at in ends))


def _middle(face: Face) -> Spot:
    if face.radius is not None:
        return Spot((ZERO, ZERO), "")
    first, second = (plus(face.low[axis], face.size[axis] / TWO) for axis in face.plane)
    return Spot((first, second), "")


def _fit(face: Face, reach: tuple[float, float]) -> None:
    """See that a feature in the middle of a face has room there.

    Raises:
        NoRoomError: it has none.
    """
    if face.radius is not None:
        if sum(half**2 for half in reach) ** 0.5 > face.radius - EDGE_MM:
            raise NoRoomError
    elif any(half + EDGE_MM + face.inset > _extent(face, a) / 2 for a, half in zip(face.plane, reach, strict=True)):
        raise NoRoomError


def _plural(stem: str) -> str:
    """The name of a count: `ring2_holes` for `ring2_hole`."""
    return f"{stem}s"


def _of(face: Face) -> str:
    return f" of {face.on}" if face.owner else ""


def _extent(face: Face, axis: int) -> float:
    """How much of a face there is along an axis; of a round one the square within it."""
    return float(face.size[axis]) if face.radius is None else 1.4 * face.radius


def _reach(face: Face) -> float:
    """How far from its middle a face reaches every way."""
    return face.radius if face.radius is not None else min(_extent(face, axis) for axis in face.plane) / 2 - face.inset


def _deepest(face: Face) -> float:
    """The deepest recess that leaves a floor; none is deeper than 40 mm."""
    return min(float(face.thickness) - EDGE_MM, 40.0)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to go on with a part: what makes the feature, the name of its parameters, and the faces it suits."""

    make: Maker
    stem: str
    sides: Sequence[str]

    @property
    def name(self) -> str:
        """What the feature is called."""
        return self.make.__name__.replace("_", " ")


_THROUGH = ("top", "top", "front", "left")
_TOP = ("top",)
HOLE = Way(hole, "hole", _THROUGH)
BLIND_HOLE = Way(blind_hole, "hole", tuple(SIDES))
COUNTERBORED_HOLE = Way(counterbored_hole, "hole", tuple(SIDES))
COUNTERSUNK_HOLE = Way(countersunk_hole, "hole", tuple(SIDES))
SLOT = Way(slot, "slot", _THROUGH)
POCKET = Way(pocket, "pocket", tuple(SIDES))
WINDOW = Way(window, "window", _THROUGH)
HOLE_RING = Way(hole_ring, "ring_hole", _TOP)
HOLE_ROW = Way(hole_row, "row_hole", _THROUGH)
HOLE_GRID = Way(hole_grid, "grid_hole", _TOP)
CHANNEL = Way(channel, "channel", ("top", "bottom"))
RIB = Way(rib, "rib", _TOP)
PAD = Way(pad, "pad", _TOP)
BOSS = Way(boss, "boss", _TOP)
BORED_BOSS = Way(bored_boss, "boss", _TOP)
STEP = Way(step, "step", _TOP)
CUT_CORNER = Way(cut_corner, "corner", _TOP)
CROSS_HOLE = Way(cross_hole, "cross_hole", _TOP)
ON_FACES = (HOLE, HOLE, BLIND_HOLE, COUNTERBORED_HOLE, COUNTERSUNK_HOLE, SLOT, POCKET, WINDOW, BOSS, BORED_BOSS)
"""What any flat face takes."""
PATTERNS = (HOLE_RING, HOLE_ROW, HOLE_GRID)
