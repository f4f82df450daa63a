"""Solids: the tree evaluated exactly by manifold3d, in millimetres."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from manifold3d import CrossSection, Error, Manifold, Mesh64, triangulate

from cadmonkey.cad import affine, brep, csg, prism, shell
from cadmonkey.cad.extrusion import bound_sweep, is_whole, linear_extrude, rotate_extrude, segments_of
from cadmonkey.cad.prism import Prism, Shape, as_solid, finished
from cadmonkey.cad.program import MAX_FACETS, Facets, Program, SolidError
from cadmonkey.cad.revolved import Revolved
from cadmonkey.cad.section import section
from cadmonkey.cad.threads import keep_to_one_thread

__all__ = ["MAX_COPIES", "MAX_TRIANGLES", "SolidError", "shape", "solid"]

MAX_COPIES = 10_000
"""Copies that the patterns of one program may make, nested ones multiplied."""
MAX_TRIANGLES = 2_000_000
"""Triangles of a solid before booleans are refused."""
MAX_WORK = 10_000_000
"""Triangles that all booleans of one program may read, together."""
LARGEST_MM = 1e8
"""A scaled part reaches no further; no number of a program is above a million."""
FEW = 16
"""So few operands are not looked at for overlaps."""
MAX_OVERLAP = 250_000
"""Triangles in overlapping pairs of a boolean's operands, all together: a million take 2 to 8 s of CPU time.

