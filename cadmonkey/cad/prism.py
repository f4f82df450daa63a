"""Upright prisms: solids that are one flat area from a lower to an upper height; and booleans of all shapes.

Where all operands of a boolean are prisms, and all cuts go right through, it is one of areas. That takes a fifth of the
time of the boolean of the solids, or a thirtieth. So it is where all are turned about one axis
(`cadmonkey.cad.revolved`); a cylinder is a prism and turned.

Areas are kept on a grid of 1e-8 mm, so a shape that was joined as an area must not meet another solid: a countersink
would miss the rim of its hole by a hair. There it is made as a solid of the solids of its operands.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from manifold3d import CrossSection, Manifold, OpType

from cadmonkey.cad.csg import Vector
from cadmonkey.cad.revolved import Revolved, combined
from cadmonkey.cad.swept import Swept


@dataclass(frozen=True, eq=False)
class Prism(Swept):
    """An area from a lower to an upper height."""

    low: float
    high: float
    revolved: Revolved | None = None
    """The same as a solid of revolution, where it is one."""

    def num_tri(self) -> int:
        """The triangles of its solid, less four for each hole."""
        return int(4 * self.area.num_vert() - 4)

    def bounding_box(self) -> tuple[float, float, float, float, float, float]:
        """Low x, y and z, then the high ones."""
        left, front, right, back = self.area.bounds()
        return (left, front, self.low, right, back, self.high)

    def volume(self) -> float:
        """Its volume in mm³."""
        return float(self.area.area() * (self.high - self.low))

    def sweep(self) -> Manifold:
        """The solid of its area."""
        raised = self.area.extrude(self.high - self.low)
        return raised.translate((0.0, 0.0, self.low)) if self.low else raised


Shape: TypeAlias = Manifold | Prism | Revolved


def as_solid(shape: Shape) -> Manifold:
    """The solid of a shape that goes on into other booleans."""
    return shape if isinstance(shape, Manifold) else shape.solid


def finished(shape: Shape) -> Manifold:
    """The solid of a shape that nothing more is done to: what was joined as an area is raised or turned."""
    return shape.sweep() if isinstance(shape, Swept) and shape.joined else as_solid(shape)


def translated(shape: Shape, offset: Vector) -> Shape:
    """A shape moved."""
    x, y, z = offset
    if isinstance(shape, Prism):
        return replace(
            shape,
            area=shape.area.translate((x, y)),
            low=shape.low + z,
            high=shape.high + z,
            make=lambda: shape.solid.translate(offset),
            revolved=shape.revolved and _moved(shape.revolved, offset),
        )
    return _moved(shape, offset) if isinstance(shape, Revolved) else shape.translate(offset)


def _moved(shape: Revolved, offset: Vector) -> Revolved:
    x, y, z = offset
    centre = (shape.centre[0] + x, shape.centre[1] + y)
    return replace(
        shape, area=shape.area.translate((0.0, z)), centre=centre, make=lambda: shape.solid.translate(offset)
    )


def rotated(shape: Shape, angles: Vector) -> Shape:
    """A shape turned about x, then y, then z."""
    if not isinstance(shape, Prism) or angles[0] or angles[1]:
        return as_solid(shape).rotate(angles)
    area = shape.area.rotate(angles[2])
    return Prism(area, lambda: shape.solid.rotate(angles), shape.low, shape.high, joined=shape.joined)


def united(shapes: Sequence[Shape]) -> Shape:
    """Everything in any of the shapes; of none, nothing."""
    if len(shapes) == 1:
        return shapes[0]
    prisms = _between_one_pair_of_heights(shapes)
    if prisms:
        return _prism(prisms, OpType.Add, prisms[0].low, prisms[0].high)
    return _boolean(shapes, OpType.Add)


def subtracted(base: Shape, cuts: Sequence[Shape]) -> Shape:
    """The base without the cuts."""
    shapes = [base, *cuts]
    prisms = _prisms(shapes)
    if prisms and all(cut.low <= prisms[0].low and cut.high >= prisms[0].high for cut in prisms[1:]):
        return _prism(prisms, OpType.Subtract, prisms[0].low, prisms[0].high)
    return _boolean(shapes, OpType.Subtract)


def shared(shapes: Sequence[Shape]) -> Shape:
    """What is in every shape."""
    prisms = _prisms(shapes)
    if not prisms:
        return _boolean(shapes, OpType.Intersect)
    low, high = max(prism.low for prism in prisms), min(prism.high for prism in prisms)
    return _prism(prisms, OpType.Intersect, low, high)


def hull(shapes: Sequence[Shape]) -> Shape:
    """The smallest convex shape around all."""

    def make() -> Manifold:
        return Manifold.batch_hull([as_solid(shape) for shape in shapes])

    prisms = _between_one_pair_of_heights(shapes)
    if not prisms:
        return make()
    area = CrossSection.batch_hull([prism.area for prism in prisms])
    return Prism(area, make, prisms[0].low, prisms[0].high, joined=True)


def _prisms(shapes: Sequence[Shape]) -> list[Prism]:
    """The shapes, if all are prisms; else none."""
    prisms = [shape for shape in shapes if isinstance(shape, Prism)]
    return prisms if len(prisms) == len(shapes) else []


def _between_one_pair_of_heights(shapes: Sequence[Shape]) -> list[Prism]:
    """The shapes, if all are prisms from one height to one other; else none."""
    prisms = _prisms(shapes)
    return prisms if len({(prism.low, prism.high) for prism in prisms}) == 1 else []


def _prism(prisms: list[Prism], operation: OpType, low: float, high: float) -> Shape:
    area = CrossSection.batch_boolean([prism.area for prism in prisms], operation)
    if area.is_empty() or low >= high:
        return Manifold()
    return Prism(
        area, lambda: _solids(prisms, operation), low, high, joined=True, revolved=_revolved(prisms, operation)
    )


def _boolean(shapes: Sequence[Shape], operation: OpType) -> Shape:
    """Of areas where all are turned about one axis, else of solids."""
    return _revolved(shapes, operation) or _solids(shapes, operation)


def _revolved(shapes: Sequence[Shape], operation: OpType) -> Revolved | None:
    """The boolean of shapes that are turned about one axis, or cut one that is all across."""
    views = [shape.revolved or shape if isinstance(shape, Prism) else shape for shape in shapes]
    bounds = {OpType.Add: [], OpType.Subtract: views[:1], OpType.Intersect: views}[operation]
    base = next((view for view in bounds if isinstance(view, Revolved)), None)
    if base is not None:
        views = [_disc(view, base) or view if isinstance(view, Prism) else view for view in views]
    revolved = [view for view in views if isinstance(view, Revolved)]
    if not revolved or len(revolved) < len(shapes):
        return None
    return combined(revolved, operation, lambda: _solids(shapes, operation))


def _disc(prism: Prism, base: Revolved) -> Revolved | None:
    """What a prism is to a shape that it reaches beyond on all sides: a disc that does; None where it does not."""
    left, front, _, right, back, _ = base.bounding_box()
    around = CrossSection.square((right - left, back - front)).translate((left, front))
    if not (around - prism.area).is_empty():
        return None
    disc = CrossSection.square((right - left, prism.high - prism.low)).translate((0.0, prism.low))
    return replace(base, area=disc)


def _solids(shapes: Sequence[Shape], operation: OpType) -> Manifold:
    return Manifold.batch_boolean([as_solid(shape) for shape in shapes], operation) if shapes else Manifold()
