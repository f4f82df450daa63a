"""Hollowing: a tree grown or shrunk by a distance, its corners kept sharp.

Boxes, cylinders, spheres, cones and straight extrusions are resized themselves. A difference shrinks its base and
grows its cuts, so every hole keeps a wall around it; an intersection shrinks and a union grows operand by operand.
What has no such tree (the union of two overlapping boxes, shrunk) is eroded as a solid: exactly by its face planes
where it is convex, else by a ball, which rounds the void at reentrant edges.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from manifold3d import Manifold

from cadmonkey.cad import csg
from cadmonkey.cad.program import SolidError

BALL_SIDES = 12
MAX_PAIRS = 40_000
"""Triangles of the solid times triangles of the ball: the cost of eroding."""


def resized(node: csg.Node, by: float) -> csg.Node | None:
    """The tree of `node` grown by `by` mm on all sides (shrunk, if negative); None where no tree is known.

    Raises:
        SolidError: nothing would be left of a part.
    """
    match node:
        case csg.Cube() | csg.Cylinder() | csg.Cone() | csg.Sphere() | csg.LinearExtrude():
            return _leaf(node, by)
        case csg.Translate() | csg.Rotate() | csg.Turn() | csg.Mirror():
            child = resized(node.child, by)
            return None if child is None else replace(node, child=child)
        case csg.LinearPattern() | csg.CircularPattern() if by > 0:
            child = resized(node.child, by)
            return None if child is None else replace(node, child=child)
        case csg.Union() if by > 0:
            return _each(node.children, by, lambda parts: csg.Union(parts))
        case csg.Intersection() if by < 0:
            return _each(node.children, by, lambda parts: csg.Intersection(parts))
        case csg.Difference():
            base = resized(node.children[0], by)
            cuts = [resized(cut, -by) for cut in node.children[1:]]
            known = [cut for cut in cuts if cut is not None]
            return None if base is None or len(known) < len(cuts) else csg.difference(base, *known)
    return None


def eroded(solid: Manifold, by: float) -> Manifold:
    """`solid` without the layer of this thickness below its surface.

    Raises:
        SolidError: a solid that is neither convex nor small enough.
    """
    if solid.hull().volume() - solid.volume() <= 1e-9 * solid.volume():
        return _shrunk_convex(solid, by)
    ball = Manifold.sphere(by, BALL_SIDES)
    if solid.num_tri() * ball.num_tri() > MAX_PAIRS:
        raise SolidError(
            "shell: expected a convex shape, or one built of resizable parts or few faces; shell the parts"
        )
    return solid.minkowski_difference(ball)


def _each(nodes: tuple[csg.Node, ...], by: float, join: Callable[[tuple[csg.Node, ...]], csg.Node]) -> csg.Node | None:
    parts = [part for node in nodes if (part := resized(node, by)) is not None]
    return join(tuple(parts)) if len(parts) == len(nodes) else None


def _leaf(node: csg.Cube | csg.Cylinder | csg.Cone | csg.Sphere | csg.LinearExtrude, by: float) -> csg.Node | None:
    match node:
        case csg.Cube():
            x, y, z = (_left(side + 2 * by, by) for side in node.size)
            return csg.Translate((-by, -by, -by), csg.Cube((x, y, z)))
        case csg.Sphere():
            return replace(node, r=_left(node.r + by, by))
        case csg.Cylinder():
            return _raised(csg.Cylinder(_left(node.r + by, by), _left(node.h + 2 * by, by), node.fn), by)
        case csg.LinearExtrude() if node.twist == 0 and node.scale == (1, 1):
            area = csg.Offset(by, node.child, "sharp")
            return _raised(csg.LinearExtrude(_left(node.height + 2 * by, by), area), by)
        case csg.Cone() if node.r1 == node.r2:
            return _leaf(csg.Cylinder(node.r1, node.h, node.fn), by)
        case csg.Cone():
            return _cone(node, float(by))
    return None


def _cone(node: csg.Cone, by: float) -> csg.Node:
    """Slanted sides move along their normal: by `by * sqrt(1 + slope²)` across."""
    r1, r2, h = float(node.r1), float(node.r2), float(node.h)
    slope = (r2 - r1) / h
    across = by * math.hypot(1, slope)
    low, high = -by, h + by
    apex = -(r1 + across) / slope
    if slope < 0:
        high = min(high, apex)
    else:
        low = max(low, apex)
    bottom, top = (max(r1 + across + slope * z, 0.0) for z in (low, high))
    _left(max(bottom, top), by)
    return csg.Translate((0.0, 0.0, low), csg.Cone(bottom, top, _left(high - low, by), node.fn))


def _raised(node: csg.Node, by: float) -> csg.Node:
    return csg.Translate((0.0, 0.0, -by), node)


def _left(size: float, by: float) -> float:
    if size <= 0:
        raise SolidError(f"shell: a wall of {abs(float(by)):g} mm leaves no room inside")
    return size


def _shrunk_convex(solid: Manifold, by: float) -> Manifold:
    """Every face plane of a convex solid moved inwards: exact."""
    mesh = solid.to_mesh64()
    corners = np.asarray(mesh.vert_properties)[:, :3][np.asarray(mesh.tri_verts)]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    kept = lengths > 1e-12
    normals = normals[kept] / lengths[kept, None]
    planes = np.unique(np.column_stack([normals, (normals * corners[kept, 0]).sum(axis=1)]).round(9), axis=0)
    if len(planes) > 2_000:
        raise SolidError("shell: expected at most 2000 faces; use a smaller $fn")
    for x, y, z, distance in planes:
        solid = solid.trim_by_plane((-x, -y, -z), by - distance)
    return solid