The most that any of 400 of our own parts had was 6,208.
"""
keep_to_one_thread()


def solid(program: Program) -> Manifold:
    """Evaluate a program; the result may be empty.

    Raises:
        SolidError: as `shape`.
    """
    return finished(shape(program))


def shape(program: Program) -> Shape:
    """Evaluate a program to a solid, or to a prism where it is one: that is worth its while before a boolean.

    Raises:
        SolidError: a size that is not a positive finite number, a mix of 2-D and 3-D, or more copies, triangles or
            levels than the bounds.
    """
    try:
        for node in csg.walk(program.root):
            _check(node)
        if csg.dimension(program.root) == 2:
            raise SolidError("the program is a 2-D shape; extrude it to make a solid")
        return _Evaluator(program.facets).shape(program.root, 1)
    except RecursionError as error:
        raise SolidError("the tree nests too deeply") from error


def _check(node: csg.Node) -> None:
    kind = type(node).__name__.lower()
    for value in csg.numbers_of(node):
        if not math.isfinite(value) or abs(value) > 1e6:
            raise SolidError(f"{kind}: expected numbers up to a million, got {float(value):g}")
    sizes = _sizes(node)
    if any(size <= 0 for size in sizes):
        raise SolidError(f"{kind}: expected sizes above zero, got {', '.join(f'{float(s):g}' for s in sizes)}")
    if any(count > MAX_FACETS for count in (getattr(node, "fn", None) or 0, getattr(node, "slices", None) or 0)):
        raise SolidError(f"{kind}: expected at most {MAX_FACETS} facets")
    children = csg.children_of(node)
    if children and not isinstance(node, csg.Move):
        _check_dimensions(node, children)


def _check_dimensions(node: csg.Node, children: tuple[csg.Node, ...]) -> None:
    if not csg.same_dimension(children):
        raise SolidError(f"{type(node).__name__.lower()}: mixes 2-D and 3-D shapes; extrude the 2-D ones first")
    match node:
        case csg.LinearExtrude() | csg.RotateExtrude() | csg.Offset():
            wanted = 2
        case csg.Shell() | csg.Fillet() | csg.Chamfer():
            wanted = 3
        case _:
            return
    if csg.dimension(node.child) not in (0, wanted):
        raise SolidError(f"{type(node).__name__.lower()}: expected a {wanted}-D shape, got a {5 - wanted}-D one")


def _sizes(node: csg.Node) -> tuple[float, ...]:
    """The numbers of the node that must be above zero."""
    match node:
        case csg.Cube() | csg.Square():
            return node.size
        case csg.Cylinder():
            return (node.r, node.h)
        case csg.Cone():
            return (node.h, max(node.r1, node.r2), min(node.r1, node.r2) + 1e-9)
        case csg.Sphere() | csg.Circle():
            return (node.r,)
        case csg.LinearExtrude():
            return (node.height, max(node.scale) + 1e-9, min(node.scale) + 1e-9, node.slices or 1)
        case csg.RotateExtrude():
            return (abs(node.angle),)
        case csg.Scale():
            return tuple(map(abs, node.factors))
        case csg.Transform():
            return (abs(float(np.linalg.det(np.asarray(node.matrix, float)[:, :3]))) - 1e-12,)
        case csg.Mirror():
            return (csg.length_of(node.normal),)
        case csg.Turn():
            return (csg.length_of(node.axis),)
        case csg.LinearPattern():
            return (node.count, csg.length_of(node.direction))
        case csg.CircularPattern():
            return (node.count, csg.length_of(node.axis))
        case csg.Shell() | csg.Fillet() | csg.Chamfer():
            return tuple(csg.numbers_of(node))
    return ()


class _Evaluator:
    def __init__(self, facets: Facets) -> None:
        self.facets = facets
        self.work = 0
        self.overlap = 0
        self.leaves = 0

    def solid(self, node: csg.Node, copies: int) -> Manifold:
        return as_solid(self.shape(node, copies))

    def shape(self, node: csg.Node, copies: int) -> Shape:
        match node:
            case csg.Union() | csg.Difference() | csg.Intersection() | csg.Hull():
                return self.boolean(node, [self.shape(child, copies) for child in node.children])
            case csg.LinearPattern() | csg.CircularPattern():
                return self.pattern(node, copies)
            case csg.Translate():
                return prism.translated(self.shape(node.child, copies), _floats(node.offset))
            case csg.Rotate():
                return prism.rotated(self.shape(node.child, copies), _floats(node.angles))
            case csg.Scale():
                return _bounded(self.solid(node.child, copies).scale(_floats(node.factors)))
            case csg.Mirror():
                return self.solid(node.child, copies).mirror(_floats(node.normal))
            case csg.Turn() | csg.Transform():
                return _bounded(self.solid(node.child, copies).transform(affine.of_move(node)))
            case csg.Shell():
                return self.shell(node, copies)
            case csg.Fillet() | csg.Chamfer():
                return brep.solid(node, self.facets)
        return self.spend(self.leaf(node, copies))

    def leaf(self, node: csg.Primitive | csg.Extrusion | csg.Flat | csg.Offset, copies: int) -> Shape:
        match node:
            case csg.Cube():
                x, y, z = size = _floats(node.size)
                return _prism(CrossSection.square((x, y)), z, lambda: Manifold.cube(size))
            case csg.Cylinder():
                return _cylinder(float(node.r), float(node.h), self.sides(node, node.r))
            case csg.Cone():
                return _cone(float(node.r1), float(node.r2), float(node.h), self.sides(node, max(node.r1, node.r2)))
            case csg.Sphere():
                return _sphere(float(node.r), self.sides(node, node.r))
            case csg.Polyhedron():
                return _polyhedron(node)
            case csg.LinearExtrude() if node.twist == 0 and node.scale == (1, 1):
                area = self.area(node.child, copies)
                return _prism(area, float(node.height), lambda: linear_extrude(node, area, self.facets))
            case csg.LinearExtrude():
                return linear_extrude(node, self.area(node.child, copies), self.facets)
            case csg.RotateExtrude():
                return self.rotate_extrude(node, self.area(node.child, copies))
        raise SolidError(f"{type(node).__name__.lower()}: a 2-D shape; extrude it to make a solid")

    def area(self, node: csg.Node, copies: int) -> CrossSection:
        _bound_copies(copies * csg.copies_in(node))
        return section(node, self.facets)

    def rotate_extrude(self, node: csg.RotateExtrude, area: CrossSection) -> Shape:
        if area.is_empty():
            return Manifold()
        segments = segments_of(node, area, self.facets)

        def make() -> Manifold:
            return rotate_extrude(node, area, segments)

        return _revolved(area, segments, make) if is_whole(node) and area.bounds()[0] >= 0 else make()

    def sides(self, node: csg.Cylinder | csg.Cone | csg.Sphere, radius: float) -> int:
        sides = node.fn if node.fn is not None else self.facets.around(float(radius))
        if sides > MAX_FACETS:
            raise SolidError(f"{type(node).__name__.lower()}: expected at most {MAX_FACETS} facets, got {sides}")
        return sides

    def pattern(self, node: csg.Pattern, copies: int) -> Shape:
        count = int(node.count)
        copies = _bound_copies(copies * count)
        child = self.shape(node.child, copies)
        self.bound(child.num_tri() * count)
        if isinstance(node, csg.CircularPattern):
            if node.axis != csg.Z_AXIS or node.origin != csg.ORIGIN:
                made = as_solid(child)
                return self.united([made.transform(rows) for rows in affine.of_copies(node)])
            return self.united([prism.rotated(child, (0.0, 0.0, i * float(node.angle) / count)) for i in range(count)])
        x, y, z = np.asarray(node.direction, float) / csg.length_of(node.direction) * float(node.spacing)
        return self.united([prism.translated(child, (i * x, i * y, i * z)) for i in range(count)])

    def boolean(self, node: csg.Boolean | csg.Hull, parts: list[Shape]) -> Shape:
        triangles = sum(part.num_tri() for part in parts)
        self.bound(triangles)
        self.work += triangles
        if self.work > MAX_WORK:
            raise SolidError(f"expected booleans of at most {MAX_WORK} triangles together; use a smaller $fn")
        self.bound_overlap(parts[1:] if isinstance(node, csg.Difference) else parts)
        match node:
            case csg.Union():
                return prism.united(parts)
            case csg.Hull():
                return prism.hull(parts)
            case csg.Difference():
                return prism.subtracted(parts[0], parts[1:])
        return prism.shared(parts)

    def united(self, copies: list[Shape]) -> Shape:
        self.bound_overlap(copies)
        return prism.united(copies)

    def bound_overlap(self, parts: list[Shape]) -> None:
        """Refuse operands of which many lie on each other: the kernel splits each by all the others.

        Raises:
            SolidError: the program has used up its overlapping triangles.
        """
        if len(parts) < FEW:
            return
        boxes = np.array([part.bounding_box() for part in parts if not part.is_empty()]).reshape(-1, 6)
        triangles = np.array([part.num_tri() for part in parts if not part.is_empty()])
        for i in range(len(boxes) - 1):
            apart = (boxes[i + 1 :, :3] > boxes[i, 3:]) | (boxes[i + 1 :, 3:] < boxes[i, :3])
            shared = np.minimum(triangles[i + 1 :], triangles[i])[~apart.any(axis=1)]
            self.overlap += 2 * int(shared.sum())
            if self.overlap > MAX_OVERLAP:
                raise SolidError("too many shapes lie on each other; use fewer copies or a smaller $fn")

    def shell(self, node: csg.Shell, copies: int) -> Manifold:
        outer = self.solid(node.child, copies)
        void = shell.resized(node.child, -node.thickness)
        inner = self.solid(void, copies) if void is not None else shell.eroded(outer, float(node.thickness))
        if inner.is_empty():
            raise SolidError(f"shell: a wall of {float(node.thickness):g} mm leaves no room inside")
        return outer - inner

    def spend(self, made: Shape) -> Shape:
        """Count a leaf's triangles.

        Raises:
            SolidError: the kernel could not make it, or the program has used up its triangles.
        """
        if isinstance(made, Manifold) and made.status() != Error.NoError:
            raise SolidError(f"the surface does not close to a solid ({made.status().name})")
        self.leaves += made.num_tri()
        self.bound(self.leaves)
        return made

    def bound(self, triangles: int) -> None:
        if triangles > MAX_TRIANGLES:
            raise SolidError(f"expected at most {MAX_TRIANGLES} triangles; use a smaller $fn or fewer copies")


def _bounded(moved: Manifold) -> Manifold:
    """See that no scaling within a scaling makes a part that doubles cannot hold."""
    if not np.abs(moved.bounding_box()).max() <= LARGEST_MM and not moved.is_empty():
        raise SolidError(f"expected a part within {LARGEST_MM:g} mm of the origin; scale it less")
    return moved


def _bound_copies(copies: int) -> int:
    if copies > MAX_COPIES:
        raise SolidError(f"patterns: expected at most {MAX_COPIES} copies, got {copies}")
    return copies


def _prism(area: CrossSection, height: float, make: Callable[[], Manifold]) -> Shape:
    return Prism(area, make, 0.0, height) if not area.is_empty() else make()


def _revolved(area: CrossSection, sides: int, make: Callable[[], Manifold]) -> Shape:
    return Revolved(area, make, sides, (0.0, 0.0)) if sides % 4 == 0 and not area.is_empty() else make()


def _cylinder(radius: float, height: float, sides: int) -> Shape:
    made = _prism(CrossSection.circle(radius, sides), height, lambda: Manifold.cylinder(height, radius, radius, sides))
    turned = _revolved(CrossSection.square((radius, height)), sides, lambda: as_solid(made))
    return replace(made, revolved=turned) if isinstance(made, Prism) and isinstance(turned, Revolved) else made


def _cone(lower: float, upper: float, height: float, sides: int) -> Shape:
    def make() -> Manifold:
        if lower >= upper:  # the kernel scales the lower end to the upper one, so that must not be a point
            return Manifold.cylinder(height, lower, upper, sides)
        upside_down = Manifold.cylinder(height, upper, lower, sides)
        return upside_down.mirror((0.0, 0.0, 1.0)).translate((0.0, 0.0, height))

    return _revolved(CrossSection([[(0, 0), (lower, 0), (upper, height), (0, height)]]), sides, make)


def _sphere(radius: float, sides: int) -> Shape:
    """OpenSCAD's sphere: rings at half steps from the poles, so the poles themselves are flat."""
    rings = (sides + 1) // 2
    bound_sweep(rings, sides)
    polar = np.pi * (np.arange(rings) + 0.5) / rings
    profile = np.column_stack([radius * np.sin(polar), radius * np.cos(polar)])[::-1]
    axis = np.array([[0.0, profile[-1, 1]], [0.0, profile[0, 1]]])
    area = CrossSection([np.vstack([profile, axis])])
    return _revolved(area, sides, lambda: area.revolve(sides))


