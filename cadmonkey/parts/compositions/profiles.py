"""Free profiles: extruded along an axis, or turned about one."""

import random
from collections.abc import Callable, Sequence

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.compositions.faces import TWO, ZERO
from cadmonkey.parts.compositions.paths import LEAST_MM, check_corners, draw_corners, draw_path, keep_corners, name_of
from cadmonkey.parts.families.draw import Draft, Draw
from cadmonkey.parts.measures import NoRoomError
from cadmonkey.parts.phrases import Words

Outline = tuple[csg.Node, str, int]
"""A flat shape, how to draw it (as it follows `draw`), and its holes."""


def extrusion(rng: random.Random) -> Draft:
    """A free flat shape raised along z, or along y as seen from the front."""
    draw = Draw(rng)
    name = rng.choices(tuple(_OUTLINES), (38, 27, 35))[0]
    standing = name != "shapes" and draw.chance(0.5)
    area, told, holes = _OUTLINES[name](draw, standing)
    height = draw.size("height", 2, 80, "width" if standing else "height")
    root: csg.Node = csg.LinearExtrude(height, area)
    if standing:
        root = csg.Translate((ZERO, height, ZERO), csg.Rotate((90.0, 0.0, 0.0), root))
    plane = (
        "[as seen from the front (X right, Z up)|in the XZ plane]" if standing else "[in the XY plane|seen from above]"
    )
    axis = "Y" if standing else "Z"
    noun = "[extruded profile|extruded shape|extrusion|profile]"
    far = "[deep|long]" if standing else "[high|tall|thick]"
    plain = rng.choice(
        (
            f"[@ |]{noun} {{height}} {far} (along {axis})[:| with this outline,|, outline] {plane}: {told}",
            f"[@ |]solid {{height}} {far}, extruded along {axis} from [this|a] profile {plane}: {told}",
        )
    )
    steps = [f"[Draw|Sketch] a profile {plane}: {told}", f"[Extrude it|Extrude the profile] {{height}} along {axis}"]
    absent = () if holes else ("[no holes|solid throughout]",)
    words = Words(noun, plain=plain, steps=steps, absent=absent)
    return draw.draft(root, words, holes, f"{name}, {'standing' if standing else 'flat'}")


def revolution(rng: random.Random) -> Draft:
    """A free profile turned about the z axis: all the way, half or a quarter."""
    draw = Draw(rng)
    name = rng.choices(("moves", "points", "ring"), (42, 38, 20))[0]
    area, told, holes = {"moves": _turned_moves, "points": _turned_points, "ring": _turned_circle}[name](draw)
    angle, turn = rng.choices(_TURNS, (60, 25, 15))[0]
    root = csg.RotateExtrude(area, angle)
    noun = {360.0: "[turned part|turned solid|solid of revolution|revolved shape]"}.get(angle, f"{turn[0]} turned part")
    plain = f"[@ |]{noun}, made by [turning|revolving] this profile {turn[1]}: {told}"
    steps = [
        f"[Draw|Sketch] a profile in the plane of X (outwards) and Z (up): {told}",
        f"[Revolve|Turn] it {turn[1]}",
    ]
    absent = () if holes and angle == 360 else ("[no hole through it|no holes]",)
    words = Words(noun, plain=plain, steps=steps, absent=absent)
    variant = f"{name}, {turn[0]}"
    return draw.draft(root, words, holes if angle == 360 else 0, variant)


_TURNS: Sequence[tuple[float, tuple[str, str]]] = (
    (360.0, ("full", "[all the way around the Z axis|by 360 degrees about the Z axis|a full turn about the Z axis]")),
    (180.0, ("half", "[half a turn about the Z axis|by 180 degrees about the Z axis], from +X over +Y to -X")),
    (90.0, ("quarter", "[a quarter turn about the Z axis|by 90 degrees about the Z axis], from +X to +Y")),
)
"""Angles, and what a part turned so far is called."""


def _moves(draw: Draw, standing: bool) -> Outline:
    """A path along x from the origin, and straight back to it."""
    path = draw_path(draw, ("right", "up", "down"), 60, 50)
    path.measure("x", "z" if standing else "y")
    check_corners([(float(x), float(y)) for x, y in path.outline])
    up = "" if standing else " (right is +X, up is +Y)"
    told = (
        f"[start at the origin and go|from the origin, go] {', '.join(path.moves)}, then straight down to the base "
        f"line and back to the start{up}"
    )
    return csg.Polygon(tuple(path.outline)), told, 0


def _points(draw: Draw, standing: bool) -> Outline:
    """A polygon by the coordinates of its corners."""
    corners = draw_corners(draw.rng)
    check_corners(corners)
    axes = ("x", "z" if standing else "y")
    points, told = keep_corners(draw, corners, axes)
    for axis, extent, kind in zip(axes, map(max, zip(*corners, strict=True)), ("length", "width"), strict=True):
        draw.kinds[name_of(draw, axis, extent)] = "height" if axis == "z" else kind
    in_mm = f"[in mm|({axes[0].upper()} and {axes[1].upper()} in mm)]"
    return csg.Polygon(points), f"[polygon with the corners|the points|corners at] {told} {in_mm}", 0


def _shapes(draw: Draw, standing: bool) -> Outline:
    """Rectangles and circles that are joined or cut out of each other."""
    return draw.rng.choice((_obround, _rounded_end, _cross, _bite, _square_hole, _two_circles))(draw)


_OUTLINES: dict[str, Callable[[Draw, bool], Outline]] = {"moves": _moves, "points": _points, "shapes": _shapes}


