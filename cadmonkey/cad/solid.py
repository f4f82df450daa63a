"""Solids: the tree evaluated exactly by manifold3d, in millimetres."""

import math

import numpy as np
from manifold3d import CrossSection, Manifold, OpType

from cadmonkey.cad import csg
from cadmonkey.cad.program import Facets, Program
from cadmonkey.errors import InputError

MAX_COPIES = 10_000
"""Copies that the patterns of one program may make, nested ones multiplied."""
MAX_TRIANGLES = 2_000_000
"""Triangles of all the primitives and copies of one program."""


class SolidError(InputError):
    """A tree that has no solid, or is too large to evaluate."""


def solid(program: Program) -> Manifold:
    """Evaluate a program; the result may be empty.

    Raises:
        SolidError: a size that is not a positive finite number, or more copies or triangles than the bounds.
    """
    for node in csg.walk(program.root):
        _check(node)
    return _Evaluator(program.facets).solid(program.root, 1)


def _check(node: csg.Node) -> None:
    kind = type(node).__name__.lower()
    for value in csg.numbers_of(node):
        if not math.isfinite(value) or abs(value) > 1e6:
            raise SolidError(f"{kind}: expected numbers up to a million, got {float(value):g}")
    sizes: tuple[float, ...] = ()
    match node:
        case csg.Cube():
            sizes = node.size
        case csg.Cylinder():
            sizes = (node.r, node.h)
        case csg.Cone():
            sizes = (node.h, max(node.r1, node.r2), min(node.r1, node.r2) + 1e-9)
        case csg.Sphere():
            sizes = (node.r,)
        case csg.Scale():
            sizes = tuple(map(abs, node.factors))
        case csg.Mirror():
            sizes = (math.hypot(*node.normal),)
        case csg.LinearPattern() | csg.CircularPattern():
            sizes = (node.count,)
    if any(size <= 0 for size in sizes):
        raise SolidError(f"{kind}: expected sizes above zero, got {', '.join(f'{float(s):g}' for s in sizes)}")


class _Evaluator:
    def __init__(self, facets: Facets) -> None:
        self.facets = facets
        self.triangles = 0

    def solid(self, node: csg.Node, copies: int) -> Manifold:
        match node:
            case csg.Union() | csg.Difference() | csg.Intersection():
                parts = [self.solid(child, copies) for child in node.children]
                return _boolean(node, parts)
            case csg.LinearPattern() | csg.CircularPattern():
                return self.pattern(node, copies)
            case csg.Translate():
                return self.solid(node.child, copies).translate(_floats(node.offset))
            case csg.Rotate():
                return self.solid(node.child, copies).rotate(_floats(node.angles))
            case csg.Scale():
                return self.solid(node.child, copies).scale(_floats(node.factors))
            case csg.Mirror():
                return self.solid(node.child, copies).mirror(_floats(node.normal))
        self.count_triangles(node, copies)
        return self.primitive(node)

    def count_triangles(self, node: csg.Primitive, copies: int) -> None:
        """Refuse what would take too long, before it is made."""
        match node:
            case csg.Cube():
                self.triangles += 12 * copies
            case csg.Sphere():
                self.triangles += self.sides(node, node.r) ** 2 * copies
            case _:
                self.triangles += 4 * self.sides(node, max(_radii(node))) * copies
        if self.triangles > MAX_TRIANGLES:
            raise SolidError(f"expected at most {MAX_TRIANGLES} triangles; use a smaller $fn or fewer copies")

    def primitive(self, node: csg.Primitive) -> Manifold:
        match node:
            case csg.Cube():
                return Manifold.cube(_floats(node.size))
            case csg.Cylinder():
                return Manifold.cylinder(float(node.h), float(node.r), float(node.r), self.sides(node, node.r))
            case csg.Cone():
                return self.cone(node)
            case csg.Sphere():
                return _sphere(float(node.r), self.sides(node, node.r))

    def cone(self, node: csg.Cone) -> Manifold:
        sides = self.sides(node, max(node.r1, node.r2))
        if node.r1 > 0:
            return Manifold.cylinder(float(node.h), float(node.r1), float(node.r2), sides)
        upside_down = Manifold.cylinder(float(node.h), float(node.r2), float(node.r1), sides)
        return upside_down.mirror((0.0, 0.0, 1.0)).translate((0.0, 0.0, float(node.h)))

    def sides(self, node: csg.Cylinder | csg.Cone | csg.Sphere, radius: float) -> int:
        return node.fn if node.fn is not None else self.facets.around(float(radius))

    def pattern(self, node: csg.LinearPattern | csg.CircularPattern, copies: int) -> Manifold:
        count = int(node.count)
        copies *= count
        if copies > MAX_COPIES:
            raise SolidError(f"patterns: expected at most {MAX_COPIES} copies, got {copies}")
        child = self.solid(node.child, copies)
        if isinstance(node, csg.CircularPattern):
            turned = [child.rotate((0.0, 0.0, i * float(node.angle) / count)) for i in range(count)]
            return _united(turned)
        x, y, z = np.asarray(node.direction, float) / np.linalg.norm(node.direction) * float(node.spacing)
        return _united([child.translate((i * x, i * y, i * z)) for i in range(count)])


def _boolean(node: csg.Boolean, parts: list[Manifold]) -> Manifold:
    if isinstance(node, csg.Union):
        return _united(parts)
    operation = OpType.Subtract if isinstance(node, csg.Difference) else OpType.Intersect
    return Manifold.batch_boolean(parts, operation)


def _radii(node: csg.Cylinder | csg.Cone) -> tuple[float, float]:
    return (node.r, node.r) if isinstance(node, csg.Cylinder) else (node.r1, node.r2)


def _united(parts: list[Manifold]) -> Manifold:
    return Manifold.batch_boolean(parts, OpType.Add) if parts else Manifold()


def _sphere(radius: float, sides: int) -> Manifold:
    """OpenSCAD's sphere: rings at half steps from the poles, so the poles themselves are flat."""
    rings = (sides + 1) // 2
    polar = np.pi * (np.arange(rings) + 0.5) / rings
    profile = np.column_stack([radius * np.sin(polar), radius * np.cos(polar)])[::-1]
    axis = np.array([[0.0, profile[-1, 1]], [0.0, profile[0, 1]]])
    return CrossSection([np.vstack([profile, axis])]).revolve(sides)


def _floats(vector: csg.Vector) -> csg.Vector:
    x, y, z = vector
    return (float(x), float(y), float(z))