def _polyhedron(node: csg.Polyhedron) -> Manifold:
    points = np.asarray(node.points, float)
    if any(not 0 <= index < len(points) for face in node.faces for index in face):
        raise SolidError(f"polyhedron: expected indices of its {len(points)} points in every face")
    corners, index = np.unique(points, axis=0, return_inverse=True)
    listed = [triangle for face in node.faces for triangle in _face(points, face)]
    triangles = index.reshape(-1)[np.array(listed, np.int64).reshape(-1, 3)]
    _check_closed(triangles)
    made = Manifold(Mesh64(corners, triangles.astype(np.uint64)))
    if made.status() == Error.NoError and made.volume() < 0:
        raise SolidError("polyhedron: it is inside out; list each face clockwise as seen from outside")
    return made


def _check_closed(triangles: np.ndarray) -> None:
    """See that every edge runs once to and once fro: the kernel's own memory suffers where one does not."""
    edges = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    if (edges[:, 0] == edges[:, 1]).any():
        raise SolidError("polyhedron: expected faces of different points")
    to, fro = (np.sort(edges @ weights) for weights in ((1 << 32, 1), (1, 1 << 32)))
    if not np.array_equal(to, fro):
        raise SolidError("polyhedron: the surface does not close; every edge needs a face on both sides")


def _face(points: np.ndarray, face: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """Triangles of one face, counterclockwise from outside as the kernel wants them."""
    ring = list(reversed(face))
    if len(ring) < 3:
        raise SolidError(f"polyhedron: expected at least 3 corners in a face, got {len(ring)}")
    if len(ring) == 3:
        yield (ring[0], ring[1], ring[2])
        return
    corners = points[ring]
    normal = np.cross(corners, np.roll(corners, -1, axis=0)).sum(axis=0)
    across = int(np.argmax(np.abs(normal)))
    plane = np.delete(corners, across, axis=1)
    if (normal[across] < 0) != (across == 1):
        plane = plane[:, ::-1]
    for a, b, c in triangulate([plane]):
        yield (ring[a], ring[b], ring[c])


def _floats(vector: csg.Vector) -> csg.Vector:
    x, y, z = vector
    return (float(x), float(y), float(z))
