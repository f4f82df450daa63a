"""Fillets and chamfers of every edge, by the B-rep kernel of the optional `[brep]` extra (build123d)."""

import math
from typing import Any

import numpy as np
from manifold3d import Error, Manifold, Mesh64

from cadmonkey.cad import affine, csg
from cadmonkey.cad.program import Facets, SolidError

REMEDY = "install CadMonkey with the [brep] extra: pip install 'cadmonkey[brep]'"


def solid(node: csg.Fillet | csg.Chamfer, facets: Facets) -> Manifold:
    """Round or cut back every edge of the child, then cut the result into flats.

    Raises:
        SolidError: the extra is not installed, the child holds what a B-rep kernel does not know, or the edges leave
            no room.
    """
    try:
        import build123d
    except ImportError as error:
        raise SolidError(f"{type(node).__name__.lower()}: edges need a B-rep kernel; {REMEDY}") from error
    return _meshed(_Builder(build123d, facets).finished(node), facets)


class _Builder:
    def __init__(self, kernel: Any, facets: Facets) -> None:
        self.kernel = kernel
        self.facets = facets

    def finished(self, node: csg.Fillet | csg.Chamfer) -> Any:
        part = self.shape(node.child)
        size = node.radius if isinstance(node, csg.Fillet) else node.distance
        operation = self.kernel.fillet if isinstance(node, csg.Fillet) else self.kernel.chamfer
        try:
            return operation(part.edges(), float(size))
        except Exception as error:  # the kernel raises many kinds
            kind = type(node).__name__.lower()
            raise SolidError(f"{kind}: {float(size):g} mm does not fit every edge; use a smaller one") from error

    def shape(self, node: csg.Node) -> Any:
        match node:
            case csg.Cube() | csg.Cylinder() | csg.Cone() | csg.Sphere():
                return self.primitive(node)
            case csg.LinearExtrude() if node.twist == 0 and node.scale == (1, 1):
                amount = float(node.height)
                return self.kernel.extrude(self.area(node.child), amount=amount, dir=(0, 0, 1))
            case csg.Union() | csg.Difference() | csg.Intersection():
                return self.boolean(node)
            case csg.LinearPattern() | csg.CircularPattern():
                child = self.shape(node.child)
                return _joined([self.placed(child, rows) for rows in affine.of_copies(node)])
            case csg.Translate() | csg.Rotate() | csg.Turn() | csg.Scale() | csg.Mirror() | csg.Transform():
                return self.placed(self.shape(node.child), affine.of_move(node))
            case csg.Fillet() | csg.Chamfer():
                return self.finished(node)
        raise SolidError(f"{type(node).__name__.lower()}: the B-rep kernel cannot build it, so its edges stay sharp")

    def primitive(self, node: csg.Cube | csg.Cylinder | csg.Cone | csg.Sphere) -> Any:
        kernel, low = self.kernel, (self.kernel.Align.CENTER, self.kernel.Align.CENTER, self.kernel.Align.MIN)
        if isinstance(node, csg.Cube):
            return kernel.Box(*map(float, node.size), align=(kernel.Align.MIN,) * 3)
        if node.fn is not None:
            raise SolidError(f"{type(node).__name__.lower()}: the B-rep kernel knows no $fn of its own")
        match node:
            case csg.Cylinder():
                return kernel.Cylinder(float(node.r), float(node.h), align=low)
            case csg.Cone():
                return kernel.Cone(float(node.r1), float(node.r2), float(node.h), align=low)
            case csg.Sphere():
                return kernel.Sphere(float(node.r))

    def area(self, node: csg.Node) -> Any:
        """A flat polygon without holes, circle or square."""
        match node:
            case csg.Circle(fn=None):
                return self.kernel.Circle(float(node.r))
            case csg.Square():
                return self.kernel.Rectangle(*map(float, node.size), align=(self.kernel.Align.MIN,) * 2)
            case csg.Polygon() if len(node.paths) < 2:
                points = [node.points[i] for i in node.paths[0]] if node.paths else node.points
                return self.kernel.make_face(self.kernel.Polyline(*[tuple(map(float, p)) for p in points], close=True))
        raise SolidError(f"{type(node).__name__.lower()}: the B-rep kernel extrudes polygons, circles and squares only")

    def boolean(self, node: csg.Boolean) -> Any:
        first, *rest = (self.shape(child) for child in node.children)
        if isinstance(node, csg.Union):
            return _joined([first, *rest])
        for other in rest:
            first = first - other if isinstance(node, csg.Difference) else first & other
        return first

    def placed(self, shape: Any, rows: affine.Rows) -> Any:
        """Move a shape: rigidly where that is all, because a general map turns its planes into splines."""
        turn, offset = rows[:, :3], rows[:, 3]
        if np.allclose(turn @ turn.T, np.eye(3), rtol=0, atol=1e-9) and np.linalg.det(turn) > 0:
            plane = self.kernel.Plane(origin=tuple(offset), x_dir=tuple(turn[:, 0]), z_dir=tuple(turn[:, 2]))
            return shape.moved(plane.location)
        matrix = self.kernel.Matrix([[*map(float, row)] for row in rows])
        return shape.transform_geometry(matrix)


def _joined(shapes: list[Any]) -> Any:
    first, *rest = shapes
    for shape in rest:
        first = first + shape
    return first


def _meshed(shape: Any, facets: Facets) -> Manifold:
    """The kernel's triangles, welded where faces meet."""
    sides = max(facets.around(10), 3)
    vertices, triangles = shape.tessellate(1.0, 2 * math.pi / sides)
    points = np.array([(v.X, v.Y, v.Z) for v in vertices], float)
    corners, index = np.unique(points.round(7), axis=0, return_inverse=True)
    faces = index.reshape(-1)[np.array(triangles, np.int64)]
    whole = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])
    made = Manifold(Mesh64(corners, faces[whole].astype(np.uint64)))
    if made.status() != Error.NoError or made.is_empty():
        raise SolidError(f"the B-rep kernel's surface does not close ({made.status().name})")
    return made
