"""A tree to Compact IR: children before parents, the root last, every node used once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from cadmonkey.cad import affine, csg
from cadmonkey.cad.ir.reader import DEFAULT_FACETS
from cadmonkey.cad.ir.sketch import GAP_MM
from cadmonkey.cad.program import Facets, NotationError, Program
from cadmonkey.cad.quantity import number_text
from cadmonkey.cad.section import section

_FLAT = "0 0 0 1 0 0 0 1 0"
_UPRIGHT = "0 0 0 1 0 0 0 0 1"
_KINDS = {csg.Union: "U", csg.Difference: "D", csg.Intersection: "I"}


def print_ir(program: Program | csg.Node) -> str:
    """Print a program, or a bare tree; parameters become their numbers.

    Reading the text back gives an equal tree where Compact IR has the same operations. What it says otherwise keeps
    the solid: a mirror in a slanted plane, a turn about a slanted axis and a matrix become rotations and scalings, a
    flat shape becomes a sketch, a union of flat shapes one of solids, and a cylinder with sides of its own an extruded
    one.

    Raises:
        NotationError: a node that Compact IR has no operation for.
    """
    if not isinstance(program, Program):
        program = Program(program)
    printer = _Printer(program.facets)
    printer.write(program.root)
    return "\n".join([*_fineness(program.facets), *printer.lines])


def _fineness(facets: Facets) -> list[str]:
    pairs = [(name, getattr(facets, name), getattr(DEFAULT_FACETS, name)) for name in ("fn", "fa", "fs")]
    return [f"M ${name} {number_text(value)}" for name, value, default in pairs if value != default]


@dataclass(slots=True)
class _Printer:
    """The lines so far, and how many of them are nodes."""

    facets: Facets
    lines: list[str] = field(default_factory=list)
    count: int = 0

    def line(self, operation: str, *operands: float) -> int:
        """Write one operation; the number of its node."""
        self.lines.append(" ".join([operation, *map(_text, operands)]))
        self.count += 1
        return self.count - 1

    def write(self, node: csg.Node) -> int:
        """Write a tree; the number of its root."""
        match node:
            case csg.Cube() | csg.Cylinder() | csg.Cone() | csg.Sphere():
                return self.primitive(node)
            case csg.Union() | csg.Difference() | csg.Intersection():
                return self.boolean(node)
            case csg.LinearPattern():
                return self.line("LP", self.write(node.child), *node.direction, node.count, node.spacing)
            case csg.CircularPattern():
                return self.line("CP", self.write(node.child), *node.origin, *node.axis, node.count, node.angle)
            case csg.Shell():
                return self.line("SH", self.write(node.child), node.thickness)
            case csg.Fillet():
                return self.line("FI", self.write(node.child), node.radius)
            case csg.Chamfer():
                return self.line("CH", self.write(node.child), node.distance)
            case csg.LinearExtrude():
                return self.extrude(node)
            case csg.RotateExtrude():
                return self.revolve(node)
            case csg.Hull() | csg.Polyhedron() | csg.Square() | csg.Circle() | csg.Polygon() | csg.Offset():
                raise _unknown(node, "")
        return self.move(node)

    def primitive(self, node: csg.Cube | csg.Cylinder | csg.Cone | csg.Sphere) -> int:
        match node:
            case csg.Cube():
                return self.line("C", *node.size)
            case csg.Cylinder() if node.fn is None:
                return self.line("Y", node.r, node.h)
            case csg.Cylinder():
                return self.extrude(csg.LinearExtrude(node.h, csg.Circle(node.r, node.fn)))
        if node.fn is not None:
            raise _unknown(node, " with a $fn of its own")
        if isinstance(node, csg.Cone):
            return self.line("K", node.r1, node.r2, node.h)
        return self.line("S", node.r)

    def boolean(self, node: csg.Boolean) -> int:
        if not node.children:
            raise _unknown(node, " of nothing")
        first, *rest = node.children
        kind = _KINDS[type(node)]
        return reduce(lambda done, child: self.line(kind, done, self.write(child)), rest, self.write(first))

    def move(self, node: csg.Move) -> int:
        match node:
            case csg.Transform(child=csg.LinearExtrude(twist=0, scale=(1, 1)) as inner):
                return self.oblique(node.matrix, inner)
        child = self.write(node.child)
        match node:
            case csg.Translate():
                return self.line("T", child, *node.offset)
            case csg.Rotate():
                return self.line("R", child, *node.angles)
            case csg.Scale():
                return self.line("X", child, *node.factors)
            case csg.Mirror() if sum(part != 0 for part in node.normal) == 1:
                return self.line("X", child, *(-1.0 if part else 1.0 for part in node.normal))
        return self.placed(child, affine.of_move(node))

    def placed(self, child: int, rows: affine.Rows) -> int:
        """Any affine map, as a rotation, a scaling, a rotation and a translation."""
        turn, offset = rows[:, :3], rows[:, 3]
        if not np.allclose(turn @ turn.T, np.eye(3), rtol=0, atol=1e-12) or np.linalg.det(turn) < 0:
            left, factors, right = np.linalg.svd(turn)
            if np.linalg.det(right) < 0:
                right, factors = -right, -factors
            if np.linalg.det(left) < 0:
                left, factors = -left, -factors
            child = self.line("R", child, *affine.angles_of(right))
            child = self.line("X", child, *map(float, factors))
            turn = left
        child = self.line("R", child, *affine.angles_of(turn))
        return self.line("T", child, *map(float, offset)) if offset.any() else child

    def oblique(self, matrix: csg.Matrix, node: csg.LinearExtrude) -> int:
        """An extrusion under a matrix: a sketch in any plane, swept in any direction."""
        x, y, along, origin = (tuple(float(row[column]) for row in matrix) for column in range(4))
        plane = " ".join(map(_text, (*origin, *x, *y)))
        return self.line("E", self.sketch(node.child, plane), *(part * float(node.height) for part in along))

    def extrude(self, node: csg.LinearExtrude) -> int:
        if node.twist or node.scale != (1, 1):
            raise _unknown(node, " with a twist or a scale")
        if isinstance(node.child, csg.Union | csg.Difference | csg.Intersection) and node.child.children:
            # Each shape of its own keeps its arcs; together they would be a polygon of many edges.
            raised = tuple(csg.LinearExtrude(node.height, child) for child in node.child.children)
            return self.boolean(type(node.child)(raised))
        return self.line("E", self.sketch(node.child, _FLAT), 0, 0, node.height)

    def revolve(self, node: csg.RotateExtrude) -> int:
        if node.fn is not None:
            raise _unknown(node, " with a $fn of its own")
        return self.line("V", self.sketch(node.child, _UPRIGHT), 0, 0, 0, 0, 0, 1, node.angle)

    def sketch(self, area: csg.Node, plane: str) -> int:
        self.lines.append(f"SK {plane}")
        for loop in self.loops(area):
            for edge in loop:
                self.lines.append(_edge(edge))
        self.lines.append("END")
        self.count += 1
        return self.count - 1

    def loops(self, area: csg.Node) -> Sequence[csg.Loop]:
        """The outline of a flat shape: as it was drawn, or as the polygons that it evaluates to."""
        match area:
            case csg.Polygon():
                return area.outline or [_loop([area.points[i] for i in path]) for path in _paths(area)]
            case csg.Square():
                x, y = area.size
                return [_loop([(0, 0), (x, 0), (x, y), (0, y)])]
            case csg.Circle(fn=None):
                r = float(area.r)
                ends = ((r, 0.0), (-r, 0.0))
                if self.facets.around(r) % 2 == 0:
                    return [tuple(csg.Arc(*pair, (0.0, 0.0), True) for pair in (ends, ends[::-1]))]
            case csg.Translate(offset=(x, y, _), child=csg.Circle() | csg.Square() | csg.Polygon()):
                return [_moved(loop, float(x), float(y)) for loop in self.loops(area.child)]
        loops = [_loop([(float(x), float(y)) for x, y in loop]) for loop in section(area, self.facets).to_polygons()]
        if not loops:
            raise _unknown(area, " without an area")
        return loops


def _paths(polygon: csg.Polygon) -> Sequence[Sequence[int]]:
    return polygon.paths or [range(len(polygon.points))]


def _loop(points: Sequence[csg.Point]) -> csg.Loop:
    """Lines from point to point and back; repeated points are left out."""
    pairs = zip(points, [*points[1:], points[0]], strict=True)
    return tuple(csg.Line(a, b) for a, b in pairs if math.dist(a, b) > GAP_MM)


def _moved(loop: csg.Loop, x: float, y: float) -> csg.Loop:
    def moved(point: csg.Point) -> csg.Point:
        # The sum of two sizes, without the noise of its last bits.
        return round(point[0] + x, 9), round(point[1] + y, 9)

    return tuple(
        csg.Line(moved(edge.start), moved(edge.end))
        if isinstance(edge, csg.Line)
        else csg.Arc(moved(edge.start), moved(edge.end), moved(edge.centre), edge.ccw)
        for edge in loop
    )


def _edge(edge: csg.Line | csg.Arc) -> str:
    numbers = [*edge.start, *edge.end]
    if isinstance(edge, csg.Line):
        return " ".join(["L", *map(_text, numbers)])
    return " ".join(["A", *map(_text, [*numbers, *edge.centre, int(edge.ccw)])])


def _text(value: float) -> str:
    return number_text(float(value))


def _unknown(node: csg.Node, what: str) -> NotationError:
    kind = type(node).__name__.lower()
    return NotationError(f"{kind}{what}: Compact IR has no operation for it; write the part as OpenSCAD")
