"""Sketches: closed outlines of lines and arcs in a plane, and the solids swept from them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cadmonkey.cad import affine, csg
from cadmonkey.cad.facets import cross
from cadmonkey.cad.program import MAX_FACETS, Facets, LanguageError

GAP_MM = 1e-6
"""Ends closer than this meet."""
RADIUS_MM = 1e-3
"""How far the two ends of an arc may differ in their distance from its centre."""
_ANGLE = 1e-9

Axis = npt.NDArray[np.float64]


@dataclass(slots=True)
class Sketch:
    """What stands between `SK` and `END`: a plane, and the loops drawn in it."""

    line: int
    origin: csg.Vector
    x: csg.Vector
    y: csg.Vector
    loops: list[csg.Loop] = field(default_factory=list)
    open_loop: list[csg.Line | csg.Arc] = field(default_factory=list)

    def add(self, edge: csg.Line | csg.Arc, line: int) -> None:
        """Take the next edge; an edge that ends where its loop began closes the loop.

        Raises:
            LanguageError: it does not start where the one before ends, or its arc is not round.
        """
        if self.open_loop and _apart(self.open_loop[-1].end, edge.start):
            x, y = self.open_loop[-1].end
            raise LanguageError(line, f"the sketch does not connect: expected an edge that starts at {x:g} {y:g}")
        if isinstance(edge, csg.Line) and not _apart(edge.start, edge.end):
            raise LanguageError(line, "a line that ends where it starts")
        if isinstance(edge, csg.Arc):
            first, last = math.dist(edge.start, edge.centre), math.dist(edge.end, edge.centre)
            if abs(first - last) > RADIUS_MM or first < GAP_MM:
                raise LanguageError(line, f"expected an arc of one radius, got {first:g} and {last:g}")
        self.open_loop.append(edge)
        if not _apart(self.open_loop[0].start, edge.end):
            self.loops.append(tuple(self.open_loop))
            self.open_loop = []

    def end(self, line: int) -> None:
        """Close the block.

        Raises:
            LanguageError: the last loop does not close, or there is none.
        """
        if self.open_loop:
            x, y = self.open_loop[0].start
            raise LanguageError(line, f"the sketch does not close: expected a last edge that ends at {x:g} {y:g}")
        if not self.loops:
            raise LanguageError(line, "the sketch is empty; draw it with L and A")


def outline(loops: list[csg.Loop], facets: Facets, line: int) -> csg.Polygon:
    """The polygon that the loops are when their arcs are cut into flats.

    Raises:
        LanguageError: a loop of fewer than three points, or an arc of more than MAX_FACETS flats.
    """
    points: list[csg.Point] = []
    paths = []
    for loop in loops:
        corners = [point for edge in loop for point in _flats(edge, facets, line)]
        if len(corners) < 3:
            raise LanguageError(line, "the sketch encloses no area")
        paths.append(tuple(range(len(points), len(points) + len(corners))))
        points += corners
    round_edges = any(isinstance(edge, csg.Arc) for loop in loops for edge in loop)
    return csg.Polygon(tuple(points), tuple(paths) if len(paths) > 1 else (), tuple(loops) if round_edges else ())


def extruded(sketch: Sketch, direction: csg.Vector, facets: Facets, line: int) -> csg.Node:
    """`E`: the sketch swept along `direction`."""
    polygon = outline(sketch.loops, facets, line)
    x, y, along = (np.asarray(v, float) for v in (sketch.x, sketch.y, direction))
    normal = cross(x, y)
    if abs(along @ normal) < _ANGLE * np.linalg.norm(along) or not along.any():
        raise LanguageError(line, "expected a direction out of the sketch's plane")
    height, upright = float(np.linalg.norm(along)), np.linalg.norm(cross(along, normal)) < _ANGLE
    if _is_orthonormal(x, y) and upright:
        start = np.asarray(sketch.origin, float) + (along if along @ normal < 0 else 0)
        height = float(np.abs(along).max()) if np.count_nonzero(along) == 1 else height
        return _moved(csg.LinearExtrude(height, polygon), np.column_stack([x, y, normal]), start)
    rows = np.column_stack([x, y, along, np.asarray(sketch.origin, float)])
    return csg.Transform(tuple(map(tuple, rows.tolist())), csg.LinearExtrude(1.0, polygon))


def revolved(sketch: Sketch, origin: csg.Vector, axis: csg.Vector, angle: float, facets: Facets, line: int) -> csg.Node:
    """`V`: the sketch turned about an axis in its plane.

    Raises:
        LanguageError: an axis outside the plane, or one that cuts the sketch.
    """
    x, y, up = (np.asarray(v, float) for v in (sketch.x, sketch.y, axis))
    if not _is_orthonormal(x, y):
        raise LanguageError(line, "expected a sketch with unit axes at a right angle")
    up = _unit(up)
    normal, centre = cross(x, y), np.asarray(origin, float)
    start = np.asarray(sketch.origin, float) - centre
    if abs(up @ normal) > 1e-6 or abs(start @ normal) > 1e-6:
        raise LanguageError(line, "expected an axis in the sketch's plane")
    out = cross(normal, up)
    places = [edge.start for loop in sketch.loops for edge in loop]
    if sum(float((start + u * x + v * y) @ out) for u, v in places) < 0:
        out = -out
    frame = np.array([[x @ out, y @ out, start @ out], [x @ up, y @ up, start @ up]]) + 0.0
    loops = [tuple(_placed(edge, frame) for edge in loop) for loop in sketch.loops]
    polygon = outline(loops, facets, line)
    if min(radius for radius, _ in polygon.points) < -GAP_MM:
        raise LanguageError(line, "expected a sketch on one side of the axis")
    return _moved(csg.RotateExtrude(polygon, angle), np.column_stack([out, cross(up, out), up]), centre)


def _flats(edge: csg.Line | csg.Arc, facets: Facets, line: int) -> Iterator[csg.Point]:
    """The points of an edge, without its end."""
    yield edge.start
    if isinstance(edge, csg.Line):
        return
    (x1, y1), (x2, y2) = ((x - edge.centre[0], y - edge.centre[1]) for x, y in (edge.start, edge.end))
    first, last = math.hypot(x1, y1), math.hypot(x2, y2)
    begin, sweep = math.degrees(math.atan2(y1, x1)), math.degrees(math.atan2(y2, x2) - math.atan2(y1, x1))
    sweep = sweep % 360 if edge.ccw else -(-sweep % 360)
    if not _apart(edge.start, edge.end):
        sweep = 360.0 if edge.ccw else -360.0
    sides = max(math.ceil(facets.around(first) * abs(sweep) / 360 - 1e-6), 1)
    if sides > MAX_FACETS:
        raise LanguageError(line, f"expected at most {MAX_FACETS} facets, got {sides}")
    for i in range(1, sides):
        radius, turn = first + (last - first) * i / sides, begin + sweep * i / sides
        yield (edge.centre[0] + radius * affine.cosine(turn), edge.centre[1] + radius * affine.sine(turn))


def _placed(edge: csg.Line | csg.Arc, frame: Axis) -> csg.Line | csg.Arc:
    """An edge seen in other axes; one that turns the other way there turns its arcs."""

    def place(point: csg.Point) -> csg.Point:
        u, v = (float(row[0] * point[0] + row[1] * point[1] + row[2]) for row in frame)
        return (u, v)

    if isinstance(edge, csg.Line):
        return csg.Line(place(edge.start), place(edge.end))
    ccw = edge.ccw == (np.linalg.det(frame[:, :2]) > 0)
    return csg.Arc(place(edge.start), place(edge.end), place(edge.centre), bool(ccw))


def _moved(node: csg.Node, turn: Axis, offset: Axis) -> csg.Node:
    angles = affine.angles_of(turn)
    if any(angles):
        node = csg.Rotate(angles, node)
    x, y, z = map(float, offset)
    return csg.Translate((x, y, z), node) if any((x, y, z)) else node


def _is_orthonormal(x: Axis, y: Axis) -> bool:
    return all(abs(float(off)) <= 1e-9 for off in (x @ x - 1, y @ y - 1, x @ y))


def _unit(vector: Axis) -> Axis:
    return vector / math.hypot(*vector)  # numpy's norm of a very short one is 0


def _apart(a: csg.Point, b: csg.Point) -> bool:
    return math.dist(a, b) > GAP_MM