def _obround(draw: Draw) -> Outline:
    apart = draw.size("apart", 8, 100)
    width = draw.size("width", 6, 60, "width")
    draw.kinds["apart"] = "any_axis_spacing"
    circle = csg.Circle(width / TWO)
    area = csg.union(
        _square(ZERO, -width / TWO, apart, width),
        csg.Translate((ZERO, ZERO, ZERO), circle),
        csg.Translate((apart, ZERO, ZERO), circle),
    )
    return area, "two {width} circles, their centres {apart} apart along X, joined by a rectangle of the same width", 0


def _rounded_end(draw: Draw) -> Outline:
    length = draw.size("length", 10, 100)
    width = draw.size("width", 6, min(80, 1.8 * float(length)), "width")  # wider, and the circle swallows the rectangle
    draw.kinds["length"] = "any_axis_from_left"
    end = csg.Translate((length, width / TWO, ZERO), csg.Circle(width / TWO))
    told = (
        "@ rectangle {length} along X and {width} along Y, and on the middle of its right edge the centre of a circle "
        "as wide as that edge"
    )
    return csg.union(csg.Square((length, width)), end), told, 0


def _cross(draw: Draw) -> Outline:
    length, width = draw.size("length", 20, 120, "length"), draw.size("width", 20, 120, "width")
    beam, post = (
        draw.size("beam", LEAST_MM, float(width) * 0.6),
        draw.size("post", LEAST_MM, float(length) * 0.6),
    )
    draw.kinds |= {"beam": "any_gap_y", "post": "any_gap_x"}
    area = csg.union(
        _square(-length / TWO, -beam / TWO, length, beam),
        _square(-post / TWO, -width / TWO, post, width),
    )
    told = (
        "[a cross|a plus] of two centred rectangles, one {length} along X and {beam} along Y, the other {post} along X "
        "and {width} along Y"
    )
    return area, told, 0


def _bite(draw: Draw) -> Outline:
    length, width = draw.size("length", 20, 120), draw.size("width", 12, 100)
    bite = draw.size("bite_d", 4, min(float(length) - 6, 2 * float(width) - 6))
    draw.kinds["bite_d"] = "inside_diameter"
    cut = csg.Translate((length / TWO, width, ZERO), csg.Circle(bite / TWO))
    told = (
        "@ {length*width} rectangle (X x Y), with @ {bite_d} diameter circle cut out of it, centred on the middle of "
        "its back edge"
    )
    return csg.difference(csg.Square((length, width)), cut), told, 0


def _square_hole(draw: Draw) -> Outline:
    diameter = draw.size("diameter", 12, 120, "outer_diameter")
    side = draw.size("side", 4, float(diameter) * 0.6, "window_length")
    area = csg.difference(csg.Circle(diameter / TWO), _square(-side / TWO, -side / TWO, side, side))
    return area, "@ circle {diameter} in diameter, with a square of {side} sides cut out of its middle", 1


def _two_circles(draw: Draw) -> Outline:
    first, second = draw.size("d1", 12, 80), draw.size("d2", 12, 80)
    apart = draw.size("apart", abs(float(first - second)) / 2 + 4, float(first + second) / 2 * 0.85)
    draw.kinds |= {"d1": "any_outside_diameter", "d2": "any_outside_diameter", "apart": "any_axis_spacing"}
    area = csg.union(csg.Circle(first / TWO), csg.Translate((apart, ZERO, ZERO), csg.Circle(second / TWO)))
    return area, "two overlapping circles of {d1} and {d2} diameter, the second {apart} to the right of the first", 0


def _square(x: Quantity, y: Quantity, length: Quantity, width: Quantity) -> csg.Node:
    return csg.Translate((x, y, ZERO), csg.Square((length, width)))


def _turned_moves(draw: Draw) -> Outline:
    """A path up from the axis, and back to it."""
    path = draw_path(draw, ("up", "out", "in"), 50, 45)
    parallel = path.measure("z", "r")
    corners = [(level, along) for along, level in path.outline]
    check_corners([(float(x), float(y)) for x, y in corners])
    if not parallel:
        # Nothing but slanted lines and what leads to them.
        raise NoRoomError
    told = (
        f"[start at the origin and go|from the origin on the axis, go] {', '.join(path.moves)}, then straight in to "
        "the axis and down along it to the start"
    )
    return csg.Polygon(tuple(corners)), told, 0


def _turned_points(draw: Draw) -> Outline:
    """A profile by the radii and heights of its corners, down to the axis or with a bore."""
    rng = draw.rng
    bore = rng.choice((0, 0, rng.randrange(3, 12)))
    heights = [0]
    for _ in range(rng.choice((1, 2, 2, 3))):
        heights.append(heights[-1] + rng.randrange(4, 26))
    outside = [(bore + rng.randrange(5, 40), height) for height in heights]
    if rng.random() < 0.5 and len(outside) > 2:
        radius, height = outside[1]
        outside.insert(2, (max(bore + 5, radius + rng.choice((-1, 1)) * rng.randrange(4, 12)), height))
    corners = [(bore, 0), *outside, (bore, heights[-1])]
    check_corners(corners)
    points, told = keep_corners(draw, corners, ("r", "z"))
    draw.kinds[name_of(draw, "z", heights[-1])] = "height"
    told = f"[the corners|the points|polygon] {told} [in mm|(radius and height in mm)]"
    return csg.Polygon(points), told, int(bore > 0)


def _turned_circle(draw: Draw) -> Outline:
    """A circle away from the axis: a torus."""
    thick = draw.size("section_d", 3, 40, "height")
    radius = draw.size("ring_r", float(thick) / 2 + 3, 80)
    draw.kinds["ring_r"] = "ring_radius"
    area = csg.Translate((radius, thick / TWO, ZERO), csg.Circle(thick / TWO))
    return area, "@ circle {section_d} in diameter, its centre {ring_r} from the axis[|, resting on the XY plane]", 1
