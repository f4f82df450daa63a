"""Flat shapes: the 2-D part of a tree as exact cross-sections."""

import numpy as np
from manifold3d import CrossSection, FillRule, JoinType, OpType

from cadmonkey.cad import affine, csg
from cadmonkey.cad.program import Facets, SolidError

_JOINS = {"round": JoinType.Round, "sharp": JoinType.Miter, "chamfer": JoinType.Square}
MITER_LIMIT = 1e6
"""Sharp corners are never cut, as in OpenSCAD."""


def section(node: csg.Node, facets: Facets) -> CrossSection:
    """The area of a flat tree; it may be empty.

    Raises:
        SolidError: a shape that is turned out of its plane, or is not flat.
    """
    match node:
        case csg.Square():
            x, y = map(float, node.size)
            return CrossSection.square((x, y))
        case csg.Circle():
            return CrossSection([_circle(node, facets)])
        case csg.Polygon():
            return polygon(node)
        case csg.Offset():
            return _offset(node, section(node.child, facets), facets)
        case csg.LinearPattern() | csg.CircularPattern():
            child = section(node.child, facets)
            return _combined([_placed(child, rows) for rows in affine.of_copies(node)], OpType.Add)
        case csg.Union() | csg.Difference() | csg.Intersection() | csg.Hull():
            return _joined(node, [section(child, facets) for child in node.children])
        case csg.Translate() | csg.Rotate() | csg.Turn() | csg.Scale() | csg.Mirror() | csg.Transform():
            return _placed(section(node.child, facets), affine.of_move(node))
    raise SolidError(f"{type(node).__name__.lower()}: expected a 2-D shape inside an extrusion, got a 3-D one")


def polygon(node: csg.Polygon) -> CrossSection:
    """The area between the paths by the even-odd rule, so paths may cross and their direction is free."""
    points = np.asarray(node.points, float)
    paths = [points[list(path)] for path in node.paths] or [points]
    return CrossSection(paths, FillRule.EvenOdd)


def _circle(node: csg.Circle, facets: Facets) -> list[csg.Point]:
    r = float(node.r)
    sides = node.fn if node.fn is not None else facets.around(r)
    return [(r * affine.cosine(360 * i / sides), r * affine.sine(360 * i / sides)) for i in range(sides)]


def _offset(node: csg.Offset, child: CrossSection, facets: Facets) -> CrossSection:
    distance = float(node.distance)
    sides = node.fn if node.fn is not None else facets.around(abs(distance))
    if distance == 0 or child.is_empty():
        return child
    quarter = max(round(sides / 4), 1)  # the kernel takes whole quarters, and would round up
    return child.offset(distance, _JOINS[node.corners], MITER_LIMIT, 4 * quarter)


def _joined(node: csg.Boolean | csg.Hull, parts: list[CrossSection]) -> CrossSection:
    if isinstance(node, csg.Hull):
        return CrossSection.batch_hull(parts)
    if isinstance(node, csg.Union):
        return _combined(parts, OpType.Add)
    return _combined(parts, OpType.Subtract if isinstance(node, csg.Difference) else OpType.Intersect)


def _combined(parts: list[CrossSection], operation: OpType) -> CrossSection:
    return CrossSection.batch_boolean(parts, operation) if parts else CrossSection()


def _placed(shape: CrossSection, rows: affine.Rows) -> CrossSection:
    """Move within the plane: z is left out, as OpenSCAD does."""
    plane = rows[:2, [0, 1, 3]]
    if abs(np.linalg.det(plane[:, :2])) < 1e-9:
        raise SolidError("a 2-D shape that is turned out of its plane has no area; turn it after extruding it")
    return shape.transform(plane)
