"""Bodies that features are put on: each with its faces, the features that suit it, and the words for it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.compositions import features
from cadmonkey.parts.compositions.faces import ONE, SIDES, TWO, ZERO, Box, Face, Vector
from cadmonkey.parts.compositions.features import Way
from cadmonkey.parts.families.draw import Draw
from cadmonkey.parts.measures import NoRoomError
from cadmonkey.parts.phrases import HEIGHT, LENGTH, THICKNESS, WIDTH, Attribute

THROUGH = (
    "[through it along X|through it from left to right|from the left side to the right side (X)]",
    "[through it along Y|through it from front to back|from the front to the back (Y)]",
    "[through it along Z|straight down through it|through it from top to bottom|all the way through (Z)]",
)
"""How a hole through a whole body runs along each axis."""


CORNERED = (features.STEP, features.CUT_CORNER)
ACROSS = (features.CHANNEL, features.RIB, features.PAD)
_ROUND_SHAPES = (features.POCKET, features.SLOT, features.HOLE_RING, features.CROSS_HOLE, features.CHANNEL)


@dataclass(frozen=True, slots=True)
class Body:
    """What a part begins with."""

    name: str
    root: csg.Node
    noun: str
    attributes: Sequence[Attribute]
    begin: str
    """Its sizes with their axes, as they follow the noun in the first instruction."""
    faces: Sequence[Face]
    ways: Sequence[Way]
    """The features that suit it."""
    shape: str = ""
    """What distinguishes it, as a phrase that follows `with`."""
    product: str = ""
    cuts: Sequence[csg.Node] = ()
    taken: Sequence[Box] = ()
    """Where no feature may be."""
    upright: str = "height"
    """The name of its size along z: that of the part only while nothing stands on it."""


Maker = Callable[[Draw], Body]


def block(draw: Draw) -> Body:
    """A rectangular block."""
    size = _sizes(draw, 8, 120)
    noun = "[block|rectangular block|solid block|cuboid|bar|brick]"
    ways = (*features.ON_FACES, *features.PATTERNS, *ACROSS, *CORNERED)
    return Body("block", csg.Cube(size), noun, _BLOCK, _BLOCK_SIZES, _six(size), ways, product=_BLOCK_PRODUCT)


def plate(draw: Draw) -> Body:
    """A flat rectangular plate."""
    size = _sizes(draw, 2, 12, "thickness")
    noun = "[plate|flat plate|rectangular plate|base plate|panel]"
    ways = (*features.ON_FACES, *features.PATTERNS, *ACROSS, *CORNERED)
    return Body(
        "plate",
        csg.Cube(size),
        noun,
        _PLATE,
        _PLATE_SIZES,
        _six(size),
        ways,
        product=_PLATE_PRODUCT,
        upright="thickness",
    )


def rounded_plate(draw: Draw) -> Body:
    """A plate with rounded corners."""
    length, width, thickness = size = _sizes(draw, 2, 25, "thickness")
    radius = draw.size("corner_r", 2, min(25.0, min(length, width) * 0.3))
    draw.kinds["corner_r"] = "corner_radius"
    corner = csg.Cylinder(radius, thickness)
    corners = [csg.Translate((x, y, ZERO), corner) for x in (radius, length - radius) for y in (radius, width - radius)]
    root = csg.union(
        csg.Translate((radius, ZERO, ZERO), csg.Cube((length - TWO * radius, width, thickness))),
        csg.Translate((ZERO, radius, ZERO), csg.Cube((length, width - TWO * radius, thickness))),
        *corners,
    )
    shape = "[its four upright edges rounded to a radius of {corner_r}|{corner_r} radius corners]"
    return _edged("rounded plate", root, size, radius, f"[{shape}|corners rounded to a {{corner_r}} radius]")


def chamfered_plate(draw: Draw) -> Body:
    """A plate with its four corners cut off at 45 degrees."""
    length, width, thickness = size = _sizes(draw, 2, 25, "thickness")
    if abs(length - width) < 1:
        # The eight corners of a square one lie on a circle, and the judge takes an octagon for round.
        raise NoRoomError
    leg = draw.size("chamfer", 2, min(20.0, min(length, width) * 0.3))
    far_x, far_y = length - leg, width - leg
    points = (
        *((leg, ZERO), (far_x, ZERO), (length, leg), (length, far_y)),
        *((far_x, width), (leg, width), (ZERO, far_y), (ZERO, leg)),
    )
    root = csg.LinearExtrude(thickness, csg.Polygon(points))
    shape = "[@ {chamfer} x 45 degree chamfer on its four upright edges|corners cut off at 45 degrees by {chamfer}]"
    return _edged("chamfered plate", root, size, leg, shape)


def cylinder(draw: Draw) -> Body:
    """A round bar or a disc."""
    flat = draw.chance(0.45)
    diameter = draw.size("diameter", 20, 140, "outer_diameter")
    upright = "thickness" if flat else "height"
    height = draw.size(upright, *((3, 15) if flat else (15, 120)))
    noun = "[disc|disk|round plate|round disc]" if flat else "[cylinder|round bar|solid cylinder|round body]"
    across = Attribute("diameter", "diameter|dia", "diameter|dia|in diameter")
    return Body(
        "disc" if flat else "cylinder",
        csg.Cylinder(diameter / TWO, height),
        noun,
        (across, THICKNESS if flat else HEIGHT),
        f"{{diameter}} in diameter and {{{upright}}} {'thick' if flat else 'tall'} (Z)",
        _round_faces(diameter, height, float(diameter) / 2),
        (*features.ON_FACES, *_ROUND_SHAPES),
        upright=upright,
    )


def prism(draw: Draw) -> Body:
    """A prism of three, five or six equal sides, a corner at the right."""
    sides, noun = draw.rng.choice(
        ((3, "triangular prism"), (5, "pentagonal prism"), (6, "hexagonal prism"), (6, "hex bar"))
    )
    diameter = draw.size("across_corners", 20, 120, "across_corners")
    height = draw.size("height", 4, 80)
    across = Attribute("across_corners", "circumscribed diameter|outer diameter over the corners", "across the corners")
    free = float(diameter) / 2 * math.cos(math.pi / sides)
    return Body(
        f"{sides}-sided prism",
        csg.Cylinder(diameter / TWO, height, sides),
        f"[|regular ]{noun}",
        (across, HEIGHT),
        "{across_corners} across its corners (the circle through them) and {height} tall (Z), one corner at the right",
        [replace(face, centred=sides == 6) for face in _round_faces(diameter, height, free)],
        features.ON_FACES,
    )


def l_body(draw: Draw) -> Body:
    """An L seen from above: an arm along the front, and one along the left side."""
    length, width, height = _sizes(draw, 3, 40)
    front = draw.size("front_arm", 6, width * 0.6, "any_face_from_front")
    left = draw.size("left_arm", 6, length * 0.6, "any_face_from_left")
    outline = ((ZERO, ZERO), (length, ZERO), (length, front), (left, front), (left, width), (ZERO, width))
    arms = [
        _arm(
            "front arm", (left, ZERO, ZERO), (length, front, height), (length - left, front, height), ("right", "front")
        ),
        _arm("left arm", (ZERO, front, ZERO), (left, width, height), (left, width - front, height), ("left", "back")),
    ]
    shape = "the arm along the front {front_arm} wide (Y) and the arm along the left side {left_arm} wide (X)"
    return _lettered("L", outline, height, arms, shape)


def t_body(draw: Draw) -> Body:
    """A T seen from above: a bar along the back, and a stem in the middle that comes to the front."""
    length, width, height = _sizes(draw, 3, 40)
    bar = draw.size("bar", 6, width * 0.6, "any_face_from_back")
    stem = draw.size("stem", 6, length * 0.6, "any_gap_x")
    left, right, back = (length - stem) / TWO, (length + stem) / TWO, width - bar
    outline = (
        *((left, ZERO), (right, ZERO), (right, back), (length, back)),
        *((length, width), (ZERO, width), (ZERO, back), (left, back)),
    )
    arms = [
        _arm("stem", (left, ZERO, ZERO), (right, back, height), (stem, back, height), ("front",)),
        _arm("bar", (ZERO, back, ZERO), (length, width, height), (length, bar, height), ("left", "right", "back")),
    ]
    shape = "the bar along the back {bar} wide (Y) and the stem, in the middle and up to the front, {stem} wide (X)"
    return _lettered("T", outline, height, arms, shape)


def u_body(draw: Draw) -> Body:
    """A U seen from above: a base along the front, and two equal arms that go to the back."""
    length, width, height = _sizes(draw, 3, 40)
    base = draw.size("base", 5, width * 0.6, "any_face_from_front")
    arm = draw.size("arm", 5, length * 0.38, "any_face_from_left")
    right = length - arm
    outline = (
        *((ZERO, ZERO), (length, ZERO), (length, width), (right, width)),
        *((right, base), (arm, base), (arm, width), (ZERO, width)),
    )
    arms = [
        _arm("left arm", (ZERO, base, ZERO), (arm, width, height), (arm, width - base, height), ("left", "back")),
        _arm(
            "right arm",
            (length - arm, base, ZERO),
            (length, width, height),
            (arm, width - base, height),
            ("right", "back"),
        ),
        _arm("base", (ZERO, ZERO, ZERO), (length, base, height), (length, base, height), ("left", "right", "front")),
    ]
    shape = (
        "the base along the front {base} wide (Y) and the two arms, one at each end and up to the back, {arm} wide (X)"
    )
    return _lettered("U", outline, height, arms, shape)


def shell(draw: Draw) -> Body:
    """A hollow block with one open face."""
    size = _sizes(draw, 15, 100)
    wall = draw.size("wall", 1.5, min(8.0, min(size) * 0.2))
    side = draw.rng.choice(("top", "bottom", "front", "back", "left", "right"))
    draw.kinds["wall"] = "wall" if side == "top" else "any_face_from_" + _OPPOSITE[side]
    axis, high = SIDES[side]
    corner, hollow = [wall] * 3, [extent - TWO * wall for extent in size]
    hollow[axis] = size[axis] - wall + ONE
    corner[axis] = wall if high else -ONE
    cavity = csg.Translate((corner[0], corner[1], corner[2]), csg.Cube((hollow[0], hollow[1], hollow[2])))
    ways = (features.HOLE, features.HOLE, features.WINDOW, features.COUNTERSUNK_HOLE, features.HOLE_ROW, features.SLOT)
    walls = tuple(replace(way, sides=tuple(SIDES)) for way in ways)
    open_words = f"the {side} [face |side |]open"
    return Body(
        "shell",
        csg.Cube(size),
        "[hollow block|hollow box|shell|case]",
        _BLOCK,
        _BLOCK_SIZES,
        [_wall(size, wall, name) for name in SIDES if name != side],
        walls,
        f"[{open_words} and {{wall}} walls|{{wall}} thick walls on five sides and {open_words}]",
        _BLOCK_PRODUCT,
        cuts=(cavity,),
    )


BODIES: Sequence[Maker] = (block, plate, rounded_plate, chamfered_plate, cylinder, prism, l_body, t_body, u_body, shell)
SHARES = (22, 20, 9, 7, 14, 6, 6, 5, 5, 9)
"""How often each is drawn."""

_BLOCK, _PLATE = (LENGTH, WIDTH, HEIGHT), (LENGTH, WIDTH, THICKNESS)
_BLOCK_SIZES = "{length} long (X), {width} wide (Y) and {height} [tall|high] (Z)"
_PLATE_SIZES = "{length} long (X), {width} wide (Y) and {thickness} thick (Z)"
_BLOCK_PRODUCT, _PLATE_PRODUCT = "length*width*height", "length*width*thickness"
_OPPOSITE = {"left": "right", "right": "left", "front": "back", "back": "front", "bottom": "top", "top": "bottom"}


def _sizes(draw: Draw, low_mm: float, high_mm: float, upright: str = "height") -> Vector:
    """Length, width, and a size along z between these."""
    return draw.size("length", 20, 160), draw.size("width", 15, 120), draw.size(upright, low_mm, high_mm)


def _six(size: Vector) -> list[Face]:
    return [Face(side, _ORIGIN, size, THROUGH[axis], f"the {side} [face|]") for side, (axis, _) in SIDES.items()]


_ORIGIN = (ZERO, ZERO, ZERO)


def _edged(name: str, root: csg.Node, size: Vector, leg: Quantity, shape: str) -> Body:
    """A plate without its upright edges: no feature comes within this far of both sides of a corner."""
    length, width, thickness = map(float, size)
    taken: list[Box] = [
        ((x, y, 0.0), (x + float(leg), y + float(leg), thickness))
        for x in (0.0, length - float(leg))
        for y in (0.0, width - float(leg))
    ]
    noun = "[plate|flat plate|rectangular plate|base plate|panel]"
    return Body(
        name,
        root,
        noun,
        _PLATE,
        _PLATE_SIZES,
        _six(size),
        (*features.ON_FACES, *features.PATTERNS, *ACROSS),
        shape,
        _PLATE_PRODUCT,
        taken=taken,
        upright="thickness",
    )


def _round_faces(diameter: Quantity, height: Quantity, reach: float) -> list[Face]:
    """The ends of a body that stands on the origin."""
    low, size = (-diameter / TWO, -diameter / TWO, ZERO), (diameter, diameter, height)
    top = Face("top", low, size, THROUGH[2], "the top [face|]", radius=reach)
    return [top, replace(top, side="bottom", on="the bottom [face|]")]


def _arm(name: str, low: Vector, high: Vector, size: Vector, sides: Sequence[str]) -> Face:
    through = f"[through the {name} along Z|straight down through the {name}]"
    return Face("top", low, size, through, f"the top of the {name}", sides, high=high, owner=f"the {name}'s")


def _wall(size: Vector, wall: Quantity, side: str) -> Face:
    name = {"bottom": "floor", "top": "top wall"}.get(side, f"{side} wall")
    axis = "XYZ"[SIDES[side][0]]
    through = f"[through the {name} along {axis}|through the {name}]"
    outside = f"the outside of the {name}"
    return Face(side, _ORIGIN, size, through, outside, inset=float(wall), depth=wall)


def _lettered(letter: str, outline: tuple[csg.Point, ...], height: Quantity, arms: Sequence[Face], shape: str) -> Body:
    """A body with the outline of a letter, seen from above."""
    ways = (*features.ON_FACES, features.HOLE_ROW)
    return Body(
        f"{letter} body",
        csg.LinearExtrude(height, csg.Polygon(outline)),
        f"[{letter}-shaped block|{letter}-shaped body|extruded {letter} shape|solid {letter} shape]",
        _BLOCK,
        _BLOCK_SIZES,
        arms,
        ways,
        shape,
        _BLOCK_PRODUCT,
    )
